#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# monitor.sh SOURCE-DIR VBLK: with vblk monitor in between, a device gets the same verdicts as without; nothing is lost;
# it tells what it saw of both sides; it survives both.
set -eu
source_dir=$1
vblk=$2
. "$(dirname "$0")/processes.sh"

# serve SOCKET
serve()
{
    "$vblk" serve --socket "$1" --size 64M --quiet --report json:"$dir/serve.json" &
    server=$!
    pids="$pids $server"
    wait_for "$1"
}

# suite REPORT: against whoever is at $dir/device
suite()
{
    status=0
    "$vblk" test --vhost-user "$dir/device" --allow-data-loss --vectors "$source_dir/vectors" \
        --area blk-flush --area ring-split --area ring-indirect --area ring-packed --area blk-discard-wz-erase \
        --quiet --report json:"$1" || status=$?
    [ $status -le 1 ] || fail "vblk test ended with $status"
    # whether a rule that binds the moment was exercised depends on who was awake: what is wrong does not
    grep -E '"(name|result|message|expected|seen|address|runs|fail|warn)": ' "$1" >"$1.verdicts"
}

# 1. The same verdicts and violations, in both ring formats.
serve "$dir/device"
suite "$dir/direct.json"
kill "$server"
wait "$server" || :
serve "$dir/behind"
"$vblk" monitor --listen "$dir/device" --connect "$dir/behind" --quiet --report json:"$dir/both.json" \
    --vectors "$source_dir/vectors" &
monitor=$!
pids="$pids $monitor"
wait_for "$dir/device"
suite "$dir/between.json"
diff "$dir/direct.json.verdicts" "$dir/between.json.verdicts" >&2 || fail "the monitor in between changes what is seen"

# 2. A second signal does not lose the report; the socket is gone afterwards.
kill "$monitor"
kill "$monitor" 2>/dev/null || :
status=0
wait "$monitor" || status=$?
[ $status -eq 1 ] || fail "monitor ended with $status: the suite's driver lies on purpose, which is to be seen"
[ ! -e "$dir/device" ] || fail "the socket was left behind"

# 3. It saw both sides, the device is innocent, and our driver's lies are the driver's.
grep -q '"role": "driver and device"' "$dir/both.json" || fail "the report is not on both sides"
grep -q '"message": "the driver: ' "$dir/both.json" || fail "no lie of the suite's driver was seen"
if grep '"message": "the device: ' "$dir/both.json"; then
    fail "the reference device is blamed"
fi

# 4. No back-end: the front-end is turned away in time, and the monitor stays.
"$vblk" monitor --listen "$dir/device" --connect "$dir/nobody" --wait 0 --once --quiet --report json:"$dir/none.json" &
monitor=$!
pids="$pids $monitor"
wait_for "$dir/device"
status=0
"$vblk" test --vhost-user "$dir/device" --timeout 1 --quiet 2>/dev/null || status=$?
[ $status -eq 2 ] || fail "a device that is not there was tested: $status"
kill -0 "$monitor" || fail "the monitor went away with the front-end"
kill "$monitor"
status=0
wait "$monitor" || status=$?
[ $status -eq 77 ] || fail "monitor ended with $status though nobody connected"

# 5. What is wrong on the command line is said.
for wrong in "" "--listen $dir/x" "--listen $dir/x --connect $dir/y extra" "--listen $dir/no/such/x --connect $dir/y" \
    "--listen $dir/x --connect $dir/y --level loud"; do
    status=0
    # shellcheck disable=SC2086
    "$vblk" monitor $wrong >/dev/null 2>"$dir/said" || status=$?
    [ $status -eq 2 ] || fail "'vblk monitor $wrong' ended with $status"
    [ "$(wc -l <"$dir/said")" -eq 1 ] || fail "'vblk monitor $wrong' does not say it in one line"
done
