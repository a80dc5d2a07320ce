#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# backend.sh ROOT VBLK: `vblk test` against a vhost-user back-end that nobody here wrote, while it lives and when it dies.
# Status 77: there is none on this machine.
set -eu
. "$(dirname "$0")/listens.sh"
vblk=$2
[ -x "$vblk" ] || { echo "there is no program $vblk"; exit 2; }
command -v qemu-storage-daemon >/dev/null || { echo "qemu-storage-daemon is not there (package qemu-system-common)"; exit 77; }
dir=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill -KILL $daemon; rm -rf "$dir"' EXIT
failed=0

bad()
{
    echo "FAILED: $*"
    head -n 20 "$dir/out" "$dir/err"
    failed=1
}

start()
{
    rm -f "$dir/sock"
    qemu-storage-daemon --blockdev "driver=file,node-name=f0,filename=$dir/img,discard=unmap" \
        --export "type=vhost-user-blk,id=e0,addr.type=unix,addr.path=$dir/sock,node-name=f0,writable=on,num-queues=2" \
        >"$dir/daemon" 2>&1 &
    daemon=$!
    tries=0
    until listens "$dir/sock"; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || { echo "the daemon does not listen"; cat "$dir/daemon"; exit 1; }
        sleep 0.05
    done
}

run()
{
    got=0
    "$vblk" test --vhost-user "$dir/sock" "$@" >"$dir/out" 2>"$dir/err" || got=$?
}

mkdir -p "$dir/read/blk-request" "$dir/long/blk-request" "$dir/write/blk-request"
# vectors NAME SWEEP MORE STEP: one case.
vectors()
{
    cat >"$dir/$1/blk-request/BLK-OP-08.json" <<END
{ "vector": 1, "clause": "BLK-OP-08", "summary": "s", "consequence": "data is lost", "cases": [
  { "name": "one", "kind": "target", "what": "Talks to it.", $3 "sweep": { "n": "0..$2" }, "steps": [
    { "do": "start" }, { "do": "submit", "name": "r", $4 }, { "do": "expect", "name": "r", "status": "OK" } ] },
  { "name": "two", "kind": "target", "what": "Once more.", "steps": [
    { "do": "start" }, { "do": "submit", "name": "r", "type": "IN", "sector": 0, "in": 512 } ] } ] }
END
}
vectors read 3 '' '"type": "IN", "sector": "n", "in": 512'
vectors long 3999 '' '"type": "IN", "sector": "n", "in": 512'
vectors write 3 '"changes_disk": true,' '"type": "OUT", "sector": "n", "out": { "fill": 7, "length": 512 }'
truncate -s 16M "$dir/img"

start
run --vectors "$dir/read"
[ $got -eq 0 ] || bad "reading: status $got"
run --vectors "$dir/write"
grep -q '1 skipped: .*--allow-data-loss' "$dir/out" || bad "the disk of a stranger is not spared"
[ "$(tr -d '\000' <"$dir/img" | wc -c)" -eq 0 ] || bad "the disk of a stranger was written to"
run --vectors "$dir/write" --allow-data-loss
[ $got -eq 0 ] || bad "writing: status $got"
[ "$(tr -d '\000' <"$dir/img" | wc -c)" -eq 2048 ] || bad "nothing was written"

# It stops answering before the first case: nothing can be said about it.
kill -STOP $daemon
run --vectors "$dir/read" --timeout 0.2
[ $got -eq 2 ] || bad "a target that does not answer: status $got"
[ "$(wc -l <"$dir/err")" -eq 1 ] || bad "a target that does not answer: not one sentence"
kill -CONT $daemon

# It dies during a case: that case is named, the rest is skipped, the report is written. A slow build needs more time to
# get to the case: try again later in it while nothing had begun.
for delay in 0.3 1 3 9; do
    [ -n "$daemon" ] || start
    "$vblk" test --vhost-user "$dir/sock" --vectors "$dir/long" >"$dir/out" 2>"$dir/err" &
    pid=$!
    sleep $delay
    kill -KILL $daemon
    wait $daemon 2>/dev/null || :
    daemon=
    got=0
    wait $pid || got=$?
    [ $got -eq 2 ] || break
done
[ $got -eq 1 ] || bad "a target that dies: status $got"
grep -q 'gone  blk-request/BLK-OP-08/one' "$dir/out" || bad "the case in which the target died is not named"
grep -q '1 skipped: the target did not come back after blk-request/BLK-OP-08/one' "$dir/out" || bad "the rest is not skipped"

# It dies and is started again at once: the run goes on.
start
"$vblk" test --vhost-user "$dir/sock" --vectors "$dir/long" >"$dir/out" 2>"$dir/err" &
pid=$!
sleep 0.3
kill -KILL $daemon
wait $daemon 2>/dev/null || :
start
wait $pid || :
grep -q '2 played, 0 skipped' "$dir/out" || bad "the run does not go on with a target that was started again"
[ $failed -eq 0 ]
