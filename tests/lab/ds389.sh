#!/usr/bin/env bash
# ds389.sh FOLDER PORT: a private 389 Directory Server on 127.0.0.1, everything it has in FOLDER.
# Runs until its standard input ends. With FOLDER/seed.ldif, an empty database is filled from it first. What it has besides is
# chosen by files in FOLDER: `content-sync` (retro changelog and content synchronisation), `unmapped` (beside it: the changelog
# does not say by their ids which entries changed, and the synchronisation then tells of no change at all), `retro-changelog` (the
# changelog alone), `usn` (entryUSN), `memberof` (the server keeps memberOf). With FOLDER/long-ago its entries were last
# changed long ago.
#
# Base dc=lab,dc=test with ou=people and ou=groups, password `secret` for all of:
#   cn=Directory Manager  the administrator       cn=sync,BASE    reads everything, no limits
#   cn=limited,BASE       reads 100 entries       cn=nobody,BASE  may bind, and read nothing
set -euo pipefail
folder=$(realpath -m "$1") port=$2
base=dc=lab,dc=test
export PATH=$PATH:/usr/sbin:/sbin

# The server's own template of its configuration, which its installer fills in for the places of the system, and a database.
configure() {
    mkdir -p "$folder"/{config/schema,lock,tmp,ldif,bak,run,log,db,changelog}
    cp /etc/dirsrv/config/* "$folder/config/"
    cp /etc/dirsrv/schema/99user.ldif "$folder/config/schema/"
    local sha
    sha=$(printf secret | openssl dgst -sha1 -binary | base64)
    sed -e "s|%schema_dir%|$folder/config/schema|; s|%lock_dir%|$folder/lock|; s|%tmp_dir%|$folder/tmp|; s|%cert_dir%|$folder/config|" \
        -e "s|%ldif_dir%|$folder/ldif|; s|%bak_dir%|$folder/bak|; s|%run_dir%|$folder/run|; s|%inst_dir%|$folder|" \
        -e "s|%log_dir%|$folder/log|; s|%fqdn%|localhost|; s|%ds_port%|$port|; s|%ds_user%|$(id -un)|" \
        -e "s|%rootdn%|cn=Directory Manager|; s|%ds_passwd%|{SHA}$sha|; s|%ldapi_enabled%|on|; s|%ldapi%|$folder/ldapi|" \
        -e "s|%ldapi_autobind%|on|; s|%ds_suffix%|$base|; s|%config_dir%|$folder/config|; s|%db_dir%|$folder/db|" \
        -e "s|%db_home_dir%|$folder/db|; s|%db_lib%|bdb|" /usr/share/dirsrv/data/template-dse.ldif |
        sed "s|^nsslapd-port:|nsslapd-listenhost: 127.0.0.1\n&|" >"$folder/config/dse.ldif"
    cat >>"$folder/config/dse.ldif" <<C
dn: cn=lab,cn=ldbm database,cn=plugins,cn=config
objectClass: top
objectClass: extensibleObject
objectClass: nsBackendInstance
cn: lab
nsslapd-suffix: $base
nsslapd-directory: $folder/db/lab

dn: cn="$base",cn=mapping tree,cn=config
objectClass: top
objectClass: extensibleObject
objectClass: nsMappingTree
cn: $base
nsslapd-state: backend
nsslapd-backend: lab
C
    if [ -e "$folder/content-sync" ]; then plugin "Content Synchronization"; fi
    if [ -e "$folder/content-sync" ] || [ -e "$folder/retro-changelog" ]; then plugin "Retro Changelog Plugin"; fi
    if [ ! -e "$folder/unmapped" ]; then
        sed -i "/^dn: cn=Retro Changelog Plugin,/a nsslapd-attribute: nsuniqueid:targetUniqueId" "$folder/config/dse.ldif"
    fi
    if [ -e "$folder/usn" ]; then plugin USN; fi
    if [ -e "$folder/memberof" ]; then plugin "MemberOf Plugin"; fi
}

# Switches a plugin on.
plugin() {
    sed -i "/^dn: cn=$1,cn=plugins,cn=config/,/^$/ { s/^nsslapd-pluginEnabled: .*/nsslapd-pluginEnabled: on/I; }" "$folder/config/dse.ldif"
}

skeleton() {
    local name
    printf 'dn: %s\nobjectClass: domain\ndc: lab\n' "$base"
    printf 'aci: (targetattr != "userPassword")(version 3.0; acl "%s"; allow (read, search, compare) userdn = "ldap:///cn=%s,%s";)\n' \
        sync sync "$base" limited limited "$base"
    printf '\ndn: ou=%s,'"$base"'\nobjectClass: organizationalUnit\nou: %s\n\n' people people groups groups
    for name in sync limited nobody; do
        printf 'dn: cn=%s,%s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: %s\nuserPassword: secret\n' \
            "$name" "$base" "$name"
        case $name in
        sync) printf 'nsSizeLimit: -1\nnsLookThroughLimit: -1\nnsIDListScanLimit: -1\nnsPagedSizeLimit: -1\nnsPagedLookThroughLimit: -1\n' ;;
        limited) printf 'nsSizeLimit: 100\nnsPagedSizeLimit: 100\n' ;;
        esac
        echo
    done
}

fill() {
    { skeleton; [ ! -s "$folder/seed.ldif" ] || cat "$folder/seed.ldif"; } >"$folder/ldif/all.ldif"
    [ ! -e "$folder/long-ago" ] || sed -i '/^dn::* /a modifyTimestamp: 20200101000000Z' "$folder/ldif/all.ldif"
    ns-slapd ldif2db -D "$folder/config" -n lab -i "$folder/ldif/all.ldif" >"$folder/ldif2db.log" 2>&1 ||
        { tail -5 "$folder/ldif2db.log" >&2; return 1; }
    touch "$folder/filled"
}

mkdir -p "$folder"
[ -s "$folder/config/dse.ldif" ] || configure
[ -e "$folder/filled" ] || fill
rm -f "$folder/ldapi"
ns-slapd -D "$folder/config" -i "$folder/pid" -d 0 >"$folder/ns-slapd.log" 2>&1 </dev/null &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" || true' EXIT
# Whoever started us holds the other end of our standard input: when it ends, however it does, so does the server.
cat >/dev/null
