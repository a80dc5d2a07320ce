#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# qtest-device.sh [-p PROPERTIES] [COMMAND [ARGUMENT…]]
# QEMU's own virtio-blk device without a guest, on a scratch image: starts QEMU, then runs COMMAND with the options that
# 'vblk test' needs appended, and ends with its status. Without a COMMAND it prints the options and stays until it is
# interrupted. PROPERTIES are those of virtio-blk-device, such as "packed=off,num-queues=1".
#   tools/qtest-device.sh build/release/tools/vblk test --allow-data-loss
# Status 77: there is no QEMU on this machine.
set -eu
properties=packed=on,num-queues=4
if [ "${1-}" = -p ]; then
    properties=$2
    shift 2
fi
command -v qemu-system-x86_64 >/dev/null || {
    echo "qemu-system-x86_64 is not there (package qemu-system-x86)" >&2
    exit 77
}

dir=$(mktemp -d)
qemu=
# A QEMU that is caught in a loop does not listen to anything gentler.
clean_up()
{
    rm -f "$dir/again"
    [ ! -s "$dir/pid" ] || kill -9 "$(cat "$dir/pid")" 2>/dev/null || :
    rm -rf "$dir"
    [ -z "$qemu" ] || wait "$qemu" 2>/dev/null || :
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The processor is parked: 64 KiB of hlt, and at the reset vector cli; hlt; jump back.
head -c 65536 /dev/zero | tr '\000' '\364' >"$dir/hlt.rom"
printf '\372\364\353\375' | dd of="$dir/hlt.rom" bs=1 seek=65520 conv=notrunc 2>/dev/null
truncate -s 64M "$dir/disk.img" "$dir/ram"

run_qemu()
{
    qemu-system-x86_64 -accel tcg -bios "$dir/hlt.rom" -M microvm,memory-backend=m -m 64 \
        -object "memory-backend-file,id=m,size=64M,share=on,mem-path=$dir/ram" \
        -nodefaults -no-user-config -display none -pidfile "$dir/pid" \
        -qtest "unix:$dir/qtest.sock,server=on,wait=off" -qtest-log /dev/null -global virtio-mmio.force-legacy=false \
        -blockdev "driver=file,node-name=d0,filename=$dir/disk.img,discard=unmap" \
        -device "virtio-blk-device,drive=d0,serial=scratch,$properties" </dev/null >>"$dir/log" 2>&1
}
# For 'vblk test --restart': end this QEMU and let another one take its place.
cat >"$dir/restart" <<END
#!/bin/sh
: >"$dir/again"
kill -9 "\$(cat "$dir/pid")" 2>/dev/null || :
END
chmod +x "$dir/restart"
# One that died by itself is not replaced before somebody asks for it.
{
    run_qemu || :
    while : 2>/dev/null >"$dir/down"; do
        if [ -e "$dir/again" ]; then
            rm -f "$dir/again" "$dir/qtest.sock" "$dir/down"
            run_qemu || :
        else
            sleep 0.05
        fi
    done
} &
qemu=$!
tries=100
while [ ! -S "$dir/qtest.sock" ]; do
    tries=$((tries - 1))
    if [ $tries -eq 0 ] || [ -e "$dir/down" ]; then
        cat "$dir/log" >&2
        echo "QEMU did not come up" >&2
        exit 2
    fi
    sleep 0.05
done

if [ $# -eq 0 ]; then
    printf '%s\n' "--qtest $dir/qtest.sock --memory $dir/ram --restart $dir/restart"
    wait "$qemu" || :
    qemu=
    cat "$dir/log" >&2
    exit 0
fi
status=0
"$@" --qtest "$dir/qtest.sock" --memory "$dir/ram" --restart "$dir/restart" || status=$?
[ $status -ne 2 ] || cat "$dir/log" >&2 # QEMU may have died of PROPERTIES that it does not like
exit $status
