#!/usr/bin/env bash
# Tries the ledger's HTTP interface against its own description, with data nobody would think of: schemathesis reads
# /openapi.json from the real binary and sends what fits it, and what does not.
#
#   tests/api/run.sh SEATSYNC CACHE     SEATSYNC: the binary; CACHE: where schemathesis is kept between runs
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
seatsync=$(realpath "$1") cache=$2 version=4.32.5
st=$cache/schemathesis-$version/bin/st
if [ ! -x "$st" ]; then
    rm -rf "$cache/schemathesis-$version"
    python3 -m venv "$cache/schemathesis-$version"
    "$cache/schemathesis-$version/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
fi

work=$(mktemp -d)
ledger=
finish() {
    if [ -n "$ledger" ]; then kill "$ledger" 2>/dev/null || true; wait "$ledger" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT
cat >"$work/ledger.toml" <<END
[ledger]
database = "ledger.db"
listen = "127.0.0.1:0"
END
chmod 600 "$work/ledger.toml"
run() { env -u SEATSYNC_CONFIG "$seatsync" --config "$work/ledger.toml" "$@"; }
run --quiet ledger company add acme
run --quiet ledger pool set a --seats 3
admin=$(run ledger token add admin)
connector=$(run ledger connector add main)
: >"$work/listening"
# The process itself, not a shell around it, so that it can be ended.
env -u SEATSYNC_CONFIG "$seatsync" --config "$work/ledger.toml" --json ledger serve >"$work/listening" 2>"$work/log" &
ledger=$!
for _ in $(seq 100); do
    grep -q listening "$work/listening" && break
    sleep 0.1
done
url=$(sed -E 's/.*"listening":"([^"]+)".*/\1/' "$work/listening")
# Somebody to be asked about.
for name in ann bob; do
    curl -sSf -o /dev/null -X PUT "$url/v1/companies/acme/accounts/by-external-id/$name" -H "Authorization: Bearer $admin" \
        -H 'If-None-Match: *' -H 'Content-Type: application/json' -d "{\"user_name\":\"$name\",\"email\":\"$name@corp.example\"}"
done

# What schemathesis keeps goes with the rest.
cd "$work"
failed=0
# try NAME TOKEN SECONDS CONFIG: the seed is said, so that a failure can be had again with --seed.
try() {
    local name=$1 token=$2 seconds=$3 config=$4
    if "$st" --config-file "$here/$config" run "$url/openapi.json" -H "Authorization: Bearer $token" --max-time "$seconds" \
        --no-color >"$work/out" 2>&1; then
        echo "as $name, $config: $(grep -E '[0-9] generated' "$work/out" | sed 's/^ *//')"
    else
        cat "$work/out"
        failed=1
    fi
}
try admin "$admin" 15 any.toml
try admin "$admin" 15 known.toml
try connector "$connector" 10 known.toml
if grep -q '"level":"ERROR"' "$work/log"; then grep '"level":"ERROR"' "$work/log" | head -5; failed=1; fi
exit $failed
