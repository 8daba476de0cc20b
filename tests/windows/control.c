/* control.c NAME NUMBER: sends a control to a service, as `sc.exe control` does on Windows; wine 8's sc has no such verb.
 * control.c NAME: prints state, checkpoint, exit code, and the controls that are accepted. For tests only. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
    SERVICE_STATUS status;
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service = manager && count > 1 ? OpenServiceA(manager, words[1], SERVICE_ALL_ACCESS) : NULL;
    BOOL done = service && (count > 2 ? ControlService(service, atoi(words[2]), &status) : QueryServiceStatus(service, &status));
    if (!done) {
        printf("error %lu\n", GetLastError());
        return 1;
    }
    printf("state %lu checkpoint %lu exit %lu specific %lu accepts %lu\n", status.dwCurrentState, status.dwCheckPoint,
           status.dwWin32ExitCode, status.dwServiceSpecificExitCode, status.dwControlsAccepted);
    return 0;
}
