#!/usr/bin/env bash
# A name server of one's own on port 53 of a loopback address: dns.sh IP OPTION...; the options are dnsmasq's, such as
# --srv-host=_ldap._tcp.corp.test,dc1.corp.test,389,0,100 and --host-record=dc1.corp.test,127.0.0.1. It knows nothing else.
# First says `answering`; runs until its standard input ends. Root only.
set -euo pipefail
ip=$1
shift
export PATH=$PATH:/usr/sbin
dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= --log-facility=- \
    --bind-interfaces --listen-address="$ip" --except-interface=none --local=/#/ "$@" 2>/dev/null </dev/null &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" || true' EXIT
for _ in $(seq 100); do
    if grep -q "$(printf '%02X%02X%02X%02X' $(echo "$ip" | awk -F. '{ print $4, $3, $2, $1 }')):0035" /proc/net/udp; then break; fi
    kill -0 "$server" || exit 1
    sleep 0.05
done
kill -0 "$server"
echo answering
cat >/dev/null
