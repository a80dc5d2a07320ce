/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file port.h
 * @brief A device port: all that a driver needs of a device, whatever carries it.
 *
 * A port carries and never interprets. Adapters fill vblk_port_ops; everybody else calls the
 * vblk_port_*() functions, which make the call and turn it into an event, so that every target is
 * observed in the same way.
 */
#ifndef VBLK_PORT_H
#define VBLK_PORT_H

#include <vblk/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_port;

/** How well a target can be watched; least to best. */
enum vblk_grade {
    VBLK_GRADE_TRACE = 0,    /**< what a recorder saw */
    VBLK_GRADE_SNAPSHOT = 1, /**< shared memory at each notification or poll */
    VBLK_GRADE_TRAPPED = 2,  /**< as snapshot, and forbidden accesses by page protection */
    VBLK_GRADE_ACCESS = 3    /**< every load and store of both parties, in order */
};

/** What an adapter implements. Every function may fail with VBLK_E_GONE when the device went away. */
struct vblk_port_ops {
    /** Read a register; @p queue is 0 for one of the whole device. Sets *emulated when the answer is the adapter's, not the device's. VBLK_E_UNSUPPORTED if there is none. */
    vblk_err (*read_reg)(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated);
    vblk_err (*write_reg)(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated);
    /** Read @p len configuration bytes; fewer may come: *got. Bytes past *got are zero. */
    vblk_err (*read_config)(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got);
    vblk_err (*write_config)(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len);
    /** Send an available buffer notification; @p data is the value written with it. */
    vblk_err (*kick)(struct vblk_port *port, uint16_t queue, uint32_t data);
    /**
     * Wait until a notification came or @p ms milliseconds passed; the one call that may block.
     * Reports what came through vblk_port_notified(). VBLK_E_TIMEOUT if nothing came.
     */
    vblk_err (*wait)(struct vblk_port *port, uint16_t queue, unsigned ms);
    /** After VBLK_E_GONE or a hang: reconnect or restart, to the power-on state. May be NULL. */
    vblk_err (*recover)(struct vblk_port *port);
    /** A host-side action on the device itself (see enum vblk_host_action). May be NULL. */
    vblk_err (*host)(struct vblk_port *port, unsigned action, uint64_t a, uint64_t b);
    /** Let go of the device and free the port. */
    void (*close)(struct vblk_port *port);
};

/** Actions that a harness can take on a device it owns; a foreign target answers VBLK_E_UNSUPPORTED. */
enum vblk_host_action {
    VBLK_HOST_RESIZE,        /**< a: new capacity in sectors; configuration change with notification */
    VBLK_HOST_FAIL_SECTORS,  /**< the backend fails on sectors [a, a + b); b 0: no more failures */
    VBLK_HOST_POOL,          /**< a: sectors that can still be allocated */
    VBLK_HOST_POWER_CUT,     /**< lose what is volatile; the device restarts in its power-on state */
    VBLK_HOST_NEEDS_RESET,   /**< raise DEVICE_NEEDS_RESET with its notification */
    VBLK_HOST_SET_CONFIG,    /**< a: offset, b: 32-bit value; configuration change with notification */
    VBLK_HOST_HOLD,          /**< a: 1 do not serve buffers, 0 serve what is pending; completions may then be reordered */
    VBLK_HOST_REVERSE,       /**< a: 1 complete the pending requests last to first */
    VBLK_HOST_COUNT
};

/** A port. An adapter fills it and embeds it as the first member of its own structure. */
struct vblk_port {
    const struct vblk_port_ops *ops; /**< the adapter */
    struct vblk_memory *mem;  /**< the shared memory; the port's user allocates in it */
    const char *kind;         /**< "builtin", "vhost-user", … */
    const char *name;         /**< what the user called it */
    uint8_t grade;            /**< enum vblk_grade of what the device does */
    uint32_t host_actions;    /**< bit n: action n works */
    vblk_observe_fn observe;  /**< receives register, configuration and notification events; may be NULL */
    void *observe_ctx;        /**< handed to observe */
    uint32_t used_notified;   /**< notifications so far, for waiters */
    uint32_t config_notified; /**< likewise, of configuration changes */
    const char *gone_how;     /**< for adapters: why VBLK_E_GONE, as text, or NULL */
    bool notif_config_data;   /**< it has the register of that name, so that NOTIF_CONFIG_DATA can be used */
    bool gone;                /**< the device is gone; kept by vblk_port_*(), which fail at once until recovery */
};

/** The adapter's operation of the same name, and its event. VBLK_E_UNSUPPORTED where the adapter has none. */
VBLK_API VBLK_NODISCARD vblk_err vblk_port_read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue,
                                                    uint64_t *value);
VBLK_API VBLK_NODISCARD vblk_err vblk_port_write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue,
                                                     uint64_t value);
/** Reads @p len bytes (1..256). The event carries only the bytes that came; *got may be NULL. */
VBLK_API VBLK_NODISCARD vblk_err vblk_port_read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len,
                                                       uint32_t *got);
VBLK_API VBLK_NODISCARD vblk_err vblk_port_write_config(struct vblk_port *port, uint32_t offset, const void *buf,
                                                        uint32_t len);
VBLK_API VBLK_NODISCARD vblk_err vblk_port_kick(struct vblk_port *port, uint16_t queue, uint32_t data);
VBLK_API VBLK_NODISCARD vblk_err vblk_port_wait(struct vblk_port *port, uint16_t queue, unsigned ms);
VBLK_API VBLK_NODISCARD vblk_err vblk_port_recover(struct vblk_port *port);
VBLK_API VBLK_NODISCARD vblk_err vblk_port_host(struct vblk_port *port, enum vblk_host_action action, uint64_t a,
                                                uint64_t b);
/** The driver looks at the used ring of @p queue now: a point at which the oracle may look too. */
VBLK_API void vblk_port_look(struct vblk_port *port, uint16_t queue);
/** For adapters: a notification came (kind USED_NOTIFY or CONFIG_NOTIFY). */
VBLK_API void vblk_port_notified(struct vblk_port *port, enum vblk_event_kind kind, uint16_t queue);
/** For adapters and players: pass any event on to the observer. */
VBLK_API void vblk_port_emit(struct vblk_port *port, const struct vblk_event *ev);
/** Close the port and free it. The memory is not the port's. NULL is allowed. */
VBLK_API void vblk_port_close(struct vblk_port *port);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_PORT_H */
