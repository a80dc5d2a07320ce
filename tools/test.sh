#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The whole test suite: installs what is missing, builds each preset, runs its tests. The last line counts them. Of the
# preset fuzz only the fuzzers are built, and each is run for a fixed number of executions: one test each.
# Usage: tools/test.sh [--quick] [PRESET…]
#   --quick   only the release preset
# VBLK_COVERAGE_MIN is the least line coverage of lib/ in per cent (95).
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

presets=
for argument in "$@"; do
    case $argument in
    --quick) presets=release ;;
    -h | --help)
        sed -n '3,8s/^# //p' tools/test.sh
        exit 0
        ;;
    -*) die "unknown option $argument; there are --quick and names of presets" ;;
    *) presets="$presets $argument" ;;
    esac
done

need gcc g++ libc6-dev cmake ninja-build pkg-config libjansson-dev libxml2-dev libpcap-dev libcmocka-dev doxygen qemu-system-common tshark
case $presets in
'' | *release*) need qemu-system-x86 seabios busybox-static linux-image-cloud-amd64 user-mode-linux ;;
esac
case $presets in
'' | *clang* | *msan* | *fuzz* | *coverage*) need clang libclang-rt-14-dev lcov valgrind ;;
esac
presets=${presets:-release clang asan msan msan-suite tsan coverage fuzz}

passed=0
failed=0
skipped=0
fuzz_runs=500
fuzz_formats_runs=60 # each is 16 runs of a script

# Sanitizers want their usual address space; some kernels randomise more than they can bear.
calm=
if setarch -R true 2>/dev/null; then
    calm='setarch -R'
fi

# attribute NAME FILE: a count in the head of ctest's JUnit report, or 0
attribute()
{
    number=$(sed -n "1,/>/s/^.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$2" 2>/dev/null | head -n 1)
    echo "${number:-0}"
}

# run_tests PRESET: add its counts; the log is shown only when something fails
run_tests()
{
    junit=$PWD/build/log/$1.xml
    log=build/log/$1.test
    rm -f "$junit"
    status=0
    $calm ctest --preset "$1" -j "$(jobs)" --output-junit "$junit" >"$log" 2>&1 || status=$?
    f=$(attribute failures "$junit")
    s=$(($(attribute skipped "$junit") + $(attribute disabled "$junit")))
    p=$(($(attribute tests "$junit") - f - s))
    if [ "$status" -ne 0 ]; then
        grep -v -e "^ *Start " -e " Passed " "$log"
        [ "$f" -gt 0 ] || f=1
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
    say "$1: $p passed, $f failed, $s skipped in $(($(date +%s) - began)) s"
    sed -n '/did not run:/,$p' "$log"
}

# run_fuzzers: the same executions each time
run_fuzzers()
{
    mkdir -p build/log
    report=build/log/fuzz.report
    status=0
    # shellcheck disable=SC2046
    tools/fuzz.sh --runs "$fuzz_runs" --seed 1 $(ls fuzz/corpus | grep -v -e '^ring_formats$' -e '^wrong_models$') >"$report" 2>&1 || status=$?
    tools/fuzz.sh --runs "$fuzz_formats_runs" --seed 1 ring_formats >>"$report" 2>&1 || status=$?
    p=$(grep -c ': nothing, after' "$report" || :)
    f=$(grep -c ': FOUND, see' "$report" || :)
    if [ "$status" -ne 0 ]; then
        cat "$report"
        [ "$f" -gt 0 ] || f=1
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    say "fuzz: $p passed, $f failed, 0 skipped in $(($(date +%s) - began)) s"
}

for preset in $presets; do
    began=$(date +%s)
    if [ "$preset" = fuzz ]; then
        run_fuzzers
        continue
    fi
    if [ "$preset" = coverage ]; then
        find build/coverage -name '*.gcda' -delete 2>/dev/null || :
    fi
    if ! build "$preset"; then
        failed=$((failed + 1))
        continue
    fi
    run_tests "$preset"
    if [ "$preset" = coverage ]; then
        if sh tools/checks/coverage.sh "$PWD" "$PWD/build/coverage" >build/log/coverage.report 2>&1; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            cat build/log/coverage.report
        fi
        tail -n 1 build/log/coverage.report
    fi
done

say "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
