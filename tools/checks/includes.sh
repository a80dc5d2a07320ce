#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# includes.sh ROOT [TABLE]: does each room include only what the table of rooms allows?
# Public headers are followed through what they include; quoted headers belong to the room in which they lie.
set -eu
root=$(cd "$1" && pwd)
table=${2:-$root/tools/cmake/rooms.txt}
cd "$root"

find include lib conformance fuzz tools -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.inc' \) 2>/dev/null | sort >"${TMPDIR:-/tmp}/vblk-includes.$$"
trap 'rm -f "${TMPDIR:-/tmp}/vblk-includes.$$"' EXIT

awk -v table="$table" -v list="${TMPDIR:-/tmp}/vblk-includes.$$" '
function room_of(path,    p)
{
    split(path, p, "/")
    return p[1] == "lib" ? p[2] : p[1]
}
function directory(path)
{
    sub(/\/[^\/]*$/, "", path)
    return path
}
function normal(path)
{
    gsub(/\/\.\//, "/", path)
    while (path ~ /[^\/]+\/\.\.\//)
        sub(/[^\/]+\/\.\.\//, "", path)
    return path
}
function bad(text)
{
    printf "%s:%d: room %s: %s\n", file, line, room, text
    failures++
}
function allows(kind, what)
{
    return (room, kind, "*") in may || (room, kind, what) in may
}
# <vblk/NAME.h>, and all that it brings along; each header is visited once per include line.
function check_public(name, through,    i)
{
    if ((where, name) in seen)
        return
    seen[where, name] = 1
    if (!allows("public", name))
        bad("may not include <vblk/" name ".h>" (through == "" ? "" : ", which <vblk/" through ".h> brings in"))
    for (i = 1; i <= count["include/vblk/" name ".h"]; i++)
        if (brings["include/vblk/" name ".h", i] ~ /^<vblk\//)
            check_public(public_name(brings["include/vblk/" name ".h", i]), name)
}
function public_name(text)
{
    gsub(/^<vblk\/|\.h>$/, "", text)
    return text
}
function check_quoted(name,    r, owner)
{
    if ((path = normal(directory(file) "/" name)) in exists) {
        owner = room_of(path)
        if (!allows("room", owner))
            bad("may not include \"" name "\", which is room " owner "\047s")
        return
    }
    for (r in rooms)
        if (("lib/" r "/" name) in exists || (r "/" name) in exists) {
            owner = r
            if (allows("room", r))
                return
        }
    bad(owner == "" ? "\"" name "\" lies in no room" : "may not include \"" name "\", which is room " owner "\047s")
}
function check_line(text)
{
    if (room == "include") {
        if (text !~ /^</ || text == "<vblk/vblk.h>" || text ~ /^<(cmocka|jansson)/)
            bad("a public header may include standard and <vblk/…> headers only, not " text)
        return
    }
    if (!(room in rooms)) {
        bad("has no row in the table")
        return
    }
    if (text == "<vblk/vblk.h>") {
        if (file ~ /^lib\//)
            bad("<vblk/vblk.h> is for outsiders: name the headers that are needed")
    } else if (text ~ /^<vblk\//) {
        where = file ":" line
        check_public(public_name(text), "")
    } else if (text ~ /^"/) {
        gsub(/"/, "", text)
        check_quoted(text)
    } else if (file ~ /^lib\// && file !~ /_test\.c$/ && text ~ /^<(jansson|cmocka)/) {
        bad("the library needs libc only, not " text)
    } else if (file ~ /^lib\/(spec|ring|device|driver|oracle)\// && file !~ /_test\.c$/ &&
               text ~ /^<(sys\/|netinet\/|arpa\/|unistd|fcntl|poll|pthread|threads|time|signal|dlfcn)/) {
        bad("models and judge do no input or output, but " text " is included")
    }
}
BEGIN {
    if ((getline row < table) <= 0) {
        print "no table of rooms: " table
        exit 1
    }
    while ((getline row < table) > 0) {
        if (row ~ /^#/ || split(row, part, ":") != 3)
            continue
        gsub(/ /, "", part[1])
        rooms[part[1]] = 1
        n = split(part[2], item, " ")
        for (i = 1; i <= n; i++)
            may[part[1], "public", item[i]] = 1
        n = split(part[3], item, " ")
        for (i = 1; i <= n; i++)
            may[part[1], "room", item[i]] = 1
    }
    while ((getline path < list) > 0) {
        exists[path] = 1
        order[++files] = path
        at = 0
        while ((getline text < path) > 0) {
            at++
            if (text !~ /^[ \t]*#[ \t]*include[ \t]*[<"]/)
                continue
            sub(/^[ \t]*#[ \t]*include[ \t]*/, "", text)
            match(text, /^[<"][^>"]*[>"]/)
            count[path]++
            brings[path, count[path]] = substr(text, 1, RLENGTH)
            place[path, count[path]] = at
        }
        close(path)
    }
    for (f = 1; f <= files; f++) {
        file = order[f]
        room = room_of(file)
        if (room == "include" && file == "include/vblk/vblk.h")
            continue
        for (k = 1; k <= count[file]; k++) {
            line = place[file, k]
            check_line(brings[file, k])
            lines++
        }
    }
    if (!lines) {
        print "no include line found: wrong directory?"
        exit 1
    }
    printf "%d files, %d include lines, %d violations\n", files, lines, failures
    exit failures > 0
}'
