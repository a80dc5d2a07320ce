#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# qtest.sh ROOT VBLK: `vblk test` against QEMU's own device without a guest, while it lives and when it dies.
# Status 77: there is no QEMU on this machine.
set -eu
root=$1
vblk=$2
[ -x "$vblk" ] || { echo "there is no program $vblk"; exit 2; }
command -v qemu-system-x86_64 >/dev/null || { echo "qemu-system-x86_64 is not there (package qemu-system-x86)"; exit 77; }
dir=$(mktemp -d)
machine=
trap '[ -z "$machine" ] || kill $machine 2>/dev/null || :; wait; rm -rf "$dir"' EXIT
failed=0

bad()
{
    echo "FAILED: $*"
    head -n 20 "$dir/out" "$dir/err"
    failed=1
}

mkdir -p "$dir/read/blk-request" "$dir/long/blk-request"
# vectors NAME SWEEP: two cases, the first of so many variations.
vectors()
{
    cat >"$dir/$1/blk-request/BLK-OP-08.json" <<END
{ "vector": 1, "clause": "BLK-OP-08", "summary": "s", "consequence": "data is lost", "cases": [
  { "name": "one", "kind": "target", "what": "Talks to it.", "sweep": { "n": "0..$2" }, "steps": [
    { "do": "start" }, { "do": "submit", "name": "r", "type": "IN", "sector": "n", "in": 512 },
    { "do": "expect", "name": "r", "status": "OK" } ] },
  { "name": "two", "kind": "target", "what": "Once more.", "steps": [
    { "do": "start" }, { "do": "submit", "name": "r", "type": "IN", "sector": 0, "in": 512 } ] } ] }
END
}
vectors read 3
vectors long 3999

got=0
"$root/tools/qtest-device.sh" "$vblk" test --vectors "$dir/read" >"$dir/out" 2>"$dir/err" || got=$?
[ $got -eq 0 ] || bad "reading: status $got"
grep -q 'qtest device' "$dir/out" || bad "the kind of target is not named"
grep -q '4 played (2 split, 2 packed), 0 skipped' "$dir/out" || bad "not everything was played"

# It dies during a case: that case is named, the rest is skipped, the report is written. A slow build needs more time to
# get to the case: try again later in it while nothing had begun.
for delay in 0.5 2 6 18; do
    rm -f "$dir/options"
    "$root/tools/qtest-device.sh" >"$dir/options" &
    machine=$!
    tries=0
    while [ ! -s "$dir/options" ]; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || { echo "no options are printed"; exit 1; }
        sleep 0.1
    done
    # shellcheck disable=SC2046
    "$vblk" test --ring split --vectors "$dir/long" $(cat "$dir/options") >"$dir/out" 2>"$dir/err" &
    pid=$!
    sleep $delay
    kill $machine
    wait $machine || :
    machine=
    got=0
    wait $pid || got=$?
    [ $got -eq 2 ] || break
done
[ $got -eq 1 ] || bad "a target that dies: status $got"
grep -q 'gone  blk-request/BLK-OP-08/one' "$dir/out" || bad "the case in which the target died is not named"
grep -q '1 skipped: the target did not come back after blk-request/BLK-OP-08/one' "$dir/out" || bad "the rest is not skipped"
[ $failed -eq 0 ]
