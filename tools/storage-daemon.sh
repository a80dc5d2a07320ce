#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# storage-daemon.sh [COMMAND [ARGUMENT…]]
# QEMU's storage daemon, a vhost-user back-end, on a scratch image of 64 MiB: starts it, then runs COMMAND with
# '--vhost-user SOCKET' appended, and ends with its status. Without a COMMAND it prints the option and stays until it is
# interrupted.
#   tools/storage-daemon.sh build/release/tools/vblk test --allow-data-loss
# Status 77: there is no storage daemon on this machine.
set -eu
command -v qemu-storage-daemon >/dev/null || {
    echo "qemu-storage-daemon is not there (package qemu-system-common)" >&2
    exit 77
}

dir=$(mktemp -d)
daemon=
clean_up()
{
    if [ -n "$daemon" ]; then
        kill "$daemon" 2>/dev/null || :
        wait "$daemon" 2>/dev/null || :
    fi
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

truncate -s 64M "$dir/disk.img"
qemu-storage-daemon \
    --blockdev "driver=file,node-name=f0,filename=$dir/disk.img,discard=unmap" \
    --export "type=vhost-user-blk,id=e0,addr.type=unix,addr.path=$dir/sock,node-name=f0,writable=on,num-queues=2,logical-block-size=512" \
    </dev/null >"$dir/log" 2>&1 &
daemon=$!
tries=100
while [ ! -S "$dir/sock" ]; do
    tries=$((tries - 1))
    if [ $tries -eq 0 ] || ! kill -0 "$daemon" 2>/dev/null; then
        cat "$dir/log" >&2
        echo "qemu-storage-daemon did not come up" >&2
        exit 2
    fi
    sleep 0.1
done

if [ $# -eq 0 ]; then
    printf '%s\n' "--vhost-user $dir/sock"
    wait "$daemon" || :
    daemon=
    cat "$dir/log" >&2
    exit 0
fi
status=0
"$@" --vhost-user "$dir/sock" || status=$?
[ $status -ne 2 ] || cat "$dir/log" >&2
exit $status
