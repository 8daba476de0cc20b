#!/usr/bin/env bash
# A real Samba AD domain controller for tests, on one loopback address (its LDAP ports cannot be changed).
#   samba.sh provision FOLDER IP       a new domain lab.test, empty but for what every domain has
#   samba.sh copy FROM FOLDER IP       the same, from one provisioned before: quicker
#   samba.sh join FROM FOLDER IP       another controller of the domain of the one in FROM, which runs
#   samba.sh pull FROM FOLDER          the one in FOLDER gets what the one in FROM has; both run. Nothing else replicates
#   samba.sh run FOLDER                the server, until its standard input ends; first says `answering`. With
#                                      FOLDER/faketime its clock is off by what stands there: +2h
#   samba.sh load FOLDER FILE.ldif     adds entries to the database directly, the server running or not
# Administrator@lab.test, password Passw0rd.lab; simple binds are allowed without TLS too, for the fault proxy. Root only.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/certificates.sh"
verb=${1:?} folder=$(realpath -m "${2:?}")
realm=lab.test password=Passw0rd.lab
export PATH=$PATH:/usr/sbin:/sbin

# The one in a folder: dc1, if nothing else stands there.
host() { cat "$folder/host" 2>/dev/null || echo dc1; }

# The /8: with /32 samba finds "no network interfaces", as these addresses are none of lo's own.
configure() {
    local ip=$1 host
    host=$(host)
    mkdir -p "$folder/etc" "$folder/run"
    echo "$ip" >"$folder/ip"
    certificates "$folder/tls" "$host.$realm" "$ip"
    cat >"$folder/etc/smb.conf" <<C
[global]
    netbios name = ${host^^}
    realm = ${realm^^}
    workgroup = LAB
    server role = active directory domain controller
    interfaces = $ip/8
    bind interfaces only = yes
    server services = rpc, ldap, cldap, kdc, drepl, winbindd
    idmap_ldb:use rfc2307 = yes
    private dir = $folder/private
    state directory = $folder/state
    cache directory = $folder/cache
    lock directory = $folder
    binddns dir = $folder/bind-dns
    pid directory = $folder/run
    winbindd socket directory = $folder/run/winbindd
    ntp signd socket directory = $folder/run/ntp
    ncalrpc dir = $folder/run/ncalrpc
    log file = $folder/samba.log
    logging = file
    log level = 1
    max log size = 0
    tls enabled = yes
    tls keyfile = $folder/tls/server.key
    tls certfile = $folder/tls/server.crt
    tls cafile = $folder/tls/ca.crt
    ldap server require strong auth = no
[sysvol]
    path = $folder/state/sysvol
    read only = No
C
}

provision() {
    local ip=$1
    rm -rf "$folder" && mkdir -p "$folder"
    : >"$folder/none.conf" # or Debian's /etc/samba/smb.conf would be mixed in
    samba-tool domain provision -s "$folder/none.conf" --realm="${realm^^}" --domain=LAB --server-role=dc \
        --dns-backend=NONE --adminpass="$password" --host-name=dc1 --host-ip="$ip" --targetdir="$folder" \
        --use-rfc2307 --backend-store=mdb >"$folder/provision.log" 2>&1 || { tail -20 "$folder/provision.log" >&2; exit 1; }
    configure "$ip"
    samba-tool domain passwordsettings set -s "$folder/etc/smb.conf" --complexity=off --min-pwd-length=4 \
        --history-length=0 --min-pwd-age=0 --max-pwd-age=0 >/dev/null
    # Kerberos knows it by this name; a server that may write its DNS records adds it by itself.
    samba-tool spn add -s "$folder/etc/smb.conf" "ldap/dc1.$realm" 'DC1$' >/dev/null
}

copy() {
    local from=$1 ip=$2
    rm -rf "$folder" && cp -a --sparse=always "$from" "$folder"
    rm -rf "$folder/tls" "$folder/run" "$folder/samba.log"
    configure "$ip"
}

# Addresses in place of names: no name server knows these. Its certificate is of the same authority.
join() {
    local from=$1 ip=$2
    rm -rf "$folder" && mkdir -p "$folder/tls"
    echo dc2 >"$folder/host"
    printf '[global]\nnetbios name = DC2\ninterfaces = %s/8\nbind interfaces only = yes\n' "$ip" >"$folder/join.conf"
    samba-tool domain join "$realm" DC -s "$folder/join.conf" --server="$(cat "$from/ip")" --targetdir="$folder" \
        "-UAdministrator%$password" --dns-backend=NONE --backend-store=mdb >"$folder/join.log" 2>&1 ||
        { tail -20 "$folder/join.log" >&2; exit 1; }
    cp "$from"/tls/ca.* "$folder/tls/"
    configure "$ip"
}

pull() {
    local from=$1
    samba-tool drs replicate "$(cat "$folder/ip")" "$(cat "$from/ip")" DC=lab,DC=test --local \
        -s "$folder/etc/smb.conf" "-UAdministrator%$password"
}

answers() { LDAPTLS_CACERT=$folder/tls/ca.crt ldapsearch -x -o nettimeout=2 -H "ldaps://$1" -s base -b '' highestCommittedUSN >/dev/null 2>&1; }

# The server goes on in a session of its own: its children end with it.
server= # global: the trap still needs it when the function has ended
run() {
    local ip
    ip=$(cat "$folder/ip")
    local as=()
    [ ! -e "$folder/faketime" ] || as=(env LD_PRELOAD="$(dpkg -L libfaketime | grep 'libfaketimeMT.so.1$')"
        FAKETIME="$(cat "$folder/faketime")" FAKETIME_DONT_FAKE_MONOTONIC=1)
    rm -f "$folder/run/samba.pid"
    setsid "${as[@]}" samba -F --no-process-group -M prefork -s "$folder/etc/smb.conf" >"$folder/samba.out" 2>&1 </dev/null &
    server=$!
    trap 'kill "$server" 2>/dev/null || true; sleep 0.2; kill -9 -- "-$server" 2>/dev/null || true; wait "$server" || true' EXIT
    for _ in $(seq 300); do
        answers "$ip" && break
        kill -0 "$server" 2>/dev/null || { tail -n 5 "$folder/samba.log" "$folder/samba.out" >&2; exit 1; }
        sleep 0.1
    done
    answers "$ip" || { echo "samba on $ip did not answer within 30 s" >&2; exit 1; }
    echo answering
    # Whoever started us holds the other end of our standard input: when it ends, however it does, so does the server.
    cat >/dev/null
}

case $verb in
provision) provision "$3" ;;
copy) from=$(realpath "$2") && folder=$(realpath -m "$3") && copy "$from" "$4" ;;
join) from=$(realpath "$2") && folder=$(realpath -m "$3") && join "$from" "$4" ;;
pull) from=$(realpath "$2") && folder=$(realpath "$3") && pull "$from" ;;
run) run ;;
load) ldbadd -H "$folder/private/sam.ldb" --configfile="$folder/etc/smb.conf" --nosync \
    -o batch_mode:1 -o transaction_index_cache_size:2000000 "$3" ;;
*) sed -n 2,10p "$0" >&2 && exit 2 ;;
esac
