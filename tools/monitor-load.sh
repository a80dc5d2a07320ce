#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# monitor-load.sh [-s SECONDS] [-v SECONDS] [BUILD-DIRECTORY]
# What `vblk monitor` in the path costs: a driver with 8 requests of 4 KiB in flight, on QEMU's storage daemon, direct and
# through the monitor, turn and turn about, on a device that does nothing (null-co) and on a file; then, with -v, random
# reads and writes that are verified, through the monitor. Nothing may be lost. The build directory is build/release.
#   tools/monitor-load.sh -s 5 -v 60
# Status 0; 1: something failed or was lost, or less than 70 % was left; 77: there is no storage daemon on this machine.
set -eu
seconds=3
verify=
while getopts s:v: option; do
    case $option in
    s) seconds=$OPTARG ;;
    v) verify=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
build=${1-$(dirname "$0")/../build/release}
vblk=$build/tools/vblk
load=$build/tools/monitor_load
command -v qemu-storage-daemon >/dev/null || {
    echo "qemu-storage-daemon is not there (package qemu-system-common)" >&2
    exit 77
}

dir=$(mktemp -d)
pids=
stop()
{
    for pid in $pids; do kill "$pid" 2>/dev/null || :; done
    wait
    pids=
}
clean_up()
{
    stop
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# wait_for SOCKET
wait_for()
{
    tries=100
    while [ ! -S "$1" ]; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { echo "nobody listens at $1" >&2; exit 2; }
        sleep 0.1
    done
}

# device OPTIONS: the daemon at $dir/direct, the monitor in front of it at $dir/through
device()
{
    stop
    rm -f "$dir/direct" "$dir/through"
    qemu-storage-daemon --blockdev "$1,node-name=f0" --export \
        "type=vhost-user-blk,id=e0,addr.type=unix,addr.path=$dir/direct,node-name=f0,writable=on" </dev/null &
    pids=$!
    wait_for "$dir/direct"
    "$vblk" monitor --listen "$dir/through" --connect "$dir/direct" --quiet --report "text:$dir/report" &
    pids="$pids $!"
    wait_for "$dir/through"
}

rate()
{
    "$load" "$@" | sed 's/ .*//'
}

status=0
truncate -s 64M "$dir/disk"
for kind in null-co file; do
    case $kind in
    null-co) device driver=null-co,size=67108864,read-zeroes=on ;;
    file) device "driver=file,filename=$dir/disk" ;;
    esac
    direct=0
    through=0
    for turn in 1 2 3; do
        direct=$((direct + $(rate "$dir/direct" "$seconds")))
        through=$((through + $(rate "$dir/through" "$seconds")))
    done
    echo "$kind: direct $((direct / 3)), through the monitor $((through / 3)) requests a second: $((100 * through / direct)) %"
    [ $((100 * through)) -ge $((70 * direct)) ] || status=1
done
if [ -n "$verify" ]; then
    echo "verified: $("$load" "$dir/through" "$verify" verify)"
fi
exit $status
