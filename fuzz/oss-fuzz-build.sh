#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Builds the targets as OSS-Fuzz wants them: CC, CFLAGS, LIB_FUZZING_ENGINE, SRC, WORK and OUT come from its image, in
# which libjansson-dev, libxml2-dev, libpcap-dev, pkg-config, cmake, ninja-build and zip are installed. Any other engine works alike.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
: "${OUT:?where the fuzzers go}"
work=${WORK:-$OUT}/vblk

cmake -G Ninja -S "$source" -B "$work" -DCMAKE_BUILD_TYPE=None -DBUILD_TESTING=OFF -DVBLK_INSTALL=OFF -DVBLK_FUZZ=ON \
    -DVBLK_FUZZ_ENGINE="${LIB_FUZZING_ENGINE:--fsanitize=fuzzer}" -DPKG_CONFIG_ARGN=--static
for corpus in "$source"/fuzz/corpus/*; do
    target=${corpus##*/}
    cmake --build "$work" --target "fuzz_$target"
    cp "$work/fuzz/fuzz_$target" "$OUT/"
    (cd "$corpus" && zip -q -r "$OUT/fuzz_${target}_seed_corpus.zip" .)
    if [ -e "$source/fuzz/$target.dict" ]; then
        cp "$source/fuzz/$target.dict" "$OUT/fuzz_$target.dict"
    fi
    printf '[libfuzzer]\nmax_len = 4096\ntimeout = 20\n' >"$OUT/fuzz_$target.options"
done
