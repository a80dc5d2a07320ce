/* SPDX-License-Identifier: BSD-3-Clause */
/* What access.c asks of a weakly ordered memory; only while mem->visibility is set. */
#ifndef VBLK_MEMORY_WEAK_H
#define VBLK_MEMORY_WEAK_H

#include <vblk/visibility.h>

/* The order that an access is made with. */
uint8_t weak_order(const struct vblk_visibility *v, enum vblk_event_kind kind, unsigned party, unsigned order);
/* Before the bytes move; NULL: seen by everybody at once. */
void weak_store(struct vblk_visibility *v, unsigned party, unsigned order, uint64_t gpa, const uint8_t *bytes,
                uint64_t len);
/* After the newest bytes were copied to @bytes: make some of them old. */
void weak_load(struct vblk_visibility *v, unsigned party, unsigned order, uint64_t gpa, uint8_t *bytes, uint64_t len);
/* @return whether there is a barrier at all. */
bool weak_barrier(struct vblk_visibility *v, unsigned party, unsigned order);
/* These bytes are what everybody sees, after someone changed them behind the parties' backs. */
void weak_settle(struct vblk_visibility *v, uint64_t gpa, uint64_t len);

#endif /* VBLK_MEMORY_WEAK_H */
