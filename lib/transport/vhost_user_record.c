/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * "Inflight I/O tracking": a record of what was taken and not answered, in a file that the front-end keeps, so that
 * whoever goes on after us takes it again. The layouts and the order of the steps are the protocol's. The file is
 * written, never mapped: a front-end that cuts it short harms nobody; and what is read from it is a stranger's word.
 */
#define _GNU_SOURCE
#include "vhost_user_record.h"

#include <string.h>
#include <unistd.h>

#define ALIGNMENT 64u

uint64_t back_record_size(const struct vblk_vhost_user_backend *b, uint16_t queue_size)
{
    const bool packed = b->features >> VBLK_F_RING_PACKED & 1;

    return (record_head_size(packed) + record_entry_size(packed) * queue_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* A file that can't be written keeps an older record: the worst of it is that something is done twice. */
static void save(const struct back_record *r, const void *bytes, size_t size, uint64_t at)
{
    const ssize_t done = pwrite(*r->fd, bytes, size, (off_t)(r->at + at));

    (void)done;
}

static void save_head(const struct back_record *r)
{
    save(r, &r->split_head, record_head_size(r->packed), 0); /* either head begins there */
}

static void save_entry(const struct back_record *r, uint16_t i)
{
    const size_t size = record_entry_size(r->packed);

    save(r, (const uint8_t *)r->split + i * size, size, record_head_size(r->packed) + i * size);
}

void record_save(const struct back_record *r)
{
    save(r, r->split, record_entry_size(r->packed) * r->num, record_head_size(r->packed));
    save_head(r);
}

bool record_load(struct back_record *r)
{
    const size_t head = record_head_size(r->packed), rest = record_entry_size(r->packed) * r->num;

    return pread(*r->fd, &r->split_head, head, (off_t)r->at) == (ssize_t)head &&
           pread(*r->fd, r->split, rest, (off_t)(r->at + head)) == (ssize_t)rest &&
           r->split_head.version == RECORD_VERSION && r->split_head.desc_num == r->num;
}

void record_begin(struct back_record *r, uint16_t used)
{
    memset(r->split, 0, record_entry_size(r->packed) * r->num);
    if (r->packed) {
        r->packed_head = (struct packed_head){ .version = RECORD_VERSION, .desc_num = r->num };
        r->packed_head.used_idx = r->packed_head.old_used_idx = used & 0x7fff;
        r->packed_head.used_wrap = r->packed_head.old_used_wrap = used >> 15 & 1;
        for (uint16_t i = 0; i < r->num; i++)
            r->packed_entry[i].next = (uint16_t)(i + 1);
        memset(r->by_id, 0, 65536 * sizeof(*r->by_id));
    } else {
        r->split_head = (struct split_head){ .version = RECORD_VERSION, .desc_num = r->num, .used_idx = used };
    }
    record_save(r);
}

/* ---- while it runs ---- */

static void taken_packed(struct vblk_vhost_user_backend *b, struct back_record *r, const struct vblk_buffer_news *news)
{
    const uint64_t ring = b->ring[news->queue].at.desc;
    struct packed_head *h = &r->packed_head;
    const uint16_t head = h->old_free_head;
    uint16_t i = h->free_head;

    if (head >= r->num || news->slots > r->num)
        return;
    r->packed_entry[head].counter = r->counter++;
    r->packed_entry[head].inflight = 1;
    r->packed_entry[head].num = news->slots;
    for (uint16_t n = 0; n < news->slots && i < r->num; n++) {
        struct packed_entry *e = &r->packed_entry[i];
        struct vblk_packed_desc d = { .flags = vblk_put16(0) };

        if (vblk_memory_peek(b->mem, ring + 16u * (uint64_t)((news->slot + n) % r->num), &d, sizeof(d)) != VBLK_OK)
            break;
        e->addr = vblk_get64(d.addr);
        e->len = vblk_get32(d.len);
        e->id = vblk_get16(d.id);
        e->flags = vblk_get16(d.flags);
        r->packed_entry[head].last = i;
        h->free_head = e->next;
        if (i != head)
            save_entry(r, i);
        i = h->free_head;
    }
    r->by_id[news->id] = (uint16_t)(head + 1);
    save_entry(r, head);
    h->old_free_head = h->free_head;
    save_head(r);
}

static void taken(struct vblk_vhost_user_backend *b, struct back_record *r, const struct vblk_buffer_news *news)
{
    if (r->packed) {
        taken_packed(b, r, news);
    } else if (news->id < r->num) {
        r->split[news->id].counter = r->counter++;
        r->split[news->id].inflight = 1;
        save_entry(r, news->id);
    }
}

static void answer_one(struct back_record *r, uint16_t i)
{
    if (r->packed) {
        struct packed_entry *last = r->packed_entry[i].last < r->num ? &r->packed_entry[r->packed_entry[i].last] : NULL;

        if (last == NULL)
            return;
        last->next = r->packed_head.free_head;
        save_entry(r, (uint16_t)(last - r->packed_entry));
        r->packed_head.free_head = i;
        r->by_id[last->id] = 0;
    } else {
        r->split[i].next = r->split_head.last_batch_head;
        save_entry(r, i);
        r->split_head.last_batch_head = i;
    }
    r->batch[r->batch_len++] = i;
}

/* The entry of a buffer that is in flight; r->num: a device that misbehaves answers what is not. */
static uint16_t entry_of(const struct back_record *r, uint16_t id)
{
    const uint16_t i = r->packed ? (uint16_t)(r->by_id[id] - 1u) : id;

    return i < r->num && *record_inflight(r, i) ? i : r->num;
}

static void answered(struct vblk_vhost_user_backend *b, struct back_record *r, const struct vblk_buffer_news *news)
{
    const uint16_t own = entry_of(r, news->id);
    const uint32_t place = vblk_device_queue_base(b->device, news->queue) >> 16;

    r->batch_len = 0;
    for (uint16_t i = 0; own < r->num && r->in_order && i < r->num; i++)
        if (*record_inflight(r, i) && record_counter(r, i) < record_counter(r, own))
            answer_one(r, i);
    if (own < r->num)
        answer_one(r, own);
    if (r->packed) {
        r->packed_head.used_idx = place & 0x7fff;
        r->packed_head.used_wrap = place >> 15 & 1;
    }
    save_head(r);
}

uint16_t record_used_index(const struct vblk_vhost_user_backend *b, uint16_t queue)
{
    vblk_le16 idx = vblk_put16(0);

    if (vblk_memory_peek(b->mem, b->ring[queue].at.device + 2, &idx, sizeof(idx)) != VBLK_OK)
        return 0;
    return vblk_get16(idx);
}

static void shown(struct vblk_vhost_user_backend *b, struct back_record *r, const struct vblk_buffer_news *news)
{
    for (uint16_t i = 0; i < r->batch_len; i++) {
        *record_inflight(r, r->batch[i]) = 0;
        save_entry(r, r->batch[i]);
    }
    r->batch_len = 0;
    if (r->packed) {
        r->packed_head.old_free_head = r->packed_head.free_head;
        r->packed_head.old_used_idx = r->packed_head.used_idx;
        r->packed_head.old_used_wrap = r->packed_head.used_wrap;
    } else {
        r->split_head.used_idx = record_used_index(b, news->queue);
    }
    save_head(r);
}

void back_record_news(void *ctx, const struct vblk_buffer_news *news)
{
    static void (*const steps[])(struct vblk_vhost_user_backend *, struct back_record *,
                                 const struct vblk_buffer_news *) = {
        [VBLK_BUFFER_TAKEN] = taken,
        [VBLK_BUFFER_ANSWERED] = answered,
        [VBLK_BUFFER_SHOWN] = shown,
    };
    struct vblk_vhost_user_backend *b = ctx;
    struct back_record *r = news->queue < b->queues ? b->ring[news->queue].record : NULL;

    if (r != NULL && news->step < sizeof(steps) / sizeof(steps[0]))
        steps[news->step](b, r, news);
}
