# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# listens SOCKET: whether somebody does. The file is there a moment before, and who connects then is refused.
listens()
{
    [ -S "$1" ] && { [ ! -r /proc/net/unix ] || grep -q " 00010000 .* $1\$" /proc/net/unix; }
}
