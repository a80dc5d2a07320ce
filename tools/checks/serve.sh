#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# serve.sh ROOT VBLK FRONT-END: `vblk serve` with the suite's own driver in front of it: both sides judged, clean where both are
# lawful; front-ends that come again, signals, images, faults, wrong usage.
set -eu
. "$(dirname "$0")/listens.sh"
vblk=$2
[ -x "$vblk" ] || { echo "there is no program $vblk"; exit 2; }
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -KILL $server; rm -rf "$dir"' EXIT
failed=0

bad()
{
    echo "FAILED: $*"
    head -n 30 "$dir/out" "$dir/report" "$dir/err" 2>/dev/null || :
    failed=1
}

# start OPTION…
start()
{
    rm -f "$dir/sock" "$dir/report"
    "$vblk" serve --socket "$dir/sock" --report "text:$dir/report" --report "json:$dir/json" "$@" >"$dir/served" 2>"$dir/err" &
    server=$!
    tries=0
    until listens "$dir/sock"; do
        tries=$((tries + 1))
        [ $tries -lt 400 ] || { echo "the server does not listen"; cat "$dir/err"; exit 1; }
        sleep 0.05
    done
}

# stop [SIGNAL]: its status in $got
stop()
{
    [ $# -eq 0 ] || kill "-$1" $server 2>/dev/null || :
    got=0
    wait $server || got=$?
    server=
}

drive()
{
    driven=0
    "$vblk" test --vhost-user "$dir/sock" --allow-data-loss "$@" >"$dir/out" 2>"$dir/err" || driven=$?
}

mkdir -p "$dir/lawful/blk-request" "$dir/wrong/blk-request" "$dir/long/blk-request"
head='{ "vector": 1, "clause": "BLK-OP-08", "summary": "s", "consequence": "data is lost", "cases": ['
cat >"$dir/lawful/blk-request/BLK-OP-08.json" <<END
$head
  { "name": "data", "kind": "target", "what": "Writes and reads.", "changes_disk": true, "sweep": { "n": "0..9" }, "steps": [
    { "do": "start" },
    { "do": "submit", "name": "w", "type": "OUT", "sector": "n", "out": { "fill": 7, "length": 512 } },
    { "do": "submit", "name": "f", "type": "FLUSH" },
    { "do": "submit", "name": "r", "type": "IN", "sector": "n", "in": 512 },
    { "do": "expect", "name": "r", "status": "OK" } ] },
  { "name": "segments", "kind": "target", "what": "Segments.", "changes_disk": true, "needs": { "features": ["PROVISION", "DISCARD"] }, "steps": [
    { "do": "start" },
    { "do": "submit", "name": "p", "type": "PROVISION", "segments": [{ "sector": 8, "num_sectors": 8, "flags": 0 }] },
    { "do": "submit", "name": "z", "type": "WRITE_ZEROES", "segments": [{ "sector": 8, "num_sectors": 8, "flags": 1 }] },
    { "do": "submit", "name": "d", "type": "DISCARD", "segments": [{ "sector": 8, "num_sectors": 8, "flags": 0 }] },
    { "do": "expect", "name": "d", "status": "OK" } ] } ] }
END
cat >"$dir/wrong/blk-request/BLK-OP-08.json" <<END
$head
  { "name": "flush", "kind": "target", "what": "FLUSH with a sector.", "flags": ["lie"], "steps": [
    { "do": "start" }, { "do": "submit", "name": "f", "type": "FLUSH", "sector": 5 } ] } ] }
END
cat >"$dir/long/blk-request/BLK-OP-08.json" <<END
$head
  { "name": "long", "kind": "target", "what": "Reads.", "sweep": { "n": "0..3999" }, "steps": [
    { "do": "start" }, { "do": "submit", "name": "r", "type": "IN", "sector": "n", "in": 512 } ] } ] }
END

# Both are lawful: both are judged clean, on each kind of ring, and a second front-end is served like the first.
start
drive --vectors "$dir/lawful"
[ $driven -eq 0 ] || bad "the lawful device: status $driven"
drive --vectors "$dir/lawful"
[ $driven -eq 0 ] || bad "the lawful device, the second time: status $driven"
stop INT
[ $got -eq 0 ] || bad "the lawful driver: status $got"
grep -q '^no violation in [1-9]' "$dir/report" || bad "the lawful driver is not judged clean"
grep -q 'vhost-user driver' "$dir/report" || bad "the report is not about a driver"
grep -q '"connection-2"' "$dir/json" || bad "the second connection is not in the report"

# Without STATUS, and without an eventfd for notifications.
start --status off --no-protocol 14,15
drive --vectors "$dir/lawful"
[ $driven -eq 0 ] || bad "without STATUS: status $driven"
stop TERM
[ $got -eq 0 ] || bad "the driver without STATUS: status $got"

# A driver that breaks a rule is blamed for that one, with the rule's reason and the next command.
start --once
drive --vectors "$dir/wrong"
stop
[ $got -eq 1 ] || bad "a wrong driver: status $got"
grep -q '^FAIL  BLK-OP-DRV-04 ' "$dir/report" || bad "a FLUSH with a sector is not blamed"
[ "$(grep -c '^FAIL' "$dir/report")" -eq 1 ] || bad "more is blamed than was broken"
grep -q 'again     vblk serve' "$dir/report" || bad "no command to go on with"

# Signals in the middle of a connection: the report is there, whole, whatever comes after the first one.
start
"$vblk" test --vhost-user "$dir/sock" --vectors "$dir/long" >/dev/null 2>&1 &
driver=$!
sleep 0.5
kill -TERM $server
kill -TERM $server 2>/dev/null || :
stop TERM
kill $driver 2>/dev/null || :
wait $driver || :
case $got in
0 | 77) ;;
*) bad "interrupted: status $got" ;;
esac
grep -q '"cases"' "$dir/json" || bad "interrupted: no report"
[ ! -e "$dir/sock" ] || bad "the socket stays behind"

# An image is written to, and spared if it is read-only.
truncate -s 16M "$dir/img"
start --image "$dir/img" --once
drive --vectors "$dir/lawful" --case data
stop
[ "$(tr -d '\000' <"$dir/img" | wc -c)" -eq 5120 ] || bad "what was written is not in the image"
start --image "$dir/img" --read-only --once
drive --vectors "$dir/lawful" --case data
stop
[ "$(tr -d '\000' <"$dir/img" | wc -c)" -eq 5120 ] || bad "a read-only image was written to"

# A front-end that hangs up and comes back: its ring goes on where it was, and is judged in each of its four lives.
for format in split packed; do
    start --connections 4
    "$3" "$dir/sock" $format >"$dir/out" 2>&1 || bad "the front-end came back to a $format ring, in vain"
    stop
    [ $got -eq 0 ] || bad "$format ring that goes on: status $got"
    grep -A 12 '"id": "SAFE-DRV-03"' "$dir/json" | grep -q '"runs": 36\|"exercised": 36' || bad "$format ring: not all requests were judged"
done

# A driver that does not notify is blamed while it is served, and for nothing else.
for format in split:NOTIF-AVAIL-DRV-04 packed:NOTIF-PACKED-03; do
    start --once --silence 300
    "$3" "$dir/sock" "${format%:*}" mute >"$dir/out" 2>&1 || bad "a ring was served that nobody notified of"
    stop
    [ $got -eq 1 ] || bad "a driver that does not notify: status $got"
    [ "$(sed -n 's/^FAIL  \([A-Z0-9-]*\) .*/\1/p' "$dir/report")" = "${format#*:}" ] || bad "not ${format#*:} alone"
done

# A device that misbehaves is found out.
start --fault status:value=1 --once
drive --vectors "$dir/lawful"
[ $driven -eq 1 ] || bad "a fault that nobody finds: status $driven"
stop

# usage PATTERN OPTION…: one sentence and status 2
usage()
{
    pattern=$1
    shift
    got=0
    "$vblk" serve "$@" >"$dir/out" 2>"$dir/err" || got=$?
    [ $got -eq 2 ] || bad "$*: status $got"
    grep -q -- "$pattern" "$dir/err" || bad "$*: no '$pattern'"
    [ "$(wc -l <"$dir/err")" -eq 1 ] || bad "$*: not one sentence"
}
usage '--socket PATH is needed'
usage 'unknown option' --socket "$dir/s" --nonsense
usage 'multiple of 512' --socket "$dir/s" --size 1000
usage 'no feature of that name' --socket "$dir/s" --features NONSENSE
usage 'cannot use the image' --socket "$dir/s" --image "$dir/nothing"
usage 'exclude each other' --socket "$dir/s" --image "$dir/img" --size 1M
usage 'cannot listen' --socket "$dir/nowhere/s"
usage 'cannot write the report' --socket "$dir/s" --report "json:$dir/nowhere/r"
usage 'without FLUSH' --socket "$dir/s" --no-features FLUSH
usage '--fault' --socket "$dir/s" --fault nonsense
start
usage 'cannot listen' --socket "$dir/sock"
stop INT
[ $got -eq 77 ] || bad "nobody came: status $got"
[ $failed -eq 0 ]
