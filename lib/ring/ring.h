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
#include <vblk/ring_fault.h>
#include <vblk/spec.h>

/** Where the device goes on in a queue that another device, or another life of this one, began. */
struct vblk_resume {
    uint16_t avail, used;               /**< split: positions; packed: slots, with the wrap counter in bit 15 */
    const struct vblk_packed_desc *again; /**< [again_count] taken and not yet answered, to be taken first; see vblk_device_resume() */
    uint32_t again_count;
};

/** Where a queue lies and what was negotiated, as written to the transport's registers. */
struct vblk_layout {
    uint32_t size;   /**< entries */
    uint64_t desc;   /**< descriptor area */
    uint64_t driver; /**< driver area: the available ring, or driver event suppression */
    uint64_t device; /**< device area: the used ring, or device event suppression */
    uint64_t features;
    uint32_t chain_max; /**< elements that the device takes of one buffer; counts where it exceeds size (AMB-26) */
    const struct vblk_ring_fault *fault; /**< what is wrong with this side on purpose; NULL: nothing */
};

/** What one area needs. */
struct vblk_extent {
    uint64_t bytes;
    uint32_t align;
};
enum { VBLK_AREA_DESC, VBLK_AREA_DRIVER, VBLK_AREA_DEVICE, VBLK_AREAS };

/** What is wrong with a chain that the driver made available. */
enum vblk_chain_fault {
    VBLK_CHAIN_OK,
    VBLK_CHAIN_AVAIL_JUMP,      /**< idx moved by more than the queue has entries: no chain; the ring is broken */
    VBLK_CHAIN_HEAD_RANGE,      /**< the head is not in the table */
    VBLK_CHAIN_NEXT_RANGE,      /**< a next is not in the table */
    VBLK_CHAIN_TOO_LONG,        /**< more descriptors than the queue or the indirect table has: a loop; or too many */
    VBLK_CHAIN_INDIRECT,        /**< an indirect descriptor, which was not negotiated */
    VBLK_CHAIN_WRITE_THEN_READ, /**< a device-readable element after a device-writable one */
    VBLK_CHAIN_BAD_ADDRESS,     /**< bytes outside the memory, the indirect table's own among them */
    VBLK_CHAIN_INDIRECT_MIXED,  /**< an indirect descriptor with NEXT, or (packed) after NEXT */
    VBLK_CHAIN_INDIRECT_NESTED, /**< an indirect descriptor in an indirect table (split) */
    VBLK_CHAIN_TABLE_LENGTH,    /**< an indirect table of no bytes, or of no multiple of 16 */
    VBLK_CHAIN_UNAVAILABLE,     /**< packed: goes on in a descriptor that isn't available; the ring is broken */
    VBLK_CHAIN_OVERRUN,         /**< packed: over descriptors that the driver does not own; the ring is broken */
    VBLK_CHAIN_ID_BUSY,         /**< packed: the id of a buffer that is not back yet; the ring is broken */
    VBLK_CHAIN_FAULTS
};

/** A buffer that the device took. After a fault: the elements before the one at fault. */
struct vblk_chain {
    const struct vblk_element *bufs; /**< [n], the ring's own copy; valid until the next take */
    uint32_t n;
    uint32_t readable;           /**< how many of them come first and are device-readable; the rest is writable */
    uint64_t readable_bytes;
    uint64_t writable_bytes;
    uint16_t id;                 /**< what put_used() wants; no buffer's after HEAD_RANGE or when the ring is broken */
    uint8_t fault;               /**< enum vblk_chain_fault */
};

/** What is wrong with an answer of the device. */
enum vblk_used_fault {
    VBLK_USED_OK,
    VBLK_USED_JUMP,            /**< idx moved by more than is in flight: no answer; the ring is broken */
    VBLK_USED_ID_RANGE,        /**< an id that no buffer can have */
    VBLK_USED_NOT_OUTSTANDING, /**< the id of no buffer in flight */
    VBLK_USED_LEN,             /**< longer than what the device may write; the buffer is back nonetheless */
    VBLK_USED_ORDER,           /**< IN_ORDER: passes over more buffers than idx says were used */
    VBLK_USED_FAULTS
};

/**
 * An answer of the device, as it came. With OK and LEN the buffer id is the driver's again. On a packed ring, an id
 * that makes no sense breaks the ring: only the buffer's length tells where the next answer will be.
 */
struct vblk_used {
    uint32_t id;
    uint32_t len;  /**< bytes written; 0 without WRITE (packed); all that may be, of a buffer passed over */
    uint8_t fault; /**< enum vblk_used_fault */
    bool passed;   /**< IN_ORDER: has no answer of its own, a later one stands for it */
    bool no_len;   /**< packed: an answer without WRITE, which tells no length (2.8.4) */
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
    vblk_err (*add)(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id);
    /**
     * As add(), but only the first @p direct elements get descriptors in the queue; the others go into an indirect
     * table at @p table, 16 bytes for each, at any address. VBLK_E_UNSUPPORTED: INDIRECT_DESC was not negotiated, or
     * direct is not 0 on a packed ring. VBLK_E_INVAL: no element for the table, or more than it can have. VBLK_E_RANGE.
     */
    vblk_err (*add_indirect)(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                             uint32_t n, uint16_t *id);
    /** Make the first @p count buffers available that were added and are not yet; 0 does nothing. */
    vblk_err (*publish)(struct vblk_ring *ring, uint32_t count);
    /**
     * Whether the device wants an available buffer notification. After publish(). With EVENT_IDX: for what was
     * published since the last call, so a second call says no.
     */
    vblk_err (*kick_wanted)(struct vblk_ring *ring, bool *wanted);
    /** NOTIFICATION_DATA: the 32 bits of a kick, @p vq (or NOTIF_CONFIG_DATA's number) in the lower half. */
    vblk_err (*kick_data)(const struct vblk_ring *ring, uint16_t vq, uint32_t *data);
    /** Take the next answer; VBLK_E_EMPTY if there is none. */
    vblk_err (*reap)(struct vblk_ring *ring, struct vblk_used *used);
    /**
     * Ask for used buffer notifications or not. After asking, reap() until it is empty: nothing is missed then. With
     * EVENT_IDX this asks for one, at the next answer: ask again, and reap again, before waiting for another.
     */
    vblk_err (*set_interrupts)(struct vblk_ring *ring, bool wanted);
    /**
     * Ask for one notification, when the device is past @p ahead more: answers on a split ring, descriptors on a packed
     * one. 0 is what set_interrupts() asks for. VBLK_E_UNSUPPORTED without EVENT_IDX, VBLK_E_INVAL from the size on.
     */
    vblk_err (*interrupt_after)(struct vblk_ring *ring, uint32_t ahead);

    /* The device's half. */
    /** Take the next buffer; VBLK_E_EMPTY if there is none. */
    vblk_err (*take)(struct vblk_ring *ring, struct vblk_chain *chain);
    /**
     * Write an answer; the driver can't see it yet. VBLK_E_FULL: a whole ring of answers waits for publish_used().
     * With IN_ORDER it stands for all buffers taken before this one, too. To break the order, open without the feature.
     */
    vblk_err (*put_used)(struct vblk_ring *ring, uint32_t id, uint32_t len);
    /** put_used() takes it that something was written if len isn't 0. A packed answer says that apart (2.8.3). */
    vblk_err (*put_used_wrote)(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote);
    /** Show the driver every answer that was put. */
    vblk_err (*publish_used)(struct vblk_ring *ring);
    /** put_used_wrote() and publish_used(). */
    vblk_err (*answer)(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote);
    /** Whether the driver wants a used buffer notification. After publish_used(). As kick_wanted() with EVENT_IDX. */
    vblk_err (*notify_wanted)(struct vblk_ring *ring, bool *wanted);
    /** Ask for available buffer notifications or not. After asking, take() until it is empty. As set_interrupts(). */
    vblk_err (*set_notify)(struct vblk_ring *ring, bool wanted);
    /** As interrupt_after(), for available buffers or descriptors. */
    vblk_err (*notify_after)(struct vblk_ring *ring, uint32_t ahead);
};

/** A ring that is wrong on purpose. Members that are set stand in for the format's own, which they may call. */
struct vblk_ring_fault {
    const char *name;
    const char *what; /**< what it does, in one sentence */
    struct vblk_ring_ops split, packed;
};

/** The driver's memory of one buffer, by its head; never in shared memory. */
struct vblk_split_slot {
    uint64_t seq;      /* the count of buffers added before it; UINT64_MAX: not a head in flight */
    uint16_t tail;     /* the chain's last descriptor */
    uint16_t len;      /* descriptors in the chain */
    uint64_t writable; /* bytes that the device may write */
};

/** The private state of one side of a split ring. Ring positions are counts modulo 2^16. */
struct vblk_split {
    struct vblk_split_slot *slots; /* driver: [size] */
    uint16_t *next;                /* driver: [size] of each descriptor the next, in the chain or the list of free ones */
    uint64_t added;                /* driver: buffers put into the ring */
    uint64_t published;            /* driver: buffers made available */
    uint32_t in_flight;            /* driver: buffers made available and not yet back */
    uint16_t free_head;
    uint32_t free;                 /* driver: free descriptors */
    uint16_t avail_next;           /* device: next position to take */
    uint16_t avail_seen;           /* device: idx as last read */
    uint16_t used_next;            /* device: next position to fill; driver: next to reap */
    uint16_t used_seen;            /* device: idx as last written; driver: as last read */
    uint64_t unasked;              /* entries shown since notifications were last decided on */
    bool in_order;                 /* IN_ORDER was negotiated; what follows is for that */
    uint16_t oldest;               /* driver: the head that comes back next */
    uint64_t returned;             /* driver: buffers that are back */
    uint32_t batch_left;           /* driver: buffers that an answer stands for and reap() still owes */
    uint32_t batch_len;            /* driver: the length of the last of them */
    uint16_t order_next;           /* device: position in order[] of the oldest buffer */
    uint32_t again;                /* device: the next of resume.again */
    uint16_t *order;               /* device: [size] heads as they were taken */
};

/** A place in a packed ring, with the wrap counter that goes with it (2.8.1). */
struct vblk_packed_pos {
    uint16_t slot;
    bool wrap;
};

/** The driver's memory of one buffer id. */
struct vblk_packed_buf {
    uint64_t seq;      /* buffers added before it */
    uint64_t writable; /* bytes that the device may write */
    uint16_t slots;    /* descriptors; 0: not in flight */
    uint16_t head;     /* its first descriptor, with flags that aren't stored before it is published */
    uint16_t flags;
    uint16_t next;     /* in the list of free ids */
};

/** The private state of one side of a packed ring. */
struct vblk_packed {
    struct vblk_packed_pos avail;  /* driver: next to fill; device: next to take */
    struct vblk_packed_pos shown;  /* driver: next to make available */
    struct vblk_packed_pos used;   /* driver: next to reap; device: next to fill */
    struct vblk_packed_pos armed;  /* device: first used one that is written and not shown */
    uint16_t armed_flags;          /* device: the flags that show it */
    uint16_t event;                /* what our event suppression structure asks for */
    uint32_t hidden;               /* device: descriptors from armed to used; 0: none */
    uint32_t out;                  /* device: descriptors taken and not yet used */
    uint32_t again;                /* device: the next of resume.again */
    uint32_t unasked;              /* descriptors shown since notifications were last decided on, up to 2 * size */
    uint32_t free;                 /* driver: free descriptors */
    uint64_t added;                /* driver: buffers put into the ring */
    uint64_t published;            /* driver: buffers made available */
    uint64_t returned;             /* driver, IN_ORDER: buffers that are back */
    uint32_t order_in;             /* order[]: where the next buffer goes */
    uint32_t order_out;            /* order[]: driver: next to publish; device, IN_ORDER: next to use */
    uint32_t oldest;               /* order[]: driver, IN_ORDER: next to come back */
    uint32_t batch_left;           /* driver, IN_ORDER: buffers that an answer stands for and reap() still owes */
    uint32_t batch_len;            /* driver, IN_ORDER: the length of the last of them */
    bool batch_no_len;             /* driver, IN_ORDER: it told none */
    uint16_t free_id;              /* driver: first in the list of free ids */
    uint16_t *order;               /* [size] ids as they were added or taken */
    struct vblk_packed_buf *bufs;  /* driver: [size] */
    uint16_t *slots;               /* device: [65536] by id: descriptors of a buffer that was taken; 0: not taken */
};

/** One side of one queue; the caller's storage, filled by vblk_ring_open(). */
struct vblk_ring {
    const struct vblk_ring_ops *ops;
    struct vblk_memory *mem;
    struct vblk_layout at;
    struct vblk_resume resume;
    uint8_t side;  /* VBLK_DRIVER or VBLK_DEVICE */
    bool broken;   /* the peer made no sense: nothing more can be read from the ring */
    bool mapped;   /* host[] may be used while epoch is the memory's */
    uint32_t epoch;
    /* [party] of the side's own: the memory's epoch while host[] may be used, the ring isn't broken and nobody watches, … */
    uint32_t quiet[2];
    uint32_t told[2]; /* … or a tap with a short way does */
    uint8_t *host[VBLK_AREAS]; /* where the areas are */
    uint32_t chain_max;      /* device: the room in bufs */
    struct vblk_element *bufs;   /* device: the chain last taken */
    struct vblk_ring_ops *own; /* the table of a ring that is wrong on purpose, else NULL */
    uint64_t note[4];          /* what its functions remember */
    union {
        struct vblk_split split;
        struct vblk_packed packed;
    };
};

/** 2.7 Split Virtqueues. */
extern const struct vblk_ring_ops vblk_ring_split;
/** 2.8 Packed Virtqueues. */
extern const struct vblk_ring_ops vblk_ring_packed;
/** The format that was negotiated. */
const struct vblk_ring_ops *vblk_ring_ops_for(uint64_t features);

/**
 * Open one side of a queue, with nothing in flight.
 * @return VBLK_OK; VBLK_E_INVAL: size or alignment; VBLK_E_RANGE: an area is not in the memory;
 *         VBLK_E_UNSUPPORTED: a negotiated feature that the format does not have; VBLK_E_NOMEM. No need to close then.
 */
VBLK_NODISCARD vblk_err vblk_ring_open(struct vblk_ring *ring, const struct vblk_ring_ops *ops,
                                       struct vblk_memory *mem, const struct vblk_layout *at, enum vblk_party side);
/** Free what open allocated; the areas stay as they are. A ring of all zero bytes is allowed. */
void vblk_ring_close(struct vblk_ring *ring);
/** The device's side of a ring that was just opened goes on where @p from says. */
void vblk_ring_resume(struct vblk_ring *ring, const struct vblk_resume *from);

/** @return a few words for a report, never NULL. */
const char *vblk_chain_fault_name(enum vblk_chain_fault fault);
const char *vblk_used_fault_name(enum vblk_used_fault fault);

#endif /* VBLK_RING_RING_H */
