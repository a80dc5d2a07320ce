#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# linux.sh [-p PROPERTIES] [-t SECONDS] SOCKET
# Debian's kernel (the newest linux-image-*-cloud-amd64) in QEMU, without hardware virtualisation, with the vhost-user
# back-end on SOCKET as its disk, which is overwritten: reads, writes, flushes, discards, zeroes on two queues, verified
# in the guest. PROPERTIES are those of vhost-user-blk-pci, such as "packed=on". A kernel that is only unpacked is found
# under VBLK_KERNEL_ROOT.
#   build/release/tools/vblk serve --socket S & tools/drivers/linux.sh S
# Status 0: the guest's own verification passed; 1: it did not; 77: this machine lacks something.
set -eu
. "$(dirname "$0")/lib.sh"
properties=
seconds=120
while getopts p:t: option; do
    case $option in
    p) properties=,$OPTARG ;;
    t) seconds=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 1 ] || { sed -n '3,9s/^# //p' "$0" >&2; exit 2; }
socket=$1

program qemu-system-x86_64 qemu-system-x86
program busybox busybox-static
program blkdiscard util-linux
kernels=${VBLK_KERNEL_ROOT-}
# shellcheck disable=SC2012
kernel=$(ls -v "$kernels"/boot/vmlinuz-*-cloud-amd64 2>/dev/null | tail -n 1)
[ -n "$kernel" ] || missing "Debian's kernel for virtual machines" linux-image-cloud-amd64
drivers=$kernels/lib/modules/${kernel##*/vmlinuz-}/kernel/drivers

dir=$(mktemp -d)
qemu=
clean_up()
{
    [ -z "$qemu" ] || kill "$qemu" 2>/dev/null || : # timeout passes it on
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

initramfs "$dir/initrd" "$drivers/virtio/virtio_ring.ko" "$drivers/virtio/virtio.ko" \
    "$drivers/virtio/virtio_pci_legacy_dev.ko" "$drivers/virtio/virtio_pci_modern_dev.ko" "$drivers/virtio/virtio_pci.ko" \
    "$drivers/block/virtio_blk.ko"

timeout -k 5 "$seconds" qemu-system-x86_64 -accel tcg,thread=multi -M q35,memory-backend=m -m 256 -smp 2 \
    -object memory-backend-memfd,id=m,size=256M,share=on -nodefaults -no-user-config -display none -no-reboot \
    -chardev "socket,id=c,path=$socket" -device "vhost-user-blk-pci,chardev=c,num-queues=2$properties" \
    -serial "file:$dir/console" -kernel "$kernel" -initrd "$dir/initrd" \
    -append "console=ttyS0 quiet rdinit=/init panic=-1 disk=vda" </dev/null >"$dir/log" 2>&1 &
qemu=$!
status=0
wait "$qemu" || status=$?
qemu=
[ -e "$dir/console" ] || : >"$dir/console"
[ $status -eq 0 ] || { cat "$dir/log"; echo "${0##*/}: QEMU ended with status $status"; }
verdict "$dir/console" && [ $status -eq 0 ]
