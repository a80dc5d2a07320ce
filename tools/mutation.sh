#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# mutation.sh models|oracle [OPTION…]: systematic mutation of the sources of some rooms; see docs/mutation.md.
# Takes hours over a whole room: --sample N chooses some. Status 0 whatever the score is.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh
need gcc libc6-dev cmake ninja-build pkg-config libjansson-dev libxml2-dev libpcap-dev libcmocka-dev python3 python3-clang-14
exec /usr/bin/python3 tools/mutation/mutate.py "$@"
