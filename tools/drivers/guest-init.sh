#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# /init of the guests that linux.sh and uml.sh boot: makes the kernel's virtio_blk driver work and verifies all data itself.
# Its last line is "guest: verified" or "guest: FAILED …". What the disk should hold is kept in /ref; random bytes come from
# /noise, which the host made: an emulated processor has better things to do. Command line: disk=vda
export PATH=/bin # the shell would take its own blkdiscard before that of /sbin
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
read -r line </proc/cmdline
disk=vda
for word in $line; do
    case $word in
    disk=*) disk=${word#disk=} ;;
    esac
done
dev=/dev/$disk
queue=/sys/block/$disk/queue
size=8388608 # bytes that are worked on

end()
{
    echo "guest: $*"
    sync
    poweroff -f
    sleep 60
}

fail()
{
    end "FAILED: $*"
}

# must COMMAND…: it has to succeed
must()
{
    "$@" >/tmp.log 2>&1 || {
        sed "s/^/guest: /" /tmp.log
        fail "$*"
    }
}

for module in $(cat /modules); do
    insmod "/$module" || fail "insmod $module"
done

wait_for_disk()
{
    tries=100
    while [ ! -b "$dev" ]; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || fail "there is no $dev"
        usleep 50000
    done
}

taken=0
# noise FILE LENGTH: other bytes each time
noise()
{
    taken=$(((taken + 524287) % 2097152))
    dd if=/noise of="$1" bs=65536 skip=$taken count="$2" iflag=skip_bytes,count_bytes status=none
}

# write_at OFFSET LENGTH BLOCK FLAG: new bytes, in requests of BLOCK bytes if FLAG is direct; /ref learns of them
write_at()
{
    noise "/new.$1" "$2"
    dd if="/new.$1" of=/ref bs="$3" seek="$1" conv=notrunc oflag=seek_bytes status=none
    flag=seek_bytes
    [ "$4" = direct ] && flag=seek_bytes,direct
    dd if="/new.$1" of="$dev" bs="$3" seek="$1" conv=notrunc,fsync oflag=$flag status=none || fail "writing $2 bytes at $1"
    rm -f "/new.$1"
}

forget_caches()
{
    sync
    blockdev --flushbufs "$dev"
    echo 3 >/proc/sys/vm/drop_caches
}

# same WHAT OFFSET LENGTH: the disk holds what /ref does; read with and without the page cache
same()
{
    forget_caches
    for flag in direct fullblock; do
        dd if="$dev" of=/got bs=65536 skip="$2" count="$3" iflag=skip_bytes,count_bytes,$flag status=none || fail "$1: reading"
        [ "$(stat -c %s /got)" -eq "$3" ] || fail "$1: fewer bytes than asked for"
        cmp -s -n "$3" /got /ref 0 "$2" || fail "$1: other bytes between $2 and $(($2 + $3)) ($flag)"
    done
}

# zeroes OFFSET LENGTH: /ref learns that they are zero
zeroes()
{
    dd if=/dev/zero of=/ref bs=4096 seek=$(($1 / 4096)) count=$(($2 / 4096)) conv=notrunc status=none
}

plain()
{
    write_at 0 65536 512 direct
    write_at 65536 262144 4096 direct
    write_at 327680 720896 65536 cached
    write_at 1048576 4194304 1048576 direct
    same "plain writes" 0 5242880
}

# Each processor has its queue, where there are several; many requests are in flight.
crowd()
{
    for i in 0 1 2 3 4 5; do
        mask=1
        [ "$((i % 2))" -eq 1 ] && [ "$(nproc)" -gt 1 ] && mask=2
        noise /part.$i 524288
        dd if=/part.$i of=/ref bs=4096 seek=$((1310720 / 4096 + i * 128)) conv=notrunc status=none
        # shellcheck disable=SC2016
        taskset $mask sh -c 'dd if=/part.$0 of=$1 bs=16384 seek=$((1310720 + $0 * 524288)) conv=notrunc,fsync oflag=seek_bytes,direct status=none || echo $0 >>/crowd.failed
            dd if=$1 of=/dev/null bs=8192 skip=$((1310720 + $0 * 524288)) count=524288 iflag=skip_bytes,count_bytes,direct status=none || echo $0 >>/crowd.failed' $i "$dev" &
    done
    wait
    [ ! -e /crowd.failed ] || fail "parallel requests"
    rm -f /part.*
    same "parallel writes" 0 5242880
}

offered()
{
    [ "$(cat "$queue/$1")" -gt 0 ]
}

# What a discard leaves is not known (or zeroes): neighbours stay as they are, and the range can be written again.
discards()
{
    offered discard_max_bytes || { echo "guest: discard is not offered"; return; }
    write_at 6291456 1048576 65536 cached
    must /sbin/blkdiscard -o 6422528 -l 131072 "$dev"
    same "before the discarded range" 6291456 131072
    same "after the discarded range" 6553600 786432
    write_at 6422528 131072 65536 direct
    same "written after a discard" 6291456 1048576
    echo "guest: discard done"
    if /sbin/blkdiscard -s -o 6422528 -l 131072 "$dev" 2>/tmp.log; then
        same "before the erased range" 6291456 131072
        same "after the erased range" 6553600 786432
        write_at 6422528 131072 65536 direct
        echo "guest: secure discard done"
    elif grep -q "not supported" /tmp.log; then
        echo "guest: secure discard is not offered"
    else
        # finding 15: Linux lets the device write the segments, so that a device may refuse them
        echo "guest: secure discard fails: $(sed 's/.*: //' /tmp.log)"
        same "around the range that was not erased" 6291456 131072
        write_at 6422528 131072 65536 direct
    fi
}

write_zeroes()
{
    offered write_zeroes_max_bytes || { echo "guest: write zeroes is not offered"; return; }
    write_at 7340032 1048576 65536 cached
    forget_caches
    must /sbin/blkdiscard -z -o 7471104 -l 262144 "$dev"
    zeroes 7471104 262144
    same "zeroed" 7340032 1048576
    echo "guest: write zeroes done"
}

# A write to sysfs is a write to the device's configuration, if CONFIG_WCE was negotiated.
cache_modes()
{
    type=/sys/block/$disk/cache_type
    [ -w "$type" ] || { echo "guest: the cache mode can not be changed"; return; }
    was=$(cat "$type")
    for mode in "write through" "write back" "$was"; do
        echo "$mode" >"$type" || fail "cache mode $mode"
        [ "$(cat "$type")" = "$mode" ] || fail "cache mode is $(cat "$type"), not $mode"
        write_at 5242880 65536 4096 direct
        same "written with $mode" 5242880 65536
    done
    echo "guest: cache mode toggled"
}

# The driver leaves the device and comes back to it.
rebind()
{
    driver=/sys/bus/virtio/drivers/virtio_blk
    forget_caches
    name=$(basename "$(readlink /sys/block/$disk/device)")
    echo "$name" >$driver/unbind || fail "unbind"
    [ ! -b "$dev" ] || fail "unbound, and there still is $dev"
    echo "$name" >$driver/bind || fail "bind"
    wait_for_disk
    same "after the driver left and came back" 0 5242880
    echo "guest: rebound"
}

wait_for_disk
[ "$(($(cat /sys/block/$disk/size) * 512))" -ge $size ] || fail "the disk has less than $size bytes"
echo "guest: $(cat /proc/sys/kernel/osrelease), features $(cat /sys/block/$disk/device/features), $(ls /sys/block/$disk/mq | wc -l) queues, max_segments $(cat $queue/max_segments), max_segment_size $(cat $queue/max_segment_size), serial '$(cat /sys/block/$disk/serial)'"
dd if="$dev" of=/ref bs=65536 count=$((size / 65536)) iflag=direct status=none || fail "the first read"
plain
crowd
discards
write_zeroes
cache_modes
rebind
end verified
