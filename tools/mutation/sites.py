# SPDX-License-Identifier: BSD-3-Clause
"""Finds where a C file can be mutated, and writes the file with all mutations in it, each behind its number."""
import re

import clang.cindex as ci

K = ci.CursorKind

OTHER = {
    '<': ('<=', '>='), '<=': ('<', '>'), '>': ('>=', '<='), '>=': ('>', '<'), '==': ('!=',), '!=': ('==',),
    '+': ('-',), '-': ('+',), '*': ('+',), '/': ('*',), '%': ('/',), '&': ('|',), '|': ('&',), '^': ('|',),
    '<<': ('>>',), '>>': ('<<',),
}
# what may be named twice, and compared
PLACE = {K.DECL_REF_EXPR, K.MEMBER_REF_EXPR, K.ARRAY_SUBSCRIPT_EXPR, K.UNEXPOSED_EXPR, K.INTEGER_LITERAL, K.PAREN_EXPR}
SCALAR = {getattr(ci.TypeKind, n) for n in ('BOOL', 'CHAR_U', 'UCHAR', 'USHORT', 'UINT', 'ULONG', 'ULONGLONG', 'CHAR_S', 'SCHAR', 'SHORT', 'INT',
                                            'LONG', 'LONGLONG', 'POINTER', 'ENUM')}
ASSIGN = {'=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>='}


class Site:
    """One mutation: what it is, where, and the insertions and replacements that put it into the text."""

    def __init__(self, path, line, kind, what, edits):
        self.path, self.line, self.kind, self.what, self.edits = path, line, kind, what, edits
        self.number = 0
        self.key = ''


def _span(node):
    return node.extent.start.offset, node.extent.end.offset


def _bare(node):
    """Without parentheses and casts around it."""
    while node.kind in (K.PAREN_EXPR, K.CSTYLE_CAST_EXPR, K.UNEXPOSED_EXPR):
        inner = list(node.get_children())
        if not inner:
            break
        node = inner[-1]
    return node


class Finder:
    def __init__(self, unit, path, text, shown):
        self.path, self.text, self.shown = path, text, shown
        self.sites = []
        self.edge_is_nothing = set()  # where comparisons begin whose sides, when equal, give the same answer both ways
        for node in unit.cursor.get_children():
            if node.kind == K.FUNCTION_DECL and node.is_definition() and self.here(node):
                self.returns_bool = node.result_type.get_canonical().spelling in ('_Bool', 'bool')
                for child in node.get_children():
                    if child.kind == K.COMPOUND_STMT:
                        self.walk(child, False)

    def here(self, node):
        start = node.extent.start
        return start.file is not None and start.file.name == self.path

    def plain(self, node):
        """Written in this file as it stands: no part of it comes out of a macro's body."""
        start, end = _span(node)
        if not self.here(node) or end <= start or node.extent.end.file.name != self.path:
            return False
        tokens = list(node.get_tokens())
        return bool(tokens) and tokens[0].extent.start.offset == start and tokens[-1].extent.end.offset == end

    def add(self, node, kind, what, edits):
        self.sites.append(Site(self.shown, node.extent.start.line, kind, what, edits))

    def operator(self, node):
        left, right = list(node.get_children())
        between = self.text[_span(left)[1]:_span(right)[0]]
        # parentheses around an operand belong to a node of their own, so that only the operator stands between
        found = re.fullmatch(rb'\s*([-+*/%<>=!&|^]{1,3})\s*', between)
        return (left, right, found.group(1).decode()) if found else (left, right, None)

    def words(self, node):
        a, b = _span(_bare(node))
        return b' '.join(self.text[a:b].split())

    def smaller_or_larger(self, node):
        """a < b ? a : b, and its like: where a is b, it does not matter which of them it is."""
        condition, yes, no = list(node.get_children())
        condition = _bare(condition)
        if condition.kind != K.BINARY_OPERATOR:
            return
        left, right, op = self.operator(condition)
        if op in ('<', '<=', '>', '>=') and {self.words(left), self.words(right)} == {self.words(yes), self.words(no)}:
            self.edge_is_nothing.add(_span(condition)[0])

    def binary(self, node):
        left, right, op = self.operator(node)
        if op is None or not (self.plain(left) and self.plain(right)):
            return
        start, end = _span(node)
        (_, left_end), (right_start, _) = _span(left), _span(right)
        if op in ('&&', '||'):
            wrap = (b'((', b') || VBLK_MUTATED(@@))') if op == '&&' else (b'((', b') && !VBLK_MUTATED(@@))')
            for side, name in ((left, 'left'), (right, 'right')):
                a, b = _span(side)
                self.add(side, 'operand', f'without the {name} side of {op}', [(a, 'open', wrap[0]), (b, 'close', wrap[1])])
        elif op in OTHER:
            others = OTHER[op][1:] if start in self.edge_is_nothing else OTHER[op]
            now = b'vm_l ' + op.encode() + b' vm_r'
            choose = b''.join(b'VBLK_MUTATED_IF(@@, (%b) != (%b)) ? %b : ' % (now, new, new)
                              for new in (b'vm_l ' + o.encode() + b' vm_r' for o in others))
            edits = [(start, 'open', b'({ __auto_type vm_l = ('), ((left_end, right_start), 'cut', b'); __auto_type vm_r = ('),
                     (end, 'close', b'); ' + choose + now + b'; })')]
            for o in others:
                self.add(node, 'operator', f'{op} becomes {o}', edits)

    def literal(self, node):
        a, b = _span(node)
        shown = self.text[a:b].decode()
        self.add(node, 'constant', f'{shown} becomes {shown} + 1', [(a, 'open', b'(VBLK_MUTATED(@@) ? 1 + '), (b, 'close', b' : ' + self.text[a:b] + b')')])

    def condition(self, node):
        first = next(node.get_children())
        if self.plain(first):
            a, b = _span(first)
            self.add(first, 'check', 'the condition never holds', [(a, 'open', b'('), (b, 'close', b') && !VBLK_MUTATED(@@)')])

    def dropped(self, node):
        a, b = _span(node)
        semicolon = re.match(rb'\s*;', self.text[b:])
        if semicolon is None:
            return
        before, after = b'{ if (!VBLK_MUTATED(@@)) ', b' }'
        if node.kind == K.BINARY_OPERATOR and self.only_stores(*node.get_children()):
            c, d = _span(next(node.get_children()))  # what is stored may be there already
            before = b'{ __auto_type vm_was = %b; if (!VBLK_MUTATED_IF(@@, 0)) ' % self.text[c:d]
            after = b' (void)VBLK_MUTATED_IF(@@, vm_was != (%b)); }' % self.text[c:d]
        self.add(node, 'statement', 'left out: ' + self.text[a:b].decode().split('\n')[0][:60],
                 [(a, 'open', before), (b + semicolon.end(), 'close', after)])

    def only_stores(self, place, value):
        """Nothing happens but that a number or pointer gets into a place that one may name twice."""
        a, b = _span(value)
        if re.search(rb'\+\+|--|[^=!<>]=[^=]', self.text[a:b]) or any(n.kind == K.CALL_EXPR for n in value.walk_preorder()):
            return False
        return self.is_plain_place(place)

    def is_plain_place(self, node):
        type_ = node.type.get_canonical()
        if type_.kind not in SCALAR or type_.is_volatile_qualified() or not self.plain(node):
            return False
        return all(n.kind in PLACE and not (n.kind == K.MEMBER_REF_EXPR and n.referenced.is_bitfield()) for n in node.walk_preorder())

    def answer(self, node):
        first = next(node.get_children(), None)
        if first is not None and self.plain(first):
            a, b = _span(first)
            self.add(first, 'answer', 'the other answer', [(a, 'open', b'VBLK_MUTATED(@@) != !!('), (b, 'close', b')')])

    def is_dropable(self, node):
        if node.kind == K.CALL_EXPR or node.kind == K.COMPOUND_ASSIGNMENT_OPERATOR:
            return True
        if node.kind == K.UNARY_OPERATOR:
            a, b = _span(node)
            return self.text[a:b].startswith((b'++', b'--')) or self.text[a:b].endswith((b'++', b'--'))
        if node.kind == K.BINARY_OPERATOR:
            return self.operator(node)[2] in ASSIGN
        return False

    def walk(self, node, constant):
        """@constant: inside of what must be a constant expression."""
        kind = node.kind
        if kind == K.VAR_DECL and node.storage_class == ci.StorageClass.STATIC:
            return
        if kind == K.CXX_UNARY_EXPR:  # sizeof: what is in it is not computed
            return
        if not constant and self.plain(node):
            if kind == K.BINARY_OPERATOR:
                self.binary(node)
            elif kind == K.INTEGER_LITERAL:
                self.literal(node)
            elif kind == K.CONDITIONAL_OPERATOR:
                self.smaller_or_larger(node)
            elif kind == K.IF_STMT:
                self.condition(node)
            elif kind == K.RETURN_STMT and self.returns_bool:
                self.answer(node)
        for i, child in enumerate(node.get_children()):
            if kind == K.COMPOUND_STMT and self.plain(child) and self.is_dropable(child):
                self.dropped(child)
            fixed = constant or (kind == K.CASE_STMT and i == 0) or kind in (
                K.ENUM_DECL, K.STRUCT_DECL) or (kind == K.VAR_DECL and child.kind == K.INTEGER_LITERAL and
                                                 node.type.kind == ci.TypeKind.CONSTANTARRAY)
            self.walk(child, fixed)


def find(source, args, shown):
    index = ci.Index.create()
    unit = index.parse(source, args=args, options=ci.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
    with open(source, 'rb') as f:
        text = f.read()
    sites = Finder(unit, source, text, shown).sites
    seen = {}
    for s in sites:  # a key that outlives changes elsewhere in the file
        line = b' '.join(line_of(text, s.line).split()).decode()
        base = f'{shown}: {s.kind}: {s.what}: {line}'
        seen[base] = seen.get(base, 0) + 1
        s.key = base if seen[base] == 1 else f'{base} #{seen[base]}'
    return text, sites


def line_of(text, number):
    lines = text.split(b'\n')
    return lines[number - 1] if number <= len(lines) else b''


def piece_for(piece, numbers):
    for n in numbers:
        piece = piece.replace(b'@@', b'%d' % n, 1)
    return piece


def write(text, sites):
    """The text with all of @sites in it. Insertions nest as the tree does: outer ones open first and close last."""
    opens, closes, cuts, groups = {}, {}, {}, {}
    for s in sites:  # mutations of one operator share their edits
        groups.setdefault(id(s.edits), (s.edits, []))[1].append(s.number)
    for order, (edits, numbers) in enumerate(groups.values()):
        width = edits[-1][0] - edits[0][0]
        for at, how, piece in edits:
            piece = piece_for(piece, numbers)
            if how == 'open':
                opens.setdefault(at, []).append((-width, order, piece))
            elif how == 'close':
                closes.setdefault(at, []).append((width, -order, piece))
            else:
                cuts[at[0]] = (at[1], piece + b'\n' * text[at[0]:at[1]].count(b'\n'))
    out, at = [], 0
    for mark in sorted(set(opens) | set(closes) | set(cuts)):
        if mark < at:
            raise ValueError('edits overlap')
        out.append(text[at:mark])
        at = mark
        # what ends here closes first, inner ones before outer ones; then an operator is replaced; then what begins here
        out.extend(p for _, _, p in sorted(closes.get(mark, [])))
        if mark in cuts:
            at, piece = cuts[mark]
            out.append(piece)
        out.extend(p for _, _, p in sorted(opens.get(mark, [])))
    out.append(text[at:])
    return b''.join(out)
