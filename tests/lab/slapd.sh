#!/usr/bin/env bash
# slapd.sh FOLDER PORT TLS_PORT: a private OpenLDAP server on 127.0.0.1, everything it has in FOLDER.
# Runs until its standard input ends. With FOLDER/seed.ldif, an empty database is filled from it first. With
# FOLDER/no-syncprov it does not say where it stands (no contextCSN), with FOLDER/no-sessionlog it forgets what was deleted, with
# FOLDER/long-ago its entries were last changed long ago. With FOLDER/config-database its configuration is in
# a database that whoever started it may change through ldapi://FOLDER/ldapi, as Debian's is; else in FOLDER/slapd.conf.
#
# Base dc=lab,dc=test, password `secret` for all of:
#   cn=admin,BASE    the administrator             cn=sync,BASE    reads everything, no limits
#   cn=limited,BASE  at most 100 entries a search  cn=nobody,BASE  may bind, and read nothing
# Who shows a certificate of its authority for the subject CN=NAME,O=lab and binds with EXTERNAL is cn=NAME,BASE.
# A search under ou=retcodes,BASE is answered with the code its name says: cn=busy, cn=unavailable, cn=timelimit,
# cn=sizelimit, cn=adminlimit, cn=unwilling, cn=referral, cn=slow (after 10 s).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/certificates.sh"
folder=$(realpath -m "$1") port=$2 tls_port=$3
base=dc=lab,dc=test
export PATH=$PATH:/usr/sbin:/sbin

configure() {
    certificates "$folder/tls" localhost 127.0.0.1 ::1
    cat >"$folder/slapd.conf" <<C
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
pidfile $folder/slapd.pid
argsfile $folder/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
moduleload memberof
moduleload refint
moduleload ppolicy
moduleload retcode
TLSCACertificateFile $folder/tls/ca.crt
TLSCertificateFile $folder/tls/server.crt
TLSCertificateKeyFile $folder/tls/server.key
TLSVerifyClient try
authz-regexp "^cn=([^,]+),o=lab$" "cn=\$1,$base"
loglevel 0
threads 4
sizelimit size.soft=500 size.hard=1000 size.unchecked=unlimited size.pr=1000
access to dn.base="" by * read
access to dn.base="cn=Subschema" by * read
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=nobody,$base" none by users read by * none

database config
access to * by dn.exact="gidNumber=$(id -g)+uidNumber=$(id -u),cn=peercred,cn=external,cn=auth" manage

database mdb
suffix "$base"
directory $folder/db
rootdn "cn=admin,$base"
rootpw secret
maxsize 4294967296
dbnosync
index objectClass,entryUUID,entryCSN,modifyTimestamp eq
index uid,mail,cn,member,memberOf,memberUid,employeeNumber eq
limits dn.exact="cn=sync,$base" size=unlimited size.pr=unlimited size.prtotal=unlimited time=unlimited
limits dn.exact="cn=limited,$base" size.soft=100 size.hard=100 size.pr=50 size.prtotal=100
overlay memberof
memberof-group-oc groupOfNames
memberof-refint TRUE
overlay refint
refint_attributes member
refint_nothing "cn=empty"
overlay ppolicy
overlay syncprov
syncprov-checkpoint 1000 60
syncprov-sessionlog 100000
overlay retcode
retcode-parent "ou=retcodes,$base"
retcode-item "cn=timelimit" 0x03
retcode-item "cn=sizelimit" 0x04
retcode-item "cn=referral" 0x0a text="go elsewhere" ref="ldap://127.0.0.1:1/dc=elsewhere"
retcode-item "cn=adminlimit" 0x0b
retcode-item "cn=busy" 0x33 text="busy"
retcode-item "cn=unavailable" 0x34 text="unavailable"
retcode-item "cn=unwilling" 0x35
retcode-item "cn=slow" 0x00 sleeptime=10
C
    [ ! -e "$folder/no-syncprov" ] || sed -i /syncprov/d "$folder/slapd.conf"
    [ ! -e "$folder/no-sessionlog" ] || sed -i /syncprov-sessionlog/d "$folder/slapd.conf"
}

skeleton() {
    printf 'dn: %s\nobjectClass: dcObject\nobjectClass: organization\ndc: lab\no: lab\n\n' "$base"
    printf 'dn: ou=%s,'"$base"'\nobjectClass: organizationalUnit\nou: %s\n\n' people people groups groups
    local name
    for name in sync limited nobody; do
        printf 'dn: cn=%s,%s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n' "$name" "$base"
        printf 'cn: %s\nuserPassword: secret\n\n' "$name"
    done
}

# -q: no consistency checks, for speed; -w: writes the contextCSN that syncprov starts from.
fill() {
    local csn=-w
    [ ! -e "$folder/no-syncprov" ] || csn=
    mkdir -p "$folder/db"
    local time=
    [ ! -e "$folder/long-ago" ] || time='/^dn::* /a modifyTimestamp: 20200101000000Z'
    { skeleton; [ ! -s "$folder/seed.ldif" ] || cat "$folder/seed.ldif"; } | sed "$time" |
        slapadd -q $csn -f "$folder/slapd.conf" -b "$base" 2>"$folder/slapadd.log" ||
        { tail -3 "$folder/slapadd.log" >&2; return 1; }
}

mkdir -p "$folder"
[ -s "$folder/slapd.conf" ] || configure
[ -s "$folder/db/data.mdb" ] || fill
ulimit -n 1024 # slapd reserves memory for each file it might open
from=(-f "$folder/slapd.conf") listens="ldap://127.0.0.1:$port ldaps://127.0.0.1:$tls_port"
if [ -e "$folder/config-database" ]; then
    from=(-F "$folder/slapd.d") listens="$listens ldapi://${folder//\//%2F}%2Fldapi"
    rm -rf "$folder/slapd.d" && mkdir "$folder/slapd.d"
    slaptest -f "$folder/slapd.conf" -F "$folder/slapd.d" >"$folder/slaptest.log" 2>&1 || { cat "$folder/slaptest.log" >&2; exit 1; }
fi
slapd -d 0 "${from[@]}" -h "$listens" \
    >"$folder/slapd.log" 2>&1 </dev/null &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" || true' EXIT
# Whoever started us holds the other end of our standard input: when it ends, however it does, so does the server.
cat >/dev/null
