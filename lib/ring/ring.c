/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "impl.h"
#include "packed.h"

static const char *const chain_faults[VBLK_CHAIN_FAULTS] = {
    [VBLK_CHAIN_OK] = "ok",
    [VBLK_CHAIN_AVAIL_JUMP] = "available idx jumped",
    [VBLK_CHAIN_HEAD_RANGE] = "head outside the descriptor table",
    [VBLK_CHAIN_NEXT_RANGE] = "next outside the descriptor table",
    [VBLK_CHAIN_TOO_LONG] = "chain longer than the queue or the table",
    [VBLK_CHAIN_INDIRECT] = "indirect descriptor not negotiated",
    [VBLK_CHAIN_WRITE_THEN_READ] = "readable element after a writable one",
    [VBLK_CHAIN_BAD_ADDRESS] = "element outside the memory",
    [VBLK_CHAIN_INDIRECT_MIXED] = "indirect descriptor in a list of direct ones",
    [VBLK_CHAIN_INDIRECT_NESTED] = "indirect descriptor in an indirect table",
    [VBLK_CHAIN_TABLE_LENGTH] = "indirect table of an odd length",
    [VBLK_CHAIN_UNAVAILABLE] = "chain goes on in a descriptor that isn't available",
    [VBLK_CHAIN_OVERRUN] = "chain over descriptors in flight",
    [VBLK_CHAIN_ID_BUSY] = "buffer id in flight already",
};

static const char *const used_faults[VBLK_USED_FAULTS] = {
    [VBLK_USED_OK] = "ok",
    [VBLK_USED_JUMP] = "used idx jumped",
    [VBLK_USED_ID_RANGE] = "id outside the descriptor table",
    [VBLK_USED_NOT_OUTSTANDING] = "id not outstanding",
    [VBLK_USED_LEN] = "length beyond the writable bytes",
    [VBLK_USED_ORDER] = "batch longer than idx moved",
};

const struct vblk_ring_ops *vblk_ring_ops_for(uint64_t features)
{
    return features & VBLK_BIT(VBLK_F_RING_PACKED) ? &vblk_ring_packed : &vblk_ring_split;
}

vblk_err ring_check_areas(const struct vblk_ring *ring, const struct vblk_extent areas[VBLK_AREAS])
{
    const uint64_t where[VBLK_AREAS] = { ring->at.desc, ring->at.driver, ring->at.device };

    for (int i = 0; i < VBLK_AREAS; i++) {
        if (where[i] % areas[i].align != 0)
            return VBLK_E_INVAL;
        if (!vblk_memory_covers(ring->mem, where[i], areas[i].bytes))
            return VBLK_E_RANGE;
    }
    return VBLK_OK;
}

/* Only what its own side stores into counts as stored into: split descriptors and the driver's area, or the device's. */
static bool stores_into(const struct vblk_ring *ring, int area)
{
    if (area == VBLK_AREA_DESC)
        return ring->side == VBLK_DRIVER || ring_has(ring, VBLK_F_RING_PACKED);
    return (area == VBLK_AREA_DRIVER) == (ring->side == VBLK_DRIVER);
}

void ring_tell_bytes(struct vblk_memory *mem, unsigned how, uint64_t gpa, uint32_t len, const void *bytes)
{
    const enum vblk_event_kind kind = (enum vblk_event_kind)(how >> 16);

    vblk_memory_told(mem, kind, (enum vblk_party)(how >> 8 & 0xff), (enum vblk_order)(how & 0xff), gpa, bytes, len);
}

void ring_tell_words(struct vblk_memory *mem, unsigned how, uint64_t gpa, uint32_t len, uint64_t first, uint64_t second)
{
    const enum vblk_event_kind kind = (enum vblk_event_kind)(how >> 16);
    const enum vblk_party party = (enum vblk_party)(how >> 8 & 0xff);
    const enum vblk_order order = (enum vblk_order)(how & 0xff);
    const uint64_t words[2] = { first, second };

    if (mem->quick == NULL || !mem->quick[VBLK_QUICK_OF(kind, party)](mem->tap_ctx, gpa, len, words, order))
        vblk_memory_event(mem, kind, party, order, gpa, words, len);
}

bool ring_map(struct vblk_ring *ring)
{
    const uint64_t where[VBLK_AREAS] = { ring->at.desc, ring->at.driver, ring->at.device };
    struct vblk_memory *mem = ring->mem;
    struct vblk_extent areas[VBLK_AREAS];

    ring->epoch = mem->epoch;
    ring->mapped = true;
    ring->ops->extents(ring->at.size, ring->at.features, areas);
    for (int i = 0; i < VBLK_AREAS; i++) {
        const uint64_t unused = i != VBLK_AREA_DESC && !ring_has(ring, VBLK_F_RING_PACKED) &&
                                        !ring_has(ring, VBLK_F_EVENT_IDX) ? 2 : 0;
        ring->host[i] = vblk_memory_host(mem, where[i], areas[i].bytes - unused, areas[i].align,
                                         stores_into(ring, i));
        ring->mapped &= ring->host[i] != NULL;
    }
    if (ring->mapped && !ring->broken) {
        ring->quiet[ring->side] = mem->epoch - (mem->watched != UNWATCHED);
        ring->told[ring->side] = mem->epoch - (mem->watched != TAPPED || mem->quick == NULL);
    }
    return ring->mapped;
}

void ring_break(struct vblk_ring *ring)
{
    ring->broken = true;
    ring->quiet[ring->side] = ring->told[ring->side] = ring->mem->epoch - 1;
}

vblk_err ring_make_bufs(struct vblk_ring *ring)
{
    ring->chain_max = ring->at.chain_max > ring->at.size ? ring->at.chain_max : ring->at.size;
    ring->bufs = calloc(ring->chain_max, sizeof(*ring->bufs));
    return ring->bufs != NULL ? VBLK_OK : VBLK_E_NOMEM;
}

vblk_err ring_answer_in_steps(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    TRY(ring->ops->put_used_wrote(ring, id, len, wrote));
    return ring->ops->publish_used(ring);
}

/* The format's table with what the fault has in its place. The name tells the format's own table. */
static vblk_err use_fault(struct vblk_ring *ring)
{
    const bool packed = ring->ops == &vblk_ring_packed;
    const struct vblk_ring_ops *with = packed ? &ring->at.fault->packed : &ring->at.fault->split;

    ring->own = malloc(sizeof(*ring->own));
    if (ring->own == NULL)
        return VBLK_E_NOMEM;
    *ring->own = *ring->ops;
#define REPLACE(member) ring->own->member = with->member != NULL ? with->member : ring->own->member
    REPLACE(open);
    REPLACE(add);
    REPLACE(add_indirect);
    REPLACE(publish);
    REPLACE(kick_wanted);
    REPLACE(kick_data);
    REPLACE(reap);
    REPLACE(set_interrupts);
    REPLACE(interrupt_after);
    REPLACE(take);
    REPLACE(put_used);
    REPLACE(put_used_wrote);
    REPLACE(publish_used);
    REPLACE(notify_wanted);
    REPLACE(set_notify);
    REPLACE(notify_after);
#undef REPLACE
    ring->own->answer = ring_answer_in_steps;
    ring->ops = ring->own;
    return VBLK_OK;
}

vblk_err vblk_ring_open(struct vblk_ring *ring, const struct vblk_ring_ops *ops, struct vblk_memory *mem,
                        const struct vblk_layout *at, enum vblk_party side)
{
    vblk_err err;

    memset(ring, 0, sizeof(*ring));
    if (side != VBLK_DRIVER && side != VBLK_DEVICE)
        return VBLK_E_INVAL;
    ring->ops = ops;
    ring->mem = mem;
    ring->at = *at;
    ring->side = (uint8_t)side;
    ring->epoch = mem->epoch - 1; /* not yet mapped */
    for (int i = 0; i < 2; i++)
        ring->quiet[i] = ring->told[i] = mem->epoch - 1;
    err = at->fault != NULL ? use_fault(ring) : VBLK_OK;
    if (err == VBLK_OK)
        err = ring->ops->open(ring);
    if (err != VBLK_OK) {
        free(ring->own);
        memset(ring, 0, sizeof(*ring));
    }
    return err;
}

void vblk_ring_close(struct vblk_ring *ring)
{
    if (ring->ops != NULL)
        ring->ops->close(ring);
    free(ring->bufs);
    free(ring->own);
    memset(ring, 0, sizeof(*ring));
}

const char *vblk_chain_fault_name(enum vblk_chain_fault fault)
{
    return (unsigned)fault < VBLK_CHAIN_FAULTS ? chain_faults[fault] : "unknown";
}

const char *vblk_used_fault_name(enum vblk_used_fault fault)
{
    return (unsigned)fault < VBLK_USED_FAULTS ? used_faults[fault] : "unknown";
}

/* On a split ring what was taken before and is to be taken again comes before avail. */
void vblk_ring_resume(struct vblk_ring *ring, const struct vblk_resume *from)
{
    ring->resume = *from;
    if (ring_has(ring, VBLK_F_RING_PACKED)) {
        ring->packed.avail = vblk_packed_pos_of(from->avail);
        ring->packed.used = vblk_packed_pos_of(from->used);
    } else {
        ring->split.avail_next = ring->split.avail_seen = from->avail;
        ring->split.used_next = ring->split.used_seen = from->used;
        ring->split.order_next = (uint16_t)(from->avail - from->again_count);
    }
}
