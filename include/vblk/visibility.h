/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file visibility.h
 * @brief Weakly ordered shared memory without threads: each party sees the other's stores late and in another order.
 *
 * While a memory has one of these, a load by one party may return what the other has overwritten already, as far as the
 * C11 memory model allows: whatever no barrier, no pair of release store and acquire load, and no earlier load of the
 * same place rules out. Which of the permitted values it is, a seed decides: same seed and same accesses, same values.
 * A party always sees its own stores. A barrier that is missing, or a publication in the wrong order, is then found by
 * ordinary checks of what was read, on one thread.
 *
 * The unit of a value is an aligned half-word: a longer plain load may be made of old and new ones. A load or store of
 * VBLK_FULL has a full barrier on either side. Not modelled: loads that return what is stored only later in the run,
 * and stores of both parties to one place that exchange their order. What is left out this way makes the memory
 * stronger, so that nothing is found that could not happen. So does the bounded room for history: of each half-word the
 * oldest values are given up, and what is stored past 16384 half-words is seen at once.
 *
 * vblk_memory_fill(), poke and accesses by VBLK_NOBODY are seen by everybody at once; peek and taps see what was
 * stored last, and a load's event has the value that was loaded. One thread.
 */
#ifndef VBLK_VISIBILITY_H
#define VBLK_VISIBILITY_H

#include <vblk/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_visibility; /**< opaque; what each party may still see of one memory */

/**
 * Make @p mem weakly ordered from here on; all that was stored before is seen by everybody. Every access becomes slow.
 * @return NULL if the host has no memory left, or @p mem has one already.
 */
VBLK_API VBLK_NODISCARD struct vblk_visibility *vblk_visibility_new(struct vblk_memory *mem, uint64_t seed);
/** Make the memory an ordinary one again, and free @p v. Before the memory is freed. NULL is allowed. */
VBLK_API void vblk_visibility_free(struct vblk_visibility *v);

/**
 * A notification by @p from arrives: what it stored before is seen by the other. Calls, interrupts and messages order
 * memory, so a harness that delivers one says so here. VBLK_NOBODY: time passes, both see all that was stored.
 */
VBLK_API void vblk_visibility_arrive(struct vblk_visibility *v, enum vblk_party from);

/** What a party does without, to show what its barriers are for. */
enum vblk_weakness {
    VBLK_WEAK_LOADS = 1u,   /**< its loads are relaxed, whatever their order */
    VBLK_WEAK_STORES = 2u,  /**< its stores are relaxed */
    VBLK_WEAK_BARRIERS = 4u /**< its barriers are not there; taps don't hear of them */
};
/** From here on @p party is as weak as @p weaknesses says, a set of enum vblk_weakness; 0: as it was written. */
VBLK_API void vblk_visibility_weaken(struct vblk_visibility *v, enum vblk_party party, unsigned weaknesses);

/** @return how many loads of half-words did not see what was stored last: whether a run showed anything. */
VBLK_API uint64_t vblk_visibility_stale_loads(const struct vblk_visibility *v);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_VISIBILITY_H */
