/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file memory.h
 * @brief Simulated shared memory: what a guest address means, and who touched what, in which order.
 *
 * A guest memory is a set of regions; the bytes of a region are owned (allocated here), borrowed
 * (the caller's) or mapped (the caller's, with a release function). Accesses are all-or-nothing: a
 * range that leaves the regions, falls into a hole or wraps the address space fails as a whole with
 * VBLK_E_RANGE and changes nothing. A range may cross from one region into an adjacent one.
 *
 * Threads: one thread at a time, except that load/store of 16, 32 and 64 bits at naturally aligned
 * addresses are single atomic host accesses of the order given, so that a driver and a device may run
 * on two threads over the same memory as long as nobody observes and no region is added or removed.
 */
#ifndef VBLK_MEMORY_H
#define VBLK_MEMORY_H

#include <vblk/event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_memory;          /**< opaque; one guest physical address space */
struct vblk_memory_snapshot; /**< opaque; a copy of the bytes at one moment */

/** The largest number of regions of one memory. */
#define VBLK_MEMORY_REGIONS_MAX 512u

/** One element of a buffer in guest memory (2.6.1: contiguous, device-readable or device-writable). */
struct vblk_element {
    uint64_t gpa;  /**< guest address */
    uint32_t len;  /**< bytes */
    bool writable; /**< by the device */
};

/** A region as the caller describes it and as it can be listed again. */
struct vblk_region {
    uint64_t gpa;                           /**< first guest address, bytes */
    uint64_t size;                          /**< bytes, > 0; gpa + size must not exceed 2^64 */
    void *host;                             /**< [size] bytes; NULL: allocate zeroed bytes that the memory owns */
    int fd;                                 /**< file behind host for transports that hand it on, or -1 */
    uint64_t fd_offset;                     /**< where host begins in fd */
    void (*release)(void *host, uint64_t size, int fd); /**< called when the region goes, or NULL (borrowed) */
};

/** @return a memory without regions, or NULL if the host has no memory left. */
VBLK_API VBLK_NODISCARD struct vblk_memory *vblk_memory_new(void);
/** Free @p mem and release its regions. NULL is allowed. */
VBLK_API void vblk_memory_free(struct vblk_memory *mem);

/**
 * Add a region.
 * @return VBLK_OK; VBLK_E_INVAL if empty, overlapping or past the end of the address space;
 *         VBLK_E_FULL; VBLK_E_NOMEM.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_add(struct vblk_memory *mem, const struct vblk_region *region);
/** Remove the region that begins at @p gpa. @return VBLK_OK or VBLK_E_INVAL. */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_remove(struct vblk_memory *mem, uint64_t gpa);
/** @return the number of regions; region @p i in ascending address order is copied to @p out by vblk_memory_region(). */
VBLK_API size_t vblk_memory_region_count(const struct vblk_memory *mem);
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_region(const struct vblk_memory *mem, size_t i, struct vblk_region *out);

/** @return whether every byte of [gpa, gpa + len) is in a region. len 0 is true for any gpa. */
VBLK_API bool vblk_memory_covers(const struct vblk_memory *mem, uint64_t gpa, uint64_t len);

/**
 * Copy bytes out of or into guest memory on behalf of @p party (plain accesses, VBLK_RELAXED).
 * Effect: one LOAD or STORE event. @p len may be 0: no event, VBLK_OK.
 * @return VBLK_OK, or VBLK_E_RANGE with nothing copied (and one FAULTED event).
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_read(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                  void *buf, size_t len);
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_write(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                   const void *buf, size_t len);
/** The same for one byte, such as the status of a request, at less cost. */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_load8(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                   uint8_t *value);
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_store8(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                    uint8_t value);
/**
 * Store @p len bytes of value @p byte. Errors as vblk_memory_write(). Effect: one STORE event for each region that the
 * range lies in; the event's bytes are in memory, and the hook gets none.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_fill(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                  uint8_t byte, size_t len);

/**
 * Little-endian loads and stores with a memory order, for ring indices and flags.
 * Single-copy atomic where @p gpa is naturally aligned and inside one region, whose host bytes are aligned likewise.
 * An order that the access can't have (a load that releases, a store that acquires) is taken as VBLK_FULL.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_load16(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                    enum vblk_order order, uint16_t *value);
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_store16(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                     enum vblk_order order, uint16_t value);
/** A barrier of @p order by @p party. Effect: one BARRIER event. */
VBLK_API void vblk_memory_barrier(struct vblk_memory *mem, enum vblk_party party, enum vblk_order order);

/**
 * Unobserved access, for oracles and harnesses: no event, no hook. poke marks the bytes as touched,
 * so that a reset clears them.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_peek(const struct vblk_memory *mem, uint64_t gpa, void *buf, size_t len);
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_poke(struct vblk_memory *mem, uint64_t gpa, const void *buf, size_t len);
/**
 * The host address of a range that lies in one region, unobserved; NULL otherwise. For zero-copy
 * comparisons. Valid until a region is added or removed.
 */
VBLK_API const void *vblk_memory_view(const struct vblk_memory *mem, uint64_t gpa, uint64_t len);

/**
 * Who listens. With no tap and no hook an access costs one predictable branch more.
 * tap: called after each access and barrier. hook: called before each access is made, with the same
 * event but @c bytes NULL for loads; it may poke memory, which is how double fetches are found. An access that
 * faults is not made: no hook, and the tap gets it with VBLK_EV_FAULTED. An access of 2 GiB or more is told in pieces.
 * Either may be NULL. Set them while nobody accesses the memory.
 */
VBLK_API void vblk_memory_set_tap(struct vblk_memory *mem, vblk_observe_fn tap, void *ctx);
VBLK_API void vblk_memory_set_hook(struct vblk_memory *mem, vblk_observe_fn hook, void *ctx);

/**
 * A seam for page-protected views: while set, party's plain and ordered accesses go through @p resolve, which
 * returns the host address to use for [gpa, gpa+len) (or NULL to fail the access with VBLK_E_RANGE).
 * NULL removes it. It is asked only for ranges that are covered; what it returns must hold the whole range.
 */
typedef void *(*vblk_view_fn)(void *ctx, enum vblk_party party, uint64_t gpa, uint64_t len, bool store);
VBLK_API void vblk_memory_set_view(struct vblk_memory *mem, vblk_view_fn resolve, void *ctx);

/**
 * Forget what was written: every byte stored or poked through this API since the last reset reads as zero.
 * Costs what was touched (4 KiB granules), not what exists. Bytes that others stored behind our back
 * (mapped regions) are not known here: vblk_memory_touch() marks such a range.
 */
VBLK_API void vblk_memory_reset(struct vblk_memory *mem);
VBLK_API void vblk_memory_touch(struct vblk_memory *mem, uint64_t gpa, uint64_t len);

/** Copy all bytes of all regions. @return NULL if the host has no memory left. */
VBLK_API VBLK_NODISCARD struct vblk_memory_snapshot *vblk_memory_snapshot(const struct vblk_memory *mem);
/** Free @p snap. NULL is allowed. */
VBLK_API void vblk_memory_snapshot_free(struct vblk_memory_snapshot *snap);
/** Bring @p snap up to date for one range, e.g. after a store that is accounted for. VBLK_E_RANGE if it is not covered. */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_snapshot_update(struct vblk_memory_snapshot *snap,
                                                             const struct vblk_memory *mem, uint64_t gpa, uint64_t len);
/** Copy [len] bytes as they were in @p snap. */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_snapshot_peek(const struct vblk_memory_snapshot *snap, uint64_t gpa,
                                                           void *buf, size_t len);
/**
 * Find the next difference between @p snap and @p mem at or after *@p gpa.
 * @return true with *gpa and *len describing one maximal run of differing bytes; false: no further one.
 * Continue with *gpa + *len; a run that ends with the last address makes that 0: there is nothing further.
 * A run goes on from one region into an adjacent one. Bytes that only one of both has are not looked at.
 */
VBLK_API bool vblk_memory_diff(const struct vblk_memory_snapshot *snap, const struct vblk_memory *mem, uint64_t *gpa,
                               uint64_t *len);

/** What an unobserved look asked. */
enum vblk_glance_kind {
    VBLK_GLANCE_COVERS = 1, /**< vblk_memory_covers() */
    VBLK_GLANCE_PEEK,       /**< vblk_memory_peek() */
    VBLK_GLANCE_DIFF        /**< vblk_memory_diff(): @c at is where the search begins, @c len 0 */
};

/** One unobserved look and its answer. */
struct vblk_glance {
    uint8_t kind; /**< enum vblk_glance_kind */
    bool yes;     /**< it is covered, could be read, does differ */
    uint64_t at;  /**< guest address */
    uint64_t len; /**< bytes asked for */
    void *bytes;  /**< PEEK and yes: the [len] bytes read; DIFF and yes: uint64_t[2], the run's address and length */
};

/**
 * Looks over the shoulder of whoever looks without being seen, for a recorder; or answers in the memory's place, for a
 * player of what was recorded.
 */
struct vblk_onlooker {
    void (*saw)(void *ctx, const struct vblk_glance *glance); /**< told of each look and its answer; or NULL */
    void (*answer)(void *ctx, struct vblk_glance *glance);    /**< fills in the answer, memory is not looked at; or NULL */
    void *ctx;                                                /**< for both */
};
/**
 * Set (not owned) or, with NULL, remove the onlooker. While there is one vblk_memory_view() is NULL, so that nothing is
 * looked at behind its back, and vblk_memory_snapshot_update() is not told of: what it copies shows in no answer but that
 * of vblk_memory_diff(). Set it for the time that one looks, from the first look on; one thread.
 */
VBLK_API void vblk_memory_set_onlooker(struct vblk_memory *mem, const struct vblk_onlooker *onlooker);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_MEMORY_H */
