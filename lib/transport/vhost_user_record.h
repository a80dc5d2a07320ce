/* SPDX-License-Identifier: BSD-3-Clause */
/* "Inflight I/O tracking": one queue's part of the file, in the protocol's layouts, and our copy of it. */
#ifndef VBLK_VHOST_USER_RECORD_H
#define VBLK_VHOST_USER_RECORD_H

#include "vhost_user_back.h"

#include <vblk/spec.h>

#define RECORD_VERSION 1

struct split_entry {
    uint8_t inflight, padding[5];
    uint16_t next; /* in the list of the last batch */
    uint64_t counter;
};
struct split_head {
    uint64_t features;
    uint16_t version, desc_num, last_batch_head, used_idx;
};
struct packed_entry {
    uint8_t inflight, padding;
    uint16_t next, last, num; /* next: free entry; last, num: of a head's list */
    uint64_t counter;
    uint16_t id, flags;
    uint32_t len;
    uint64_t addr;
};
struct packed_head {
    uint64_t features;
    uint16_t version, desc_num, free_head, old_free_head, used_idx, old_used_idx;
    uint8_t used_wrap, old_used_wrap, padding[10];
};
_Static_assert(sizeof(struct split_entry) == 16 && sizeof(struct split_head) == 16, "as the protocol has it");
_Static_assert(sizeof(struct packed_entry) == 32 && sizeof(struct packed_head) == 32, "as the protocol has it");

/* One queue's part of the file, and our copy of it. */
struct back_record {
    bool packed, in_order;
    uint16_t num;
    uint64_t counter;   /* the next one's */
    uint64_t at;        /* in the file */
    const int *fd;      /* not owned; the front-end may give another */
    uint16_t *batch;    /* [num] entries that are answered and not shown */
    uint16_t batch_len;
    uint16_t *by_id;    /* packed: [65536] an entry + 1; 0: none */
    struct vblk_packed_desc *again; /* [num] */
    uint32_t again_count;
    union {
        struct split_head split_head;
        struct packed_head packed_head;
    };
    union {
        struct split_entry *split;   /* [num] */
        struct packed_entry *packed_entry;
    };
};

static inline size_t record_head_size(bool packed)
{
    return packed ? sizeof(struct packed_head) : sizeof(struct split_head);
}

static inline size_t record_entry_size(bool packed)
{
    return packed ? sizeof(struct packed_entry) : sizeof(struct split_entry);
}

static inline uint8_t *record_inflight(const struct back_record *r, uint16_t i)
{
    return r->packed ? &r->packed_entry[i].inflight : &r->split[i].inflight;
}

static inline uint64_t record_counter(const struct back_record *r, uint16_t i)
{
    return r->packed ? r->packed_entry[i].counter : r->split[i].counter;
}

/* Nothing is in flight; the next answer goes to @used. */
void record_begin(struct back_record *r, uint16_t used);
void record_save(const struct back_record *r);
bool record_load(struct back_record *r);
uint16_t record_used_index(const struct vblk_vhost_user_backend *b, uint16_t queue);

#endif /* VBLK_VHOST_USER_RECORD_H */
