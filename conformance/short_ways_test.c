/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The judge has short ways for accesses that are as usual. What it says must not depend on which way was taken: streams of
 * ordinary requests are recorded, changed here and there, and judged twice, the second time with each access marked in a
 * way that means nothing but keeps it from the short ways. All counts have to be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/builtin.h>
#include <vblk/driver.h>
#include <vblk/oracle.h>

#define F(name) VBLK_BIT(VBLK_F_##name)
#define OK(call) assert_int_equal(call, VBLK_OK)

#define BASE UINT64_C(0x10000)
#define BYTES UINT64_C(0x80000)
#define SLOT 2048u /* bytes of one request in flight */
#define DATA 1024u
#define BATCH 6u
#define BATCHES 12u

/* Instrumented builds, in which the judge also checks itself, see less of it. */
#ifdef NDEBUG
#define SEEDS 40u
#else
#define SEEDS 4u
#endif

struct recorded {
    struct vblk_event ev;
    size_t bytes; /* where in the store, 1 + */
};

struct record {
    struct recorded *events;
    size_t count, room;
    uint8_t *bytes;
    size_t used, bytes_room;
};

static uint64_t draw(uint64_t *state, uint64_t below)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static void *larger(void *old, size_t *room, size_t want, size_t each)
{
    if (want <= *room)
        return old;
    *room = 2 * want;
    old = realloc(old, *room * each);
    assert_non_null(old);
    return old;
}

static void keep(void *ctx, const struct vblk_event *ev)
{
    struct record *r = ctx;

    r->events = larger(r->events, &r->room, r->count + 1, sizeof(*r->events));
    r->events[r->count] = (struct recorded){ *ev, 0 };
    if (ev->bytes != NULL) {
        r->bytes = larger(r->bytes, &r->bytes_room, r->used + ev->len, 1);
        memcpy(r->bytes + r->used, ev->bytes, ev->len);
        r->events[r->count].bytes = 1 + r->used;
        r->used += ev->len;
    }
    r->count++;
}

static struct vblk_memory *memory(void)
{
    struct vblk_memory *mem = vblk_memory_new();

    assert_non_null(mem);
    OK(vblk_memory_add(mem, &(struct vblk_region){ .gpa = BASE, .size = BYTES, .fd = -1 }));
    return mem;
}

/* Header, data, status: each in a descriptor of its own. */
static uint32_t lay_out(struct vblk_memory *mem, uint64_t at, uint64_t *state, struct vblk_element e[3])
{
    static const uint32_t types[] = { VBLK_T_FLUSH, VBLK_T_FLUSH, VBLK_T_IN, VBLK_T_IN, VBLK_T_OUT, VBLK_T_GET_ID };
    const uint32_t type = types[draw(state, 6)], data = type == VBLK_T_FLUSH ? 0 : type == VBLK_T_GET_ID ? 20 : DATA;
    const struct vblk_request_header h = { vblk_put32(type), vblk_put32(0), vblk_put64(data == DATA ? draw(state, 60) : 0) };
    uint8_t bytes[DATA];
    uint32_t n = 0;

    vblk_pattern((uint8_t)draw(state, 256), 0, bytes, DATA);
    OK(vblk_memory_write(mem, VBLK_DRIVER, at, &h, sizeof(h)));
    OK(vblk_memory_write(mem, VBLK_DRIVER, at + 16, "\xff", 1));
    if (type == VBLK_T_OUT)
        OK(vblk_memory_write(mem, VBLK_DRIVER, at + 64, bytes, DATA));
    e[n++] = (struct vblk_element){ at, sizeof(h), false };
    if (data > 0 || draw(state, 2) == 0)
        e[n++] = (struct vblk_element){ at + 64, data, type != VBLK_T_OUT };
    e[n++] = (struct vblk_element){ at + 16, 1, true };
    return n;
}

static void batch(struct vblk_port *port, struct vblk_driver *driver, struct vblk_memory *mem, uint64_t *state)
{
    const uint64_t room = (vblk_driver_room(driver).gpa + 4095) / 4096 * 4096;
    const uint32_t n = 1 + (uint32_t)draw(state, BATCH);
    struct vblk_element e[3];
    uint32_t len, hidden = 0;
    uint16_t id;
    uint8_t status;

    OK(vblk_port_host(port, VBLK_HOST_HOLD, draw(state, 4) == 0, 0));
    OK(vblk_port_host(port, VBLK_HOST_REVERSE, draw(state, 4) == 0, 0));
    for (uint32_t i = 0; i < n; i++) {
        OK(vblk_driver_add(driver, 0, e, lay_out(mem, room + i * SLOT, state, e), &id));
        if (++hidden > draw(state, 4)) {
            OK(vblk_driver_publish(driver, 0, hidden));
            hidden = 0;
        }
    }
    OK(vblk_driver_publish(driver, 0, hidden));
    OK(vblk_port_host(port, VBLK_HOST_HOLD, 0, 0));
    for (uint32_t i = 0; i < n; i++) {
        OK(vblk_driver_reap(driver, 0, &id, &len));
        OK(vblk_memory_read(mem, VBLK_DRIVER, room + i * SLOT + 16, &status, 1));
    }
}

static void record(struct record *r, uint64_t features, uint16_t size)
{
    struct vblk_driver_options options = { .features = UINT64_MAX, .arena = { BASE, BYTES }, .queue_size = size };
    struct vblk_memory *mem = memory();
    struct vblk_device_options is;
    struct vblk_driver *driver;
    struct vblk_port *port;
    uint64_t state = features + size;

    vblk_device_defaults(&is);
    is.features |= features;
    is.capacity = 64;
    is.queue_max = size;
    options.profile = is.profile;
    port = vblk_builtin_new(&is, mem, NULL);
    assert_non_null(port);
    port->observe = keep;
    port->observe_ctx = r;
    vblk_memory_set_tap(mem, keep, r);
    driver = vblk_driver_new(port, &options);
    assert_non_null(driver);
    OK(vblk_driver_start(driver));
    for (unsigned i = 0; i < BATCHES; i++)
        batch(port, driver, mem, &state);
    vblk_memory_set_tap(mem, NULL, NULL);
    vblk_driver_free(driver);
    vblk_port_close(port);
    vblk_memory_free(mem);
}

/* One judge and the memory that it looks at. */
struct bench {
    struct vblk_memory *mem;
    struct vblk_oracle *oracle;
    bool marked;
};

static void show(struct bench *b, const struct vblk_event *given)
{
    struct vblk_event ev = *given;
    const bool access = ev.kind == VBLK_EV_LOAD || ev.kind == VBLK_EV_STORE;

    if (ev.kind == VBLK_EV_STORE && ev.bytes != NULL)
        (void)!vblk_memory_poke(b->mem, ev.at, ev.bytes, ev.len);
    ev.flags |= access && b->marked ? VBLK_EV_EMULATED : 0; /* which means something for registers only */
    vblk_oracle_observe(b->oracle, &ev);
}

/* Another address, length, party or byte; or a load instead. */
static void alter(struct vblk_event *ev, uint8_t *bytes, uint64_t *state)
{
    static const int8_t steps[] = { 1, 2, 8, 16, -1, -2, -8, -16 };

    switch (draw(state, 5)) {
    case 0:
        ev->at += (uint64_t)(int64_t)steps[draw(state, 8)];
        break;
    case 1:
        ev->len -= (uint32_t)draw(state, ev->len) / 2;
        break;
    case 2:
        ev->party ^= 1;
        break;
    case 3:
        bytes[draw(state, ev->len)] ^= (uint8_t)(1u << draw(state, 8));
        break;
    default:
        ev->kind = VBLK_EV_LOAD;
        break;
    }
}

/* Events as recorded but for one in @rarely; 0: all of them. */
static void replay(const struct record *r, struct bench *b, uint64_t seed, uint64_t rarely)
{
    uint8_t bytes[4096];

    for (size_t i = 0; i < r->count; i++) {
        const struct recorded *e = &r->events[i];
        struct vblk_event ev = e->ev;
        const bool odd = rarely > 0 && ev.len > 0 && ev.len <= sizeof(bytes) && draw(&seed, rarely) == 0;
        const uint64_t how = odd ? draw(&seed, 4) : 0;

        ev.bytes = e->bytes > 0 ? r->bytes + (e->bytes - 1) : NULL;
        if (odd && how == 0)
            continue;
        if (odd && how == 1)
            show(b, &ev);
        if (odd && how > 1 && ev.bytes != NULL && (ev.kind == VBLK_EV_LOAD || ev.kind == VBLK_EV_STORE)) {
            memcpy(bytes, ev.bytes, ev.len);
            ev.bytes = bytes;
            alter(&ev, bytes, &seed);
        }
        show(b, &ev);
    }
    show(b, &(struct vblk_event){ .kind = VBLK_EV_QUIET, .value = 1000 });
    show(b, &(struct vblk_event){ .kind = VBLK_EV_CASE_END });
}

static void open_bench(struct bench *b, bool marked)
{
    struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .sees = VBLK_SEES_ALL, .disk_zero = true,
                                           .judge_driver = true };

    b->marked = marked;
    b->mem = memory();
    b->oracle = vblk_oracle_new(&options, b->mem);
    assert_non_null(b->oracle);
}

static void close_bench(struct bench *b)
{
    vblk_oracle_free(b->oracle);
    vblk_memory_free(b->mem);
}

static void same(const struct bench *a, const struct bench *b)
{
    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_tally x = vblk_oracle_tally(a->oracle, no), y = vblk_oracle_tally(b->oracle, no);

        if (x.held != y.held || x.broken != y.broken || x.doubted != y.doubted || x.noted != y.noted ||
            x.reading != y.reading || strcmp(x.choice, y.choice) != 0)
            fail_msg("%s: held %u or %u, broken %u or %u, doubted %u or %u, noted %u or %u", vblk_clause_at(no)->id, x.held,
                     y.held, x.broken, y.broken, x.doubted, y.doubted, x.noted, y.noted);
    }
    assert_int_equal(vblk_oracle_checks_run(a->oracle), vblk_oracle_checks_run(b->oracle));
    assert_int_equal(vblk_oracle_violation_count(a->oracle), vblk_oracle_violation_count(b->oracle));
}

/* @return violations found. */
static size_t judge_twice(const struct record *r, uint64_t seed, uint64_t rarely)
{
    struct bench shorter, longer;
    size_t found;

    open_bench(&shorter, false);
    open_bench(&longer, true);
    replay(r, &shorter, seed, rarely);
    replay(r, &longer, seed, rarely);
    same(&shorter, &longer);
    found = vblk_oracle_violation_count(shorter.oracle);
    close_bench(&shorter);
    close_bench(&longer);
    return found;
}

static void changed_streams__are_judged_the_same(void **state)
{
    static const uint16_t sizes[] = { 32, 64, 21, 128 };
    size_t found = 0;

    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        const uint64_t features = (i & 1 ? F(RING_PACKED) : 0) | (i & 2 ? F(EVENT_IDX) : 0) | (i & 4 ? F(IN_ORDER) : 0);
        const uint16_t size = sizes[(i >> 3 & 1) + 2 * (i & 1)];
        struct record r = { .count = 0 };

        record(&r, features, size);
        assert_int_equal(judge_twice(&r, 0, 0), 0);
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            found += judge_twice(&r, seed * 1000 + i, UINT64_C(20) << seed % 6);
        free(r.events);
        free(r.bytes);
    }
    assert_true(found > SEEDS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_streams__are_judged_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
