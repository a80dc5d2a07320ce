/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file player.h
 * @brief Plays a script against a port, lawful or not, down to raw ring and register writes.
 */
#ifndef VBLK_PLAYER_H
#define VBLK_PLAYER_H

#include <vblk/script.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where in guest memory the player may put rings and buffers. */
struct vblk_arena {
    uint64_t gpa;  /**< first guest address, bytes */
    uint64_t size; /**< bytes */
};

/** What became of one EXPECT or of the script as a whole. */
struct vblk_surprise {
    size_t step;          /**< index of the step */
    char request[VBLK_STEP_NAME]; /**< the request's name, or "" */
    char expected[128];   /**< what the author allows */
    char seen[128];       /**< what came */
};

/** How many surprises are kept; further ones are counted only. */
#define VBLK_SURPRISES_MAX 16u

/** What playing a script came to. */
struct vblk_play {
    vblk_err err;          /**< VBLK_OK, or why the script could not be played on (VBLK_E_GONE: device gone) */
    size_t stopped_at;     /**< step at which it ended */
    bool hung;             /**< a WAIT ran into its limit although an answer was owed */
    bool needs_reset;      /**< the device showed DEVICE_NEEDS_RESET */
    /** Requests made available, and how many of them were used. */
    uint32_t requests, answered;
    uint32_t bad_answers;    /**< used elements that answer nothing in flight, and jumps of used idx; each is a surprise, too */
    uint32_t surprise_count; /**< may exceed VBLK_SURPRISES_MAX */
    struct vblk_surprise surprise[VBLK_SURPRISES_MAX]; /**< the first of them */
};

struct vblk_player; /**< opaque; reusable for any number of scripts on one port */

/** @p port is not owned; @p wait_ms: how long a WAIT without a limit of its own may last. @return NULL: no memory. */
VBLK_API VBLK_NODISCARD struct vblk_player *vblk_player_new(struct vblk_port *port, struct vblk_arena arena,
                                                            unsigned wait_ms);
/** Free @p player. NULL is allowed. */
VBLK_API void vblk_player_free(struct vblk_player *player);
/**
 * Play @p script: CASE_BEGIN, the steps, CASE_END. A device's misbehaviour never stops the process or overruns memory;
 * it ends up in @p out or in the oracle that observes the port.
 *
 * out->err is VBLK_E_GONE when the device went away; VBLK_E_STATE when it let START or RESET get no further;
 * VBLK_E_TIMEOUT when nothing more fitted because it had left requests unanswered; VBLK_E_UNSUPPORTED when a step asks
 * for what this target has not (a register, a host action, DEV_* on a port that is no puppet).
 * @return VBLK_OK when it was played to the end or as far as the device let it, with out->err; VBLK_E_INVAL for a
 *         script that can't be played (an unknown name, too big for the arena), with out->stopped_at; VBLK_E_NOMEM.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_player_run(struct vblk_player *player, const struct vblk_script *script,
                                                 struct vblk_play *out);

/** Fill @p buf with bytes [offset, offset + len) of pattern @p seed: cheap, and no eight aligned bytes repeat. */
VBLK_API void vblk_pattern(uint8_t seed, uint64_t offset, void *buf, size_t len);

/** A port whose device is the script itself: DEV_* steps act on it. grade ACCESS. @return NULL: no memory. */
VBLK_API VBLK_NODISCARD struct vblk_port *vblk_puppet_new(struct vblk_memory *mem);
/**
 * Power the puppet on with other tables and an empty disk. At first it has VERSION_1, one queue of 64 and
 * 72 bytes of zeroes as its configuration.
 * @return VBLK_E_INVAL: @p port is no puppet, more than 64 queues, or more than VBLK_CONFIG_MAX bytes.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_puppet_configure(struct vblk_port *port, const struct vblk_puppet *tables);
/** A device in C: called within each kick. It stores with party VBLK_DEVICE and calls vblk_port_notified(). */
typedef void (*vblk_puppet_kick_fn)(void *ctx, struct vblk_port *port, uint16_t queue);
/** Set what a kick of puppet @p port does; NULL: nothing. @return VBLK_E_INVAL: @p port is no puppet. */
VBLK_API VBLK_NODISCARD vblk_err vblk_puppet_on_kick(struct vblk_port *port, vblk_puppet_kick_fn fn, void *ctx);
/** From now on @p reg of @p queue reads @p value, whatever is written. @return VBLK_E_INVAL: no puppet or no such register. */
VBLK_API VBLK_NODISCARD vblk_err vblk_puppet_show(struct vblk_port *port, enum vblk_reg reg, uint16_t queue,
                                                  uint64_t value);
/** What a driver would read there now (the addresses it set up); no event. 0 if @p port is no puppet. */
VBLK_API uint64_t vblk_puppet_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_PLAYER_H */
