# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# For checks that start processes: sourced by them. They add their processes to $pids; all end, and $dir goes, with them.
. "$(dirname "$0")/listens.sh"
dir=$(mktemp -d)
pids=
clean_up()
{
    for pid in $pids; do kill "$pid" 2>/dev/null || :; done
    wait
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 143' TERM HUP INT

# What processes said on standard error is in files err… of $dir.
fail()
{
    echo "$(basename "$0"): $*" >&2
    cat "$dir"/err* >&2 2>/dev/null || :
    exit 1
}

# wait_for SOCKET
wait_for()
{
    tries=200
    until listens "$1"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || fail "nobody listens at $1"
        sleep 0.05
    done
}
