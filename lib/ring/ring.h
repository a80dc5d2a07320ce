/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtqueue as the models see it, whatever its format: buffers are arrays of elements, a buffer in flight has an
 * id, and what the peer did wrong is data. One table of functions per format; each side uses its half of it.
 *
 * A ring writes what it is told to: an unlawful element or a wrong answer is a legitimate thing to put into it.
 * It never lets what it reads from shared memory reach its own bookkeeping unchecked.
 *
 * vblk_err is our caller's mistake: VBLK_E_STATE for the other side's function or a ring that is broken,
 * VBLK_E_RANGE if the memory under the ring went away.
 */
#ifndef VBLK_RING_RING_H
#define VBLK_RING_RING_H

#include <vblk/memory.h>

/** Where a queue lies and what was negotiated, as written to the transport's registers. */
struct vblk_layout {
    uint32_t size;   /**< entries */
    uint64_t desc;   /**< descriptor area */
    uint64_t driver; /**< driver area: the available ring */
    uint64_t device; /**< device area: the used ring */
    uint64_t features;
};

/** What one area needs. */
struct vblk_extent {
    uint64_t bytes;
    uint32_t align;
};
enum { VBLK_AREA_DESC, VBLK_AREA_DRIVER, VBLK_AREA_DEVICE, VBLK_AREAS };

/** One element of a buffer (2.6.1: contiguous, device-readable or device-writable). */
struct vblk_buf {
    uint64_t gpa;
    uint32_t len;
    bool writable;
};

/** What is wrong with a chain that the driver made available. */
enum vblk_chain_fault {
    VBLK_CHAIN_OK,
    VBLK_CHAIN_AVAIL_JUMP,      /**< idx moved by more than the queue has entries: no chain; the ring is broken */
    VBLK_CHAIN_HEAD_RANGE,      /**< the head is not in the table */
    VBLK_CHAIN_NEXT_RANGE,      /**< a next is not in the table */
    VBLK_CHAIN_TOO_LONG,        /**< more descriptors than the queue has: a loop */
    VBLK_CHAIN_INDIRECT,        /**< an indirect descriptor, which was not negotiated */
    VBLK_CHAIN_WRITE_THEN_READ, /**< a device-readable element after a device-writable one */
    VBLK_CHAIN_BAD_ADDRESS,     /**< bytes outside the memory */
    VBLK_CHAIN_FAULTS
};

/** A buffer that the device took. After a fault: the elements before the one at fault. */
struct vblk_chain {
    const struct vblk_buf *bufs; /**< [n], the ring's own copy; valid until the next take */
    uint32_t n;
    uint32_t readable;           /**< how many of them come first and are device-readable; the rest is writable */
    uint64_t readable_bytes;
    uint64_t writable_bytes;
    uint16_t id;                 /**< what put_used() wants; after HEAD_RANGE it names no descriptor */
    uint8_t fault;               /**< enum vblk_chain_fault */
};

/** What is wrong with an answer of the device. */
enum vblk_used_fault {
    VBLK_USED_OK,
    VBLK_USED_JUMP,            /**< idx moved by more than is in flight: no answer; the ring is broken */
    VBLK_USED_ID_RANGE,        /**< an id that no buffer can have */
    VBLK_USED_NOT_OUTSTANDING, /**< the id of no buffer in flight */
    VBLK_USED_LEN,             /**< longer than what the device may write; the buffer is back nonetheless */
    VBLK_USED_FAULTS
};

/** An answer of the device, as it came. With OK and LEN the buffer id is the driver's again. */
struct vblk_used {
    uint32_t id;
    uint32_t len;
    uint8_t fault; /**< enum vblk_used_fault */
};

struct vblk_ring;

/** One format. Functions with a bool out-parameter set it only on VBLK_OK. */
struct vblk_ring_ops {
    const char *name;
    /** What the areas need for a queue of @p size entries. */
    void (*extents)(uint32_t size, uint64_t features, struct vblk_extent areas[VBLK_AREAS]);
    /** Check the layout, allocate. Through vblk_ring_open(). */
    vblk_err (*open)(struct vblk_ring *ring);
    void (*close)(struct vblk_ring *ring);

    /* The driver's half. */
    /** Zero the areas, before the queue is enabled. VBLK_E_STATE once a buffer was added. */
    vblk_err (*clear)(struct vblk_ring *ring);
    /** Write the descriptors and the ring's entry; the device can't see them yet. VBLK_E_FULL: too few are free. */
    vblk_err (*add)(struct vblk_ring *ring, const struct vblk_buf *bufs, uint32_t n, uint16_t *id);
    /** Make the first @p count buffers available that were added and are not yet; 0 does nothing. */
    vblk_err (*publish)(struct vblk_ring *ring, uint32_t count);
    /** Whether the device wants an available buffer notification. After publish(). */
    vblk_err (*kick_wanted)(struct vblk_ring *ring, bool *wanted);
    /** Take the next answer; VBLK_E_EMPTY if there is none. */
    vblk_err (*reap)(struct vblk_ring *ring, struct vblk_used *used);
    /** Ask for used buffer notifications or not. After asking, reap() once more: nothing is missed then. */
    vblk_err (*set_interrupts)(struct vblk_ring *ring, bool wanted);

    /* The device's half. */
    /** Take the next buffer; VBLK_E_EMPTY if there is none. */
    vblk_err (*take)(struct vblk_ring *ring, struct vblk_chain *chain);
    /** Write an answer; the driver can't see it yet. VBLK_E_FULL: a whole ring of answers waits for publish_used(). */
    vblk_err (*put_used)(struct vblk_ring *ring, uint32_t id, uint32_t len);
    /** Show the driver every answer that was put. */
    vblk_err (*publish_used)(struct vblk_ring *ring);
    /** Whether the driver wants a used buffer notification. After publish_used(). */
    vblk_err (*notify_wanted)(struct vblk_ring *ring, bool *wanted);
    /** Ask for available buffer notifications or not. After asking, take() once more: nothing is missed then. */
    vblk_err (*set_notify)(struct vblk_ring *ring, bool wanted);
};

/** The driver's memory of one descriptor; never in shared memory. */
struct vblk_split_slot {
    uint64_t seq;      /* of a head: the count of buffers added before it */
    uint64_t writable; /* of a head: bytes that the device may write */
    uint16_t next;     /* in the chain, or in the list of free ones */
    uint16_t tail;     /* of a head: the chain's last descriptor */
    uint16_t len;      /* of a head: descriptors in the chain; 0: not a head in flight */
};

/** The private state of one side of a split ring. Ring positions are counts modulo 2^16. */
struct vblk_split {
    struct vblk_split_slot *slots; /* driver: [size] */
    uint64_t added;                /* driver: buffers put into the ring */
    uint64_t published;            /* driver: buffers made available */
    uint32_t in_flight;            /* driver: buffers made available and not yet back */
    uint32_t free;                 /* driver: free descriptors */
    uint16_t free_head;
    uint16_t avail_next;           /* device: next position to take */
    uint16_t avail_seen;           /* device: idx as last read */
    uint16_t used_next;            /* device: next position to fill; driver: next to reap */
    uint16_t used_seen;            /* device: idx as last written; driver: as last read */
    struct vblk_buf *bufs;         /* device: [size], the chain last taken */
};

/** One side of one queue; the caller's storage, filled by vblk_ring_open(). */
struct vblk_ring {
    const struct vblk_ring_ops *ops;
    struct vblk_memory *mem;
    struct vblk_layout at;
    uint8_t side;  /* VBLK_DRIVER or VBLK_DEVICE */
    bool broken;   /* the peer's idx made no sense: nothing more can be read from the ring */
    union {
        struct vblk_split split;
    };
};

/** 2.7 Split Virtqueues. */
extern const struct vblk_ring_ops vblk_ring_split;

/**
 * Open one side of a queue, with nothing in flight.
 * @return VBLK_OK; VBLK_E_INVAL: size or alignment; VBLK_E_RANGE: an area is not in the memory;
 *         VBLK_E_UNSUPPORTED: a negotiated feature that the format does not have; VBLK_E_NOMEM. No need to close then.
 */
VBLK_NODISCARD vblk_err vblk_ring_open(struct vblk_ring *ring, const struct vblk_ring_ops *ops,
                                       struct vblk_memory *mem, const struct vblk_layout *at, enum vblk_party side);
/** Free what open allocated; the areas stay as they are. A ring of all zero bytes is allowed. */
void vblk_ring_close(struct vblk_ring *ring);

/** @return a few words for a report, never NULL. */
const char *vblk_chain_fault_name(enum vblk_chain_fault fault);
const char *vblk_used_fault_name(enum vblk_used_fault fault);

#endif /* VBLK_RING_RING_H */
