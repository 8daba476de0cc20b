#!/usr/bin/env bash
# Rust's standard library for x86_64-pc-windows-gnu, built from Debian's sources with Debian's compiler of the same
# version: no toolchain needs to be downloaded. Built again only after that compiler was upgraded.
#   std.sh CACHE    CACHE: where to build
set -euo pipefail
cache=${1:?} target=x86_64-pc-windows-gnu
sysroot=$(/usr/bin/rustc --print sysroot)
place=$sysroot/lib/rustlib/$target/lib
built_from="$(/usr/bin/rustc -vV) $(dpkg-query -W -f='${Version}' rust-web-src)"
[ "$(cat "$place/.built-from" 2>/dev/null)" = "$built_from" ] && exit 0
build=$(mktemp -d "$cache/std.XXXXXX")
trap 'rm -rf "$build"' EXIT
mkdir -p "$build/empty/src"
printf '#![no_std]\n' >"$build/empty/src/lib.rs"
printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[profile.release]\ndebug = 0\n' >"$build/empty/Cargo.toml"
# RUSTC_BOOTSTRAP lets the stable compiler build its own library; the project itself is built without it.
(cd "$build/empty" && env -u RUSTUP_TOOLCHAIN -u RUSTFLAGS RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc \
    /usr/bin/cargo build --quiet --release --target "$target" --target-dir "$build/target" \
    -Z build-std=core,alloc,std,panic_abort,panic_unwind,proc_macro,test -Z build-std-features=backtrace,panic-unwind)
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo rm -rf "$place"
$sudo mkdir -p "$place"
find "$build/target/$target/release/deps" -name '*.rlib' ! -name 'libempty*' -exec $sudo cp {} "$place/" \;
printf %s "$built_from" | $sudo tee "$place/.built-from" >/dev/null
