#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Try vblk: installs what is missing, builds, judges the built-in device and then a device that nobody here wrote,
# QEMU's storage daemon on a scratch image. The reports are left in build/report/.
# Ends with 0 when both runs could be made, whatever they found.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

need gcc libc6-dev cmake ninja-build pkg-config libjansson-dev libxml2-dev libpcap-dev libcmocka-dev qemu-system-common
build release tools/vblk || exit 2

vblk=build/release/tools/vblk
reports=build/report
[ -x "$vblk" ] || die "$vblk was not built"
mkdir -p "$reports"

# judge NAME TITLE COMMAND…: one run of the suite; what its exit status means is said in words
judge()
{
    name=$1
    title=$2
    shift 2
    rm -f "$reports/$name".*
    say "" "== $title"
    status=0
    "$@" --report "text:$reports/$name.txt" --report "json:$reports/$name.json" \
        --report "junit:$reports/$name.xml" || status=$?
    cat "$reports/$name.txt" 2>/dev/null || :
    case $status in
    0) say "" "== Result: every clause that counts held." ;;
    1) say "" "== Result: the suite works; it found deviations in this device. They are listed above and in the report." ;;
    77) say "" "== Result: nothing could be exercised on this device." ;;
    *)
        say "" "== Result: the run could not be made (exit status $status); the reason is above."
        broken=1
        ;;
    esac
}

broken=0
judge builtin "The reference device (built in), on both ring formats" "$vblk" test --builtin --ring both
judge qemu-storage-daemon "$(qemu-storage-daemon --version | head -n 1)" \
    tools/storage-daemon.sh "$vblk" test --allow-data-loss

say "" "Reports (text, JSON, JUnit):"
find "$reports" -name '*.txt' -o -name '*.json' -o -name '*.xml' | sort | sed 's/^/    /'
say "One clause in full: $vblk clauses PROV-DEV-01"
say "One case again, on a daemon of its own: tools/storage-daemon.sh $vblk test --allow-data-loss --case NAME"
[ $broken -eq 0 ] || exit 2
