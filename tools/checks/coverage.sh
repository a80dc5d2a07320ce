#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# coverage.sh ROOT BUILD: what the tests that ran in BUILD reached of lib/. Fails below VBLK_COVERAGE_MIN per cent of
# lines (95); branches are reported only. The pages are in BUILD/coverage when genhtml is there.
set -eu
root=$1
build=$2
least=${VBLK_COVERAGE_MIN:-95}
rc='--rc lcov_branch_coverage=1 --rc geninfo_unexecuted_blocks=1'

# shellcheck disable=SC2086
{
    lcov $rc -q -c -d "$build/lib" -b "$root" --no-external -o "$build/coverage.all"
    lcov $rc -q -e "$build/coverage.all" "$root/lib/*" -o "$build/coverage.lib"
    lcov $rc -q -r "$build/coverage.lib" '*_test.c' -o "$build/coverage.info"
    lcov $rc -l "$build/coverage.info"
    ! command -v genhtml >/dev/null || genhtml --branch-coverage -q -p "$root" -o "$build/coverage" "$build/coverage.info"
}

awk -F: -v least="$least" '
$1 == "LF" { lines += $2 }
$1 == "LH" { lines_hit += $2 }
$1 == "BRF" { branches += $2 }
$1 == "BRH" { branches_hit += $2 }
function percent(hit, all) { return all ? 100 * hit / all : 0 }
END {
    printf "coverage of lib/: %.1f %% of %d lines (at least %s %%), %.1f %% of %d branches\n",
        percent(lines_hit, lines), lines, least, percent(branches_hit, branches), branches
    exit percent(lines_hit, lines) < least
}' "$build/coverage.info"
