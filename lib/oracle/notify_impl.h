/* SPDX-License-Identifier: BSD-3-Clause */
/* Between notify.c, notify_packed.c and notify_reset.c. */
#ifndef ORACLE_NOTIFY_IMPL_H
#define ORACLE_NOTIFY_IMPL_H

#include "fast.h"
#include "judge.h"

static inline uint16_t word_at(const struct vblk_oracle *o, uint64_t gpa)
{
    vblk_le16 v = { { 0 } };
    return fast_peek(o->mem, gpa, &v, sizeof(v)) == VBLK_OK ? vblk_get16(v) : 0;
}

/* @count entries were published; by_flags and by_event: what asks for a notification, were the other not there. */
struct published {
    uint16_t to;
    uint32_t count;
    bool asks, other, inside, vague;
};
void notice_published(struct vblk_oracle *o, struct notice *n, const struct published *p);
/* Whether the party's stores arrive as events. */
static inline bool stores_seen(const struct vblk_oracle *o, unsigned party)
{
    return sees(o, party == VBLK_DRIVER ? VBLK_SEES_DRIVER_STORES : VBLK_SEES_DEVICE_STORES);
}

/* notify_packed.c: follow a packed ring up to where it is. */
void notice_packed_open(const struct vblk_oracle *o, struct queue *q, struct notices *s);
/* Slots from @from on to @to, each with its wrap counter in bit 15. */
uint32_t notice_packed_distance(const struct queue *q, uint16_t from, uint16_t to);
void notice_packed_follow(struct vblk_oracle *o, struct queue *q, struct notices *s);

/* notify_race.c: an access to what is wished for of @party, the words of which are at @flags and @event. */
void race_looked(struct vblk_oracle *o, struct notices *s, unsigned party, const struct vblk_event *ev, uint64_t flags,
                 uint64_t event);
void race_asked(const struct vblk_oracle *o, const struct queue *q, struct notices *s, const struct vblk_event *ev);

/* notify_reset.c */
void reset_reg(struct vblk_oracle *o, struct queue *q, struct notices *s, const struct vblk_event *ev);
void reset_enabled(const struct queue *q, struct notices *s);

#endif /* ORACLE_NOTIFY_IMPL_H */
