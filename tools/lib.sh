# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# What the scripts in tools/ share. Source it; it does nothing by itself.

say()
{
    printf '%s\n' "$@"
}

die()
{
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

# have PACKAGE: is it installed, or does what we want of it exist without the package?
have()
{
    if command -v dpkg-query >/dev/null && [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]; then
        return 0
    fi
    case $1 in
    libc6-dev) printf '#include <stdio.h>\n' | cc -E - >/dev/null 2>&1 ;;
    libcmocka-dev) pkg-config --exists cmocka 2>/dev/null ;;
    libjansson-dev) pkg-config --exists jansson 2>/dev/null ;;
    libpcap-dev) pkg-config --exists libpcap 2>/dev/null ;;
    libxml2-dev) pkg-config --exists libxml-2.0 2>/dev/null ;;
    libclang-rt-14-dev) [ -e "$(clang -print-file-name=libclang_rt.msan.a 2>/dev/null)" ] ||
        ls "$(clang -print-resource-dir 2>/dev/null)"/lib/*/libclang_rt.msan* >/dev/null 2>&1 ;;
    busybox-static) command -v busybox >/dev/null ;;
    linux-image-cloud-amd64) ls /boot/vmlinuz-*-cloud-amd64 >/dev/null 2>&1 ;;
    qemu-system-x86) command -v qemu-system-x86_64 >/dev/null ;;
    seabios) ls /usr/share/seabios/bios-256k.bin >/dev/null 2>&1 ;;
    user-mode-linux) command -v linux.uml >/dev/null ;;
    ninja-build) command -v ninja >/dev/null ;;
    qemu-system-common) command -v qemu-storage-daemon >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# need PACKAGE…: install what is missing. Only Debian as root does so; everybody else is told the line and stops.
need()
{
    missing=
    for package in "$@"; do
        have "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    line="apt-get install -y --no-install-recommends$missing"
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        say "Missing:$missing. On Debian 12, as root:"
        say "    $line"
        exit 2
    fi
    export DEBIAN_FRONTEND=noninteractive
    say "+ $line"
    apt-get update -q >/dev/null || die "apt-get update failed"
    # shellcheck disable=SC2086
    apt-get install -y -q --no-install-recommends $missing >/dev/null || die "apt-get install failed"
}

jobs()
{
    nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2
}

# build PRESET [TARGET…]: configure and build; a log is shown only when its step fails.
build()
{
    preset=$1
    shift
    mkdir -p build/log
    log=build/log/$preset.configure
    if cmake --preset "$preset" >"$log" 2>&1; then
        log=build/log/$preset.build
        if cmake --build --preset "$preset" -j "$(jobs)" ${1:+--target "$@"} >"$log" 2>&1; then
            return 0
        fi
    fi
    grep -v '^\[[0-9/]*\] \(Building\|Linking\|Generating\)' "$log" | tail -n 60
    say "preset $preset failed; all of it: $log"
    return 1
}
