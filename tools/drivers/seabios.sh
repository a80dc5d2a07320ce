#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# seabios.sh -s FILE        put the boot sector on FILE, a disk image
# seabios.sh [-p PROPERTIES] SOCKET
# SeaBIOS in QEMU boots from the vhost-user back-end on SOCKET, whose disk must begin with that sector: it writes some
# 250 sectors by int 13h and reads them back. PROPERTIES are those of vhost-user-blk-pci, such as "disable-modern=on".
#   truncate -s 16M disk.img; tools/drivers/seabios.sh -s disk.img
#   build/release/tools/vblk serve --socket S … disk.img & tools/drivers/seabios.sh S
# Status 0: it read what it wrote; 1: it did not; 77: this machine lacks something.
set -eu
. "$(dirname "$0")/lib.sh"
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

sector_on()
{
    program as binutils
    as --32 -o "$dir/boot.o" "$here/boot-sector.s" 2>/dev/null || missing "an assembler for i386" binutils
    ld -m elf_i386 -e _start -Ttext 0x7c00 --oformat binary -o "$dir/boot" "$dir/boot.o"
    dd if="$dir/boot" of="$1" bs=512 count=1 conv=notrunc 2>/dev/null
}

properties=
while getopts p:s: option; do
    case $option in
    p) properties=,$OPTARG ;;
    s)
        sector_on "$OPTARG"
        exit 0
        ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 1 ] || { sed -n '3,9s/^# //p' "$0" >&2; exit 2; }
program qemu-system-x86_64 qemu-system-x86

timeout -k 5 60 qemu-system-x86_64 -accel tcg -M q35,memory-backend=m -m 32 \
    -object memory-backend-memfd,id=m,size=32M,share=on -nodefaults -no-user-config -display none -no-reboot \
    -chardev "socket,id=c,path=$1" -device "vhost-user-blk-pci,chardev=c,num-queues=1,bootindex=0$properties" \
    -device isa-debug-exit,iobase=0xf4,iosize=1 </dev/null >"$dir/log" 2>&1 &
qemu=$!
status=0
wait "$qemu" || status=$?
qemu=
case $status in
33) # (0x10 << 1) + 1
    echo "seabios: verified"
    exit 0
    ;;
124) echo "seabios: it did not come to an end" ;;
*[13579]) echo "seabios: FAILED: step $((status / 2)) of boot-sector.s" ;;
*) cat "$dir/log" && echo "${0##*/}: QEMU ended with status $status" ;;
esac
exit 1
