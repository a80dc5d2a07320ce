#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Instructions per request of each row of `vblk bench`, counted by callgrind, and what one more check costs.
# Usage: tools/bench-instructions.sh PATH-OF-VBLK [BYTES]
#   BYTES   of data in each request: 0 (default) or 4096
# Two runs of different length are subtracted, so that set-up does not count. Needs valgrind.
set -eu

case $# in
1 | 2) ;;
*)
    sed -n '3,5s/^# //p' "$0" >&2
    exit 2
    ;;
esac
vblk=$1
data=${2:-0}
short=100
long=300
requests=$(((long - short) * 32))
command -v valgrind >/dev/null || { echo "bench-instructions.sh: valgrind is missing" >&2; exit 2; }
[ -x "$vblk" ] || { echo "bench-instructions.sh: no program '$vblk'" >&2; exit 2; }

# count ROW ROUNDS: instructions of one run
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$vblk" bench --only "$1" --rounds "$2" --data "$data" 2>&1 |
        awk '/refs:/ { gsub(",", "", $NF); print $NF }'
}

# checks ROW: how many checks a request of this size is asked, by the table that `vblk bench` prints
table=$("$vblk" bench --rounds 20)
checks() {
    printf '%s\n' "$table" | awk -v row="$1" -v data="$data" '
        /descriptors, depth/ { mine = (data > 0) == ($0 ~ /byte reads/) }
        mine && $1 == row { for (i = 2; i <= NF; i++) if ($i == "checks") print $(i - 1) }'
}

floor=$((($(count floor $long) - $(count floor $short)) / requests))
printf '%-16s %6d instructions per request\n' floor "$floor"
for row in models judged-snapshot judged judged-device packed-models packed-judged; do
    each=$((($(count $row $long) - $(count $row $short)) / requests))
    awk -v row="$row" -v n="$each" -v floor="$floor" 'BEGIN { printf "%-16s %6d  %6.1f x floor\n", row, n, n / floor }'
    case $row in
    judged) judged=$each ;;
    judged-device) device=$each ;;
    esac
done
awk -v more=$((judged - device)) -v a="$(checks judged)" -v b="$(checks judged-device)" \
    'BEGIN { printf "one more check   %6.1f instructions (%d for %.1f)\n", more / (a - b), more, a - b }'
