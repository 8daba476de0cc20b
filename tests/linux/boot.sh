#!/usr/bin/env bash
# tests/linux/boot.sh OLD.deb NEW.deb ROOT: boots a real systemd in a throwaway container without a network, and lets
# tests/linux/inside.sh install, run, upgrade, remove and purge the packages in it. ROOT is what tests/linux/root.sh made, and is
# not written. Needs root and systemd-container.
set -uo pipefail
old=$(realpath -e "$1") new=$(realpath -e "$2") root=$3
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
container=
finish() {
    if [ -n "$container" ]; then kill "$container" 2>/dev/null; wait "$container" 2>/dev/null; fi
    rm -rf "$work"
}
trap finish EXIT

systemd-nspawn --quiet -D "$root" --register=no --keep-unit --private-network --volatile=overlay --console=pipe \
    --bind-ro="$old:/run/old.deb" --bind-ro="$new:/run/new.deb" --bind-ro="$here/inside.sh:/run/inside.sh" \
    -b </dev/null >"$work/boot.log" 2>&1 &
container=$!

# The container's systemd, as this machine numbers it.
init() {
    pid=$(pgrep -P "$container" | head -1)
    [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = systemd ]
}
inside() {
    nsenter -t "$pid" -m -u -i -n -p -C -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
for _ in $(seq 240); do
    if init && inside systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then
        inside bash /run/inside.sh
        exit $?
    fi
    sleep 0.25
done
cat "$work/boot.log"
echo "the container did not boot"
exit 1
