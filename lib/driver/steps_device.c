/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps in the device's place that touch shared memory. */
#include "play.h"
#include "bytes.h"

vblk_err step_dev_load(struct vblk_player *player, const struct vblk_step *step)
{
    uint64_t gpa, value;
    const vblk_err err = player_resolve(player, step, step->a, &gpa);

    if (!err)
        player_load(player, VBLK_DEVICE, step, gpa, step->b_given ? step->b : 2, &value);
    return err;
}

vblk_err step_dev_store(struct vblk_player *player, const struct vblk_step *step)
{
    uint64_t gpa;
    const vblk_err err = player_resolve(player, step, step->a, &gpa);

    if (!err)
        player_store(player, VBLK_DEVICE, step, gpa);
    return err;
}

/* Take one buffer and remember whose it was. */
static bool take_next(struct vblk_player *player, uint16_t queue, uint16_t *head)
{
    if (!puppet_take(player->puppet, queue, head))
        return false;
    for (uint32_t i = 0; i < player->record_count; i++) {
        struct record *record = &player->records[i];

        if (record->queue == queue && record->head == *head &&
            (record->state == RECORD_OUT || record->state == RECORD_SLOT))
            record->taken = true;
    }
    return true;
}

static void take_until(struct vblk_player *player, const struct record *record)
{
    uint16_t head;

    for (uint32_t i = 0; i < VBLK_SPLIT_SIZE_MAX && !record->taken; i++)
        if (!take_next(player, record->queue, &head))
            return;
}

vblk_err step_dev_take(struct vblk_player *player, const struct vblk_step *step)
{
    const struct record *record = step->name[0] ? record_named(player, step->name) : NULL;
    uint16_t head;

    if (step->name[0] && !record)
        return VBLK_E_INVAL;
    if (record)
        take_until(player, record);
    else
        (void)take_next(player, step->queue, &head);
    return VBLK_OK;
}

static uint64_t status_offset(const struct record *record)
{
    return record->writable.total - !record->req->no_status;
}

/* The bytes written from the start of the writable part on. */
static uint64_t honest_length(const struct record *record)
{
    return record->data_written + (record->status_written && record->data_written == status_offset(record));
}

static void note_data(struct record *record, uint64_t offset, uint64_t len)
{
    const uint64_t end = offset + len;

    if (offset <= record->data_written && end > record->data_written)
        record->data_written = end;
}

static void put_status(struct vblk_player *player, struct record *record, uint64_t offset, uint8_t status)
{
    (void)!vblk_memory_write(player->mem, VBLK_DEVICE, layout_address(&record->writable, offset), &status, 1);
    record->status_written = record->status_written || (!record->req->no_status && offset == status_offset(record));
}

static void given_bytes(const void *ctx, uint64_t offset, void *buf, size_t len)
{
    bytes_copy(ctx, offset, buf, len);
}

vblk_err step_dev_data(struct vblk_player *player, const struct vblk_step *step)
{
    struct record *record = record_named(player, step->name);
    const uint64_t len = step->bytes.length;

    if (!record || step->a > record->writable.total || len > record->writable.total - step->a)
        return VBLK_E_INVAL;
    (void)!layout_store(player->mem, VBLK_DEVICE, &record->writable, step->a, len, given_bytes, &step->bytes);
    note_data(record, step->a, len);
    return VBLK_OK;
}

vblk_err step_dev_status_byte(struct vblk_player *player, const struct vblk_step *step)
{
    struct record *record = record_named(player, step->name);

    if (!record || (step->b_given ? step->b >= record->writable.total : record->req->no_status))
        return VBLK_E_INVAL;
    put_status(player, record, step->b_given ? step->b : status_offset(record), (uint8_t)step->a);
    return VBLK_OK;
}

vblk_err step_dev_elem(struct vblk_player *player, const struct vblk_step *step)
{
    const struct record *record = record_named(player, step->name);
    const bool named = step->name[0] || !step->a_given || !step->b_given;

    if (named && !record)
        return VBLK_E_INVAL;
    puppet_elem(player->puppet, named ? record->queue : step->queue, step->a_given ? (uint32_t)step->a : record->head,
                step->b_given ? (uint32_t)step->b : (uint32_t)honest_length(record));
    return VBLK_OK;
}

vblk_err step_dev_idx(struct vblk_player *player, const struct vblk_step *step)
{
    const struct puppet_ring *ring = &player->puppet->ring[step->queue % PUPPET_QUEUES];

    puppet_used_idx(player->puppet, step->queue, step->a_given ? (uint16_t)(ring->used_idx + step->a) : ring->next_elem,
                    (enum vblk_order)step->order);
    return VBLK_OK;
}

vblk_err step_dev_used_flags(struct vblk_player *player, const struct vblk_step *step)
{
    (void)!vblk_memory_store16(player->mem, VBLK_DEVICE, puppet_reg(player->puppet, VBLK_REG_QUEUE_DEVICE, step->queue),
                               (enum vblk_order)step->order, (uint16_t)step->a);
    return VBLK_OK;
}

/* What the puppet's disk holds from the request's sector on. */
struct disk_source {
    const struct disk *disk;
    uint64_t sector;
};

static void disk_bytes(const void *ctx, uint64_t offset, void *buf, size_t len)
{
    const struct disk_source *source = ctx;
    uint8_t sector[VBLK_SECTOR];

    for (size_t done = 0; done < len;) {
        const size_t skip = (size_t)((offset + done) % VBLK_SECTOR);
        const size_t n = VBLK_SECTOR - skip < len - done ? VBLK_SECTOR - skip : len - done;

        disk_read(source->disk, source->sector + (offset + done) / VBLK_SECTOR, sector);
        memcpy((uint8_t *)buf + done, sector + skip, n);
        done += n;
    }
}

static void zeroes(const void *ctx, uint64_t offset, void *buf, size_t len)
{
    (void)ctx, (void)offset;
    memset(buf, 0, len);
}

static void put_data(struct vblk_player *player, const struct vblk_step *step, struct record *record)
{
    const struct disk_source source = { &player->puppet->disk, record->req->sector };
    const bool read = record->req->type == VBLK_T_IN;
    const uint64_t room = status_offset(record);
    uint64_t len = step->bytes.length < room ? step->bytes.length : room;

    if (len) {
        (void)!layout_store(player->mem, VBLK_DEVICE, &record->writable, 0, len, given_bytes, &step->bytes);
    } else if ((uint8_t)step->a == VBLK_S_OK && room) {
        len = room;
        (void)!layout_store(player->mem, VBLK_DEVICE, &record->writable, 0, len, read ? disk_bytes : zeroes, &source);
    }
    note_data(record, 0, len);
}

/* OUT: the sectors as they lie in memory now. */
static vblk_err write_disk(struct vblk_player *player, const struct record *record)
{
    const uint64_t header = record->req->header_length;
    uint8_t sector[VBLK_SECTOR];
    vblk_err err = VBLK_OK;

    for (uint64_t i = 0; !err && header + (i + 1) * VBLK_SECTOR <= record->readable.total; i++) {
        memset(sector, 0, sizeof(sector));
        (void)!layout_peek(player->mem, &record->readable, header + i * VBLK_SECTOR, sector, sizeof(sector));
        err = disk_write(&player->puppet->disk, record->req->sector + i, sector);
    }
    return err;
}

static vblk_err change_disk(struct vblk_player *player, const struct record *record)
{
    const struct vblk_step_request *req = record->req;

    if (req->type == VBLK_T_OUT)
        return write_disk(player, record);
    for (uint32_t i = 0; req->type == VBLK_T_WRITE_ZEROES && req->segments && i < req->segment_count; i++)
        disk_zero(&player->puppet->disk, vblk_get64(req->segments[i].sector), vblk_get32(req->segments[i].num_sectors));
    return VBLK_OK;
}

vblk_err step_dev_complete(struct vblk_player *player, const struct vblk_step *step)
{
    struct record *record = record_named(player, step->name);

    if (!record)
        return VBLK_E_INVAL;
    take_until(player, record);
    put_data(player, step, record);
    if (!record->req->no_status)
        put_status(player, record, status_offset(record), (uint8_t)step->a);
    puppet_elem(player->puppet, record->queue, record->head,
                step->b_given ? (uint32_t)step->b : (uint32_t)honest_length(record));
    puppet_publish(player->puppet, record->queue);
    return (uint8_t)step->a == VBLK_S_OK ? change_disk(player, record) : VBLK_OK;
}

vblk_err step_dev_barrier(struct vblk_player *player, const struct vblk_step *step)
{
    vblk_memory_barrier(player->mem, VBLK_DEVICE, step->a_given ? (enum vblk_order)(step->a & 3) : VBLK_FULL);
    return VBLK_OK;
}

vblk_err step_disk(struct vblk_player *player, const struct vblk_step *step)
{
    const uint64_t sectors = (step->bytes.length + VBLK_SECTOR - 1) / VBLK_SECTOR;
    const uint64_t times = step->b_given ? step->b : 1;
    uint8_t buf[VBLK_SECTOR];
    vblk_err err = VBLK_OK;

    if (sectors > PLAY_DISK_MAX || times > PLAY_DISK_MAX || sectors * times > PLAY_DISK_MAX)
        return VBLK_E_INVAL;
    for (uint64_t i = 0; !err && i < sectors * times; i++) {
        bytes_copy(&step->bytes, i % sectors * VBLK_SECTOR, buf, sizeof(buf));
        err = disk_write(&player->puppet->disk, step->a + i, buf);
    }
    return err;
}
