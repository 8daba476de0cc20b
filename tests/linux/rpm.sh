#!/usr/bin/env bash
# tests/linux/rpm.sh OLD.rpm NEW.rpm: installs into an empty root, upgrades and removes, and looks at what is kept. Its scripts
# need a system of that family; here they are only read.
set -uo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0 failed=0
ok() {
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then passed=$((passed + 1)); echo "ok   $what"; else failed=$((failed + 1)); echo "FAIL $what"; echo "$out" | tail -5; fi
}
database() { rpm --root "$root" --dbpath /var/lib/rpm "$@"; }
change() { database --nodeps --noscripts "$@"; }
config=$root/etc/seatsync/seatsync.toml
kept() { grep -qs "of the administrator" "$config" "$config.rpmsave"; }

for script in packaging/rpm/* packaging/restart; do ok "$script is a script" sh -n "$script"; done
ok "the config is one" sh -c "rpm -qp --configfiles '$1' | grep -qx /etc/seatsync/seatsync.toml"
ok "installs" change -i "$1"
ok "the program runs" "$root/usr/bin/seatsync" --version
ok "unit and user are there" test -f "$root/usr/lib/systemd/system/seatsync.service" -a -f "$root/usr/lib/sysusers.d/seatsync.conf"
ok "what it runs after an upgrade is there" test -x "$root/usr/lib/seatsync/restart"
ok "documentation and changes are there" test -f "$root/usr/share/doc/seatsync/docs/install.md" -a -f "$root/usr/share/doc/seatsync/changelog.gz"
echo "# of the administrator" >>"$config"
mkdir -p "$root/var/lib/seatsync" && touch "$root/var/lib/seatsync/state.db"
ok "upgrades" change -U "$2"
ok "is one package" test "$(database -qa seatsync | wc -l)" = 1
ok "the config is the administrator's" grep -q "of the administrator" "$config"
ok "is removed" change -e seatsync
ok "the program is gone" test ! -e "$root/usr/bin/seatsync"
ok "the edited config is kept" kept
ok "the state is kept" test -f "$root/var/lib/seatsync/state.db"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
