#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# fickle.sh VBLK FRONT-END: a front-end that cuts its memory file short while a ring runs in it ends neither serve nor
# monitor; nobody is blamed for what was read there; the next front-end is served.
set -eu
vblk=$1
fickle=$2
. "$(dirname "$0")/processes.sh"

# end PID REPORT: it is alive, ends when told to, and blames nobody
end()
{
    kill -0 "$1" 2>/dev/null || fail "process of $2 is gone"
    kill -INT "$1"
    status=0
    wait "$1" || status=$?
    [ $status -le 1 ] || [ $status -eq 77 ] || fail "$2: status $status"
    grep -q 'took back memory' "$dir/$2" || fail "$2 does not tell of it"
    ! grep -E '"result": "fail"|"severity"' "$dir/$2" || fail "$2 blames somebody"
}

# 1. serve gives the connection up.
"$vblk" serve --socket "$dir/s" --quiet --record "$dir/serve.pcap" --report json:"$dir/serve.json" >/dev/null 2>"$dir/err-serve" &
server=$!
pids="$pids $server"
wait_for "$dir/s"
for turn in 1 2; do
    status=0
    "$fickle" "$dir/s" || status=$?
    [ $status -eq 3 ] || fail "serve, turn $turn: status $status"
done

# 2. The monitor looks away; that the device behind it hangs up is the device's own affair.
"$vblk" monitor --listen "$dir/m" --connect "$dir/s" --quiet --record "$dir/monitor.pcap" --report json:"$dir/monitor.json" >/dev/null 2>"$dir/err-monitor" &
monitor=$!
pids="$pids $monitor"
wait_for "$dir/m"
for turn in 1 2; do
    status=0
    "$fickle" "$dir/m" || status=$?
    [ $status -eq 3 ] || fail "monitor, turn $turn: status $status"
done
end $monitor monitor.json
end $server serve.json

# 3. What was recorded of it is judged the same.
for what in serve monitor; do
    "$vblk" check "$dir/$what.pcap" --report json:"$dir/again.json" 2>"$dir/err-check" || [ $? -ne 2 ] ||
        fail "check: $(cat "$dir/err-check")"
    cmp "$dir/$what.json" "$dir/again.json" || fail "the trace of $what is judged otherwise"
done
