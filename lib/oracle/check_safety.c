/* SPDX-License-Identifier: BSD-3-Clause */
/* What no text says in one sentence and every implementation owes: memory safety and progress. */
#include "check_packed.h"
#include "slots.h"

static enum outcome stored(const struct look *l, struct why *why, const char *expected, const char *what)
{
    enum outcome outcome = broken(why, expected, "%llu bytes %s", (unsigned long long)l->len, what);
    uint8_t now[16];
    size_t n = l->len < sizeof(now) ? (size_t)l->len : sizeof(now);

    point_at(why, l->at);
    if (vblk_memory_peek(l->o->mem, l->at, now, n) == VBLK_OK)
        show_bytes(why, now, n);
    return outcome;
}

CHECK(SAFE_DEV_01, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(USED), ANY_TYPE, PLACE(NOTHING) | PLACE(WRITABLE), NO_SIGHT)
{
    uint16_t no;

    if (l->answer != NULL)
        return l->chain->void_ ? UNTOUCHED : HELD;
    if (l->place == IN_WRITABLE)
        return HELD;
    if (l->place != IN_NOTHING || l->o->ctl.reset_done || any_queue_lost(l->o) || in_old_place(l->o, l->at, &no))
        return UNTOUCHED; /* after a reset: RESET-DEV-03, QRESET-DEV-04 */
    return stored(l, why, "stores only into device-writable buffers and the used ring", "stored outside of both");
}

CHECK(SAFE_DEV_02, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(USED), ANY_TYPE, PLACE(RETURNED), NO_SIGHT)
{
    if (l->answer != NULL)
        return l->chain->void_ ? UNTOUCHED : HELD;
    if (l->place != IN_RETURNED || l->o->ctl.reset_done || any_queue_lost(l->o) || reset_with_its_queue(l))
        return UNTOUCHED; /* QRESET-DEV-01 */
    return stored(l, why, "no store into a buffer that was used", "stored after the buffer was returned");
}

bool answer_owed(const struct look *l)
{
    const struct control *ctl = &l->o->ctl;
    if (l->chain != NULL && (l->chain->wrong_bits || (l->chain->faults & F_QUEUE_LONG) != 0))
        return false; /* it may wait for the rest of such a list, or take it for a broken ring (AMB-26) */
    return l->chain != NULL && !l->chain->void_ && !l->q->lost && ctl->live && !ctl->needs_reset && !never_told(l);
}

CHECK(SAFE_DEV_03, VBLK_DEVICE, AT(USED) | AT(QUIET), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->answer != NULL)
        return HELD;
    if (!answer_owed(l) || l->o->abuse != NO_ABUSE)
        return UNTOUCHED; /* after a reset: SAFE-DEV-04 */
    if (chain_never_wanted(l->o, l->q, l->chain) || packed_explains(l) || queue_reset_explains(l))
        return UNTOUCHED; /* NOTIF-06; RING-PACKED-07 and those beside it; QRESET-01 or QRESET-DEV-03 */
    return broken(why, "every buffer is used, or DEVICE_NEEDS_RESET is raised", "head %u not used after %llu ms",
                  l->chain->head, (unsigned long long)l->ev->value);
}

/* What is told of the end of a device may come from anywhere: what can be printed of it, or that it went away. */
static const char *how_it_went(const struct vblk_event *ev, char text[VBLK_WHY_TEXT])
{
    uint32_t n = 0;

    for (; ev->bytes != NULL && n < ev->len && n < VBLK_WHY_TEXT - 1; n++) {
        if (ev->bytes[n] < ' ' || ev->bytes[n] > '~')
            break;
        text[n] = (char)ev->bytes[n];
    }
    text[n] = '\0';
    return n > 0 ? text : "the device went away";
}

CHECK(SAFE_DEV_04, VBLK_DEVICE, AT(GONE) | AT(USED) | AT(QUIET), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    bool again = l->o->abuse == ABUSED_THEN_RESET;

    if (l->answer != NULL)
        return again && !l->chain->void_ ? HELD : UNTOUCHED;
    if (l->ev->kind == VBLK_EV_QUIET)
        return again && answer_owed(l) ? broken(why, "service again after a reset", "head %u not used after %llu ms",
                                         l->chain->head, (unsigned long long)l->ev->value)
                                : UNTOUCHED;
    char text[VBLK_WHY_TEXT];
    enum outcome outcome = broken(why, "the device survives whatever the ring holds", "%s", how_it_went(l->ev, text));
    /* without a status register to show, hanging up is how a device says that it needs a reset */
    return l->o->abuse != NO_ABUSE && !l->o->ctl.device_sees_status ? deployed(why, outcome) : outcome;
}

/* A read past capacity that claims success hands out bytes that are not the disk's (AMB-04: any status will do). */
static enum outcome read_of_nothing(const struct look *l, struct why *why)
{
    uint64_t back = l->chain->req.sector * VBLK_SECTOR / VBLK_SECTOR;
    if (back != l->chain->req.sector)
        return UNTOUCHED; /* sector times 512 wraps: BLK-OP-06 */
    enum outcome outcome = doubted(why, "IOERR for a read past capacity", "OK, used length %u, from sector %llu",
                                   l->answer->len, (unsigned long long)l->chain->req.sector);
    return by_reading(why, VBLK_AMB_04, outcome);
}

/* The disk's own wrong data is the business of the rows of each request; this is about bytes that nothing explains. */
CHECK(SAFE_DEV_05, VBLK_DEVICE, AT(USED), TYPE(GET_ID) | TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    const struct answer *a = l->answer;
    if (l->chain->void_ || a->len > l->chain->req.writable || a->status != VBLK_S_OK)
        return UNTOUCHED;
    if (l->chain->req.slot == TY_IN && (l->chain->faults & F_RANGE) != 0 && !l->o->ctl.capacity_old)
        return read_of_nothing(l, why);
    if (a->prefix_known ? a->len > a->prefix : a->read.bad || a->read.causes == 0)
        return UNTOUCHED; /* unwritten bytes: RING-SPLIT-DEV-06; wrong ones: the rows of requests */
    return HELD;
}

/* Whether the byte decides something: the payload of a write does not. */
static bool decides(const struct look *l, const struct chain *c)
{
    return l->place != IN_READABLE || c->req.slot != TY_OUT ||
           chain_offset(l->q, c, l->at, false) < sizeof(struct vblk_request_header);
}

/* Whether the bytes are of the chain that is being served. */
static bool of_chain(const struct look *l, const struct chain *c)
{
    if (l->place != IN_DESC_TABLE && l->place != IN_PACKED_RING)
        return l->chain == c;
    const uint16_t i = (uint16_t)((l->at - l->q->desc) / 16);
    const uint16_t owner = l->q->packed ? packed_owner(l->q, i) : l->q->table[i].owner;
    return owner != NO_OWNER && &l->q->chains[owner] == c;
}

CHECK(SAFE_DEV_06, VBLK_DEVICE, AT(LOAD) | AT(USED), ANY_TYPE,
      PLACE(READABLE) | PLACE(DESC_TABLE) | PLACE(PACKED_RING) | PLACE(INDIRECT), VBLK_SEES_DEVICE_LOADS)
{
    if (l->answer != NULL)
        return l->chain->void_ ? UNTOUCHED : HELD;
    const struct chain *c = l->q->current;
    if (c == NULL || !l->q->enabled || l->q->lost || chain_unclear(c))
        return UNTOUCHED;
    if (!of_chain(l, c) || !decides(l, c) || !chain_fetched(l->q, c, l->at, l->len))
        return UNTOUCHED;
    return stored(l, why, "each byte that decides something is fetched once", "were fetched a second time");
}

/* Not seen to be stored, but not as it was when the chain was made available. */
static enum outcome changed_in_flight(const struct look *l, struct why *why)
{
    enum outcome outcome = broken(why, "a buffer with the device is left alone",
                                  "other bytes than when head %u was made available", l->chain->head);
    uint8_t now[16];

    point_at(why, l->answer->changed_at);
    if (vblk_memory_peek(l->o->mem, l->answer->changed_at, now, sizeof(now)) == VBLK_OK)
        show_bytes(why, now, sizeof(now));
    return outcome;
}

CHECK(SAFE_DRV_01, VBLK_DRIVER, AT(STORE) | AT(USED), ANY_TYPE,
      PLACE(READABLE) | PLACE(WRITABLE) | PLACE(DESC_TABLE) | PLACE(INDIRECT), NO_SIGHT)
{
    if (!sees(l->o, VBLK_SEES_DRIVER_STORES) && !(l->o->opt.lockstep && sees(l->o, VBLK_SEES_DEVICE_STORES)))
        return UNTOUCHED;
    if (l->answer != NULL)
        return l->answer->tampered ? changed_in_flight(l, why) : l->chain->void_ ? UNTOUCHED : HELD;
    if (l->q->lost)
        return UNTOUCHED; /* what is with the device can't be told */
    if (l->place == IN_DESC_TABLE) {
        if (!l->q->enabled || l->q->table[(l->at - l->q->desc) / 16].owner == NO_OWNER)
            return UNTOUCHED;
        return stored(l, why, "descriptors of a buffer with the device stay as they are", "stored into one");
    }
    return stored(l, why, "a buffer with the device is left alone", "stored into it by the driver");
}

CHECK(SAFE_DRV_02, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if ((l->chain->faults & F_REUSED) == 0)
        return l->chain->void_ ? UNTOUCHED : HELD;
    return broken(why, "a head and descriptors that the device does not hold", "head %u is still with the device",
                  l->chain->head);
}

CHECK(SAFE_DRV_03, VBLK_DRIVER, AT(AVAILABLE) | AT(QUEUE_ENABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->chain == NULL) {
        const struct queue *other = l->q->enabled ? queue_met(l->o, l->q) : NULL;
        return other == NULL ? UNTOUCHED
                             : broken(why, "the rings of each queue in a place of their own", "rings of queues %u and %u overlap",
                                      other->no, l->q->no);
    }
    if ((l->chain->faults & F_SWAPPED) != 0)
        return UNTOUCHED; /* RING-SPLIT-05 */
    if ((l->chain->faults & F_ADDRESS) != 0)
        return broken(why, "buffers wholly in the memory the device was given", "a buffer is not, head %u",
                      l->chain->head);
    if ((l->chain->faults & (F_OVERLAP | F_STRUCTURE)) == F_OVERLAP)
        return broken(why, "buffers in flight that the device writes are apart",
                      "head %u overlaps another buffer in flight, or a ring", l->chain->head);
    return l->chain->void_ ? UNTOUCHED : HELD;
}
