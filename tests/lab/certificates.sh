# Sourced. certificates FOLDER NAME ADDRESS...: a CA of our own, and a server certificate for NAME, localhost and the
# addresses (ca.crt, server.crt, server.key). client_certificate FOLDER NAME FILE: one of that CA for CN=NAME,O=lab
# (FILE.crt, FILE.key). P-256, because it is made at once.
certificates() {
    local folder=$1 name=$2 address san
    shift 2
    mkdir -p "$folder"
    [ -s "$folder/server.crt" ] && return
    san="subjectAltName=DNS:$name,DNS:localhost"
    for address in "$@"; do san+=",IP:$address"; done
    (
        cd "$folder"
        local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
        [ -s ca.crt ] || openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=test CA of $name" -keyout ca.key -out ca.crt \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
        openssl req "${key[@]}" -subj "/CN=$name" -keyout server.key -out server.csr
        printf '%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$san" >extensions
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -extfile extensions \
            -out server.crt
        chmod 600 ./*.key
    ) 2>"$folder/openssl.log" || { cat "$folder/openssl.log" >&2; return 1; }
}

client_certificate() {
    local ca=$1 name=$2 file=$3
    {
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=lab/CN=$name" -keyout "$file.key" -out "$file.csr"
        openssl x509 -req -in "$file.csr" -CA "$ca/ca.crt" -CAkey "$ca/ca.key" -CAcreateserial -days 3650 \
            -extfile <(printf 'extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n') -out "$file.crt"
        chmod 600 "$file.key"
    } 2>"$file.log" || { cat "$file.log" >&2; return 1; }
}
