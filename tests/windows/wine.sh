#!/usr/bin/env bash
# wine.sh PROGRAM.exe ARGUMENT...: runs a Windows program without a display, in a wine prefix kept for the tests.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export WINEPREFIX=${WINEPREFIX:-${XDG_CACHE_HOME:-$HOME/.cache}/seatsync-tests/wine} WINEDEBUG=${WINEDEBUG:--all}
unset DISPLAY
wine=/usr/lib/wine/wine64
library=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll
if [ ! -f "$library" ]; then
    mkdir -p "$WINEPREFIX"
    (
        flock 9
        [ -f "$library" ] && exit
        timeout 300 "$wine" wineboot -i >/dev/null 2>&1
        # A prefix is usable once its server has settled.
        timeout 100 /usr/lib/wine/wineserver64 -w
        [ -f "$library" ] || x86_64-w64-mingw32-gcc -O2 -s -shared -o "$library" "$here/bcryptprimitives.c" -ladvapi32
    ) 9>"$WINEPREFIX/.lock"
fi
exec "$wine" "$@"
