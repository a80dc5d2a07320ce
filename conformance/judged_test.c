/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reference driver and the reference device, lawful both of them, on every kind of ring and on rings of every size,
 * with the judge at their side: whatever it says against either is a false alarm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/builtin.h>
#include <vblk/driver.h>
#include <vblk/oracle.h>

#define F(name) VBLK_BIT(VBLK_F_##name)
#define OK(call) assert_int_equal(call, VBLK_OK)

#define BASE UINT64_C(0x10000)
#define BYTES UINT64_C(0x200000)
#define CAPACITY 256u  /* sectors */
#define QUEUES 2u
#define BATCH 8u       /* requests in flight */
#define SECTORS_MAX 4u /* of one request */
#define SLOT 4096u     /* bytes of one request in flight */
#define ELEMENTS_MAX 12u

/* Instrumented builds, in which the judge also checks itself, see less of it. */
#ifdef NDEBUG
#define SEEDS 3u
#define MANY 50000u
#else
#define SEEDS 1u
#define MANY 2000u
#endif

/* What is seen of the two sides, and so what the judge may go by. */
static const uint32_t sights[] = {
    VBLK_SEES_ALL,
    VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS, /* a device of which only memory is seen */
    VBLK_SEES_DEVICE_STORES | VBLK_SEES_DEVICE_LOADS, /* a driver of which only memory is seen */
};

struct run {
    struct vblk_memory *mem;
    struct vblk_port *port;
    struct vblk_driver *driver;
    struct vblk_oracle *oracle;
    uint32_t sees;
    uint64_t state, features;
    uint32_t size, requests;
};

/* One request of a batch. */
struct flying {
    uint64_t at;
    uint16_t id;
    bool back;
};

static uint64_t draw(struct run *run, uint64_t below)
{
    uint64_t z = run->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static bool heard(const struct run *run, const struct vblk_event *ev)
{
    const bool load = ev->kind == VBLK_EV_LOAD;

    if (ev->kind != VBLK_EV_LOAD && ev->kind != VBLK_EV_STORE && ev->kind != VBLK_EV_BARRIER)
        return true;
    if (ev->party == VBLK_DRIVER)
        return run->sees & (load ? VBLK_SEES_DRIVER_LOADS : VBLK_SEES_DRIVER_STORES);
    return run->sees & (load ? VBLK_SEES_DEVICE_LOADS : VBLK_SEES_DEVICE_STORES);
}

static void listen(void *ctx, const struct vblk_event *ev)
{
    const struct run *run = ctx;

    if (heard(run, ev))
        vblk_oracle_observe(run->oracle, ev);
}

static void tell(struct run *run, enum vblk_event_kind kind, uint64_t value)
{
    const struct vblk_event ev = { .kind = (uint8_t)kind, .value = value };

    vblk_oracle_observe(run->oracle, &ev);
}

static void open_run(struct run *run)
{
    const struct vblk_region region = { .gpa = BASE, .size = BYTES, .fd = -1 };
    struct vblk_driver_options options = { .features = UINT64_MAX, .arena = { BASE, BYTES }, .queues = QUEUES,
                                           .queue_size = (uint16_t)run->size };
    struct vblk_oracle_options judge = { .sees = run->sees, .disk_zero = true, .judge_driver = true };
    struct vblk_device_options device;

    vblk_device_defaults(&device);
    device.features |= run->features;
    device.capacity = CAPACITY;
    device.queue_max = (uint16_t)run->size;
    judge.profile = options.profile = device.profile;
    run->mem = vblk_memory_new();
    assert_non_null(run->mem);
    OK(vblk_memory_add(run->mem, &region));
    run->oracle = vblk_oracle_new(&judge, run->mem);
    assert_non_null(run->oracle);
    run->port = vblk_builtin_new(&device, run->mem, NULL);
    assert_non_null(run->port);
    run->port->observe = listen;
    run->port->observe_ctx = run;
    vblk_memory_set_tap(run->mem, listen, run);
    run->driver = vblk_driver_new(run->port, &options);
    assert_non_null(run->driver);
    tell(run, VBLK_EV_CASE_BEGIN, 0);
    OK(vblk_driver_start(run->driver));
    assert_int_equal(vblk_driver_features(run->driver) & vblk_device_ring_features(), run->features);
}

static void nobody_blamed(const struct run *run)
{
    for (size_t i = 0; i < vblk_oracle_violation_count(run->oracle); i++) {
        const struct vblk_violation *v = vblk_oracle_violation(run->oracle, i);

        fail_msg("features %#llx, size %u, sees %#x, after %u requests: %s, expected %s, seen %s, at %#llx",
                 (unsigned long long)run->features, run->size, run->sees, run->requests,
                 vblk_clause_at(v->clause)->id, v->expected, v->seen, (unsigned long long)v->address);
    }
}

static void close_run(struct run *run)
{
    tell(run, VBLK_EV_QUIET, 1000);
    tell(run, VBLK_EV_CASE_END, 0);
    nobody_blamed(run);
    vblk_memory_set_tap(run->mem, NULL, NULL);
    vblk_driver_free(run->driver);
    vblk_port_close(run->port);
    vblk_oracle_free(run->oracle);
    vblk_memory_free(run->mem);
}

static uint32_t held(const struct run *run, const char *id)
{
    return vblk_oracle_tally(run->oracle, vblk_clause_find(id)).held;
}

/* The most elements that a list may have. */
static uint32_t most(const struct run *run)
{
    return run->size < ELEMENTS_MAX ? run->size : ELEMENTS_MAX;
}

/* [at, at + len) in elements of one kind, at most @room of them. */
static uint32_t cut(struct run *run, struct vblk_element *elements, uint32_t room, uint64_t at, uint32_t len,
                    bool writable)
{
    uint32_t n = 0;

    while (len) {
        const uint32_t take = room == n + 1 || draw(run, 3) == 0 ? len : 1 + (uint32_t)draw(run, len);

        elements[n++] = (struct vblk_element){ at, take, writable };
        at += take;
        len -= take;
    }
    return n;
}

static bool writes_disk(uint32_t type)
{
    return type == VBLK_T_OUT || type == VBLK_T_DISCARD || type == VBLK_T_WRITE_ZEROES;
}

/* A lawful request in as many elements as it likes; the sectors are its own, so that no two of a batch meet. */
static uint32_t lay_out(struct run *run, struct vblk_element *elements, uint64_t at, uint64_t sector)
{
    const uint32_t types[] = { VBLK_T_IN, VBLK_T_IN, VBLK_T_OUT, VBLK_T_OUT, VBLK_T_FLUSH, VBLK_T_GET_ID,
                               VBLK_T_DISCARD, VBLK_T_WRITE_ZEROES, vblk_profile_default()->provision_type };
    const uint32_t room = most(run);
    const uint32_t type = room < 3 ? VBLK_T_FLUSH : types[draw(run, sizeof(types) / sizeof(types[0]))];
    const bool plain = type == VBLK_T_IN || type == VBLK_T_OUT;
    const uint32_t sectors = 1 + (uint32_t)draw(run, SECTORS_MAX);
    const struct vblk_request_header header = { .type = vblk_put32(type), .sector = vblk_put64(plain ? sector : 0) };
    const struct vblk_segment segment = { vblk_put64(sector), vblk_put32(sectors), vblk_put32(0) };
    const uint32_t rest = type == VBLK_T_FLUSH ? 0 : type == VBLK_T_GET_ID ? VBLK_ID_BYTES : 16;
    const uint32_t data = plain ? sectors * VBLK_SECTOR : rest;
    const bool in = type == VBLK_T_IN || type == VBLK_T_GET_ID;
    const uint32_t out = in ? 16 : 16 + data;
    uint8_t buf[16 + SECTORS_MAX * VBLK_SECTOR + 1];
    uint32_t n;

    memset(buf, 0xee, sizeof(buf));
    memcpy(buf, &header, sizeof(header));
    if (type == VBLK_T_OUT)
        vblk_pattern((uint8_t)draw(run, 256), 0, buf + 16, data);
    else if (writes_disk(type) || type == vblk_profile_default()->provision_type)
        memcpy(buf + 16, &segment, sizeof(segment));
    OK(vblk_memory_write(run->mem, VBLK_DRIVER, at, buf, 16 + data + 1));
    n = cut(run, elements, room / 2, at, out, false);
    return n + cut(run, elements + n, room - n, at + out, 16 + data + 1 - out, true);
}

static void reap_all(struct run *run, uint16_t queue, struct flying *flying, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        uint32_t len, i = 0;
        uint16_t id;

        OK(vblk_driver_reap(run->driver, queue, &id, &len));
        while (i < n && (flying[i].back || flying[i].id != id))
            i++;
        assert_in_range(i, 0, n - 1);
        flying[i].back = true;
    }
    run->requests += n;
}

/* Many in flight, as many as fit, which the device may hold and then answer in any order. */
static void one_batch(struct run *run)
{
    const uint16_t queue = (uint16_t)draw(run, QUEUES);
    const uint32_t want = 1 + (uint32_t)draw(run, BATCH);
    const bool hold = draw(run, 2);
    const uint64_t room = (vblk_driver_room(run->driver).gpa + 63) / 64 * 64;
    struct flying flying[BATCH] = { { 0 } };
    uint32_t n = 0, hidden = 0;

    OK(vblk_port_host(run->port, VBLK_HOST_HOLD, hold, 0));
    OK(vblk_port_host(run->port, VBLK_HOST_REVERSE, draw(run, 2), 0));
    for (; n < want; n++) {
        struct vblk_element elements[2 * ELEMENTS_MAX];

        flying[n].at = room + n * SLOT + draw(run, 64);
        if (vblk_driver_add(run->driver, queue, elements,
                            lay_out(run, elements, flying[n].at, n * CAPACITY / BATCH + draw(run, 16)), &flying[n].id))
            break;
        if (++hidden > draw(run, 3)) {
            OK(vblk_driver_publish(run->driver, queue, hidden));
            hidden = 0;
        }
    }
    OK(vblk_driver_publish(run->driver, queue, hidden));
    OK(vblk_port_host(run->port, VBLK_HOST_HOLD, 0, 0));
    reap_all(run, queue, flying, n);
    nobody_blamed(run);
}

static void one_pause(struct run *run)
{
    if (run->features & F(RING_RESET))
        OK(vblk_driver_reset_queue(run->driver, (uint16_t)draw(run, QUEUES)));
    tell(run, VBLK_EV_QUIET, 1000);
}

/* @return what the judge says of it that must not be silence: that it looked. */
static uint32_t play(uint64_t features, uint32_t size, uint32_t sees, uint64_t seed, unsigned rounds)
{
    struct run run = { .features = features, .size = size, .sees = sees, .state = seed };
    uint32_t seen;

    open_run(&run);
    for (unsigned i = 0; i < rounds; i++) {
        one_batch(&run);
        if (i % 16 == 15)
            one_pause(&run);
    }
    seen = held(&run, features & F(RING_PACKED) ? "RING-PACKED-06" : "RING-SPLIT-12");
    close_run(&run);
    return seen;
}

/* Every combination of what decides how a buffer travels. */
static uint64_t flavour(unsigned i)
{
    static const uint64_t choices[] = { F(RING_PACKED), F(INDIRECT_DESC), F(EVENT_IDX), F(IN_ORDER) };
    uint64_t features = i & 1 ? F(RING_RESET) | F(NOTIFICATION_DATA) | F(NOTIF_CONFIG_DATA) : 0;

    for (unsigned bit = 0; bit < 4; bit++)
        features |= i >> (bit + 1) & 1 ? choices[bit] : 0;
    return features;
}

static bool fits(uint64_t features, uint32_t size)
{
    return features & F(RING_PACKED) || (size & (size - 1)) == 0;
}

static void lawful_streams__nobody_is_blamed(void **state)
{
    static const uint32_t sizes[] = { 2, 3, 5, 7, 8, 19, 64, 256 };

    (void)state;
    for (unsigned i = 0; i < 32; i++)
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
            for (size_t grade = 0; grade < sizeof(sights) / sizeof(sights[0]) && fits(flavour(i), sizes[s]); grade++)
                for (uint64_t seed = 1; seed <= SEEDS; seed++)
                    assert_true(play(flavour(i), sizes[s], sights[grade], seed * 1000 + i, 40) > 0 || sizes[s] > 19);
}

/* 200,000 buffers: indices and positions go round and round. */
static void indices_wrap_65536_several_times__nobody_is_blamed(void **state)
{
    static const struct {
        uint64_t features;
        uint32_t size;
    } rings[] = { { 0, 64 }, { F(RING_PACKED), 7 }, { F(RING_PACKED) | F(IN_ORDER) | F(EVENT_IDX), 8 },
                  { F(RING_PACKED) | F(INDIRECT_DESC), 3 }, { F(RING_PACKED) | F(EVENT_IDX) | F(INDIRECT_DESC), 5 } };

    (void)state;
    for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
        assert_true(play(rings[i].features, rings[i].size, VBLK_SEES_ALL, i, MANY) > 0);
}

/* The largest queue there is; its first lap alone takes a while. */
static void largest_queue__nobody_is_blamed(void **state)
{
    (void)state;
    assert_true(play(F(RING_PACKED), 32768, VBLK_SEES_ALL, 1, 8000) > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lawful_streams__nobody_is_blamed),
        cmocka_unit_test(indices_wrap_65536_several_times__nobody_is_blamed),
        cmocka_unit_test(largest_queue__nobody_is_blamed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
