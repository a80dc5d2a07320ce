# SPDX-License-Identifier: BSD-3-Clause
# Doxygen input filter. In our headers a comment stands for all the declarations that follow it without a blank line
# or another comment; Doxygen knows only of the first. This repeats the comment, on the declaration's own line, so that
# line numbers stay as they are. Members that share a line ("uint32_t a, b;") share its comment too.
function is_declaration(text)
{
    return text ~ /^[ \t]*(VBLK_API|static inline|typedef|vblk_err|void|bool|char|struct [a-z_]+ \*?[a-z_(]|u?int[0-9]+_t|size_t|enum [a-z_]+ [a-z_]|const|unsigned)/
}
# "uint32_t a, b; /**< both */" as one declaration for each name, each with the comment.
function spread(text, comment,    type, name, i, n, all)
{
    if (match(text, /\/\*\*</)) {
        comment = substr(text, RSTART + 4)
        sub(/\*\/.*/, "", comment)
    }
    sub(/;.*/, "", text)
    n = split(text, name, /, */)
    type = name[1]
    sub(/[a-z_0-9]+$/, "", type)
    sub(/.* /, "", name[1])
    for (i = 1; i <= n; i++)
        all = all "/**" comment "*/ " type name[i] "; "
    return all
}
{ out = $0 }
/^[ \t]*\/\*\*/ { doc = ""; inside = 1; fresh = 1 }
inside {
    part = $0
    sub(/^[ \t]*(\/\*\*|\*\/|\*)?/, "", part)
    closes = part ~ /\*\//
    sub(/\*\/[ \t]*$/, "", part)
    doc = doc part
    if (closes || $0 ~ /\*\/[ \t]*$/)
        inside = 0
    print out
    next
}
/^[ \t]*$/ || /^[ \t]*\/\*/ || !open && /^[ \t]*}/ || !open && /{[ \t]*$/ && !/\)/ || /@file/ { doc = "" }
{
    if (doc != "" && !open && is_declaration($0)) {
        if ($0 ~ /^ +[a-z0-9_ ]+ [a-z0-9_]+(, [a-z0-9_]+)+;/)
            out = spread($0, doc)
        else if (!fresh && $0 !~ /\/\*\*<[^}]*$/)
            out = "/**" doc "*/ " $0
        fresh = 0
        open = $0 !~ /;[ \t]*(\/\*.*)?$/
        body = open && $0 ~ /^static inline/
    } else if (open && (body ? $0 ~ /^}/ : $0 ~ /;[ \t]*(\/\*.*)?$/)) {
        open = 0
        body = 0
    }
    print out
}
