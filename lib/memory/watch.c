/* SPDX-License-Identifier: BSD-3-Clause */
/* Barriers, which are no accesses but are told of, and who looks on. */
#include "region.h"
#include "weak.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FENCE_BY_RMW 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define FENCE_BY_RMW 1
#endif

/* ThreadSanitizer does not know fences: give it a read-modify-write of at least that strength. */
static inline void fence(struct vblk_memory *mem, enum vblk_order order)
{
#ifdef FENCE_BY_RMW
    if (order != VBLK_RELAXED)
        __atomic_fetch_add(&mem->fences, 1, __ATOMIC_SEQ_CST);
#else
    (void)mem;
    if (order == VBLK_FULL)
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    else if (order != VBLK_RELAXED)
        __atomic_thread_fence(__ATOMIC_ACQ_REL);
#endif
}

void memory_fence(struct vblk_memory *mem)
{
    fence(mem, VBLK_FULL);
}

static __attribute__((noinline)) void barrier_watched(struct vblk_memory *mem, enum vblk_party party,
                                                      enum vblk_order order)
{
    const struct vblk_event ev = { .kind = VBLK_EV_BARRIER, .party = (uint8_t)party, .order = (uint8_t)order };

    if (mem->visibility != NULL && !weak_barrier(mem->visibility, party, order))
        return;
    if (mem->tap != NULL)
        mem->tap(mem->tap_ctx, &ev);
}

void vblk_memory_barrier(struct vblk_memory *mem, enum vblk_party party, enum vblk_order order)
{
    fence(mem, order);
    if (unlikely(mem->watched != UNWATCHED))
        barrier_watched(mem, party, order);
}

/* A tap that has a lane gives it again, if it may still have one. */
static void rewatch(struct vblk_memory *mem)
{
    mem->epoch++;
    mem->quick = NULL;
    mem->lane = NULL;
    if (mem->hook != NULL || mem->view != NULL || mem->visibility != NULL)
        mem->watched = STEERED;
    else
        mem->watched = mem->tap != NULL ? TAPPED : UNWATCHED;
}

void vblk_memory_set_tap(struct vblk_memory *mem, vblk_observe_fn tap, void *ctx)
{
    mem->tap = tap;
    mem->tap_ctx = ctx;
    rewatch(mem);
}

void vblk_memory_set_quick(struct vblk_memory *mem, vblk_observe_fn tap, void *ctx, struct vblk_lane *lane,
                           const vblk_quick_fn *quick)
{
    if (mem->watched != TAPPED || mem->tap != tap || mem->tap_ctx != ctx || mem->quick == quick)
        return;
    mem->quick = quick;
    mem->lane = lane;
    mem->epoch++; /* whoever remembers that there is one looks again */
}

void vblk_memory_set_hook(struct vblk_memory *mem, vblk_observe_fn hook, void *ctx)
{
    mem->hook = hook;
    mem->hook_ctx = ctx;
    rewatch(mem);
}

void vblk_memory_set_view(struct vblk_memory *mem, vblk_view_fn resolve, void *ctx)
{
    mem->view = resolve;
    mem->view_ctx = ctx;
    rewatch(mem);
}

void vblk_memory_set_visibility(struct vblk_memory *mem, struct vblk_visibility *visibility)
{
    mem->visibility = visibility;
    rewatch(mem);
}
