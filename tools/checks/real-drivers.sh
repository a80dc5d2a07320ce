#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# real-drivers.sh ROOT VBLK WHAT: a driver that nobody here wrote works with the reference device (or, "monitored", with
# QEMU's storage daemon), and is judged. WHAT: linux-split, linux-packed, linux-monitored, seabios, uml.
# The guest verifies its data; the report holds at least so many rules that were exercised and held, and no violation but
# those of docs/findings.md. Status 77: this machine lacks something.
set -eu
. "$(dirname "$0")/listens.sh"
root=$1
vblk=$2
what=$3
[ -x "$vblk" ] || { echo "there is no program $vblk"; exit 2; }
dir=$(mktemp -d)
pids=
daemon=
known=none
clean_up()
{
    for pid in $pids; do
        kill -TERM "$pid" 2>/dev/null || :
    done
    wait
    rm -rf "$dir"
}
trap clean_up EXIT
socket=$dir/s
failed=0

bad()
{
    echo "FAILED: $*"
    failed=1
}

# wait_for SOCKET PID
wait_for()
{
    tries=200
    until listens "$1"; do
        tries=$((tries - 1))
        kill -0 "$2" 2>/dev/null && [ $tries -gt 0 ] || { echo "nobody listens"; cat "$dir/err"; exit 2; }
        sleep 0.05
    done
}

# serve OPTION…
serve()
{
    "$vblk" serve --socket "$socket" --once --quiet --report "text:$dir/report" "$@" >"$dir/out" 2>"$dir/err" &
    judge=$!
    pids=$judge
    wait_for "$socket" $judge
}

# drive SCRIPT…: the driver's own verification decides
drive()
{
    got=0
    "$@" "$socket" || got=$?
    [ $got -ne 77 ] || exit 77
    [ $got -eq 0 ] || bad "${1##*/}: status $got"
}

# judged LEAST [EXPRESSION…]: the judge ends by itself, content, with so much evidence, and the report has these lines
judged()
{
    got=0
    tries=100
    while kill -0 $judge 2>/dev/null && [ $tries -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
    kill -INT $judge 2>/dev/null || :
    wait $judge || got=$?
    pids=$daemon
    [ $tries -gt 0 ] || bad "the judge does not end when the driver has gone"
    [ $got -eq 0 ] || bad "the judge: status $got"
    pass=$(sed -n 's/^ *\([0-9]*\) pass$/\1/p' "$dir/report")
    [ "${pass:-0}" -ge "$1" ] || bad "${pass:-no} rules held, at least $1 are wanted"
    grep -q '^no violation in ' "$dir/report" || bad "there are violations"
    doubts=$(grep -E '^(FAIL|WARN) ' "$dir/report" | grep -v "^WARN  $known " || :)
    [ -z "$doubts" ] || bad "$doubts"
    shift
    for line in "$@"; do
        grep -q "$line" "$dir/report" || bad "no '$line' in the report"
    done
    [ $failed -eq 0 ] || cat "$dir/err" "$dir/report"
    echo "$what: $pass rules held"
}

case $what in
linux-split)
    serve --size 64M --ring split
    drive "$root/tools/drivers/linux.sh"
    judged 44 'negotiated.* MQ DISCARD WRITE_ZEROES' 'INDIRECT_DESC EVENT_IDX VERSION_1'
    ;;
linux-packed) # small odd limits, so that they mean something
    serve --size 64M --size-max 8192 --seg-max 5 --max-discard-sectors 64 --max-discard-seg 3 \
        --max-write-zeroes-sectors 100 --max-write-zeroes-seg 2
    drive "$root/tools/drivers/linux.sh" -p packed=on
    judged 60 'negotiated.* MQ DISCARD WRITE_ZEROES' 'INDIRECT_DESC EVENT_IDX VERSION_1 RING_PACKED'
    ;;
linux-monitored) # between Linux and QEMU's storage daemon, both judged; the daemon's size_max is finding 7
    "$root/tools/storage-daemon.sh" >"$dir/daemon" &
    daemon=$!
    pids=$daemon
    tries=100
    while [ ! -s "$dir/daemon" ] && [ $tries -gt 0 ] && kill -0 $daemon 2>/dev/null; do
        tries=$((tries - 1))
        sleep 0.1
    done
    if [ ! -s "$dir/daemon" ]; then
        got=0
        wait $daemon || got=$?
        exit $got
    fi
    "$vblk" monitor --listen "$socket" --connect "$(sed 's/^--vhost-user //' "$dir/daemon")" --once --quiet \
        --report "text:$dir/report" >"$dir/out" 2>"$dir/err" &
    judge=$!
    pids="$daemon $judge"
    wait_for "$socket" $judge
    drive "$root/tools/drivers/linux.sh"
    known=BLK-CFG-02
    judged 48 'driver and device' 'negotiated.* MQ DISCARD WRITE_ZEROES'
    ;;
seabios)
    truncate -s 16M "$dir/disk"
    "$root/tools/drivers/seabios.sh" -s "$dir/disk" || exit $?
    serve --image "$dir/disk"
    drive "$root/tools/drivers/seabios.sh"
    judged 25 'negotiated.* VERSION_1'
    ;;
uml) # SECURE_ERASE reaches the driver here; what it makes of it is finding 15
    known=BLK-OP-10
    serve --size 64M --ring split
    drive "$root/tools/drivers/uml.sh"
    judged 40 'negotiated.* DISCARD WRITE_ZEROES'
    ;;
*)
    echo "what is $what?"
    exit 2
    ;;
esac
[ $failed -eq 0 ]
