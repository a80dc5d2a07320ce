/* SPDX-License-Identifier: BSD-3-Clause */
/* A set of sectors, kept as sorted, disjoint, non-touching ranges. Costs what it holds, not what it spans. */
#ifndef VBLK_DEVICE_SPANS_H
#define VBLK_DEVICE_SPANS_H

#include <vblk/base.h>

struct vblk_span {
    uint64_t start, end; /* [start, end) */
};
struct vblk_spans {
    struct vblk_span *at;
    size_t count, room;
};

/* Add or remove [start, end). VBLK_E_NOMEM leaves the set as it was. */
VBLK_NODISCARD vblk_err vblk_spans_add(struct vblk_spans *set, uint64_t start, uint64_t end);
VBLK_NODISCARD vblk_err vblk_spans_remove(struct vblk_spans *set, uint64_t start, uint64_t end);
/* How many members lie in [start, end). */
uint64_t vblk_spans_within(const struct vblk_spans *set, uint64_t start, uint64_t end);
/* The first range that ends after @p start: its index, or count. */
size_t vblk_spans_first(const struct vblk_spans *set, uint64_t start);
/* Membership of the 64 sectors from @p start on, lowest bit first. */
uint64_t vblk_spans_bits(const struct vblk_spans *set, uint64_t start);
void vblk_spans_free(struct vblk_spans *set);

#endif
