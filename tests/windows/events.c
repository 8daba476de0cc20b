/* events.c LIBRARY ID...: what the Event Viewer would show of each id, with one inserted string. For tests only. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
    HMODULE library = LoadLibraryExA(words[1], NULL, LOAD_LIBRARY_AS_DATAFILE);
    DWORD_PTR inserts[] = {(DWORD_PTR)L"inserted"};
    for (int index = 2; index < count; index++) {
        WCHAR text[100] = L"";
        DWORD flags = FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY;
        DWORD length = FormatMessageW(flags, library, atoi(words[index]), 0x409, text, 100, (va_list *)inserts);
        if (!library || !length || wcscmp(text, L"inserted\r\n")) {
            printf("%s: %ls (error %lu)\n", words[index], text, GetLastError());
            return 1;
        }
    }
    printf("%d messages\n", count - 2);
    return 0;
}
