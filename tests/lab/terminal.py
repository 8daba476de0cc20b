#!/usr/bin/env python3
"""terminal.py [PROMPT KEYS]... -- PROGRAM ARGUMENTS...: a person at a real terminal.

Waits until PROMPT is shown, then types KEYS, for each pair in turn; prints all that was shown, without what moves the
cursor, and how the program ended. Fails where a prompt does not come within 60 seconds."""
import os, pty, re, select, signal, struct, sys, termios, time, fcntl

split = sys.argv.index("--")
pairs = [(sys.argv[i], sys.argv[i + 1]) for i in range(1, split, 2)]
program = sys.argv[split + 1:]

pid, terminal = pty.fork()
if pid == 0:
    os.execv(program[0], program)
# Wide enough that no prompt is broken.
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 220, 0, 0))

shown, seen = "", 0  # `seen`: up to where prompts were answered


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[78=>]", "", text).replace("\r", "")


def read(deadline):
    """More of what is shown; False at the end."""
    global shown
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
    if not ready:
        os.kill(pid, signal.SIGKILL)
        sys.exit(f"waited too long; shown so far:\n{plain(shown)}")
    try:
        data = os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side is closed
        return False
    if b"\x1b[6n" in data:  # it asks where the cursor is
        os.write(terminal, b"\x1b[1;1R")
    shown += data.decode("utf-8", "replace")
    return bool(data)


for prompt, keys in pairs:
    deadline = time.monotonic() + 60
    while prompt not in plain(shown[seen:]):
        if not read(deadline):
            sys.exit(f"ended before {prompt!r}; shown:\n{plain(shown)}")
    # The prompt is drawn before keys are read raw.
    time.sleep(0.2)
    seen = len(shown)
    os.write(terminal, keys.encode())
deadline = time.monotonic() + 60
while read(deadline):
    pass
_, status = os.waitpid(pid, 0)
print(plain(shown))
print("ended with", os.waitstatus_to_exitcode(status))
