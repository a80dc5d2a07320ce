#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# wireshark.sh SOURCE-DIR VBLK: tshark reads a trace as rings, requests and statuses with tools/wireshark/vblk.lua.
# Status 77: there is no tshark.
set -eu
command -v tshark >/dev/null || { echo "tshark is not there (package tshark)"; exit 77; }
source_dir=$1
vblk=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export HOME="$dir" LC_ALL=C

read_trace()
{
    tshark -X "lua_script:$source_dir/tools/wireshark/vblk.lua" -r "$dir/trace.pcap" "$@" 2>"$dir/err"
    ! grep -i 'lua:\|error' "$dir/err" || exit 1
}
# has WHAT: the last output has a line of it
has()
{
    grep -q -e "$1" "$dir/out" || { echo "wireshark.sh: there is no '$1' in"; head -n 40 "$dir/out"; exit 1; }
}

"$vblk" test --vectors "$source_dir/vectors" --case blk-request/BLK-OP-09/bytewise --record "$dir/trace.pcap" --quiet >/dev/null
read_trace >"$dir/out"
has 'vblk.*head: test'
has 'driver reg-write driver-features'
has 'driver kick queue 0'
has 'OUT sector 1'
has 'status OK'
read_trace -T fields -e vblk.case -e vblk.request.type -e vblk.request.sector -e vblk.request.status -e vblk.used.id \
    -e vblk.ring -e vblk.desc.length >"$dir/out"
has '^bytewise'
has 'descriptor of queue 0, 0	16$'
has 'used of queue 0, 0'
has 'available of queue 0'
read_trace -Y 'vblk.event == 6 && vblk.request.status == 0' >"$dir/out"
has 'device store .* status OK'
read_trace -Y 'vblk.damaged || _ws.malformed || _ws.lua.error' >"$dir/out"
[ ! -s "$dir/out" ] || { echo "wireshark.sh: not understood:"; cat "$dir/out"; exit 1; }

# Packed rings, and the proposal's request.
"$vblk" test --vectors "$source_dir/vectors" --ring packed --clause PROV-REQ-01 --record "$dir/trace.pcap" --quiet >/dev/null
read_trace >"$dir/out"
has 'PROVISION sector 0'
has '1 segments from sector 8'
has 'used id [0-9]*, 1 bytes'
has 'status OK'
! grep 'available of\|used of' "$dir/out" || { echo "wireshark.sh: a packed ring is read as a split one"; exit 1; }
read_trace -T fields -e vblk.request.type -e vblk.ring -e vblk.desc.length -e vblk.used.id >"$dir/out"
has '^15'
has 'descriptor of queue 0, [0-9]*	16	$'
has 'event suppression of queue 0'
read_trace -Y 'vblk.damaged || _ws.malformed || _ws.lua.error' >"$dir/out"
[ ! -s "$dir/out" ] || { echo "wireshark.sh: not understood:"; cat "$dir/out"; exit 1; }
