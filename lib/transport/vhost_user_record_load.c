/* SPDX-License-Identifier: BSD-3-Clause */
/* "Inflight I/O tracking", when reconnecting: where somebody left off, as a record says it that strangers may have written. */
#include "vhost_user_record.h"

#include <stdlib.h>
#include <string.h>

/* The last batch may be shown and not be marked as such. */
static void settle_split(const struct vblk_vhost_user_backend *b, struct back_record *r, uint16_t queue)
{
    const uint16_t used = record_used_index(b, queue);
    uint16_t left = (uint16_t)(used - r->split_head.used_idx), i = r->split_head.last_batch_head;

    for (uint16_t n = 0; n < left && n < r->num && i < r->num; n++) {
        r->split[i].inflight = 0;
        i = r->split[i].next;
    }
    r->split_head.used_idx = used;
}

static void settle_packed(const struct vblk_vhost_user_backend *b, struct back_record *r, uint16_t queue)
{
    struct packed_head *h = &r->packed_head;
    const unsigned available = h->old_used_wrap ? VBLK_DESC_AVAIL : VBLK_DESC_USED;
    struct vblk_packed_desc d = { .flags = vblk_put16((uint16_t)available) };
    uint16_t i;

    if (h->used_idx != h->old_used_idx && h->old_used_idx < r->num)
        (void)!vblk_memory_peek(b->mem, b->ring[queue].at.desc + 16u * (uint64_t)h->old_used_idx, &d, sizeof(d));
    if ((vblk_get16(d.flags) & (VBLK_DESC_AVAIL | VBLK_DESC_USED)) != available) {
        h->old_free_head = h->free_head;
        h->old_used_idx = h->used_idx;
        h->old_used_wrap = h->used_wrap;
    }
    h->free_head = i = h->old_free_head;
    h->used_idx = h->old_used_idx;
    h->used_wrap = h->old_used_wrap;
    for (uint16_t n = 0; n < r->num && i < r->num; n++) {
        r->packed_entry[i].inflight = 0;
        i = r->packed_entry[i].next;
    }
}

static void add_again(struct back_record *r, uint16_t i)
{
    uint16_t at = i;

    if (!r->packed) {
        r->again[r->again_count++].id = vblk_put16(i);
        return;
    }
    if (r->packed_entry[i].num > r->num - r->again_count)
        return;
    for (uint16_t n = 0; n < r->packed_entry[i].num && at < r->num; n++) {
        const struct packed_entry *e = &r->packed_entry[at];

        r->again[r->again_count++] = (struct vblk_packed_desc){ vblk_put64(e->addr), vblk_put32(e->len),
                                                                vblk_put16(e->id), vblk_put16(e->flags) };
        at = e->next;
        if (n + 1 == r->packed_entry[i].num)
            r->by_id[e->id] = (uint16_t)(i + 1);
    }
}

struct place {
    uint64_t counter;
    uint16_t entry;
};

static int by_counter(const void *a, const void *b)
{
    const uint64_t x = ((const struct place *)a)->counter, y = ((const struct place *)b)->counter;

    return (x > y) - (x < y);
}

/* In the order of their counters. */
static bool collect(struct back_record *r)
{
    struct place *all = calloc(r->num, sizeof(*all));
    size_t count = 0;

    if (all == NULL)
        return false;
    for (uint16_t i = 0; i < r->num; i++)
        if (*record_inflight(r, i))
            all[count++] = (struct place){ record_counter(r, i), i };
    qsort(all, count, sizeof(*all), by_counter);
    for (size_t i = 0; i < count; i++)
        add_again(r, all[i].entry);
    r->counter = count > 0 ? all[count - 1].counter + 1 : 0;
    free(all);
    return true;
}

/* What is to be taken again is what lies in the ring next: then it is simply taken from there. */
static bool as_in_the_ring(const struct vblk_vhost_user_backend *b, const struct back_record *r, uint16_t queue,
                           uint16_t used)
{
    const struct back_layout *at = &b->ring[queue].at;
    uint8_t now[16];

    for (uint32_t i = 0; i < r->again_count; i++) {
        const uint32_t slot = ((r->packed ? used & 0x7fffu : used) + i) % r->num;
        const uint64_t place = r->packed ? at->desc + 16u * (uint64_t)slot : at->driver + 4 + 2u * (uint64_t)slot;
        const void *kept = r->packed ? (const void *)&r->again[i] : (const void *)&r->again[i].id;
        const size_t size = r->packed ? 16 : 2;

        if (vblk_memory_peek(b->mem, place, now, size) != VBLK_OK || memcmp(now, kept, size) != 0)
            return false;
    }
    return true;
}

static uint16_t past(const struct back_record *r, uint16_t used, uint32_t count)
{
    const uint32_t slot = (used & 0x7fffu) + count;

    if (!r->packed)
        return (uint16_t)(used + count);
    return (uint16_t)(slot >= r->num ? (slot - r->num) | ((used & 0x8000u) ^ 0x8000u) : slot | (used & 0x8000u));
}

static struct back_record *make(bool packed, uint16_t num)
{
    struct back_record *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->packed = packed;
    r->num = num;
    r->split = calloc(num, record_entry_size(packed));
    r->batch = calloc(num, sizeof(*r->batch));
    r->again = calloc(num, sizeof(*r->again));
    r->by_id = packed ? calloc(65536, sizeof(*r->by_id)) : NULL;
    if (r->split && r->batch && r->again && (r->by_id || !packed))
        return r;
    back_record_free(r);
    return NULL;
}

void back_record_free(struct back_record *r)
{
    if (r == NULL)
        return;
    free(r->split);
    free(r->batch);
    free(r->again);
    free(r->by_id);
    free(r);
}

static bool place(struct vblk_vhost_user_backend *b, uint16_t queue, struct back_record *r)
{
    if (b->inflight.fd < 0 || queue >= b->inflight.queues || r->num > b->inflight.queue_size)
        return false;
    r->fd = &b->inflight.fd;
    r->at = b->inflight.offset + queue * back_record_size(b, b->inflight.queue_size);
    return true;
}

/* Whether the record says where the ring stands. */
static bool recover(struct vblk_vhost_user_backend *b, struct back_record *r, uint16_t queue, struct back_resume *from)
{
    if (!record_load(r))
        return false;
    (r->packed ? settle_packed : settle_split)(b, r, queue);
    if ((r->packed && r->packed_head.used_idx >= r->num) || !collect(r))
        return false;
    from->used = r->packed ? (uint16_t)(r->packed_head.used_idx | (r->packed_head.used_wrap ? 0x8000u : 0))
                           : r->split_head.used_idx;
    if (as_in_the_ring(b, r, queue, from->used)) {
        r->again_count = 0;
        record_begin(r, from->used);
    }
    record_save(r);
    from->again = r->again;
    from->again_count = r->again_count;
    from->avail = past(r, from->used, r->again_count);
    return true;
}

bool back_record_open(struct vblk_vhost_user_backend *b, uint16_t queue, struct back_resume *from)
{
    struct back_ring *ring = &b->ring[queue];
    const bool given = ring->record_given;

    ring->record_given = false;
    back_record_free(ring->record);
    ring->record = make(b->features >> VBLK_F_RING_PACKED & 1, (uint16_t)ring->at.num);
    if (ring->record == NULL || !place(b, queue, ring->record)) {
        back_record_free(ring->record);
        ring->record = NULL;
        return false;
    }
    ring->record->in_order = b->features >> VBLK_F_IN_ORDER & 1;
    if (given && recover(b, ring->record, queue, from))
        return true;
    ring->record->again_count = 0;
    record_begin(ring->record, from->used);
    return false;
}

void back_record_go_on(struct vblk_vhost_user_backend *b, uint16_t queue)
{
    struct back_record *r = b->ring[queue].record;

    if (r == NULL || !b->ring[queue].record_given || !place(b, queue, r))
        return;
    b->ring[queue].record_given = false;
    record_save(r);
}
