#!/usr/bin/env bash
# Looks at the status page of the real agent with Chromium, as people do: narrow, wide, light, dark, by mouse, by keyboard.
#
#   tests/page/run.sh SEATSYNC CACHE [NAME...]     SEATSYNC: the binary; CACHE: where selenium is kept between runs;
#                                                  NAME: only these tests (Looks, Decides.test_...)
#
# What it saw lies in $SCREENSHOTS (target/page).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
seatsync=$(realpath "$1") cache=$2 version=4.51.0
shift 2
python=$cache/selenium-$version/bin/python
if [ ! -x "$python" ] || ! "$python" -c 'import selenium' 2>/dev/null; then
    rm -rf "$cache/selenium-$version"
    python3 -m venv "$cache/selenium-$version"
    "$cache/selenium-$version/bin/pip" install --quiet --disable-pip-version-check "selenium==$version"
fi
screenshots=${SCREENSHOTS:-${CARGO_TARGET_DIR:-$here/../../target}/page}
mkdir -p "$screenshots"
cd "$here"
# Neither the config of whoever runs this, nor a proxy, between the browser and this machine.
env -u SEATSYNC_CONFIG -u http_proxy -u HTTP_PROXY -u all_proxy -u ALL_PROXY SEATSYNC="$seatsync" SCREENSHOTS="$(realpath "$screenshots")" \
    PYTHONDONTWRITEBYTECODE=1 timeout 180 "$python" -m unittest "${@/#/test_page.}"
