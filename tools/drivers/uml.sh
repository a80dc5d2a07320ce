#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# uml.sh [-t SECONDS] SOCKET
# User-mode Linux, which is its own vhost-user front-end, with the back-end on SOCKET as its disk, which is overwritten:
# what linux.sh does, on one queue and without QEMU.
#   build/release/tools/vblk serve --socket S & tools/drivers/uml.sh S
# Status 0: the guest's own verification passed; 1: it did not; 77: this machine lacks something.
set -eu
. "$(dirname "$0")/lib.sh"
seconds=120
while getopts t: option; do
    case $option in
    t) seconds=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 1 ] || { sed -n '3,7s/^# //p' "$0" >&2; exit 2; }
program linux.uml user-mode-linux
program busybox busybox-static
program blkdiscard util-linux
module=$(find /usr/lib/uml/modules -name virtio_blk.ko 2>/dev/null | tail -n 1)
[ -n "$module" ] || missing "virtio_blk.ko for user-mode Linux" user-mode-linux

# Its memory is a file there.
for tmp in /dev/shm "${TMPDIR:-/tmp}"; do
    dir=$(mktemp -d -p "$tmp" 2>/dev/null) && break
done
clean_up()
{
    # It has many processes, and they are all of one group of their own.
    [ ! -s "$dir/pid" ] || kill -s KILL -- "-$(cat "$dir/pid")" 2>/dev/null || :
    rm -rf "$dir"
}
trap clean_up EXIT
trap "exit 130" INT
trap 'exit 143' TERM HUP

initramfs "$dir/initrd" "$module"
preload=
if cc -O2 -shared -fPIC -o "$dir/registers.so" "$here/uml-registers.c" -ldl 2>/dev/null; then
    preload=$dir/registers.so
fi
# A pipe takes what it prints: with anything else it is not content. When its first process has ended others may be left.
mkfifo "$dir/pipe"
cat "$dir/pipe" >"$dir/console" &
# shellcheck disable=SC2016
TMPDIR=$dir LD_PRELOAD=$preload setsid sh -c 'echo $$ >"$0/pid"; exec "$@"' "$dir" \
    linux.uml mem=128M "initrd=$dir/initrd" rdinit=/init "virtio_uml.device=$1:2" \
    "uml_dir=$dir" con=null con0=null,fd:1 ssl=null quiet panic=-1 disk=vda </dev/null >"$dir/pipe" 2>&1 &
linux=$!
left=$((seconds * 5))
while kill -0 $linux 2>/dev/null && [ $left -gt 0 ]; do
    left=$((left - 1))
    sleep 0.2
done
[ $left -gt 0 ] || echo "${0##*/}: not finished after $seconds s"
kill -s KILL -- "-$(cat "$dir/pid")" 2>/dev/null || :
wait 2>/dev/null || :
verdict "$dir/console"
