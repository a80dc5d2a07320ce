/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of the split ring: 2.7.5, 2.7.6, 2.7.13. */
#include "judge.h"

static bool power_of_two(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* The fault is there, or the chain shows the rule was kept. */
static enum outcome free_of(const struct look *l, struct why *why, uint32_t faults, const char *expected,
                            const char *seen)
{
    if ((l->chain->faults & faults) == 0)
        return l->chain->void_ ? UNTOUCHED : HELD;
    if ((faults & (F_LOOP | F_NEXT_RANGE)) != 0 && l->chain->link != NO_OWNER)
        return UNTOUCHED; /* RING-IND-02 */
    enum outcome outcome = broken(why, expected, "%s, head %u", seen, l->chain->head);
    point_at(why, l->q->desc + 16u * (uint64_t)l->chain->head);
    return blame_driver(why, outcome);
}

CHECK(RING_SPLIT_01, VBLK_DRIVER, AT(QUEUE_ENABLE), 0, ANY_PLACE, NO_SIGHT)
{
    const struct queue *q = l->q;
    if (negotiated(l->o, VBLK_F_RING_PACKED) || q->size == 0)
        return UNTOUCHED;
    const uint64_t at[3] = { q->desc, q->driver, q->device };
    const uint64_t len[3] = { 16u * (uint64_t)q->size, 6 + 2u * (uint64_t)q->size, 6 + 8u * (uint64_t)q->size };

    for (unsigned i = 0; i < 3; i++) {
        if (!vblk_memory_covers(l->o->mem, at[i], len[i])) {
            enum outcome outcome = broken(why, "each part of the queue lies in memory with its whole extent",
                                          "part %u, %llu bytes, is not all in memory", i, (unsigned long long)len[i]);
            point_at(why, at[i]);
            return outcome;
        }
        for (unsigned j = 0; j < i; j++)
            if (at[i] - at[j] < len[j] || at[j] - at[i] < len[i])
                return broken(why, "the parts of a queue are apart", "parts %u and %u overlap", j, i);
    }
    return HELD;
}

CHECK(RING_SPLIT_02, VBLK_NOBODY, AT(REG_WRITE) | AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    bool write = l->ev->kind == VBLK_EV_REG_WRITE;
    uint64_t size = l->ev->value;

    /* what a device that offers packed rings shows before it is asked for one, may be meant for those */
    bool unsettled = !l->o->ctl.features_ok && (l->o->ctl.offered >> VBLK_F_RING_PACKED & 1) != 0;
    if (unsettled || negotiated(l->o, VBLK_F_RING_PACKED) || (!write && (l->ev->flags & VBLK_EV_EMULATED) != 0))
        return UNTOUCHED;
    if (l->ev->reg != (write ? VBLK_REG_QUEUE_SIZE : VBLK_REG_QUEUE_MAX) || (!write && size == 0))
        return UNTOUCHED;
    if (power_of_two(size) && size <= VBLK_SPLIT_SIZE_MAX)
        return HELD;
    enum outcome outcome = broken(why, "a power of 2 up to 32768", "queue size %llu", (unsigned long long)size);
    return write ? blame_driver(why, outcome) : outcome;
}

CHECK(RING_SPLIT_04, VBLK_DRIVER, AT(AVAIL_IDX), 0, ANY_PLACE, NO_SIGHT)
{
    uint32_t fresh = (uint16_t)(l->to - l->from);
    if (fresh > l->q->size)
        return UNTOUCHED; /* no count at all: RING-SPLIT-DRV-05 */
    return l->q->outstanding + fresh <= l->q->size
               ? HELD
               : broken(why, "at most queue-size buffers with the device", "%u outstanding and %u more, size %u",
                        l->q->outstanding, fresh, l->q->size);
}

CHECK(RING_SPLIT_DRV_01, VBLK_DRIVER, AT(QUEUE_ENABLE), 0, ANY_PLACE, NO_SIGHT)
{
    const struct queue *q = l->q;
    if (negotiated(l->o, VBLK_F_RING_PACKED))
        return UNTOUCHED;
    if (q->desc % 16 == 0 && q->driver % 2 == 0 && q->device % 4 == 0)
        return HELD;
    return broken(why, "descriptor table on 16, available ring on 2, used ring on 4 bytes",
                  "table 0x%llx, available 0x%llx, used 0x%llx", (unsigned long long)q->desc,
                  (unsigned long long)q->driver, (unsigned long long)q->device);
}

CHECK(RING_SPLIT_05, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    if ((l->chain->faults & (F_ADDRESS | F_SWAPPED)) == F_ADDRESS)
        return UNTOUCHED; /* plain wrong: SAFE-DRV-03 */
    return free_of(l, why, F_SWAPPED, "little-endian addr at 0 and len at 8 of each descriptor",
                   "a descriptor names memory only if it is read as big-endian");
}

CHECK(RING_SPLIT_06, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    const unsigned known = VBLK_DESC_NEXT | VBLK_DESC_WRITE | VBLK_DESC_INDIRECT;
    for (const struct piece *p = chain_first(l->q, l->chain); p != NULL; p = chain_after(l->q, l->chain, p))
        if ((p->flags & ~known) != 0)
            return doubted(why, "no flags but NEXT, WRITE and INDIRECT", "flags 0x%x in descriptor %d", p->flags,
                           (int)p->index);
    return l->chain->count > 0 ? HELD : UNTOUCHED;
}

CHECK(RING_SPLIT_08, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    if ((l->chain->faults & F_LOOP) != 0 && l->chain->count < l->q->size)
        return UNTOUCHED; /* RING-SPLIT-DRV-03 */
    return free_of(l, why, F_LOOP, "a chain of at most as many descriptors as the table has",
                   "the chain goes on after every descriptor of the table");
}

CHECK(RING_SPLIT_DRV_02, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    return free_of(l, why, F_TOO_LARGE, "at most 2^32 bytes in a chain", "more than 2^32 bytes");
}

CHECK(RING_SPLIT_DRV_03, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    if ((l->chain->faults & F_LOOP) != 0 && l->chain->count == l->q->size)
        return UNTOUCHED; /* RING-SPLIT-08 */
    return free_of(l, why, F_LOOP, "no descriptor twice in a chain", "a descriptor comes twice");
}

CHECK(RING_SPLIT_10, VBLK_DRIVER, AT(AVAIL_IDX), 0, ANY_PLACE, NO_SIGHT)
{
    vblk_le16 flags;
    if (vblk_memory_peek(l->o->mem, l->q->driver, &flags, sizeof(flags)) != VBLK_OK)
        return UNTOUCHED;
    if (vblk_get16(flags) <= VBLK_AVAIL_NO_INTERRUPT)
        return HELD;
    enum outcome outcome = doubted(why, "available flags 0 or NO_INTERRUPT", "flags 0x%x", vblk_get16(flags));
    point_at(why, l->q->driver);
    return outcome;
}

/* idx counted modulo the queue size. */
static bool wraps_too_early(const struct look *l)
{
    return l->to == 0 && l->from + 1u == l->q->size && l->q->size > 1 && l->q->size < VBLK_SPLIT_SIZE_MAX;
}

/* Where the transport chose the moment, buffers may have been made available since. */
static enum outcome first_index(const struct look *l, struct why *why)
{
    vblk_le16 idx;
    if (!l->q->enabled || (l->ev->flags & VBLK_EV_EMULATED) != 0 || vblk_memory_peek(l->o->mem, l->q->driver + 2, &idx, sizeof(idx)) != VBLK_OK)
        return UNTOUCHED;
    if (vblk_get16(idx) == 0)
        return HELD;
    enum outcome outcome = broken(why, "available idx starts at 0", "idx %u when the queue was enabled",
                                  vblk_get16(idx));
    point_at(why, l->q->driver + 2);
    return outcome;
}

CHECK(RING_SPLIT_12, VBLK_DRIVER, AT(QUEUE_ENABLE) | AT(AVAIL_IDX), 0, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    if (l->ev->kind == VBLK_EV_REG_WRITE)
        return first_index(l, why);
    if (!wraps_too_early(l))
        return l->to < l->from && (uint16_t)(l->to - l->from) <= l->q->size ? HELD : UNTOUCHED;
    enum outcome outcome = broken(why, "available idx wraps at 65536", "0 after %u", l->from);
    point_at(why, l->q->driver + 2);
    return outcome;
}

CHECK(RING_SPLIT_DRV_05, VBLK_DRIVER, AT(AVAIL_IDX), 0, ANY_PLACE, NO_SIGHT)
{
    uint16_t step = (uint16_t)(l->to - l->from);
    if (step <= l->q->size)
        return HELD;
    if (wraps_too_early(l))
        return UNTOUCHED; /* RING-SPLIT-12 */
    enum outcome outcome = broken(why, "available idx only grows, by at most the queue size", "idx went from %u to %u",
                                  l->from, l->to);
    point_at(why, l->q->driver + 2);
    return outcome;
}

CHECK(RING_SPLIT_14, VBLK_DRIVER, AT(STORE), 0, USED_PLACES | AVAIL_PLACES, VBLK_SEES_DRIVER_STORES)
{
    if (!l->q->enabled || !l->o->ctl.live)
        return UNTOUCHED;
    if (l->place == IN_AVAIL_RING || l->place == IN_AVAIL_IDX)
        return HELD;
    enum outcome outcome = broken(why, "the driver leaves the used ring of a live queue alone",
                                  "the driver stored %llu bytes into it", (unsigned long long)l->len);
    point_at(why, l->at);
    return outcome;
}

CHECK(SUPPLY_01, VBLK_DRIVER, AT(AVAIL_IDX), 0, ANY_PLACE, NO_SIGHT)
{
    uint16_t step = (uint16_t)(l->to - l->from);
    return step > l->q->size ? UNTOUCHED : noted(why, step == 1 ? "one buffer an update" : "several buffers an update");
}

CHECK(SUPPLY_02, VBLK_DRIVER, AT(KICK), 0, ANY_PLACE, VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS)
{
    if (l->q == NULL || l->q->packed || l->q->since_kick == 0)
        return UNTOUCHED;
    return l->o->barriers[VBLK_DRIVER] > l->q->idx_stored
               ? HELD
               : broken(why, "a barrier between the idx update and the decision to notify",
                        "notified with no barrier since idx was stored");
}

CHECK(SUPPLY_03, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    return free_of(l, why, F_ORDER, "readable elements, then writable ones", "a readable element after a writable one");
}

CHECK(SUPPLY_04, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    return free_of(l, why, F_NEXT_RANGE, "flags as negotiated, and NEXT only with a next in the table",
                   "next leads out of the table");
}

CHECK(SUPPLY_05, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    return free_of(l, why, F_HEAD_RANGE, "the slot holds the index of a descriptor", "the index is past the table");
}

CHECK(SUPPLY_06, VBLK_DRIVER, AT(AVAIL_IDX), 0, ANY_PLACE, VBLK_SEES_DRIVER_STORES)
{
    return (uint16_t)(l->to - l->from) > l->q->size ? UNTOUCHED : noted(why, "slot idx modulo size");
}

CHECK(SUPPLY_07, VBLK_DRIVER, AT(AVAIL_IDX), 0, ANY_PLACE, NO_SIGHT)
{
    uint16_t step = (uint16_t)(l->to - l->from);
    return step < 2 || step > l->q->size ? UNTOUCHED : noted(why, "several chains in one update");
}

CHECK(SUPPLY_DRV_01, VBLK_DRIVER, AT(STORE), 0, PLACE(AVAIL_IDX), VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS)
{
    if (!l->q->enabled)
        return UNTOUCHED;
    if (l->ev->order >= VBLK_RELEASE || l->o->barriers[VBLK_DRIVER] > l->q->entry_stored)
        return HELD;
    enum outcome outcome = broken(why, "a barrier before available idx is stored",
                                  "idx was stored with nothing between it and the entries it publishes");
    point_at(why, l->at);
    return outcome;
}
