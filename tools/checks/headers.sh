#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# headers.sh ROOT CC CXX: each public header compiles alone, and twice in one file, as C11, C23 and C++17 without a
# warning, and <vblk/vblk.h> includes every one of them. An empty CXX leaves C++ out.
# (No -Wshadow for C++, where a function may not bear the name of a structure without it.)
set -eu
root=$1
cc=$2
cxx=$3
warnings="-Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only -I$root/include"
failed=0

# compile WHAT COMPILER-AND-LANGUAGE…: the header named in $header
compile()
{
    what=$1
    shift
    # shellcheck disable=SC2086
    if ! printf '#include <vblk/%s>\n#include <vblk/%s>\n' "$header" "$header" | "$@" $warnings -; then
        echo "FAILED: <vblk/$header> alone as $what"
        failed=1
    fi
}

for path in "$root"/include/vblk/*.h; do
    header=${path##*/}
    compile C11 "$cc" -std=c11 -Wshadow -Wstrict-prototypes -Wmissing-prototypes -x c
    compile C23 "$cc" -std=c2x -Wshadow -Wstrict-prototypes -Wmissing-prototypes -x c
    if [ -n "$cxx" ]; then
        compile C++17 "$cxx" -std=c++17 -x c++
    fi
    if [ "$header" != vblk.h ] && ! grep -q "^#include <vblk/$header>" "$root/include/vblk/vblk.h"; then
        echo "FAILED: <vblk/vblk.h> does not include <vblk/$header>"
        failed=1
    fi
done
exit $failed
