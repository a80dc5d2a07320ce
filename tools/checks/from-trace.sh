#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# from-trace.sh SOURCE-DIR VBLK: what vblk test, serve and monitor recorded becomes vectors that lint and format find nothing in and
# that hold on the reference device; what is no whole trace is refused with a sentence and status 2.
set -eu
vblk=$2
export VBLK_VECTORS="$1/vectors"
. "$(dirname "$0")/processes.sh"

# becomes NAME OPTION…: NAME.pcap is a vector, its file in $file
becomes()
{
    name=$1
    shift
    "$vblk" vectors from-trace "$dir/$name.pcap" "$@" >"$dir/vector" 2>"$dir/err" || fail "$name: from-trace ends with $?"
    file=$dir/$name/$(sed -n 's/.*is to be called //p' "$dir/err")
    mkdir -p "${file%/*}"
    cp "$dir/vector" "$file"
    "$vblk" vectors lint "$file" >"$dir/err" 2>&1 || fail "$name: lint finds something"
    "$vblk" vectors format --check "$file" >"$dir/err" 2>&1 || fail "$name: the layout is another"
    "$vblk" vectors run "$file" >"$dir/err" 2>&1 || fail "$name: does not hold again"
    ! grep -q '^skip' "$dir/err" || fail "$name: not all is played"
    grep -q '^[1-9][0-9]* cases on the built-in device' "$dir/err" || fail "$name: nothing is played"
}

# refused SENTENCE ARGUMENT…
refused()
{
    sentence=$1
    shift
    got=0
    "$vblk" vectors from-trace "$@" >"$dir/out" 2>"$dir/err" || got=$?
    [ $got -eq 2 ] || fail "from-trace $*: ends with $got, not 2"
    [ ! -s "$dir/out" ] || fail "from-trace $*: half a vector"
    grep -q -- "$sentence" "$dir/err" || fail "from-trace $*: does not say: $sentence"
}

# 1. The reference device: both formats, tables, segments, writes.
"$vblk" test --case 'blk-request/BLK-OP-09/*' --case 'ring-indirect/RING-IND-01/*' --case 'provision/PROV-DEV-01/*' \
    --record "$dir/test.pcap" --quiet >/dev/null
becomes test
for what in '"indirect": true' '"type": "OUT"' '"segments": \[' '"RING_PACKED"'; do
    grep -q "$what" "$file" || fail "the vector has no $what"
done
becomes test --case 'provision/*' --clause PROV-DEV-02 --requests 1
case $file in */provision/PROV-DEV-02.json) ;; *) fail "the clause is not the one asked for: $file" ;; esac

# 2. A driver in another process, seen by the device and from in between.
"$vblk" serve --socket "$dir/sock" --record "$dir/serve.pcap" --connections 1 >/dev/null 2>"$dir/err_serve" &
server=$!
pids="$pids $server"
wait_for "$dir/sock"
"$vblk" monitor --listen "$dir/between" --connect "$dir/sock" --connections 1 --record "$dir/monitor.pcap" >/dev/null 2>"$dir/err_monitor" &
between=$!
pids="$pids $between"
wait_for "$dir/between"
"$vblk" test --vhost-user "$dir/between" --allow-data-loss --case 'blk-request/BLK-OP-09/*' --quiet >/dev/null || fail "the run"
wait $between || :
wait $server || :
becomes serve
grep -q '"type": "OUT"' "$file" || fail "serve: the vector has no write"
becomes monitor

# 3. What is no trace, not whole, or not what was asked for.
size=$(wc -c <"$dir/test.pcap")
for len in 0 10 24 100 $((size / 2)) $((size - 1)); do
    head -c "$len" "$dir/test.pcap" >"$dir/cut.pcap"
    refused '.' "$dir/cut.pcap"
done
refused 'not a trace' "$dir/none.pcap"
refused 'one file is needed'
refused 'there is no clause' --clause NO-SUCH-01 "$dir/test.pcap"
refused 'a number from 1 on' --requests 0 "$dir/test.pcap"
refused 'nothing to make a case of' --case nothing "$dir/test.pcap"
