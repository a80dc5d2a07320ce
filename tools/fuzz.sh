#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Fuzz each target for a bounded number of executions, under address and undefined behaviour sanitizers.
# Usage: tools/fuzz.sh [--runs N] [--seconds N] [--seed N] [TARGET…]
#   --runs N      executions of each target (20000); 0: no limit
#   --seconds N   and no longer than this for each (600)
#   --seed N      the same executions each time: nothing learned before is used, and nothing is kept
# What ends a target is kept in build/fuzz/crash/TARGET/, what it learns in build/fuzz/corpus/TARGET/.
# Exit status: 0 nothing found, 1 something was, 2 it could not be built.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

runs=20000
seconds=600
seed=
targets=
while [ $# -gt 0 ]; do
    case $1 in
    --runs | --seconds | --seed)
        case ${2-} in
        '' | *[!0-9]*) die "$1 needs a number" ;;
        esac
        eval "${1#--}=$2"
        shift
        ;;
    -h | --help)
        sed -n '3,9s/^# //p' tools/fuzz.sh
        exit 0
        ;;
    -*) die "unknown option $1; there are --runs, --seconds and --seed" ;;
    *)
        [ -d "fuzz/corpus/$1" ] || die "no target $1; there are: $(ls fuzz/corpus | tr '\n' ' ')"
        targets="$targets $1"
        ;;
    esac
    shift
done
targets=${targets:-$(ls fuzz/corpus)}
[ "$runs" -gt 0 ] || runs=-1

need clang libclang-rt-14-dev libc6-dev cmake ninja-build pkg-config libjansson-dev libxml2-dev libpcap-dev libcmocka-dev
programs=
for target in $targets; do
    programs="$programs fuzz_$target"
done
# shellcheck disable=SC2086
build fuzz $programs || exit 2

calm=
if setarch -R true 2>/dev/null; then
    calm='setarch -R'
fi
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:allocator_may_return_null=1

fresh=
if [ -n "$seed" ]; then
    fresh=$(mktemp -d)
    trap 'rm -rf "$fresh"' EXIT
fi

found=0
for target in $targets; do
    mkdir -p "build/fuzz/crash/$target" "build/fuzz/corpus/$target"
    log=build/log/fuzz.$target
    learned=build/fuzz/corpus/$target
    fixed=
    if [ -n "$seed" ]; then
        learned=$fresh
        fixed=-seed=$seed
        find "$fresh" -type f -delete
    fi
    dictionary=
    if [ -e "fuzz/$target.dict" ]; then
        dictionary=-dict=fuzz/$target.dict
    fi
    if $calm "build/fuzz/fuzz/fuzz_$target" "$learned" "fuzz/corpus/$target" $dictionary $fixed \
        -runs="$runs" -max_total_time="$seconds" -entropic=0 -timeout=20 -rss_limit_mb=2048 -max_len=4096 \
        -artifact_prefix="build/fuzz/crash/$target/" -print_final_stats=1 >"$log" 2>&1; then
        say "$target: nothing, after $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions"
    else
        found=1
        say "$target: FOUND, see $log"
        grep -a -A 12 -e 'FINDING' -e 'ERROR:' -e 'runtime error' "$log" | head -n 30
        sed -n 's/.*Test unit written to /    /p' "$log"
    fi
done
exit $found
