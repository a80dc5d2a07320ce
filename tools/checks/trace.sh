#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# trace.sh SOURCE-DIR VBLK: what --record wrote is judged by vblk check as the run was, byte for byte: the reference device,
# QEMU's storage daemon where there is one, drivers that are served, and both sides of a monitor. Nothing of that changes
# by recording; damaged traces are refused with a sentence.
set -eu
source_dir=$1
vblk=$2
export VBLK_VECTORS="$source_dir/vectors"
. "$(dirname "$0")/processes.sh"

# same NAME STATUS: the trace NAME.pcap is judged as NAME.json says, and so is the text report
same()
{
    status=0
    "$vblk" check "$dir/$1.pcap" --report json:"$dir/$1.again" --report text:"$dir/$1.text" 2>"$dir/err" || status=$?
    [ $status -eq "$2" ] || fail "$1: check ends with $status, the run with $2: $(cat "$dir/err")"
    cmp "$dir/$1.json" "$dir/$1.again" || fail "$1: check says something else"
}

# suite NAME OPTION…
suite()
{
    name=$1
    shift
    got=0
    "$vblk" test "$@" --record "$dir/$name.pcap" --report json:"$dir/$name.json" --quiet >/dev/null || got=$?
    [ $got -le 1 ] || fail "$name: vblk test ends with $got"
}

areas='--area ring-split --area ring-packed --area blk-flush --area provision'

# 1. The reference device, both formats: the same report with, without and after recording; the same bytes each time.
# shellcheck disable=SC2086
suite builtin $areas
same builtin $got
# shellcheck disable=SC2086
"$vblk" test $areas --report json:"$dir/plain.json" --quiet || :
cmp "$dir/builtin.json" "$dir/plain.json" || fail "recording changes what is judged"
cp "$dir/builtin.pcap" "$dir/first.pcap"
# shellcheck disable=SC2086
suite builtin $areas
cmp "$dir/builtin.pcap" "$dir/first.pcap" || fail "two recordings of the same run differ"
suite readings --area provision --profile 1.4+provision --level strict --reading AMB-02=ignore --seed 7 --fail-on should
same readings $got

# 2. Somebody else's device, at grade snapshot, which has faults.
if command -v qemu-storage-daemon >/dev/null; then
    truncate -s 64M "$dir/disk"
    qemu-storage-daemon --blockdev "driver=file,node-name=f0,filename=$dir/disk,discard=unmap" \
        --export "type=vhost-user-blk,id=e0,addr.type=unix,addr.path=$dir/daemon,node-name=f0,writable=on,num-queues=2" \
        </dev/null >/dev/null 2>&1 &
    pids="$pids $!"
    wait_for "$dir/daemon"
    suite daemon --vhost-user "$dir/daemon" --allow-data-loss --area ring-split --area blk-flush --area blk-request
    same daemon $got
else
    echo "not there: qemu-storage-daemon; its trace is not tested"
fi

# 3. A driver that is served, and 4. both sides of a monitor: several connections of the suite's own driver.
"$vblk" serve --socket "$dir/behind" --size 64M --quiet --record "$dir/serve.pcap" --report json:"$dir/serve.json" &
server=$!
pids="$pids $server"
wait_for "$dir/behind"
"$vblk" monitor --listen "$dir/front" --connect "$dir/behind" --quiet --record "$dir/monitor.pcap" \
    --report json:"$dir/monitor.json" &
monitor=$!
pids="$pids $monitor"
wait_for "$dir/front"
for area in ring-split ring-packed; do
    "$vblk" test --vhost-user "$dir/front" --allow-data-loss --area $area --quiet >/dev/null || :
done
kill -INT $monitor
got=0
wait $monitor || got=$?
same monitor $got
kill -INT $server
got=0
wait $server || got=$?
same serve $got

# 5. Wrong use and damaged files: one sentence, status 2.
refused()
{
    what=$1
    shift
    got=0
    "$vblk" check "$@" >"$dir/out" 2>"$dir/err" || got=$?
    [ $got -eq 2 ] || fail "$what: status $got"
    [ ! -s "$dir/out" ] && [ "$(wc -l <"$dir/err")" -eq 1 ] || fail "$what: not one sentence: $(cat "$dir/err")"
}
refused 'no file' "$dir/nothing"
refused 'no name'
refused 'an option of other commands' "$dir/serve.pcap" --seed 1
refused 'no trace' "$vblk"
head -c 100000 "$dir/builtin.pcap" >"$dir/cut"
refused 'cut' "$dir/cut"
head -c 24 "$dir/builtin.pcap" >"$dir/empty"
refused 'empty' "$dir/empty"
printf '\001' | dd of="$dir/first.pcap" bs=1 seek=20 conv=notrunc 2>/dev/null
refused 'Ethernet' "$dir/first.pcap"
got=0
"$vblk" test --area blk-flush --record /dev/full --quiet >/dev/null 2>"$dir/err" || got=$?
[ $got -eq 2 ] || fail "a full disk is not told of"
