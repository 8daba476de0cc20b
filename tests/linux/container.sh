#!/usr/bin/env bash
# tests/linux/container.sh ROOT: builds packaging/Containerfile on the Debian in the folder ROOT (tests/linux/root.sh makes
# one), and runs what it made. Needs root, buildah, a network, and target/release/seatsync.
set -uo pipefail
root=$1
work=$(mktemp -d)
passed=0 failed=0
driver=overlay
command buildah --storage-driver overlay --root "$work/images" --runroot "$work/run" info >/dev/null 2>&1 || driver=vfs
buildah() { command buildah --storage-driver "$driver" --root "$work/images" --runroot "$work/run" "$@"; }
finish() {
    buildah rm --all >/dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT
ok() {
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then passed=$((passed + 1)); echo "ok   $what"; else failed=$((failed + 1)); echo "FAIL $what"; echo "$out" | tail -5; fi
}
says() {
    local pattern=$1
    shift
    "$@" >"$work/said" 2>&1 && grep -qE "$pattern" "$work/said" || { tail -5 "$work/said"; return 1; }
}

# A base image: the Debian that is there.
base() {
    local container
    container=$(buildah from scratch) &&
        tar -C "$root" --one-file-system -c . | tar -C "$(buildah mount "$container")" -x &&
        buildah commit --quiet "$container" base && buildah rm "$container"
}
config() { buildah inspect --type image --format "{{.OCIv1.Config.$1}}" seatsync; }

mkdir -p "$work/etc"
cp config/demo.ldif "$work/etc/"
sed 's|^path *= "demo.ldif"|path = "/etc/seatsync/demo.ldif"|; s|"../target/demo/state"|"/var/lib/seatsync"|; s|"../target/demo/ledger.db"|"/var/lib/seatsync/ledger.db"|' \
    config/demo.toml >"$work/etc/seatsync.toml"

ok "a base image" base
ok "is built" buildah bud --quiet --network host --isolation chroot --build-arg BASE=localhost/base -f packaging/Containerfile -t seatsync .
ok "runs the agent" test "$(config Entrypoint) $(config Cmd)" = "[seatsync] [run]"
ok "keeps the state in a volume" says '/var/lib/seatsync' config Volumes
container=$(buildah from seatsync)
# One run for all: each begins with a copy of what is there. The image's command line is "seatsync" and a verb.
cat >"$work/etc/inside.sh" <<'END'
step() { local out; if out=$("${@:2}" 2>&1); then echo "ok   $1"; else echo "FAIL $1"; echo "$out" | tail -5; fi; }
says() { "${@:2}" >/tmp/said 2>&1 && grep -qE "$1" /tmp/said || { tail -5 /tmp/said; return 1; }; }
step "is nobody's root" test "$(id -un)" = seatsync
step "trusts the system's authorities" test -s /etc/ssl/certs/ca-certificates.crt
step "the config is right" seatsync check
step "gives the seats" says '"provisioned": ?50' seatsync --json sync
step "the state is the agent's own" test "$(stat -c '%U %a' /var/lib/seatsync/state.db)" = "seatsync 600"
step "runs, and ends when told to" says 'The agent runs' timeout --preserve-status -s TERM 5 seatsync run
step "goes on with its seats" says '"provisioned": ?0' seatsync --json sync
END
inside() { buildah run --isolation chroot -v "$work/etc:/etc/seatsync:ro" "$container" -- bash /etc/seatsync/inside.sh; }
inside >"$work/inside"
cat "$work/inside"
passed=$((passed + $(grep -c '^ok' "$work/inside"))) failed=$((failed + $(grep -c '^FAIL' "$work/inside")))
ok "all of it was tried" test "$(grep -cE '^(ok|FAIL)' "$work/inside")" = 7
echo "$passed passed, $failed failed"
[ $failed = 0 ]
