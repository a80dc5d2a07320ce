/* SPDX-License-Identifier: BSD-3-Clause */
/* What a packed ring is made of, and how large it may be: 2.8, 2.8.10.1, 2.8.13. */
#include "check_packed.h"

static const char *const part_names[3] = { "descriptor ring", "driver area", "device area" };

struct parts {
    uint64_t at[3], len[3];
};

/* @return false: the queue is not a packed one, or has no size. */
static bool parts_of(const struct look *l, struct parts *p)
{
    const struct queue *q = l->q;

    *p = (struct parts){ { q->desc, q->driver, q->device }, { 16u * (uint64_t)q->size, 4, 4 } };
    return negotiated(l->o, VBLK_F_RING_PACKED) && q->size != 0;
}

/* What a device that was not asked for a packed ring yet shows, may be meant for a split one. */
CHECK(RING_PACKED_01, VBLK_NOBODY, AT(REG_WRITE) | AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    const bool write = l->ev->kind == VBLK_EV_REG_WRITE;

    if (!negotiated(l->o, VBLK_F_RING_PACKED) || l->ev->value == 0 ||
        (!write && (l->ev->flags & VBLK_EV_EMULATED) != 0) ||
        l->ev->reg != (write ? VBLK_REG_QUEUE_SIZE : VBLK_REG_QUEUE_MAX))
        return UNTOUCHED;
    if (l->ev->value <= VBLK_PACKED_SIZE_MAX)
        return HELD;
    enum outcome outcome = broken(why, "a queue of at most 32768 descriptors", "queue size %llu",
                                  (unsigned long long)l->ev->value);
    return write ? blame_driver(why, outcome) : outcome;
}

CHECK(RING_PACKED_02, VBLK_DRIVER, AT(QUEUE_ENABLE), 0, ANY_PLACE, NO_SIGHT)
{
    struct parts p;

    if (!parts_of(l, &p))
        return UNTOUCHED;
    for (unsigned i = 0; i < 3; i++)
        for (unsigned j = 0; j < i; j++)
            if (p.at[i] - p.at[j] < p.len[j] || p.at[j] - p.at[i] < p.len[i])
                return broken(why, "ring, driver area and device area each in a place of its own", "%s and %s overlap",
                              part_names[j], part_names[i]);
    return HELD;
}

CHECK(RING_PACKED_25, VBLK_DRIVER, AT(QUEUE_ENABLE), 0, ANY_PLACE, NO_SIGHT)
{
    struct parts p;

    if (!parts_of(l, &p))
        return UNTOUCHED;
    for (unsigned i = 0; i < 3; i++) {
        if (vblk_memory_covers(l->o->mem, p.at[i], p.len[i]))
            continue;
        enum outcome outcome = broken(why, "16 bytes for each descriptor and 4 for each event structure, all in memory",
                                      "%s, %llu bytes, is not", part_names[i], (unsigned long long)p.len[i]);
        point_at(why, p.at[i]);
        return outcome;
    }
    return HELD;
}

CHECK(RING_PACKED_DRV_01, VBLK_DRIVER, AT(QUEUE_ENABLE), 0, ANY_PLACE, NO_SIGHT)
{
    const struct queue *q = l->q;
    if (!negotiated(l->o, VBLK_F_RING_PACKED))
        return UNTOUCHED;
    if (q->desc % 16 == 0 && q->driver % 4 == 0 && q->device % 4 == 0)
        return HELD;
    return broken(why, "descriptor ring on 16 bytes, event suppression structures on 4",
                  "ring 0x%llx, driver area 0x%llx, device area 0x%llx", (unsigned long long)q->desc,
                  (unsigned long long)q->driver, (unsigned long long)q->device);
}

/* The first slot from @slot on that is not zero, or the size; *marked: it has AVAIL or USED. */
static uint32_t not_zero(const struct queue *q, uint32_t slot, bool *marked)
{
    static const struct vblk_packed_desc zero;

    *marked = false;
    for (uint32_t i = slot; i < q->size; i++) {
        const struct vblk_packed_desc *d = &q->ring[i];
        *marked = (vblk_get16(d->flags) & (VBLK_DESC_AVAIL | VBLK_DESC_USED)) != 0;
        if (*marked || __builtin_memcmp(d, &zero, sizeof(zero)) != 0)
            return i;
    }
    return q->size;
}

/* Buffers may lie in the ring already, from its first slot on (3.1.1). */
CHECK(RING_PACKED_28, VBLK_DRIVER, AT(QUEUE_ENABLE), 0, ANY_PLACE, NO_SIGHT)
{
    const struct queue *q = l->q;
    uint32_t slot = 0;
    bool marked;

    if (!q->packed || !q->enabled || q->lost || q->in_use > 0 || q->used_total > 0 || l->ev->at != 0) /* it goes on */
        return UNTOUCHED;
    while (slot < q->size && packed_available(vblk_get16(q->ring[slot].flags), true))
        slot++;
    slot = not_zero(q, slot, &marked);
    if (slot == q->size)
        return HELD;
    const char *expected = "a descriptor ring of zeroes";
    enum outcome outcome = marked ? broken(why, expected, "slot %u is marked, flags 0x%04x", slot,
                                           vblk_get16(q->ring[slot].flags))
                                  : doubted(why, expected, "slot %u is not zero", slot);
    return at_slot(l, why, (uint16_t)slot, outcome);
}

CHECK(RING_PACKED_03, VBLK_NOBODY, AT(STORE) | AT(STRAY), 0, PLACE(DRIVER_EVENT) | PLACE(DEVICE_EVENT), NO_SIGHT)
{
    const bool drivers = l->place == IN_DRIVER_EVENT;

    if ((!drivers && l->place != IN_DEVICE_EVENT) || !l->q->enabled || !l->o->ctl.live ||
        led_astray(l))
        return UNTOUCHED;
    if (drivers == (l->party == VBLK_DRIVER))
        return HELD;
    enum outcome outcome = broken(why, "each event suppression structure is stored to by one side alone",
                                  "%llu bytes stored into the %s's", (unsigned long long)l->len,
                                  drivers ? "driver" : "device");
    point_at(why, l->at);
    return outcome;
}

/* A device that takes the position's low bits for the slot looks for buffers where none will ever be. */
bool packed_polls_masked(const struct look *l)
{
    const uint16_t seen = l->q->polled, slot = l->chain->slot;
    const uint32_t size = l->q->size, mask = size - 1u;
    return !l->chain->begun && seen != NO_OWNER && seen != slot && (seen == (slot & mask) || seen == ((slot + size) & mask));
}

static enum outcome goes_on_masked(const struct look *l, struct why *why, uint16_t slot)
{
    return at_slot(l, why, slot, broken(why, "a queue of any size", "slot %u used where slot %u of %u comes next", slot,
                                        l->q->used_idx, l->q->size));
}

CHECK(RING_PACKED_26, VBLK_DEVICE, AT(USED) | AT(QUIET) | AT(SLIP) | AT(OWED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    const struct queue *q = l->q;
    uint16_t slot;

    if (slipped(l, SLIP_MASKED))
        return goes_on_masked(l, why, l->from);
    if (slipped(l, SLIP_STRAYED))
        return at_slot(l, why, l->from, broken(why, "a queue of any size", "slot %u of %u taken for a buffer", l->from, q->size));
    if (l->chain == NULL)
        return l->len == 0 && packed_device_stuck(l, &slot) == STUCK_MASKED ? goes_on_masked(l, why, slot) : UNTOUCHED;
    if (l->len != 0 || !packed_chain(l) || (q->size & (q->size - 1u)) == 0 || q->lost)
        return UNTOUCHED;
    if (l->answer != NULL)
        return HELD;
    if (!sees(l->o, VBLK_SEES_DEVICE_LOADS) || l->o->abuse != NO_ABUSE || never_told(l) || !packed_polls_masked(l))
        return UNTOUCHED;
    return at_slot(l, why, l->chain->slot,
                   broken(why, "a queue of any size", "slot %u of %u is not looked at, slot %u is", l->chain->slot,
                          q->size, q->polled));
}
