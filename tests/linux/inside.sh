#!/usr/bin/env bash
# Runs in the container that tests/linux/boot.sh boots: what an administrator does with the package, from the first install
# to the purge. Prints a line for each thing looked at.
set -uo pipefail
passed=0 failed=0
config=/etc/seatsync/seatsync.toml state=/var/lib/seatsync

ok() { # ok WHAT COMMAND...
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then
        passed=$((passed + 1)); echo "ok   $what"
    else
        failed=$((failed + 1)); echo "FAIL $what"; echo "$out" | tail -15 | sed 's/^/     /'
    fi
}
soon() { for _ in $(seq 80); do "$@" && return 0; sleep 0.25; done; return 1; }
main_pid() { systemctl show -P MainPID seatsync; }
is() { [ "$(systemctl is-active seatsync)" = "$1" ]; }
journal() { journalctl -u seatsync --no-pager "$@"; }
said() { journal -o cat | grep -qF -- "$1"; }
status() { seatsync --json status | jq -e "$1"; }
seats() { status ".pools[0] | $1"; }
of_status() { seatsync --json status | jq -r "$1"; }
without() { ! "$@"; }

# PEOPLE: so many people in a file, the first of them in a group of their own where GROUP says so.
people() {
    {
        printf 'version: 1\n\ndn: dc=example,dc=org\nobjectClass: domain\ndc: example\n\n'
        for number in $(seq "$1"); do
            printf 'dn: uid=p%s,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: p%s\ncn: Person %s\nsn: %s\nmail: p%s@example.org\n\n' \
                "$number" "$number" "$number" "$number" "$number"
        done
    } >/etc/seatsync/people.ldif.new
    mv /etc/seatsync/people.ldif.new /etc/seatsync/people.ldif
}
write_config() { # SEATS
    cat >"$config" <<TOML
[agent]
state_dir = "$state"
poll = "2s"
[[directory]]
name = "staff"
kind = "ldif"
path = "people.ldif"
base = ["dc=example,dc=org"]
[[pool]]
name = "standard"
seats = $1
[seats]
promotion = "automatic"
[backend]
kind = "embedded"
company = "example"
path = "$state/ledger.db"
TOML
}

echo "-- the first install"
ok "installs" dpkg -i /run/old.deb
ok "makes its user" id seatsync
ok "waits until it is configured" is inactive
ok "the config is a conffile" sh -c "dpkg-query -W -f '\${Conffiles}' seatsync | grep -q $config"
ok "the config is for root and the service alone" test "$(stat -c %U:%G:%a $config)" = root:seatsync:640
ok "the state's folder is there, and the service's" test "$(stat -c %U:%G:%a $state)" = seatsync:seatsync:700
ok "the secrets are root's alone" test "$(stat -c %U:%G:%a /etc/seatsync/secrets)" = root:root:700
ok "manual pages and completions are there" test -f /usr/share/man/man1/seatsync-plan.1.gz -a -f /usr/share/bash-completion/completions/seatsync
ok "and what editors need" grep -q draft/2020-12/schema /usr/share/seatsync/seatsync.schema.json
dead_links() {
    local page link
    for page in /usr/share/doc/seatsync/README.md /usr/share/doc/seatsync/docs/*.md; do
        for link in $(grep -oP '\]\(\K[^)#:]+(?=[)#])' "$page"); do [ -e "${page%/*}/$link" ] || echo "$page: $link"; done
    done
}
ok "the documentation leads nowhere where nothing is" test -f /usr/share/doc/seatsync/docs/install.md -a -z "$(dead_links)"
ok "and so do the manual pages" sh -c '! zgrep -h -A3 "SEE ALSO" /usr/share/man/man1/seatsync*.gz | grep -q help'
ok "what changed is told" sh -c 'zcat /usr/share/doc/seatsync/changelog.gz | grep -q "^# Changelog"'
ok "a start without a config fails" without systemctl start seatsync
ok "and says what is missing" said "directory"
systemctl reset-failed seatsync

sed 's|/var/lib/seatsync/ledger|&.first|' /usr/share/doc/seatsync/examples/ledger.toml >/etc/seatsync/ledger.toml
ok "the service's user makes a ledger before the first start" runuser -u seatsync -- seatsync --config /etc/seatsync/ledger.toml ledger company add acme
rm -r /etc/seatsync/ledger.toml $state/ledger.first

echo "-- the service"
people 40; write_config 30
sed -i '/ledger.db/d' $config
ok "a ledger beside the state is refused before anything runs" sh -c 'seatsync check >/tmp/said; test $? = 2 && grep -q "wrong .*backend.path" /tmp/said'
ok "and so the start fails" without systemctl start seatsync
ok "and says what to write" said "write backend.path = \"$state/ledger.db\""
systemctl reset-failed seatsync
write_config 30
ok "the config is right" seatsync check
ok "starts, once it is ready" systemctl enable --now seatsync
ok "runs as its user" test "$(ps -o user= -p "$(main_pid)" | tr -d ' ')" = seatsync
ok "its state is its own" test "$(stat -c %U:%a $state)" = seatsync:700
ok "gives the seats" soon seats '.held == 30 and .waiting == 10'
ok "root's verbs leave nothing of root" test -z "$(find $state -user root)"
ok "says how things stand" soon sh -c 'systemctl show -P StatusText seatsync | grep -q "30 of 30"'
ok "logs fields" soon sh -c 'journalctl -u seatsync F_CYCLE=1 -o cat --no-pager | grep -q .'
ok "names nobody in its logs" without sh -c 'journalctl -u seatsync --no-pager | grep -q "p1@example.org"'

echo "-- another config"
write_config 35
ok "is taken on reload" systemctl reload seatsync
ok "and followed" soon seats '.held == 35'
before=$(main_pid)
sed -i 's/^seats = 35/seats = "many"/' $config
ok "a bad one fails the reload" without systemctl reload seatsync
kill -HUP "$before"
ok "and a hangup is answered with what is wrong" soon said "The config cannot be taken"
ok "systemctl status says it" soon sh -c 'systemctl show -P StatusText seatsync | grep -q "saved is refused.*pool.standard.seats"'
ok "the old one stays in force" test "$(main_pid)" = "$before" -a "$(systemctl is-active seatsync)" = active
write_config 35
systemctl reload seatsync

echo "-- credentials"
printf secret >/etc/seatsync/secrets/staff
ok "a secret of root's is handed to the service" sh -c 'systemctl restart seatsync && test "$(cat /run/credentials/seatsync.service/secrets_staff)" = secret'
printf 'whsec_%s' "$(head -c 32 /dev/urandom | base64)" >/etc/seatsync/secrets/hook
chmod 600 /etc/seatsync/secrets/hook
with_secret() {
    write_config "$1"
    printf '[notify]\nwebhook = { url = "https://127.0.0.1:1/", secret = { credential = "secrets_hook" } }\n' >>$config
}
with_secret 34
ok "a config that names one starts" systemctl restart seatsync
with_secret 35
before=$(main_pid)
ok "and is reloaded" systemctl reload seatsync
ok "by the process that runs" test "$(main_pid)" = "$before"
ok "which follows it" soon seats '.seats == 35'
sed -i 's/^seats = 35/seats = "many"/' $config
ok "a bad one fails the reload here, too" without systemctl reload seatsync
write_config 35
systemctl restart seatsync

echo "-- what goes wrong"
before=$(main_pid)
kill -9 "$before"
again() { is active && [ "$(main_pid)" != "$before" ] && [ "$(main_pid)" != 0 ]; }
ok "killed, it starts again" soon again
mkdir -p /run/systemd/system/seatsync.service.d
printf '[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n' >/run/systemd/system/seatsync.service.d/test.conf
systemctl daemon-reload && systemctl restart seatsync
sleep 5
before=$(main_pid)
ok "fed, the watchdog leaves it alone" test "$(systemctl show -P NRestarts seatsync)" = 0 -a "$before" != 0
kill -STOP "$before"
ok "stopped in its work, the watchdog starts it again" soon again
rm -r /run/systemd/system/seatsync.service.d
systemctl daemon-reload && systemctl restart seatsync

systemctl stop seatsync
chown root: $state/ledger.db*
ok "a ledger that became root's fails the start" without systemctl start seatsync
ok "and says whose it must be" said "run: chown seatsync: $state/ledger.db*"
chown seatsync: $state/ledger.db*
systemctl reset-failed seatsync
systemctl start seatsync

echo "-- the verbs of the service"
service() { seatsync --json service "$@"; }
standing() { service status | jq -e "$1"; }
ok "status tells who runs" standing ".installed and .state == \"running\" and .pid == $(main_pid)"
ok "stops it, and waits until it has" sh -c 'seatsync service stop && test "$(systemctl is-active seatsync)" = inactive'
ok "status tells that it was stopped well" standing '.state == "stopped" and .pid == null and .exit_code == 0'
ok "starts it, and waits until it runs" sh -c 'seatsync service start && test "$(systemctl is-active seatsync)" = active'
seatsync service uninstall
ok "uninstalled, it does not run and does not start with the system" test "$(systemctl is-active seatsync) $(systemctl is-enabled seatsync)" = "inactive disabled"
ok "its config and its ledger stay" test -f $config -a -f $state/ledger.db
ok "a unit says itself whom it runs as" sh -c 'seatsync service install --account ada 2>&1 | grep -q "systemctl edit seatsync"'
seatsync service install
ok "installed, it starts with the system" test "$(systemctl is-enabled seatsync)" = enabled
seatsync service stop
sed -i 's/^seats = 35/seats = "many"/' $config
ok "with a wrong config it is not started where only a right one may" sh -c 'seatsync service start --if-configured && test "$(systemctl is-active seatsync)" = inactive'
ok "a start that fails names what to read" sh -c 'seatsync service start 2>&1 | grep -q "journalctl -u seatsync"'
ok "status tells that it failed" standing '.state == "failed" and .exit_code == 2'
ok "and what to read" sh -c 'seatsync service status | grep -q "seatsync check"'
systemctl reset-failed seatsync
write_config 35
mkdir -p /run/systemd/system/seatsync.service.d
printf '[Unit]\nDescription=Seats, looked after\n' >/run/systemd/system/seatsync.service.d/test.conf
ok "takes what changed in the unit" sh -c 'seatsync service configure && test "$(systemctl show -P Description seatsync)" = "Seats, looked after"'
rm -r /run/systemd/system/seatsync.service.d
systemctl daemon-reload
ok "with the right one it is" sh -c 'seatsync service start --if-configured && test "$(systemctl is-active seatsync)" = active'
ok "and goes on with its seats" soon seats '.held == 35'

echo "-- an upgrade, with something held back"
people 10
ok "the guard holds back who would leave" soon status '.fingerprint'
print=$(of_status .fingerprint) cycle=$(of_status .last_cycle.cycle) before=$(main_pid)
echo "# of the administrator" >>$config
sed -i 's/^seats = 35/seats = "many"/' $config
upgrade() { dpkg -i --force-confold /run/new.deb >/tmp/upgrade 2>&1; }
ok "upgrades beside a config that is refused" upgrade
ok "which ends nothing that runs" test "$(main_pid)" = "$before" -a "$(systemctl is-active seatsync)" = active
ok "and is told" sh -c 'grep -q "was not restarted" /tmp/upgrade && grep -q "pool.*seats" /tmp/upgrade'
write_config 35
echo "# of the administrator" >>$config
ok "upgrades" dpkg -i --force-confold /run/new.deb
ok "the new one runs" soon again
ok "the config is the administrator's" grep -q "of the administrator" $config
ok "counts the cycles on" soon status ".last_cycle.cycle > $cycle"
ok "still holds back the same" status ".fingerprint == \"$print\""
ok "nobody lost a seat" seats '.held == 35'
ok "lets through what is confirmed" seatsync confirm "$print"
ok "and frees the seats" soon seats '.held == 10'

echo "-- the end"
ok "stops" systemctl stop seatsync
ok "stopped well" test "$(systemctl show -P Result seatsync)" = success
systemctl start seatsync
ok "is removed" dpkg -r seatsync
ok "does not run any more" is inactive
ok "config and state are kept" test -f $config -a -f $state/ledger.db
ok "installed again, it goes on" sh -c 'dpkg -i --force-confold /run/new.deb && systemctl start seatsync'
ok "with its seats" seats '.held == 10'
touch $config.before
echo secret >/etc/seatsync/lab.password
chown seatsync /etc/seatsync/lab.password
ok "a purge" dpkg -P seatsync
ok "leaves nothing" test ! -e $config -a ! -e $config.before -a ! -e $state -a ! -e /etc/seatsync/secrets
ok "but what is somebody else's, and whose it is" test "$(stat -c %U /etc/seatsync/lab.password)" = seatsync

if [ $failed != 0 ]; then journal -o cat | tail -40; fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
