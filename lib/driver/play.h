/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the script player. */
#ifndef VBLK_DRIVER_PLAY_H
#define VBLK_DRIVER_PLAY_H

#include <vblk/player.h>

#include "layout.h"
#include "life.h"
#include "puppet.h"
#include "ring.h"

#define PLAY_QUEUES 64u
#define PLAY_RECORDS 4096u     /* requests remembered */
#define PLAY_ANSWERED_MAX 256u /* of these, answered ones that an EXPECT may still name */
#define PLAY_VALUES 32u
#define PLAY_SCRATCH 65536u
#define PLAY_PAGE 4096u
#define PLAY_DISK_MAX 65536u /* sectors that one step gives the puppet's disk */

enum record_state {
    RECORD_FREE,
    RECORD_LAID, /* in memory and in descriptors */
    RECORD_SLOT, /* in a slot of the available ring */
    RECORD_OUT,  /* published: an answer is owed */
    RECORD_ENDED /* used, or forgotten */
};

/* One request that was laid out. */
struct record {
    uint8_t state; /* enum record_state */
    char name[VBLK_STEP_NAME];
    const struct vblk_step_request *req;
    uint64_t serial;
    uint64_t begin, end; /* its memory */
    struct part readable, writable;
    uint16_t queue, head, count;
    uint16_t descs; /* of count, those in the queue itself */
    uint64_t table; /* indirect: where the others are */
    uint32_t used_count;
    uint32_t len;
    bool no_len; /* the answer told none */
    uint8_t status;
    bool has_status;
    /* What the device did with it, where the device is a puppet. */
    bool taken, status_written;
    uint64_t data_written; /* bytes from the start of the writable part, without a gap */
};

/*
 * The driver's side of a ring as a script drives it. A split one is not the ring of lib/ring: a script may publish
 * what it never put into a slot, or put one head into two, and what it wrote itself is not the device's fault.
 */
struct play_ring {
    struct vblk_layout at;
    struct vblk_ring packed; /* where at.features say so */
    vblk_err opened;         /* what opening that came to */
    uint32_t room;   /* entries that its memory is enough for; 0: not placed yet */
    uint16_t *next;  /* [room] free list and chains */
    uint16_t *owner; /* [room] record that a head belongs to or belonged to last, plus 1 */
    uint16_t *slot;  /* [room] head in each slot */
    uint32_t free_count;
    uint16_t free_head, free_tail;
    uint16_t notify_id; /* what notifications call the queue, once it is named */
    bool named;
    uint16_t kicked;    /* avail_idx when a kick was last decided on */
    uint16_t event;     /* used_event as last stored */
    uint16_t slots;     /* slots written, ever */
    uint16_t avail_idx; /* as last stored */
    uint16_t used_next; /* elements reaped */
    uint32_t out;       /* records in state OUT */
};

struct play_value {
    char name[VBLK_STEP_NAME];
    uint64_t value;
    bool used;
};

struct vblk_player {
    struct vblk_port *port;
    struct vblk_memory *mem;
    struct puppet *puppet; /* or NULL */
    struct vblk_arena arena;
    unsigned wait_ms;

    const struct vblk_script *script;
    struct vblk_play *out;
    size_t at; /* index of the step being played */
    struct life life;
    struct record *records; /* [PLAY_RECORDS], used up to record_count */
    uint32_t record_count, ended_count;
    struct record *last;
    uint64_t serial;
    uint64_t scratch;   /* 0: the arena is too small for one */
    uint64_t low, high; /* where requests may lie; queues are above */
    uint64_t next;      /* where the next one goes if there is room */
    struct play_ring ring[PLAY_QUEUES];
    struct play_value value[PLAY_VALUES];
    uint64_t last_value;
    bool has_value;
    uint32_t config_notified; /* of the port, when last looked at */
};

typedef vblk_err (*step_fn)(struct vblk_player *player, const struct vblk_step *step);

/* records.c */
void records_clear(struct vblk_player *player);
/* The request a step names, or NULL. */
struct record *record_named(struct vblk_player *player, const char *name);
/* A new record with memory for its parts. VBLK_E_INVAL: it can't be laid out; VBLK_E_FULL: too much is in flight. */
vblk_err record_new(struct vblk_player *player, const struct vblk_step *step, struct record **out);
/* The end of a request that still needs memory in [begin, end), or 0. */
uint64_t records_block(const struct vblk_player *player, uint64_t begin, uint64_t end);
/* Forget the answered ones in [begin, end). */
void records_reuse(struct vblk_player *player, uint64_t begin, uint64_t end);
void record_end(struct vblk_player *player, struct record *record);

/* play_ring.c */
/* Place a queue of @size entries, keeping its place if it fits there. VBLK_E_INVAL: no ring size, or no room. */
vblk_err ring_place(struct vblk_player *player, uint16_t queue, uint32_t size);
/* Place it with the script's size if nothing placed it yet. */
vblk_err ring_need(struct vblk_player *player, uint16_t queue, struct play_ring **out);
/* Zero its memory and start over. */
void ring_zero(struct vblk_player *player, uint16_t queue);
void ring_free(struct play_ring *ring);
vblk_err ring_describe(struct vblk_player *player, struct record *record);
/* Descriptor @i of the record's chain. */
uint16_t ring_chain_at(const struct play_ring *ring, const struct record *record, uint64_t i);
/* Put a laid out record where the device will look for it. */
vblk_err ring_make_available(struct vblk_player *player, struct record *record);
/* Show the device all of them. */
void ring_publish(struct vblk_player *player, uint16_t queue);
void ring_put_slot(struct vblk_player *player, uint16_t queue, uint16_t slot, uint16_t head);
void ring_set_idx(struct vblk_player *player, uint16_t queue, uint16_t idx, enum vblk_order order);
/* Full barrier, and whether the device wants to be kicked. */
bool ring_kick_wanted(struct vblk_player *player, uint16_t queue);
/* What a lawful kick carries. */
uint32_t ring_kick_data(struct vblk_player *player, uint16_t queue);
bool ring_size(const struct vblk_player *player, uint64_t size);
/* The record in flight, or done with, whose head is @head. */
struct record *ring_owner(struct vblk_player *player, uint16_t queue, uint32_t head);
/* A record goes over to the device. */
void ring_hand_over(struct vblk_player *player, struct record *record);

/* play_used.c */
/* LOOK, and take the answers that are there. */
void ring_reap(struct vblk_player *player, uint16_t queue);
/* Everything outstanding is the driver's again, as after a reset. */
void rings_forget(struct vblk_player *player);
void ring_forget_one(struct vblk_player *player, struct record *record);
void ring_forget(struct vblk_player *player, uint16_t queue);
/* An answer comes for one. */
void ring_answer(struct vblk_player *player, uint16_t queue, const struct vblk_used *used);
void ring_bad_answer(struct vblk_player *player, uint32_t id, uint32_t len, const char *what);
static inline bool ring_has(const struct play_ring *ring, unsigned feature)
{
    return (ring->at.features & VBLK_BIT(feature)) != 0;
}
static inline bool ring_packed(const struct play_ring *ring)
{
    return ring_has(ring, VBLK_F_RING_PACKED);
}

/* play_packed.c: what the functions above do on a packed ring. */
void play_packed_open(struct vblk_player *player, struct play_ring *ring);
vblk_err play_packed_make_available(struct vblk_player *player, struct record *record);
void play_packed_publish(struct vblk_player *player, uint16_t queue);
bool play_packed_kick_wanted(struct vblk_player *player, uint16_t queue);
void play_packed_reap(struct vblk_player *player, uint16_t queue);

/* player.c */
extern const char no_name[VBLK_STEP_NAME];
/* One more surprise, about request[VBLK_STEP_NAME]; NULL where no more are kept. */
struct vblk_surprise *player_surprise(struct vblk_player *player, const char *request);
void player_keep(struct vblk_player *player, const char *name, uint64_t value);
bool player_kept(const struct vblk_player *player, const char *name, uint64_t *value);
/* The address that a step's number counts from. */
vblk_err player_resolve(struct vblk_player *player, const struct vblk_step *step, uint64_t offset, uint64_t *gpa);
/* A step's bytes, as stores of @party at @gpa; a range outside memory is an event and no error. */
void player_store(struct vblk_player *player, enum vblk_party party, const struct vblk_step *step, uint64_t gpa);
/* Load @len bytes; *value receives the first eight. */
void player_load(struct vblk_player *player, enum vblk_party party, const struct vblk_step *step, uint64_t gpa,
                 uint64_t len, uint64_t *value);

/* steps_life.c */
vblk_err step_start(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_reset(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_queue_reset(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_reg_read(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_reg_write(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_config_read(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_config_write(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_host(struct vblk_player *player, const struct vblk_step *step);
/* steps_request.c */
vblk_err step_request(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_available(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_publish(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_kick(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_wait(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_submit(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_look(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_forget(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_quiet(struct vblk_player *player, const struct vblk_step *step);
/* steps_raw.c */
vblk_err step_store(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_load(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_desc(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_avail_slot(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_avail_idx(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_avail_flags(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_barrier(struct vblk_player *player, const struct vblk_step *step);
/* steps_expect.c */
vblk_err step_expect(struct vblk_player *player, const struct vblk_step *step);
/* steps_device.c; these need a puppet, which the player sees to */
vblk_err step_dev_load(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_store(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_take(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_data(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_status_byte(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_elem(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_idx(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_used_flags(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_complete(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_barrier(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_disk(struct vblk_player *player, const struct vblk_step *step);
/* steps_show.c: what the puppet shows */
vblk_err step_dev_notify(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_config_notify(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_status(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_features(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_config(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_generation(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_queue_max(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_reg(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_gone(struct vblk_player *player, const struct vblk_step *step);
vblk_err step_dev_power_cut(struct vblk_player *player, const struct vblk_step *step);

#endif
