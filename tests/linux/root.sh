#!/usr/bin/env bash
# tests/linux/root.sh ROOT: a Debian that can be booted (about 200 MB) in the folder ROOT, made where it is not there yet.
# Needs root and mmdebstrap.
set -uo pipefail
root=$1
# One that was made before the program needed Kerberos' library is made anew.
if [ ! -x "$root/sbin/init" ] || ! ls "$root"/usr/lib/*/libgssapi_krb5.so.2 >/dev/null 2>&1; then
    rm -rf "$root" "$root.new"
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    site=$(apt-get indextargets --format '$(SITE)' "Created-By: Packages" "Codename: $codename" "Component: main" | head -1)
    mkdir -p "$(dirname "$root")"
    mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,adduser,procps,jq,libgssapi-krb5-2 "$codename" "$root.new" "$site" &&
        mv "$root.new" "$root" || exit 1
fi
