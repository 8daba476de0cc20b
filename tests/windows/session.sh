# Sourced. A wine session for tests: a fresh prefix that lives as long as the test, with services that outlive the console
# programs, and events that wine prints (it keeps none).
#   session FOLDER    begins; `events` is the file where wine prints what is sent to the Event Log, `data` our folder
#   run PROGRAM...    runs a program in it
#   demo SEATS        a config for the demo's people, who lie beside it
#   ok WHAT COMMAND   looks at one thing, and counts it; soon COMMAND waits for it; summary ends
passed=0 failed=0
wine=/usr/lib/wine/wine64 wineserver=/usr/lib/wine/wineserver64

session() {
    work=$1 events=$1/events.txt
    export WINEPREFIX=$work/prefix WINEDEBUG=-all
    unset DISPLAY
    local here made
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    # Made once, and copied: it is 6 seconds of work.
    made=${XDG_CACHE_HOME:-$HOME/.cache}/seatsync-tests/wine
    WINEPREFIX=$made "$here/wine.sh" cmd /c exit >/dev/null 2>&1
    WINEPREFIX=$made timeout 100 "$wineserver" -w
    cp -a "$made" "$WINEPREFIX"
    rm -rf "$WINEPREFIX/drive_c/ProgramData/Seatsync"
    # shellcheck disable=SC2034
    data=$WINEPREFIX/drive_c/ProgramData/Seatsync
    trap finish EXIT
    # When the last console program ends, wine ends its services: this one stays.
    mkfifo "$work/keeper"
    exec 9<>"$work/keeper"
    WINEDEBUG=fixme-all,err-all,+eventlog,fixme+advapi "$wine" cmd <&9 >/dev/null 2>"$events" &
    keeper=$!
    sleep 2
}
finish() {
    "$wineserver" -k 2>/dev/null
    kill "$keeper" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$work"
}
run() { timeout 120 "$wine" "$@" | tr -d '\r'; return "${PIPESTATUS[0]}"; }
demo() {
    cat <<TOML
[agent]
poll = "2s"
[[directory]]
name = "demo"
kind = "ldif"
path = "demo.ldif"
base = ["ou=people,dc=demo,dc=example"]
[[pool]]
name = "standard"
seats = $1
[seats]
promotion = "automatic"
[backend]
kind = "embedded"
company = "demo"
TOML
}
ok() {
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then
        passed=$((passed + 1)); echo "ok   $what"
    else
        failed=$((failed + 1)); echo "FAIL $what"; echo "$out" | tail -15 | sed 's/^/     /'
    fi
}
soon() { for _ in $(seq ${TRIES:-80}); do "$@" && return 0; sleep 0.25; done; return 1; }
# event ID TEXT: wine prints a call as ReportEventW (handle,type,category,id,...), then its text.
event() { grep -A3 "ReportEventW.*,0x0000,$(printf '0x%08x' "$1")," "$events" | grep -qF -- "$2"; }
summary() {
    [ $failed = 0 ] || tail -60 "$events"
    echo "$passed passed, $failed failed"
    [ $failed = 0 ]
}
