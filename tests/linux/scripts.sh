#!/usr/bin/env bash
# tests/linux/scripts.sh: runs what the packages run after their installation, in a namespace where /etc, /var/lib and /run are
# thrown away, and looks at the folders it made. Needs root and systemd-sysusers.
set -uo pipefail
cd "$(dirname "$0")/../.."
if [ "${1:-}" != inside ]; then
    exec unshare --mount --propagation private tests/linux/scripts.sh inside
fi
passed=0 failed=0
ok() { # ok WHAT COMMAND...
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then passed=$((passed + 1)); echo "ok   $what"; else failed=$((failed + 1)); echo "FAIL $what"; echo "$out" | tail -5; fi
}
owner() { test "$(stat -c %U:%G:%a "$1")" = "$2"; }

mount -t tmpfs tmpfs /mnt || exit 1
mkdir /mnt/above /mnt/work
for folder in /var/lib /run; do mount -t tmpfs tmpfs $folder || exit 1; done
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/above,workdir=/mnt/work /etc || exit 1
install -D -m 644 packaging/seatsync.conf /etc/sysusers.d/seatsync.conf
state=/var/lib/seatsync

for script in "packaging/debian/postinst configure" "packaging/rpm/post 1"; do
    name=${script%% *}
    # shellcheck disable=SC2086
    ok "$name runs" sh -e $script
    ok "$name: the state's folder is the service's before its first start" owner $state seatsync:seatsync:700
    ok "$name: the secrets are root's alone" owner /etc/seatsync/secrets root:root:700
    ok "$name: the service's user can write there" setpriv --reuid seatsync --regid seatsync --clear-groups touch $state/ledger.db
    chmod 750 $state
    # shellcheck disable=SC2086
    ok "$name runs with an upgrade" sh -e $script
    ok "$name: who changed the folder's mode keeps it" owner $state seatsync:seatsync:750
    rm -r $state /etc/seatsync
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
