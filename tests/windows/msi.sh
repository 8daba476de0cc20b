#!/usr/bin/env bash
# msi.sh OLD.msi NEW.msi: the installer under wine, as an administrator has it: installed, given a config, upgraded, removed.
# Prints a line for each thing looked at.
#
# Not proven here, since wine 8 lacks it: the access list of the data folder as an installer sets it (MsiLockPermissionsEx), a
# service in use (wine's installer does not wait for one that stops, so the test stops it first), rights in force.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
old=$(realpath -e "$1") new=$(realpath -e "$2")
work=$(mktemp -d)
# shellcheck source=tests/windows/session.sh
. "$here/session.sh"
session "$work"
programs="$WINEPREFIX/drive_c/Program Files/Seatsync"
seatsync() { run "$programs/seatsync.exe" "$@"; }
msi() { (cd "$work" && run msiexec "$@" /qn); }
service() { seatsync --json service status | grep -q "\"state\":\"$1\""; }
held() { seatsync --json status | grep -q "\"held\":$1,"; }
fails() { ! "$@"; }
registry() { run reg query "$1" "${@:3}" | grep -qF -- "$2"; }
services='HKLM\SYSTEM\CurrentControlSet\Services'
listed() { [ "$(run reg query 'HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall' /s | grep -c 'DisplayName.*Seatsync')" = "$1" ]; }
cp "$old" "$work/old.msi"; cp "$new" "$work/new.msi"
x86_64-w64-mingw32-gcc -O1 -s -o "$work/events.exe" "$here/events.c" || exit 1
# shellcheck disable=SC2046
messages() { run "$work/events.exe" "$programs/seatsync-events.dll" $(sed -n 's/^| \([0-9]*\) |.*/\1/p' "$here/../../docs/windows-events.md"); }

echo "-- the first install"
ok "installs" msi /i old.msi 'ACCOUNT=CORP\seatsync$'
ok "the program runs" seatsync --version
ok "its samples and a config to begin with are there" test -s "$programs/examples/active-directory.toml" -a -s "$programs/examples/kerberos.toml" -a -s "$data/seatsync.toml"
ok "and what editors need, where the config names it" test -s "$programs/seatsync.schema.json" -a "$(head -1 "$data/seatsync.toml" | tr -d '\r')" = "#:schema file:///C:/Program%20Files/Seatsync/seatsync.schema.json"
ok "its folders are there" test -d "$data/state" -a -d "$data/ledger" -a -d "$data/secrets"
ok "the service runs as the account that was named" registry "$services\\seatsync" 'CORP\seatsync$'
ok "and does not start before there is a config" service stopped
ok "its events are registered" registry "$services\\EventLog\\Application\\seatsync" 'Seatsync\seatsync-events.dll'
ok "and each has its text" messages
ok "it is on the path" registry 'HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment' 'Program Files\Seatsync'

echo "-- a config"
cp "$here/../../config/demo.ldif" "$data/"
{ echo "# of the administrator"; demo 50; } >"$data/seatsync.toml"
ok "the service starts" seatsync service start
ok "and gives the seats" soon held 50
printf 'hunter2' | run "$programs/seatsync.exe" secret set corp >/dev/null
ok "stops" seatsync service stop
cycle() { seatsync --json status | sed -n 's/.*"last_cycle":{"cycle":\([0-9]*\),.*/\1/p'; }
before=$(cycle)

echo "-- an upgrade"
ok "upgrades" msi /i new.msi
ok "one product is listed" listed 1
ok "the config is the administrator's" grep -q "of the administrator" "$data/seatsync.toml"
ok "the secret is kept" test -s "$data/secrets/corp"
ok "the service runs again, since its config is right" soon service running
ok "as the same account" registry "$services\\seatsync" 'CORP\seatsync$'
further() { [ "$(cycle)" -gt "$before" ]; }
ok "counts the cycles on" soon further
ok "nobody lost a seat" held 50
ok "an older one is refused" fails msi /i old.msi
ok "and the newer one still runs" service running

echo "-- the end"
ok "stops" seatsync service stop
ok "is removed" msi /x new.msi
gone() { ! registry "$services" seatsync; }
ok "no service is left" soon gone
ok "no program is left" test ! -e "$programs/seatsync.exe" -a ! -e "$programs/seatsync-events.dll"
ok "nor its place on the path" fails registry 'HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment' 'Program Files\Seatsync'
ok "config, secrets, state and ledger are kept" test -s "$data/seatsync.toml" -a -s "$data/secrets/corp" -a -s "$data/state/state.db" -a -s "$data/ledger/ledger.db"
ok "installed again with START=0, it waits" msi /i new.msi START=0
ok "for its start" service stopped
ok "goes on as before" seatsync service start
ok "with its seats" soon held 50
ok "with an account of its own" registry "$services\\seatsync" 'NT SERVICE\seatsync'
summary
