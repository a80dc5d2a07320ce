/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One stream of requests through split and packed rings, each with and without indirect tables, event index and in
 * order: the same statuses, the same data, the same disk, and no verdict against either model.
 * Input: a byte of HARNESS_* settings, then a script (script_bytes.h), of which the requests, what makes them
 * available, the host's failures, and resets count. Its features say whether RING_RESET, NOTIFICATION_DATA and
 * NOTIF_CONFIG_DATA are used.
 */
#include <stdlib.h>

#include <vblk/builtin.h>
#include <vblk/driver.h>

#include "harness.h"
#include "script_bytes.h"

#define F(name) VBLK_BIT(VBLK_F_##name)
#define GPA 0x10000u
#define SIZE 0x40000u
#define CAPACITY 256u /* sectors */
#define QUEUES 2u
#define BATCH 4u   /* requests in flight on a queue */
#define PARTS 5u   /* elements of the readable and of the writable part of a request, at most */
#define SLOT 4096u /* bytes of one request in flight */
#define WAIT_MS 5u
#define NOTES 512u
#define FLAVOURS 16u

/* What a run came to. */
struct transcript {
    struct {
        uint32_t what; /* status, or NONE … */
        uint64_t data; /* … and a hash of what an OK came with */
    } note[NOTES];
    uint32_t count;
    uint8_t disk[CAPACITY * VBLK_SECTOR];
};
enum { NOT_LAID_OUT = 0x100, NOT_ANSWERED = 0x200, QUEUE_RESET = 0x300, RESTARTED = 0x400 };

/* One request in flight. */
struct flying {
    uint64_t at; /* readable bytes, then writable ones */
    uint32_t readable, writable;
    uint16_t id;
    bool back;
};

struct run {
    struct harness h;
    struct vblk_driver *driver;
    struct transcript *out;
    struct flying flying[QUEUES][BATCH];
    uint32_t pending[QUEUES];
};

static void note(struct run *run, uint32_t what, uint64_t data)
{
    struct transcript *out = run->out;

    if (out->count == NOTES)
        return;
    out->note[out->count].what = what;
    out->note[out->count++].data = data;
}

static uint64_t hash(const uint8_t *bytes, size_t len)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    return sum;
}

/* ---- requests ---- */

static uint32_t copy_out(const struct vblk_step_request *req, uint8_t *to, uint32_t room)
{
    const uint64_t segments = req->segment_count * sizeof(struct vblk_segment);
    const uint64_t want = req->segment_count ? segments : req->out.length;
    const uint32_t len = (uint32_t)(want < room ? want : room);

    if (req->segment_count)
        memcpy(to, req->segments, len);
    else if (req->out.given)
        memcpy(to, req->out.given, len);
    else if (req->out.fill)
        memset(to, req->out.seed, len);
    else
        vblk_pattern(req->out.seed, 0, to, len);
    return len;
}

/* A whole header, and a byte for the status: what else is in it is the script's affair. */
static void lay_out(struct run *run, const struct vblk_step_request *req, struct flying *f)
{
    const struct vblk_request_header header = { vblk_put32(req->type), vblk_put32(req->reserved),
                                                vblk_put64(req->sector) };
    uint8_t bytes[SLOT] = { 0 };

    memcpy(bytes, &header, sizeof(header));
    f->readable = (uint32_t)sizeof(header) + copy_out(req, bytes + sizeof(header), SLOT / 2 - sizeof(header));
    f->writable = 1 + (uint32_t)(req->in_length < SLOT / 2 - 1 ? req->in_length : SLOT / 2 - 1);
    memset(bytes + f->readable, req->poison, f->writable);
    (void)!vblk_memory_write(run->h.mem, VBLK_DRIVER, f->at, bytes, f->readable + f->writable);
}

/* Cut a part as the script's frames say; the last element takes what is left. */
static uint32_t cut(struct vblk_element *to, uint64_t at, uint32_t len, bool writable, const uint32_t *frames,
                    uint16_t count)
{
    uint32_t n = 0;

    for (uint16_t i = 0; frames && i < count && n + 1 < PARTS; i++) {
        const uint32_t size = frames[i] % len;

        if (!size)
            continue;
        to[n++] = (struct vblk_element){ at, size, writable };
        at += size;
        len -= size;
    }
    to[n++] = (struct vblk_element){ at, len, writable };
    return n;
}

static void add(struct run *run, uint16_t queue, const struct vblk_step_request *req)
{
    struct flying *f = &run->flying[queue][run->pending[queue]];
    const uint64_t room = (vblk_driver_room(run->driver).gpa + 15) / 16 * 16;
    struct vblk_element elements[2 * PARTS];
    uint32_t n;

    *f = (struct flying){ .at = room + (queue * BATCH + run->pending[queue]) * (uint64_t)SLOT };
    lay_out(run, req, f);
    n = cut(elements, f->at, f->readable, false, req->readable_frames, req->readable_frame_count);
    n += cut(elements + n, f->at + f->readable, f->writable, true, req->writable_frames, req->writable_frame_count);
    if (vblk_driver_add(run->driver, queue, elements, n, &f->id))
        note(run, NOT_LAID_OUT, 0);
    else
        run->pending[queue]++;
}

static void settle(struct run *run, const struct flying *f)
{
    uint8_t bytes[SLOT / 2];
    uint8_t status;

    if (!f->back) {
        note(run, NOT_ANSWERED, 0);
        return;
    }
    (void)!vblk_memory_read(run->h.mem, VBLK_DRIVER, f->at + f->readable, bytes, f->writable);
    status = bytes[f->writable - 1];
    note(run, status, status == VBLK_S_OK ? hash(bytes, f->writable) : 0);
}

static void start(struct run *run)
{
    memset(run->pending, 0, sizeof(run->pending));
    if (vblk_driver_start(run->driver))
        harness_finding("the driver does not start");
}

/* Make what is pending available, and take the answers. A device that does not answer is started again. */
static void flush(struct run *run, uint16_t queue)
{
    const uint32_t n = run->pending[queue];
    struct flying *flying = run->flying[queue];
    uint32_t len, done = 0;
    uint16_t id;

    run->pending[queue] = 0;
    if (!n)
        return;
    if (vblk_driver_publish(run->driver, queue, n))
        harness_finding("nothing can be published");
    while (done < n && !vblk_driver_reap(run->driver, queue, &id, &len)) {
        uint32_t i = 0;

        while (i < n && (flying[i].back || flying[i].id != id))
            i++;
        if (i == n)
            harness_finding("buffer %u is not in flight", id);
        flying[i].back = true;
        done++;
    }
    for (uint32_t i = 0; i < n; i++)
        settle(run, &flying[i]);
    if (done < n)
        start(run);
}

/* ---- the script ---- */

static void do_host(struct run *run, const struct vblk_step *step)
{
    if (step->reg == VBLK_HOST_FAIL_SECTORS || step->reg == VBLK_HOST_POOL)
        harness_host(&run->h, step->reg, step->a, step->b);
}

static void do_reset_queue(struct run *run, uint16_t queue)
{
    const vblk_err err = vblk_driver_reset_queue(run->driver, queue);

    if (!err)
        run->pending[queue] = 0;
    note(run, QUEUE_RESET, (uint64_t)err);
}

static void play_step(struct run *run, const struct vblk_step *step)
{
    const uint16_t queue = step->queue % QUEUES;

    switch (step->kind) {
    case VBLK_STEP_REQUEST:
    case VBLK_STEP_SUBMIT:
        if (run->pending[queue] == BATCH)
            flush(run, queue);
        add(run, queue, &step->request);
        if (step->kind == VBLK_STEP_SUBMIT)
            flush(run, queue);
        break;
    case VBLK_STEP_PUBLISH:
    case VBLK_STEP_KICK:
        flush(run, queue);
        break;
    case VBLK_STEP_HOST:
        do_host(run, step);
        break;
    case VBLK_STEP_REG_WRITE:
        do_reset_queue(run, queue);
        break;
    case VBLK_STEP_RESET:
        start(run);
        note(run, RESTARTED, 0);
        break;
    default:
        break;
    }
}

static void read_disk(struct run *run)
{
    const struct vblk_backend disk = vblk_store_backend(vblk_builtin_store(run->h.port));

    (void)!vblk_port_host(run->h.port, VBLK_HOST_FAIL_SECTORS, 0, 0);
    if (disk.read(disk.ctx, 0, run->out->disk, CAPACITY))
        harness_finding("the disk can't be read");
}

/* What a request asks for is the script's doing, not the driver's. */
static bool about_requests(const struct vblk_clause *clause)
{
    return !strncmp(clause->area, "blk-", 4) || !strcmp(clause->area, "provision");
}

static void play(const struct script_bytes *decoded, uint8_t settings, uint64_t features, struct transcript *out)
{
    static const struct vblk_region region = { .gpa = GPA, .size = SIZE, .fd = -1 };
    struct vblk_driver_options options = { .profile = decoded->script.profile,
                                           .features = UINT64_MAX,
                                           .arena = { GPA, SIZE },
                                           .queues = QUEUES,
                                           .wait_ms = WAIT_MS };
    struct vblk_device_options device;
    struct run run = { .out = out };

    out->count = 0;
    vblk_device_defaults(&device);
    device.profile = decoded->script.profile;
    device.features = (vblk_device_features(&device.profile) & ~(vblk_device_ring_features() | F(RO))) | features;
    device.readings = harness_readings(settings, true);
    device.capacity = CAPACITY;
    device.num_queues = QUEUES;
    device.queue_max = features & F(RING_PACKED) ? 43 : 64;
    harness_open(&run.h, &region, 1);
    harness_listen_device(&run.h, vblk_builtin_new(&device, run.h.mem, NULL), &device.profile,
                          settings | HARNESS_JUDGE_DRIVER);
    run.driver = vblk_driver_new(run.h.port, &options);
    if (!run.driver)
        exit(2);
    harness_tell(&run.h, VBLK_EV_CASE_BEGIN);
    start(&run);
    for (size_t i = 0; i < decoded->script.step_count; i++)
        play_step(&run, &decoded->steps[i]);
    for (uint16_t queue = 0; queue < QUEUES; queue++)
        flush(&run, queue);
    read_disk(&run);
    harness_tell(&run.h, VBLK_EV_CASE_END);
    harness_check_list(&run.h);
    harness_innocent(&run.h, VBLK_DEVICE, NULL);
    harness_innocent(&run.h, VBLK_DRIVER, about_requests);
    vblk_driver_free(run.driver);
    harness_close(&run.h);
}

static uint64_t flavour(unsigned i, uint64_t others)
{
    static const uint64_t choices[] = { F(RING_PACKED), F(INDIRECT_DESC), F(EVENT_IDX), F(IN_ORDER) };
    uint64_t features = others & (F(RING_RESET) | F(NOTIFICATION_DATA) | F(NOTIF_CONFIG_DATA));

    for (unsigned bit = 0; bit < sizeof(choices) / sizeof(choices[0]); bit++)
        features |= i >> bit & 1 ? choices[bit] : 0;
    return features;
}

static void compare(const struct transcript *first, const struct transcript *other, uint64_t features)
{
    if (first->count != other->count)
        harness_finding("ring features %#llx: %u outcomes, not %u", (unsigned long long)features, other->count,
                        first->count);
    for (uint32_t i = 0; i < first->count; i++)
        if (first->note[i].what != other->note[i].what || first->note[i].data != other->note[i].data)
            harness_finding("ring features %#llx: outcome %u is %#x, not %#x", (unsigned long long)features, i,
                            other->note[i].what, first->note[i].what);
    if (memcmp(first->disk, other->disk, sizeof(first->disk)) != 0)
        harness_finding("ring features %#llx: another disk", (unsigned long long)features);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script_bytes *decoded = size ? malloc(sizeof(*decoded)) : NULL;
    struct transcript *first = calloc(2, sizeof(*first));

    if (!decoded || !first) {
        free(decoded);
        free(first);
        return 0;
    }
    script_decode(decoded, data + 1, size - 1);
    play(decoded, data[0], flavour(0, decoded->script.features), first);
    for (unsigned i = 1; i < FLAVOURS; i++) {
        const uint64_t features = flavour(i, decoded->script.features);

        play(decoded, data[0], features, first + 1);
        compare(first, first + 1, features);
    }
    free(first);
    free(decoded);
    return 0;
}
