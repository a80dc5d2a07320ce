#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# embed.sh ROOT CC: the source tree as part of another CMake project, on a machine without jansson, cmocka and even
# pkg-config. Neither tests nor tools may be built, and nothing but libc may be needed.
set -eu
root=$1
cc=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake -G Ninja -S "$root/tools/checks/outside" -B "$scratch" -DVBLK_SOURCE="$root" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON >"$scratch/log" 2>&1 || {
    cat "$scratch/log"
    exit 1
}
cmake --build "$scratch" >"$scratch/log" 2>&1 || {
    cat "$scratch/log"
    exit 1
}
"$scratch/outside_vblk"
"$scratch/outside_vblk_static"
extra=$(find "$scratch/vblk" -type f -perm -u+x ! -name '*.so*' ! -path '*/CMakeFiles/*')
if [ -n "$extra" ] || grep -q -- -Werror "$scratch/build.ninja"; then
    echo "FAILED: embedding builds programs or asks for -Werror: $extra"
    exit 1
fi
echo "embedded without tests, tools, -Werror and other libraries"
