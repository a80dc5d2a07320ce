/* SPDX-License-Identifier: BSD-3-Clause */
/* What a chain asks for, and what is wrong with it (5.2.6). Reads the chain as it was made available. */
#include <stdlib.h>
#include <string.h>

#include "fast.h"
#include "judge.h"

enum side { NO_DATA, READABLE, WRITABLE };

/* How a request type is made. */
struct form {
    uint8_t side;
    uint8_t unit;         /* data length is a multiple; for exact lengths see length */
    uint8_t length;       /* exact data length, 0: any */
    int8_t feature;       /* -1: none; -2: the profile's provision bit */
    uint8_t max_seg, max_sectors, align; /* enum limit; LIM_COUNT: none */
    bool writes;
};

#define NO_LIMITS LIM_COUNT, LIM_COUNT, LIM_COUNT
#define SECTOR_UNIT 0 /* 512 does not fit; see unit_of() */
#define SEGMENT_BYTES 16

static const struct form forms[TY_COUNT] = {
    [TY_IN] = { WRITABLE, SECTOR_UNIT, 0, -1, NO_LIMITS, false },
    [TY_OUT] = { READABLE, SECTOR_UNIT, 0, -1, NO_LIMITS, true },
    [TY_FLUSH] = { NO_DATA, 1, 0, VBLK_F_FLUSH, NO_LIMITS, false },
    [TY_GET_ID] = { WRITABLE, 1, VBLK_ID_BYTES, -1, NO_LIMITS, false },
    [TY_GET_LIFETIME] = { WRITABLE, 1, 6, VBLK_F_LIFETIME, NO_LIMITS, false },
    [TY_DISCARD] = { READABLE, SEGMENT_BYTES, 0, VBLK_F_DISCARD, LIM_DISCARD_SEG, LIM_DISCARD_SECTORS,
                     LIM_DISCARD_ALIGN, true },
    [TY_WRITE_ZEROES] = { READABLE, SEGMENT_BYTES, 0, VBLK_F_WRITE_ZEROES, LIM_WZ_SEG, LIM_WZ_SECTORS, LIM_COUNT,
                          true },
    [TY_SECURE_ERASE] = { READABLE, SEGMENT_BYTES, 0, VBLK_F_SECURE_ERASE, LIM_ERASE_SEG, LIM_ERASE_SECTORS,
                          LIM_ERASE_ALIGN, true },
    [TY_PROVISION] = { READABLE, SEGMENT_BYTES, 0, -2, LIM_PROVISION_SEG, LIM_PROVISION_SECTORS, LIM_COUNT, true },
    [TY_OTHER] = { NO_DATA, 1, 0, -1, NO_LIMITS, false },
    [TY_NONE] = { NO_DATA, 1, 0, -1, NO_LIMITS, false },
};

static uint32_t unit_of(const struct form *form)
{
    return form->unit == SECTOR_UNIT ? VBLK_SECTOR : form->unit;
}

static uint8_t slot_of(const struct vblk_profile *profile, uint32_t type)
{
    static const struct { uint32_t type; uint8_t slot; } known[] = {
        { VBLK_T_IN, TY_IN },           { VBLK_T_OUT, TY_OUT },
        { VBLK_T_FLUSH, TY_FLUSH },     { VBLK_T_GET_ID, TY_GET_ID },
        { VBLK_T_DISCARD, TY_DISCARD }, { VBLK_T_WRITE_ZEROES, TY_WRITE_ZEROES },
        { VBLK_T_GET_LIFETIME, TY_GET_LIFETIME }, { VBLK_T_SECURE_ERASE, TY_SECURE_ERASE },
    };
    if (profile->provision && type == profile->provision_type)
        return TY_PROVISION;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].type == type)
            return known[i].slot;
    return TY_OTHER;
}

bool request_segment(const struct request *r, uint32_t i, struct seg *out)
{
    struct vblk_segment wire;
    if (i >= r->segments || r->data == NULL)
        return false;
    memcpy(&wire, r->data + (size_t)i * sizeof(wire), sizeof(wire));
    out->sector = vblk_get64(wire.sector);
    out->count = vblk_get32(wire.num_sectors);
    out->flags = vblk_get32(wire.flags);
    return true;
}

/* Lengths of both parts, and how many descriptors carry data and not only header or status. */
static void measure(const struct queue *q, const struct chain *c, struct request *r)
{
    uint64_t readable = 0, writable = 0;
    const struct piece *last = NULL;

    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p)) {
        if ((p->flags & VBLK_DESC_WRITE) != 0) {
            writable += p->len;
            if (p->len > 0)
                last = p;
            r->data_pieces += p->len > 0;
        } else {
            readable += p->len;
            r->data_pieces += readable > sizeof(struct vblk_request_header) && p->len > 0;
        }
    }
    if (last != NULL) {
        r->status_at = last->gpa + last->len - 1;
        r->data_pieces -= last->len == 1;
    }
    r->readable = readable;
    r->writable = writable;
    r->out_len = readable > 16 ? readable - 16 : 0;
    r->in_len = writable > 0 ? writable - 1 : 0;
}

static uint32_t size_faults(const struct vblk_oracle *o, const struct queue *q, const struct chain *c,
                            const struct request *r)
{
    uint64_t size_max, seg_max;
    uint32_t faults = 0;
    const uint64_t offered = o->ctl.offered_ever;

    if ((offered & VBLK_BIT(VBLK_F_SEG_MAX)) != 0 && limit_of(&o->ctl, LIM_SEG_MAX, &seg_max) && seg_max != 0 &&
        (reading(o, VBLK_AMB_32) == 1 ? c->count : r->data_pieces) > seg_max)
        faults |= F_SEG_MAX;
    if ((offered & VBLK_BIT(VBLK_F_SIZE_MAX)) == 0 || !limit_of(&o->ctl, LIM_SIZE_MAX, &size_max) || size_max == 0)
        return faults;
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p))
        if (p->len > size_max && p->len > sizeof(struct vblk_request_header))
            faults |= F_SIZE_MAX;
    return faults;
}

/* Of all requests together: descriptors can name the same memory again and again. */
#define KEPT_MAX ((uint64_t)256 << 20)

/* Keep a copy of the readable data: what a write stores, what segments say. */
static bool keep_data(struct vblk_oracle *o, const struct queue *q, const struct chain *c, struct request *r)
{
    r->data_len = 0;
    if (r->out_len > r->data_room) {
        uint64_t more = r->out_len - r->data_room;
        uint8_t *data = more <= KEPT_MAX - o->kept ? realloc(r->data, r->out_len) : NULL;
        if (data == NULL)
            return false;
        r->data = data;
        r->data_room = r->out_len;
        o->kept += more;
    }
    if (r->out_len > 0)
        r->data_len = chain_copy(o, q, c, false, sizeof(struct vblk_request_header), r->data, r->out_len);
    return true;
}

static uint32_t range_faults(const struct control *ctl, uint64_t sector, uint64_t count)
{
    uint64_t capacity;
    if (!limit_of(ctl, LIM_CAPACITY, &capacity))
        return 0;
    return sector > capacity || count > capacity - sector ? F_RANGE : 0;
}

bool request_in_range(const struct control *ctl, uint64_t sector, uint64_t bytes)
{
    return range_faults(ctl, sector, bytes / VBLK_SECTOR + (bytes % VBLK_SECTOR != 0)) == 0;
}

static uint32_t segment_faults(const struct vblk_oracle *o, const struct form *form, struct request *r)
{
    uint32_t faults = r->segments == 0 ? F_NO_SEGMENT : 0;
    uint64_t most = UINT64_MAX, seg_most, align = 0;
    struct seg s;

    /* a zero segment limit: AMB-09, AMB-28 */
    int zero_limit = reading(o, r->slot == TY_PROVISION ? VBLK_AMB_09 : VBLK_AMB_28);
    if (limit_of(&o->ctl, form->max_seg, &seg_most) && r->segments > seg_most && (seg_most != 0 || zero_limit == 0))
        faults |= F_TOO_MANY;
    /* a zero sector limit has no agreed meaning (AMB-09, AMB-28): nothing is concluded from it */
    if (!limit_of(&o->ctl, form->max_sectors, &most) || most == 0)
        most = UINT64_MAX;
    if (form->align != LIM_COUNT && limit_of(&o->ctl, form->align, &align) && align == 0)
        align = 1;
    for (uint32_t i = 0; request_segment(r, i, &s); i++) {
        uint32_t unknown = s.flags & ~(uint32_t)VBLK_SEGMENT_UNMAP;
        if (unknown != 0 && r->unknown_flags == 0)
            r->first_unknown = i;
        r->unknown_flags |= unknown;
        faults |= unknown != 0 ? F_UNKNOWN_FLAG : 0;
        faults |= (s.flags & VBLK_SEGMENT_UNMAP) != 0 && r->slot != TY_WRITE_ZEROES ? F_UNMAP : 0;
        faults |= s.count == 0 ? F_ZERO_SECTORS : 0;
        faults |= s.count > most ? F_TOO_LONG : 0;
        faults |= s.count > 0 ? range_faults(&o->ctl, s.sector, s.count) : 0;
        faults |= align > 1 && (s.sector % align != 0 || s.count % align != 0) ? F_UNALIGNED : 0;
        r->sum += s.count;
    }
    return faults | (r->sum > most && (faults & F_TOO_LONG) == 0 ? F_SUM_TOO_LONG : 0);
}

static uint32_t type_faults(const struct vblk_oracle *o, const struct form *form, const struct request *r)
{
    uint64_t mine = form->side == WRITABLE ? r->in_len : r->out_len;
    uint64_t other = form->side == WRITABLE ? r->out_len : r->in_len;
    uint32_t faults = 0;

    if (form->side == NO_DATA)
        return r->slot == TY_FLUSH && (r->out_len > 0 || r->in_len > 0) ? F_DATA : 0;
    if (other != 0)
        faults |= F_DIRECTION;
    if (mine % unit_of(form) != 0)
        faults |= F_UNIT;
    if (form->length != 0 && mine != form->length)
        faults |= F_DATA;
    if (form->unit == SECTOR_UNIT)
        faults |= request_in_range(&o->ctl, r->sector, mine) ? 0 : F_RANGE;
    return faults;
}

static uint32_t gate_faults(const struct vblk_oracle *o, const struct form *form)
{
    int bit = form->feature == -2 ? o->opt.profile.provision_bit : form->feature;
    uint32_t faults = bit >= 0 && !negotiated(o, (unsigned)bit) ? F_NOT_NEGOTIATED : 0;
    uint64_t features = reading(o, VBLK_AMB_27) == 1 ? o->ctl.negotiated : o->ctl.offered_ever;
    if (form->writes && (features & VBLK_BIT(VBLK_F_RO)) != 0)
        faults |= F_READ_ONLY;
    return faults;
}

static void clear_facts(struct request *r)
{
    uint8_t *data = r->data;
    uint64_t room = r->data_room;
    memset(r, 0, sizeof(*r));
    r->data = data;
    r->data_room = room;
    r->slot = TY_NONE;
}

/* In one piece as a rule. */
static bool read_header(const struct vblk_oracle *o, const struct queue *q, const struct chain *c,
                        struct vblk_request_header *head)
{
    const struct piece *p = chain_first(q, c);

    if (p != NULL && (p->flags & VBLK_DESC_WRITE) == 0 && p->len >= sizeof(*head))
        return fast_peek(o->mem, p->gpa, head, sizeof(*head)) == VBLK_OK;
    return chain_copy(o, q, c, false, 0, head, sizeof(*head)) == sizeof(*head);
}

bool request_is_plain(const struct request *r)
{
    const struct form *form = &forms[r->slot];

    return r->slot < TY_OTHER && !form->writes && form->side != READABLE && r->out_len == 0 && r->segments == 0;
}

void request_parse(struct vblk_oracle *o, const struct queue *q, struct chain *c)
{
    struct vblk_request_header head;
    struct request *r = &c->req;

    clear_facts(r);
    measure(q, c, r);
    if ((c->faults & F_STRUCTURE) != 0)
        return;
    if (r->writable == 0)
        c->faults |= F_NO_STATUS;
    else
        (void)!fast_peek(o->mem, r->status_at, &r->status_before, 1);
    if (!read_header(o, q, c, &head)) {
        c->faults |= F_HEADER;
        return;
    }
    r->type = vblk_get32(head.type);
    r->reserved = vblk_get32(head.reserved);
    r->sector = vblk_get64(head.sector);
    r->slot = slot_of(&o->opt.profile, r->type);
    const struct form *form = &forms[r->slot];
    if (!keep_data(o, q, c, r) && form->unit == SEGMENT_BYTES) {
        c->void_ = true; /* nobody knows what its segments say */
        return;
    }
    c->faults |= type_faults(o, form, r) | gate_faults(o, form) | size_faults(o, q, c, r);
    c->mutates = form->writes;
    if (r->slot == TY_FLUSH)
        r->sum = shadow_now(&o->shadow);
    if (form->unit == SEGMENT_BYTES && form->side == READABLE) {
        r->segments = (uint32_t)(r->data_len / SEGMENT_BYTES);
        c->faults |= segment_faults(o, form, r);
    }
}
