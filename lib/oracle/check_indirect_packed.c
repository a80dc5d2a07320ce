/* SPDX-License-Identifier: BSD-3-Clause */
/* Indirect descriptors of packed rings: 2.8.7, 2.8.19. */
#include "check_packed.h"

static bool indirect(const struct look *l)
{
    return l->q->packed && l->chain->link != NO_OWNER;
}

/* The device owes an answer, and nothing excuses it. */
static bool unanswered(const struct look *l)
{
    return l->answer == NULL && !l->q->lost && l->o->ctl.live && !l->o->ctl.needs_reset && l->o->abuse == NO_ABUSE &&
           !never_told(l);
}

static enum outcome table_stored(const struct look *l, struct why *why, const char *expected)
{
    enum outcome outcome = broken(why, expected, "%llu bytes stored into the table", (unsigned long long)l->len);
    point_at(why, l->at);
    return outcome;
}

static enum outcome table_differs(const struct look *l, struct why *why, const char *expected)
{
    enum outcome outcome = broken(why, expected, "it changed");
    point_at(why, l->answer->changed_at);
    return outcome;
}

static bool table_touched(const struct look *l)
{
    return l->place_known && l->place == IN_INDIRECT && l->chain != NULL && l->q->packed &&
           l->party == VBLK_DEVICE && !l->chain->void_;
}

CHECK(RING_IND_05, VBLK_NOBODY, AT(AVAILABLE) | AT(USED) | AT(STORE) | AT(STRAY), ANY_TYPE, PLACE(INDIRECT), NO_SIGHT)
{
    const struct chain *c = l->chain;

    if (l->place_known)
        return table_touched(l) && (c->link_flags & VBLK_DESC_WRITE) == 0
                   ? table_stored(l, why, "a table that is read-only by the device")
                   : UNTOUCHED;
    if (!indirect(l))
        return UNTOUCHED;
    if (l->answer == NULL && (c->faults & F_TABLE) != 0 && !c->linked_indirect)
        return blame_driver(why, at_slot(l, why, c->link, broken(why, "a table of one or more descriptors of 16 bytes",
                                                                 "%u bytes", vblk_get32(l->q->ring[c->link].len))));
    if (l->answer != NULL && l->answer->table_changed && (c->link_flags & VBLK_DESC_WRITE) == 0)
        return table_differs(l, why, "a table that is read-only by the device");
    if (l->answer != NULL && l->answer->reversed)
        return broken(why, "the entries of a table used one after the other", "the data of %u entries lie in reverse",
                      c->req.data_pieces);
    return c->void_ ? UNTOUCHED : HELD;
}

/* An entry that says more than WRITE, or whose id is not 0. */
static bool has_more_to_say(const struct chain *c)
{
    for (const struct piece *p = c->first; p != NULL; p = p->after)
        if (p->next != 0)
            return true;
    return c->stray_flags;
}

/* The device loaded the first entry of a table, and not the last: one without NEXT was the last to it. */
static bool last_unread(const struct look *l)
{
    const struct piece *first = l->chain->first, *last = first;

    if (!sees(l->o, VBLK_SEES_DEVICE_STORES | VBLK_SEES_DEVICE_LOADS) || l->chain->count < 2 || l->chain->count > 256)
        return false;
    while (last->after != NULL)
        last = last->after;
    return first->loaded != 0 && last->loaded == 0;
}

CHECK(RING_IND_06, VBLK_DEVICE, AT(USED) | AT(QUIET), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    static const char expected[] = "flags besides WRITE, and ids, ignored in a table";
    const struct chain *c = l->chain;

    if (c == NULL || !indirect(l) || c->void_ || (c->faults & ~(uint32_t)F_HARMLESS) != 0)
        return UNTOUCHED;
    if (l->answer == NULL)
        return unanswered(l) && has_more_to_say(c) ? broken(why, expected, "id %u is not used", c->head) : UNTOUCHED;
    if (l->answer->status == VBLK_S_OK)
        return HELD;
    if (l->answer->status == UNWRITTEN && last_unread(l))
        return broken(why, expected, "the last of %u entries, the status, was left alone", c->count);
    return has_more_to_say(c) ? doubted(why, expected, "status %u", l->answer->status) : UNTOUCHED;
}

/* A device that heeds WRITE takes the table for a buffer of its own. */
CHECK(RING_IND_07, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(USED) | AT(QUIET), ANY_TYPE, PLACE(INDIRECT), NO_SIGHT)
{
    static const char expected[] = "WRITE ignored on a descriptor that refers to a table";
    const struct chain *c = l->chain;

    if (c == NULL || !l->q->packed || c->link == NO_OWNER || (c->link_flags & VBLK_DESC_WRITE) == 0)
        return UNTOUCHED;
    if (l->place_known)
        return table_touched(l) ? table_stored(l, why, expected) : UNTOUCHED;
    if (c->void_ || (c->faults & ~(uint32_t)F_HARMLESS) != 0)
        return UNTOUCHED;
    if (l->answer == NULL)
        return unanswered(l) ? broken(why, expected, "id %u is not used", c->head) : UNTOUCHED;
    if (l->answer->table_changed)
        return table_differs(l, why, expected);
    return l->answer->status == VBLK_S_OK ? HELD : doubted(why, expected, "status %u", l->answer->status);
}

ON_AVAILABLE(RING_IND_DRV_06, NO_SIGHT)
{
    if (!l->q->packed || negotiated(l->o, VBLK_F_INDIRECT_DESC))
        return UNTOUCHED;
    if ((l->chain->faults & F_INDIRECT) != 0)
        return at_slot(l, why, l->chain->slot,
                       broken(why, "no INDIRECT without INDIRECT_DESC", "INDIRECT in the list of id %u",
                              l->chain->head));
    return l->chain->void_ ? UNTOUCHED : HELD;
}

ON_AVAILABLE(RING_IND_DRV_07, NO_SIGHT)
{
    if (!indirect(l))
        return UNTOUCHED;
    if (l->chain->stray_flags) {
        enum outcome outcome = broken(why, "no flags but WRITE in a table", "others in the table of id %u",
                                      l->chain->head);
        point_at(why, l->chain->indirect);
        return outcome;
    }
    return l->chain->void_ ? UNTOUCHED : HELD;
}

ON_AVAILABLE(RING_IND_DRV_09, NO_SIGHT)
{
    const struct chain *c = l->chain;
    if (!l->q->packed || !negotiated(l->o, VBLK_F_INDIRECT_DESC))
        return UNTOUCHED;
    if (c->linked_indirect)
        return at_slot(l, why, c->link,
                       broken(why, "INDIRECT in no list that NEXT links", "one in a list of %u", c->slots));
    return c->void_ || (c->slots < 2 && c->link == NO_OWNER) ? UNTOUCHED : HELD;
}
