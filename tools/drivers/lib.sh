# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# What the scripts that boot real drivers share. Source it with $0 in this directory.

here=$(dirname "$0")

# missing WHAT PACKAGE: this machine can't do it
missing()
{
    echo "${0##*/}: $1 is not there (package $2)" >&2
    exit 77
}

program()
{
    command -v "$1" >/dev/null || missing "$1" "$2"
}

# with_libraries ROOT PROGRAM: put it and the libraries that it is linked with under ROOT
with_libraries()
{
    cp "$(command -v "$2")" "$1/sbin/"
    ldd "$(command -v "$2")" | sed -n -e 's|.*=> \(/[^ ]*\) .*|\1|p' -e 's|^[[:space:]]*\(/[^ ]*\) .*|\1|p' |
        while read -r library; do
            mkdir -p "$1$(dirname "$library")"
            cp -L "$library" "$1$library"
        done
}

# initramfs FILE MODULE…: busybox, util-linux' blkdiscard, the modules (loaded in this order), guest-init.sh, 6 MiB of noise
initramfs()
{
    out=$1
    shift
    root=$dir/root
    mkdir -p "$root/bin" "$root/sbin" "$root/proc" "$root/sys" "$root/dev"
    cp "$(command -v busybox)" "$root/bin/busybox"
    cp "$here/guest-init.sh" "$root/init"
    ln -s busybox "$root/bin/sh"
    chmod 755 "$root/init"
    with_libraries "$root" blkdiscard
    head -c 6291456 /dev/urandom >"$root/noise"
    : >"$root/modules"
    for module in "$@"; do
        cp "$module" "$root/"
        basename "$module" >>"$root/modules"
    done
    (cd "$root" && find . | busybox cpio -o -H newc) >"$out" 2>/dev/null
}

# verdict CONSOLE: what the guest itself said. Its lines are shown, all of the console if it did not finish.
verdict()
{
    tr -d '\r' <"$1" | grep -a '^guest: ' || :
    if tr -d '\r' <"$1" | grep -qa '^guest: verified$'; then
        return 0
    fi
    grep -qa 'guest: FAILED' "$1" || tail -n 40 "$1"
    return 1
}
