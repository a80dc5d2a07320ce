/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of answers: ids, lengths, how often, in which order, and the notifications for them. */
#include "blk.h"
#include "faults.h"
#include "packed.h"
#include "split.h"

static const struct vblk_layout *layout(const struct vblk_device *device, uint16_t queue)
{
    return &device->queues[queue].ring.at;
}

static bool packed(const struct vblk_device *device)
{
    return blk_accepted(device, VBLK_F_RING_PACKED);
}

/* Answer @id, and let the driver read @shown. */
static void put_as(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t shown, uint32_t len)
{
    struct vblk_ring *ring = &device->queues[queue].ring;
    const uint64_t in_packed = vblk_packed_len_at(&ring->at, packed(device) ? ring->packed.used.slot : 0) + 4;
    const uint64_t at = packed(device) ? in_packed : vblk_split_used_ring_at(&ring->at, ring->split.used_next);
    const vblk_le32 wire = vblk_put32(shown);

    if (ring->ops->put_used_wrote(ring, id, len, device->wrote || len))
        return;
    (void)!vblk_memory_write(device->mem, VBLK_DEVICE, at, &wire, packed(device) ? 2 : 4);
    (void)!ring->ops->publish_used(ring);
}

static void wrong_id(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    const uint32_t size = layout(device, queue)->size;

    if (fault_due(device))
        put_as(device, queue, id, (id + 1) % size, len);
    else
        vblk_reference_put_used(device, queue, id, len);
}

static void id_out_of_range(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    const uint64_t by = fault_value(device, 0);

    if (fault_due(device))
        put_as(device, queue, id, (uint32_t)(layout(device, queue)->size - 1 + by), len);
    else
        vblk_reference_put_used(device, queue, id, len);
}

/* One more, for a buffer that nobody made available. */
static void not_outstanding(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    const uint32_t size = layout(device, queue)->size;

    vblk_reference_put_used(device, queue, id, len);
    if (fault_due(device))
        vblk_reference_put_used(device, queue, (uint16_t)((id + size / 2) % size), len);
}

static void twice(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    vblk_reference_put_used(device, queue, id, len);
    if (fault_due(device))
        vblk_reference_put_used(device, queue, id, len);
}

static void never(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    if (!fault_due(device))
        vblk_reference_put_used(device, queue, id, len);
}

/* Not how much was written: @by more, less, or a number. */
static uint32_t longer(const struct vblk_device *device, const struct vblk_request *req, uint8_t status,
                       uint32_t written)
{
    (void)req;
    (void)status;
    return fault_due(device) ? written + (uint32_t)fault_value(device, 0) : written;
}

static uint32_t shorter(const struct vblk_device *device, const struct vblk_request *req, uint8_t status,
                        uint32_t written)
{
    const uint64_t by = fault_value(device, 0);

    (void)req;
    (void)status;
    if (!fault_due(device))
        return written;
    return by < written ? written - (uint32_t)by : 0;
}

static uint32_t some_length(const struct vblk_device *device, const struct vblk_request *req, uint8_t status,
                            uint32_t written)
{
    (void)req;
    (void)status;
    return fault_due(device) ? (uint32_t)fault_value(device, 0) : written;
}

/* Split: idx tells of answers that are not there. Packed: the next descriptors look used. */
static void jump(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    const uint16_t by = (uint16_t)fault_value(device, 0);
    struct vblk_ring *ring = &device->queues[queue].ring;

    vblk_reference_put_used(device, queue, id, len);
    if (!fault_due(device))
        return;
    if (packed(device))
        vblk_reference_put_used(device, queue, UINT16_MAX, len);
    else
        (void)!vblk_memory_store16(device->mem, VBLK_DEVICE, vblk_split_used_idx_at(&ring->at), VBLK_RELEASE,
                                   (uint16_t)(ring->split.used_next + by));
}

static bool silent(const struct vblk_device *device, uint16_t queue, bool owed)
{
    (void)queue;
    return owed && !fault_due(device);
}

static bool silent_config(const struct vblk_device *device, bool owed)
{
    (void)device;
    (void)owed;
    return false;
}

static bool regardless(const struct vblk_device *device, uint16_t queue, bool owed)
{
    (void)queue;
    return owed || fault_due(device);
}

static void storm(struct vblk_device *device, struct vblk_request *req)
{
    const uint64_t count = fault_due(device) ? fault_value(device, 0) : 0;

    for (uint64_t i = 0; i < count; i++)
        vblk_device_notify(device, VBLK_EV_USED_NOTIFY, vblk_request_queue(req));
}

/* Before there is an answer, and on every other queue as well. */
static void too_early(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    struct vblk_queue_layout at;

    for (uint16_t i = 0; fault_due(device) && vblk_device_queue(device, i, &at) == VBLK_OK; i++)
        if (at.enabled)
            vblk_device_notify(device, VBLK_EV_USED_NOTIFY, i);
    vblk_reference_put_status(device, req, status);
}

const struct fault_row faults_answer[] = {
    { .info = { "wrong-id", "Answers with the id of another buffer, in flight or not.", "", true },
      .behaviour = { .put_used = wrong_id } },
    { .info = { "id-out-of-range", "Answers with an id that no buffer of the queue can have.", "by=1", true },
      .option = { { "by", 1, UINT32_MAX, NULL } }, .behaviour = { .put_used = id_out_of_range } },
    { .info = { "id-not-outstanding", "Adds an answer to a buffer that was not made available.", "", true },
      .behaviour = { .put_used = not_outstanding } },
    { .info = { "twice", "Answers the same buffer twice.", "", true }, .behaviour = { .put_used = twice } },
    { .info = { "never", "Executes a request and never answers it.", "", true }, .behaviour = { .put_used = never } },
    { .info = { "out-of-order", "Serves requests that are there at once last to first, IN_ORDER or not.", "", false },
      .ring = "unordered", .behaviour = { .reorder = true } },
    { .info = { "used-len-long", "Reports more bytes than it wrote.", "by=1", true },
      .option = { { "by", 1, UINT32_MAX, NULL } }, .behaviour = { .used_length = longer } },
    { .info = { "used-len-short", "Reports fewer bytes than it wrote.", "by=1", true },
      .option = { { "by", 1, UINT32_MAX, NULL } }, .behaviour = { .used_length = shorter } },
    { .info = { "used-len", "Reports one length for every answer.", "value=0", true },
      .option = { { "value", 0, UINT32_MAX, NULL } }, .behaviour = { .used_length = some_length } },
    { .info = { "used-jump", "Shows more answers than there are requests (split: the used index jumps).", "by=1000", true },
      .option = { { "by", 1000, UINT16_MAX, NULL } }, .behaviour = { .put_used = jump } },
    { .info = { "no-interrupts", "Sends no notification, of answers or of configuration changes.", "", true },
      .behaviour = { .notify = silent, .notify_config = silent_config } },
    { .info = { "unwanted-interrupts", "Notifies although the driver asked it not to.", "", true },
      .behaviour = { .notify = regardless } },
    { .info = { "interrupt-storm", "Sends many notifications for one answer.", "count=1000", true },
      .option = { { "count", 1000, 1000000, NULL } }, .behaviour = { .after = storm } },
    { .info = { "spurious-interrupts", "Notifies every queue before there is an answer.", "", true },
      .behaviour = { .put_status = too_early } },
    { .info = { .name = NULL } },
};
