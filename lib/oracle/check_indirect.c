/* SPDX-License-Identifier: BSD-3-Clause */
/* Indirect descriptors of split rings: 2.7.5.3. */
#include "judge.h"

static bool indirect(const struct look *l)
{
    return !l->q->packed && l->chain->link != NO_OWNER;
}

static enum outcome at_link(const struct look *l, struct why *why, enum outcome outcome)
{
    point_at(why, l->q->desc + 16u * (uint64_t)l->chain->link);
    return outcome;
}

static bool nested(const struct look *l)
{
    for (const struct piece *p = chain_first(l->q, l->chain); p != NULL; p = chain_after(l->q, l->chain, p))
        if (p->pos >= l->chain->direct && (p->flags & VBLK_DESC_INDIRECT) != 0)
            return true;
    return false;
}

CHECK(RING_IND_01, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    const struct chain *c = l->chain;
    if (!indirect(l) || c->linked_indirect)
        return UNTOUCHED;
    if ((c->faults & F_TABLE) != 0 && c->indirect_len == 0)
        return at_link(l, why, broken(why, "a table of one or more descriptors of 16 bytes", "%u bytes",
                                      l->q->table[c->link].len));
    return c->void_ ? UNTOUCHED : HELD;
}

CHECK(RING_IND_02, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    const struct chain *c = l->chain;
    if (!indirect(l))
        return UNTOUCHED;
    if ((c->faults & (F_LOOP | F_NEXT_RANGE)) != 0)
        return at_link(l, why, broken(why, "entries chained by next from 0 to one without NEXT, all in the table",
                                      (c->faults & F_LOOP) != 0 ? "the chain has no end" : "next is past the table"));
    return c->void_ ? UNTOUCHED : HELD;
}

CHECK(RING_IND_03, VBLK_NOBODY, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (!indirect(l) || l->chain->void_)
        return UNTOUCHED;
    return noted(why, l->chain->first_writable > l->chain->direct && l->chain->first_writable < l->chain->count
                          ? "readable and writable entries in one table"
                          : "entries of one kind in a table");
}

CHECK(RING_IND_DRV_01, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed || negotiated(l->o, VBLK_F_INDIRECT_DESC))
        return UNTOUCHED;
    if ((l->chain->faults & F_INDIRECT) != 0)
        return broken(why, "no INDIRECT without INDIRECT_DESC", "INDIRECT in the chain of head %u", l->chain->head);
    return l->chain->void_ ? UNTOUCHED : HELD;
}

CHECK(RING_IND_DRV_02, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (!indirect(l))
        return UNTOUCHED;
    if ((l->chain->faults & F_TABLE) != 0 && nested(l))
        return at_link(l, why, broken(why, "no INDIRECT inside a table", "an entry of the table has it"));
    return l->chain->void_ ? UNTOUCHED : HELD;
}

CHECK(RING_IND_DRV_03, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (!indirect(l) || l->chain->void_ || reading(l->o, VBLK_AMB_26) != 0)
        return UNTOUCHED;
    if ((l->chain->faults & F_QUEUE_LONG) == 0)
        return HELD;
    enum outcome outcome = broken(why, "at most as many descriptors as the queue has", "%u, queue size %u",
                                  l->chain->count, l->q->size);
    return by_reading(why, VBLK_AMB_26, at_link(l, why, outcome));
}

CHECK(RING_IND_DRV_04, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (!indirect(l))
        return UNTOUCHED;
    if (l->chain->linked_indirect)
        return at_link(l, why, broken(why, "INDIRECT or NEXT, not both", "flags 0x%x", l->chain->link_flags));
    return l->chain->void_ ? UNTOUCHED : HELD;
}

/* A device that heeds WRITE takes the table for a buffer of its own. */
CHECK(RING_IND_DEV_01, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(USED), ANY_TYPE, PLACE(INDIRECT), NO_SIGHT)
{
    if (l->chain == NULL || !indirect(l) || (l->chain->link_flags & VBLK_DESC_WRITE) == 0)
        return UNTOUCHED;
    if (l->answer != NULL)
        return l->chain->void_ || l->answer->status != VBLK_S_OK ? UNTOUCHED : HELD;
    if (l->place != IN_INDIRECT || led_astray(l))
        return UNTOUCHED;
    enum outcome outcome = broken(why, "WRITE ignored on a descriptor that refers to a table",
                                  "%llu bytes stored into the table", (unsigned long long)l->len);
    point_at(why, l->at);
    return outcome;
}

CHECK(RING_IND_DEV_02, VBLK_DEVICE, AT(USED) | AT(QUIET), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    const struct chain *c = l->chain;
    if (c == NULL || !indirect(l) || c->void_ || l->q->lost || (c->faults & ~(uint32_t)F_HARMLESS) != 0)
        return UNTOUCHED;
    if (l->answer == NULL)
        return c->direct > 0 && l->o->ctl.live && !l->o->ctl.needs_reset && l->o->abuse == NO_ABUSE
                   ? broken(why, "direct descriptors and then one INDIRECT are handled", "head %u is not used", c->head)
                   : UNTOUCHED;
    if (l->answer->status == VBLK_S_OK)
        return HELD;
    return c->direct == 0 ? UNTOUCHED
                          : doubted(why, "direct descriptors and then one INDIRECT are handled", "status %u",
                                    l->answer->status);
}
