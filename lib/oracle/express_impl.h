/* SPDX-License-Identifier: BSD-3-Clause */
/* Between express.c and express_packed.c. */
#ifndef ORACLE_EXPRESS_IMPL_H
#define ORACLE_EXPRESS_IMPL_H

#include "express.h"
#include "repeat.h"

/* What an access is taken for. */
struct usual {
    struct queue *q; /* NULL: no queue's */
    struct chain *chain;
    uint64_t at, offset;
    uint32_t len;
    uint8_t kind, party, place;
};

/* No check is made at such an access; or it was not asked yet. */
bool express_first_time(const struct vblk_oracle *o, struct check_list *list, const struct queue *q);
#ifndef NDEBUG
/* Whether the long way finds the same. */
bool express_is_so(struct vblk_oracle *o, const struct check_list *list, const struct usual *u, const void *bytes);
#endif

/* @return false: what the checks say of it is not known. */
static inline bool count_again(struct vblk_oracle *o, const struct usual *u, const void *bytes)
{
    struct check_list *list = &o->lists.by_place[u->kind == VBLK_EV_STORE ? 0 : 1][u->party][u->place];

    if (unlikely(list->known.plain_for != o->plain[u->q != NULL]) && !express_first_time(o, list, u->q))
        return false;
    (void)bytes;
    assert(express_is_so(o, list, u, bytes));
    list->known.times++;
    o->seq++;
    return true;
}

/* The driver's memory that is no ring's; the requests that the device serves. */
bool express_by_nobody(struct vblk_oracle *o, const struct queue *q, uint64_t at, uint32_t len, const void *bytes,
                       enum vblk_event_kind kind);
bool express_header(struct vblk_oracle *o, struct queue *q, uint64_t at, uint32_t len, const void *bytes);
bool express_data(struct vblk_oracle *o, struct queue *q, uint64_t at, uint32_t len, const void *bytes);

/* The queue is a packed one. */
extern const vblk_quick_fn express_packed[VBLK_QUICK];

#endif /* ORACLE_EXPRESS_IMPL_H */
