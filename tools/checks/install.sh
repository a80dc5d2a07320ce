#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# install.sh ROOT BUILD CC: install into a scratch prefix, move it, and use it from outside through pkg-config and
# through CMake, shared and static.
set -eu
root=$1
build=$2
cc=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
outside=$root/tools/checks/outside
prefix="$scratch/a prefix"

fail()
{
    echo "FAILED: $*"
    exit 1
}

cmake --install "$build" --prefix "$scratch/first" >/dev/null
mv "$scratch/first" "$prefix"
pc=$(find "$prefix" -name vblk.pc)
libdir=$(dirname "$(dirname "$pc")")

# What the shared object shows: its name, and vblk_ symbols only.
objdump -p "$libdir/libvblk.so" | grep -q 'SONAME *libvblk\.so\.0$' || fail "the SONAME is not libvblk.so.0"
strangers=$(nm -D --defined-only "$libdir/libvblk.so" | awk '$3 !~ /^vblk_/ { print $3 }')
[ -z "$strangers" ] || fail "libvblk.so exports" "$strangers"
needed=$(objdump -p "$libdir/libvblk.so" | awk '$1 == "NEEDED" && $2 !~ /^(libc\.|ld-)/ { print $2 }')
[ -z "$needed" ] || fail "libvblk.so needs more than libc:" "$needed"

# pkg-config. Its output is quoted for a shell, hence eval.
flags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --cflags --libs vblk)
eval "\"$cc\" -std=c11 -Wall -Werror \"$outside/outside.c\" -o \"$scratch/shared\" $flags"
LD_LIBRARY_PATH=$libdir "$scratch/shared"
eval "\"$cc\" -std=c11 -Wall -Werror \"$root/docs/examples/judge.c\" -o \"$scratch/judge\" $flags"
LD_LIBRARY_PATH=$libdir "$scratch/judge" | grep -q '^VQ-02: ' || fail "the example does not find what its device does wrong"
cflags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --cflags vblk)
eval "\"$cc\" -std=c11 -Wall -Werror \"$outside/outside.c\" -o \"$scratch/static\" $cflags \"$libdir/libvblk.a\""
"$scratch/static"

# find_package(vblk)
cmake -G Ninja -S "$outside" -B "$scratch/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$scratch/build" >/dev/null
"$scratch/build/outside_vblk"
"$scratch/build/outside_vblk_static"
echo "installed, moved and used: pkg-config and CMake, shared and static"
