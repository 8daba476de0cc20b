#!/usr/bin/env bash
# service.sh SEATSYNC.exe: the service under wine, as an administrator has it: installed, started, another config, a bad one, a
# secret, stopped, removed. Prints a line for each thing looked at.
#
# Not proven here, since wine 8 lacks it: access lists in force (it keeps Unix modes, and reads them back as lists), restarts
# after a failure, the delayed start, the virtual account (the service runs as who started wine), preshutdown (no program can
# send it; it shares the way of a stop), and what the Event Viewer shows (wine prints events, and keeps none).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exe=$(realpath -e "$1")
work=$(mktemp -d)
# shellcheck source=tests/windows/session.sh
. "$here/session.sh"
session "$work"
seatsync() { run "$exe" "$@"; }
x86_64-w64-mingw32-gcc -O1 -s -o "$work/control.exe" "$here/control.c" || exit 1
control() { run "$work/control.exe" seatsync "$@"; }
service() { seatsync --json service status | grep -q "\"state\":\"$1\""; }
held() { seatsync --json status | grep -q "\"held\":$1,"; }
registry_has() { run reg query 'HKLM\SYSTEM\CurrentControlSet\Services\seatsync' | grep -qF -- "$1"; }
fails() { ! "$@"; }

config() { # SEATS [PASSWORD]: the password makes a second directory, which nobody answers for
    demo "$1" >"$data/seatsync.toml"
    [ $# = 1 ] || printf '[[directory]]\nname = "corp"\nkind = "openldap"\nurl = ["ldaps://127.0.0.1:9"]\nbase = ["dc=corp"]\nbind_dn = "cn=x"\nbind_password = %s\n' "$2" >>"$data/seatsync.toml"
}

echo "-- the console"
mkdir -p "$work/console"
cp "$here/../../config/demo.toml" "$here/../../config/demo.ldif" "$work/console"
seatsync --config "$work/console/demo.toml" --json sync >"$work/sync.json"
ok "a cycle gives the seats" python3 "$here/expect.py" "$work/sync.json"
ok "there is no service yet" grep -q '"installed":false' <(seatsync --json service status)
ok "so it cannot be started" fails seatsync service start

echo "-- the service"
ok "is installed" seatsync service install
ok "and what is left to another Windows is told" grep -q "does not know" <(seatsync service install)
ok "with an account of its own" registry_has 'NT SERVICE\seatsync'
ok "another account is told when it was not let run services" grep -q "CORP.seatsync. was not given the right" <(seatsync service install --account 'CORP\seatsync$')
ok "and stays" registry_has 'CORP\seatsync$'
seatsync service install >/dev/null
ok "where no other is named" registry_has 'CORP\seatsync$'
ok "with a minute to stop before a shutdown" grep -q "PreshutdownTimeout.*0xea60" <(run reg query 'HKLM\SYSTEM\CurrentControlSet\Services\seatsync')
source='HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\seatsync'
ok "its events are registered with a file of Windows" grep -q "EventMessageFile.*EventCreate.exe" <(run reg query "$source")
ok "its folders are there" test -d "$data/state" -a -d "$data/ledger" -a -d "$data/secrets"
ok "was never started" service stopped
ok "a start without a config fails" fails seatsync service start
ok "with the exit code of a wrong config" grep -q "exit 1066 specific 2 " <(control)
ok "and an event that says what is wrong" event 103 "seatsync.toml"
cp "$here/../../config/demo.ldif" "$data/"
config 50
ok "the config is right" seatsync check
ok "starts, once it is ready" seatsync service start
ok "takes stop, new configs and preshutdown" grep -q "^state 4 checkpoint 0 .*accepts 265" <(control)
ok "is asked how it stands" control 4
ok "gives the seats" soon held 50
ok "logs the cycle under its id" soon event 300 "provisioned=50"
ok "runs" soon event 100 "The agent runs."
ok "names nobody in its events" fails grep -q "@demo.example" "$events"
ok "a second agent is refused" fails seatsync run

echo "-- another config"
config 55
ok "is taken at once" control 6
ok "and followed" soon held 55
ok "with an event" soon event 201 "The config is another one"
config '"many"'
ok "a bad one" control 6
ok "is told in an event" soon event 202 "pool.standard.seats"
cycles() { grep -c "A cycle was made" "$events"; }
before=$(cycles)
further() { [ "$(cycles)" -gt "$before" ]; }
ok "and the old one stays in force: cycles go on" soon further
ok "and the service runs" service running

echo "-- a secret"
printf 'hunter2\n' | run "$exe" secret set corp >"$work/secret.txt"
ok "is kept, and the config's words are told" grep -q 'bind_password = { dpapi = "corp" }' "$work/secret.txt"
ok "sealed" fails grep -q hunter2 "$data/secrets/corp"
config 55 '{ dpapi = "corp" }'
chmod 664 "$data/secrets/corp"
ok "that others may read is refused, with the command" grep -q "others than administrators.*icacls" <(seatsync check)
# wine keeps Unix modes in the place of lists.
chmod 600 "$data/secrets/corp"
ok "and is opened under its own name" seatsync check
cp -p "$data/secrets/corp" "$data/secrets/other"
config 55 '{ dpapi = "other" }'
ok "and under no other" grep -q "cannot be opened.*secret set other" <(seatsync check)
config 55
chmod 666 "$data/seatsync.toml"
ok "a config that others may write is refused" grep -q "may write the config (WD)" <(seatsync check)
chmod 644 "$data/seatsync.toml"

echo "-- the end"
config 55
ok "nobody lost a seat" held 55
ok "stops" seatsync service stop
ok "stopped well" grep -q "^state 1 checkpoint 0 exit 0 specific 0" <(control)
ok "with events" event 101 "The agent stopped."
ok "sc starts it, too" run net start seatsync
ok "sc stops it, too" run net stop seatsync
ok "is removed" seatsync service uninstall
ok "and gone" grep -q '"installed":false' <(seatsync --json service status)
ok "its events are registered no more" fails run reg query "$source"
ok "config, state and ledger stay" test -s "$data/seatsync.toml" -a -s "$data/state/state.db" -a -s "$data/ledger/ledger.db"
summary
