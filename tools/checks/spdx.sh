#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# spdx.sh ROOT: every file names its licence in its first three lines. Left out: LICENSE itself and formats that have
# no comments (JSON, images, fuzz corpora), which LICENSE covers.
set -eu
cd "$1"
want='SPDX-License-Identifier: BSD-3-Clause'

files()
{
    git ls-files 2>/dev/null || find . -path ./.git -prune -o -path './build*' -prune -o -type f -print | sed 's|^\./||'
}

files | {
    failed=0
    count=0
    while read -r path; do
        case $path in
        LICENSE | *.json | *.png | fuzz/corpus/*) continue ;;
        esac
        [ -f "$path" ] || continue
        count=$((count + 1))
        if ! head -n 3 "$path" | grep -qF "$want"; then
            echo "$path: no \"$want\" in the first three lines"
            failed=1
        fi
    done
    echo "$count files looked at"
    [ $count -gt 0 ] && [ $failed -eq 0 ]
}
