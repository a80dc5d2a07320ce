/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tiny world for tests of the oracle: guest memory, one queue, and both parties' hands. Written for these tests
 * alone, so that the oracle is not tried against the models it is to judge.
 */
#ifndef ORACLE_WORLD_H
#define ORACLE_WORLD_H

#include <vblk/oracle.h>

enum { WORLD_SIZE = 8, WORLD_DESC = 0x1000, WORLD_AVAIL = 0x2000, WORLD_USED = 0x3000, WORLD_BUFFERS = 0x10000 };

struct world {
    struct vblk_memory *mem;
    struct vblk_oracle *o;
    uint16_t avail_idx, used_idx;
    uint8_t status;
};

/* sees: VBLK_SEES_*; the oracle is fed by the memory's tap with the parties it sees. */
void world_open(struct world *w, uint32_t sees, bool disk_zero);
void world_close(struct world *w);
/* reset … DRIVER_OK with @features accepted, queue 0 of WORLD_SIZE enabled, capacity 2048 sectors. */
void world_start(struct world *w, uint64_t offered, uint64_t accepted);

void world_reg(struct world *w, enum vblk_event_kind kind, enum vblk_reg reg, uint64_t value);
void world_event(struct world *w, enum vblk_event_kind kind, uint64_t value);
void world_config(struct world *w, uint32_t offset, const void *bytes, uint32_t len);

void world_store(struct world *w, enum vblk_party who, uint64_t gpa, const void *bytes, size_t len);
void world_desc(struct world *w, uint16_t i, uint64_t gpa, uint32_t len, uint16_t flags, uint16_t next);
/* Header, data and status in descriptors 3n, 3n+1, 3n+2; data readable if @out. Not yet available. @return its status address. */
uint64_t world_request(struct world *w, uint16_t n, uint32_t type, uint64_t sector, const void *out, uint32_t out_len,
                       uint32_t in_len);
uint64_t world_data(uint16_t n);
void world_available(struct world *w, uint16_t head);
/* Element, idx and notification. */
void world_used(struct world *w, uint32_t id, uint32_t len);
/* The whole lawful answer to request n. */
void world_answer(struct world *w, uint16_t n, const void *in, uint32_t in_len, uint8_t status);

struct vblk_tally world_tally(const struct world *w, const char *id);
/* Every clause with a broken tally is among the @allowed ids (NULL-terminated); returns the first that is not, or NULL. */
const char *world_blamed_else(const struct world *w, const char *const *allowed);

#endif /* ORACLE_WORLD_H */
