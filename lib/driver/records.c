/* SPDX-License-Identifier: BSD-3-Clause */
/* The requests of a script and their memory: a bump allocator that goes round and reuses what was answered. */
#include "play.h"

#define ALIGNMENT 64u

void records_clear(struct vblk_player *player)
{
    player->record_count = 0;
    player->ended_count = 0;
    player->last = NULL;
    player->next = player->low;
}

struct record *record_named(struct vblk_player *player, const char *name)
{
    struct record *found = NULL;

    if (!name[0])
        return player->last;
    for (uint32_t i = 0; i < player->record_count; i++) {
        struct record *record = &player->records[i];

        if (record->state != RECORD_FREE && !strncmp(record->name, name, VBLK_STEP_NAME) &&
            (!found || record->serial > found->serial))
            found = record;
    }
    return found;
}

static void release(struct vblk_player *player, struct record *record)
{
    if (record->state == RECORD_ENDED)
        player->ended_count--;
    record->state = RECORD_FREE;
    if (player->last == record)
        player->last = NULL;
}

void record_end(struct vblk_player *player, struct record *record)
{
    record->state = RECORD_ENDED;
    player->ended_count++;
}

/* A free entry; the request that was answered the longest ago makes room. NULL: all are in flight. */
static struct record *entry(struct vblk_player *player)
{
    struct record *oldest = NULL;

    for (uint32_t i = 0; i < player->record_count; i++) {
        struct record *record = &player->records[i];

        if (record->state == RECORD_FREE)
            return record;
        if (record->state == RECORD_ENDED && (!oldest || record->serial < oldest->serial))
            oldest = record;
    }
    if (player->record_count < PLAY_RECORDS && player->ended_count < PLAY_ANSWERED_MAX) {
        player->records[player->record_count].state = RECORD_FREE; /* it may hold a request of the last script */
        return &player->records[player->record_count++];
    }
    if (oldest)
        release(player, oldest);
    return oldest;
}

uint64_t records_block(const struct vblk_player *player, uint64_t begin, uint64_t end)
{
    for (uint32_t i = 0; i < player->record_count; i++) {
        const struct record *record = &player->records[i];

        if (record->state != RECORD_FREE && record->state != RECORD_ENDED && record->begin < end && begin < record->end)
            return record->end;
    }
    return 0;
}

static bool find_room(const struct vblk_player *player, uint64_t size, uint64_t *begin)
{
    uint64_t at = player->next;
    bool wrapped = false;

    for (;;) {
        uint64_t beyond;

        if (at > player->high || size > player->high - at) {
            if (wrapped)
                return false;
            wrapped = true;
            at = player->low;
        }
        beyond = records_block(player, at, at + size);
        if (!beyond) {
            *begin = at;
            return true;
        }
        at = (beyond + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}

void records_reuse(struct vblk_player *player, uint64_t begin, uint64_t end)
{
    for (uint32_t i = 0; i < player->record_count; i++) {
        struct record *record = &player->records[i];

        if (record->state == RECORD_ENDED && record->begin < end && begin < record->end)
            release(player, record);
    }
}

vblk_err record_new(struct vblk_player *player, const struct vblk_step *step, struct record **out)
{
    struct record made = { .state = RECORD_LAID, .req = &step->request, .queue = step->queue };
    struct record *record;
    uint64_t size, table;

    if (layout_parts(&step->request, &made.readable, &made.writable))
        return VBLK_E_INVAL;
    made.count = (uint16_t)(made.readable.count + made.writable.count);
    made.descs = step->request.indirect ? 1 : made.count;
    table = step->request.indirect ? made.count * sizeof(struct vblk_desc) : 0;
    size = table + layout_span(&made.readable) + layout_span(&made.writable);
    if (player->high < player->low || size > player->high - player->low)
        return VBLK_E_INVAL;
    if (!find_room(player, size, &made.begin))
        return VBLK_E_FULL;
    record = entry(player);
    if (!record)
        return VBLK_E_FULL;
    records_reuse(player, made.begin, made.begin + size);
    made.end = made.begin + size;
    made.table = table ? made.begin : 0;
    made.readable.base = made.begin + table;
    made.writable.base = made.readable.base + layout_span(&made.readable);
    made.serial = ++player->serial;
    memcpy(made.name, step->name, sizeof(made.name));
    made.name[VBLK_STEP_NAME - 1] = 0;
    *record = made;
    player->last = record;
    player->next = (made.end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *out = record;
    return VBLK_OK;
}
