#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# includes_test.sh ROOT: does includes.sh catch each kind of violation, and leave the innocent alone?
set -eu
root=$(cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# A small tree with one lawful file per room that matters.
plant()
{
    rm -rf "${scratch:?}/lib" "$scratch/include" "$scratch/conformance"
    mkdir -p "$scratch/include/vblk" "$scratch/lib/ring" "$scratch/lib/oracle" "$scratch/lib/memory" \
        "$scratch/conformance"
    echo '#include <stdint.h>' >"$scratch/include/vblk/base.h"
    echo '#include <vblk/base.h>' >"$scratch/include/vblk/event.h"
    echo '#include <vblk/base.h>' >"$scratch/include/vblk/device.h"
    echo '#include <vblk/device.h>' >"$scratch/include/vblk/vblk.h"
    echo '#include <vblk/base.h>' >"$scratch/lib/ring/ring.h"
    echo '#include <vblk/event.h>' >"$scratch/lib/memory/pages.h"
    printf '#include "oracle.h"\n#include "pages.h"\n#include <vblk/event.h>\n' >"$scratch/lib/oracle/oracle.c"
    echo '#include <string.h>' >"$scratch/lib/oracle/oracle.h"
    echo '#include <vblk/vblk.h>' >"$scratch/conformance/runner.c"
}

# expect NAME WANTED-TEXT: the check must fail and say so; an empty text: it must pass.
expect()
{
    if answer=$(sh "$root/tools/checks/includes.sh" "$scratch" "$root/tools/cmake/rooms.txt"); then
        status=0
    else
        status=1
    fi
    if [ -z "$2" ] && [ $status -eq 0 ]; then
        return
    fi
    if [ -n "$2" ] && [ $status -ne 0 ] && printf '%s\n' "$answer" | grep -qF -- "$2"; then
        return
    fi
    printf 'FAILED: %s: wanted "%s", got status %d:\n%s\n' "$1" "$2" "$status" "$answer"
    failed=1
}

plant
expect "a lawful tree passes" ""

plant
echo '#include <vblk/device.h>' >>"$scratch/lib/oracle/oracle.c"
expect "oracle includes a public device header" "lib/oracle/oracle.c:4: room oracle: may not include <vblk/device.h>"

plant
echo '#include <vblk/device.h>' >>"$scratch/include/vblk/event.h"
expect "oracle gets device through another header" "may not include <vblk/device.h>, which <vblk/event.h> brings in"

plant
echo '  #  include "ring.h"' >>"$scratch/lib/oracle/oracle.c"
expect "oracle includes an internal ring header" 'lib/oracle/oracle.c:4: room oracle: may not include "ring.h"'

plant
echo '#include "../ring/ring.h"' >>"$scratch/lib/oracle/oracle.h"
expect "oracle includes ring by a path" "which is room ring's"

plant
echo '#include "../ring/ring.h"' >"$scratch/lib/oracle/oracle_test.c"
expect "a test of the oracle is bound like the oracle" "lib/oracle/oracle_test.c:1"

plant
echo '#include <vblk/vblk.h>' >>"$scratch/lib/memory/pages.h"
expect "a room includes the umbrella" "<vblk/vblk.h> is for outsiders"

plant
echo '#include "pages.h"' >>"$scratch/conformance/runner.c"
expect "conformance includes an internal header" "which is room memory's"

plant
echo '#include <sys/socket.h>' >>"$scratch/lib/oracle/oracle.c"
expect "the judge opens sockets" "no input or output"

plant
echo '#include <jansson.h>' >>"$scratch/lib/memory/pages.h"
expect "the library depends on jansson" "libc only"

plant
echo '#include "nowhere.h"' >>"$scratch/lib/ring/ring.h"
expect "a header of no room" "lies in no room"

plant
echo '#include <vblk/vblk.h>' >>"$scratch/include/vblk/event.h"
expect "a public header includes the umbrella" "a public header may include"

plant
mkdir "$scratch/lib/novel"
echo '#include <vblk/base.h>' >"$scratch/lib/novel/novel.c"
expect "a room without a row" "has no row in the table"

[ $failed -eq 0 ] && echo "all kinds of violation were caught"
exit $failed
