/* SPDX-License-Identifier: BSD-3-Clause */
/* The short way of accesses that are as usual: see express.c. */
#ifndef ORACLE_EXPRESS_H
#define ORACLE_EXPRESS_H

#include "region.h"

struct chain;
struct queue;
struct vblk_oracle;

/* By kind and party: @return false if the access is not as usual; nothing was done then. */
extern const vblk_quick_fn express_split[VBLK_QUICK], express_packed[VBLK_QUICK]; /* a split queue's, a packed one's */
/* Nothing is foreseen. */
void express_open(struct vblk_oracle *o);
/* After an event that took the long way: which queue, if any, may be looked at by the short one from now on. */
void express_look(struct vblk_oracle *o);
/* What the device did in the lane goes into the picture … */
void express_catch_up(struct vblk_oracle *o);
/* … and what the driver did, too. */
void express_settle(struct vblk_oracle *o);
/* A chain was captured: the steps in which most devices would serve it. */
void express_plan(const struct vblk_oracle *o, const struct queue *q, struct chain *c);
/* It is with the device now: what comes after the one before it. */
void express_link(struct vblk_oracle *o, const struct queue *q, struct chain *c);
/* The device did something that was not foreseen, or others did that make chains unfit for it. */
void express_spoil(struct vblk_oracle *o);

/* express_slots.c: what the driver may do with a packed ring in the lane is to be found out anew, by express_open_slots() or
 * when it fills a descriptor. */
void express_close_slots(struct vblk_oracle *o);
void express_open_slots(struct vblk_oracle *o);
/* It filled @slot, and is likely to go on. */
void express_filled(struct vblk_oracle *o, uint32_t slot);

#endif /* ORACLE_EXPRESS_H */
