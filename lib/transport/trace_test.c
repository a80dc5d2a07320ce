/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/trace.h>

#define OK(call) assert_int_equal((call), VBLK_OK)

static uint8_t buf[512];

static struct vblk_trace_out out_of(size_t room)
{
    return (struct vblk_trace_out){ .bytes = buf, .room = room };
}

static const uint8_t eight[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

/* An event with one look of each kind. */
static size_t write_event(size_t room)
{
    const struct vblk_event ev = { .kind = VBLK_EV_STORE, .party = VBLK_DEVICE, .order = VBLK_RELEASE, .queue = 0x1234,
                                   .len = 8, .at = 0x1122334455667788u, .value = 9, .bytes = eight };
    uint64_t run[2] = { 0x8877665544332211u, 5 };
    const struct vblk_glance looks[] = {
        { .kind = VBLK_GLANCE_COVERS, .yes = true, .at = 1, .len = UINT64_MAX },
        { .kind = VBLK_GLANCE_PEEK, .yes = true, .at = 2, .len = 3, .bytes = (void *)(uintptr_t)eight },
        { .kind = VBLK_GLANCE_PEEK, .yes = false, .at = 3, .len = 9 },
        { .kind = VBLK_GLANCE_DIFF, .yes = true, .at = 4, .bytes = run },
    };
    struct vblk_trace_out out = out_of(room);

    vblk_trace_put_event(&out, &ev);
    for (uint32_t i = 0; i < 4; i++)
        vblk_trace_put_glance(&out, &looks[i], i);
    assert_true(out.size <= room);
    vblk_trace_set_gone(&out, 0x01020304);
    return out.full ? 0 : out.size;
}

static void an_event_and_looks__come_back(void **state)
{
    struct vblk_trace_in in = { .bytes = buf, .size = write_event(sizeof(buf)) };
    struct vblk_glance glance;
    struct vblk_event ev;
    uint64_t run[2];
    uint32_t ask, gone;

    (void)state;
    OK(vblk_trace_get_event(&in, &ev, &gone));
    assert_int_equal(gone, 0x01020304);
    assert_int_equal(ev.kind, VBLK_EV_STORE);
    assert_int_equal(ev.party, VBLK_DEVICE);
    assert_int_equal(ev.order, VBLK_RELEASE);
    assert_int_equal(ev.queue, 0x1234);
    assert_int_equal(ev.at, 0x1122334455667788u);
    assert_int_equal(ev.value, 9);
    assert_memory_equal(ev.bytes, eight, 8);
    OK(vblk_trace_get_glance(&in, &glance, &ask, run));
    assert_true(glance.yes && glance.kind == VBLK_GLANCE_COVERS && glance.len == UINT64_MAX);
    OK(vblk_trace_get_glance(&in, &glance, &ask, run));
    assert_int_equal(glance.len, 3);
    assert_memory_equal(glance.bytes, eight, 3);
    OK(vblk_trace_get_glance(&in, &glance, &ask, run));
    assert_false(glance.yes);
    OK(vblk_trace_get_glance(&in, &glance, &ask, run));
    assert_int_equal(ask, 3);
    assert_int_equal(run[0], 0x8877665544332211u);
    assert_int_equal(run[1], 5);
    assert_int_equal(vblk_trace_get_glance(&in, &glance, &ask, run), VBLK_E_EMPTY);
}

static void too_little_room__is_said_and_not_overrun(void **state)
{
    const size_t all = write_event(sizeof(buf));

    (void)state;
    for (size_t room = 0; room < all; room++) {
        memset(buf, 0xee, sizeof(buf));
        assert_int_equal(write_event(room), 0);
        assert_int_equal(buf[room], 0xee);
    }
}

/* How many things can be read of @bytes, which lie at the end of what may be touched; or -1. */
static int read_all(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    struct vblk_trace_in in = { .bytes = copy, .size = size };
    struct vblk_glance glance;
    struct vblk_event ev;
    uint64_t run[2];
    uint32_t ask, gone;
    vblk_err err;
    int count = 0;

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    err = vblk_trace_get_event(&in, &ev, &gone);
    while (err == VBLK_OK) {
        count++;
        err = vblk_trace_get_glance(&in, &glance, &ask, run);
        if (err == VBLK_OK && glance.yes && glance.kind == VBLK_GLANCE_PEEK)
            assert_true((const uint8_t *)glance.bytes + glance.len <= copy + size);
    }
    free(copy);
    return err == VBLK_E_EMPTY ? count : -1;
}

static void what_was_cut__is_refused_but_where_a_look_ends(void **state)
{
    const size_t all = write_event(sizeof(buf));
    int whole = 0;

    (void)state;
    for (size_t size = 0; size <= all; size++)
        whole += read_all(buf, size) > 0;
    assert_int_equal(whole, 5);
}

static void every_bit_turned_over__is_read_within_bounds(void **state)
{
    const size_t all = write_event(sizeof(buf));
    int refused = 0;

    (void)state;
    for (size_t bit = 0; bit < 8 * all; bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused += read_all(buf, all) < 0;
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_in_range(refused, 100, 8 * (int)all);
}

static void what_no_event_can_be__is_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = { { 0, VBLK_EV_NONE }, { 0, VBLK_EV_COUNT }, { 0, VBLK_EV_KICK }, { 1, 3 }, { 2, 4 }, { 3, 0x84 },
                  { 3, 0x82 },         { 6, VBLK_REG_COUNT }, { 8, 0xff } };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const size_t all = write_event(sizeof(buf));

        buf[wrong[i].at] = wrong[i].value;
        assert_int_equal(read_all(buf, all), -1);
    }
}

static void fields__come_back(void **state)
{
    struct vblk_trace_out out = out_of(sizeof(buf));
    struct vblk_trace_in in = { .bytes = buf };
    struct vblk_trace_field field;

    (void)state;
    vblk_trace_put_number(&out, VBLK_TRACE_T_SEED, 0x0102030405060708u);
    vblk_trace_put_text(&out, VBLK_TRACE_T_NAME, "a name");
    in.size = out.size;
    OK(vblk_trace_get_field(&in, &field));
    assert_int_equal(field.tag, VBLK_TRACE_T_SEED);
    assert_int_equal(field.number, 0x0102030405060708u);
    OK(vblk_trace_get_field(&in, &field));
    assert_int_equal(field.len, 6);
    assert_memory_equal(field.text, "a name", 6);
    assert_int_equal(vblk_trace_get_field(&in, &field), VBLK_E_EMPTY);
    in = (struct vblk_trace_in){ .bytes = buf, .size = out.size - 1 };
    OK(vblk_trace_get_field(&in, &field));
    assert_int_equal(vblk_trace_get_field(&in, &field), VBLK_E_INVAL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_and_looks__come_back),
        cmocka_unit_test(too_little_room__is_said_and_not_overrun),
        cmocka_unit_test(what_was_cut__is_refused_but_where_a_look_ends),
        cmocka_unit_test(every_bit_turned_over__is_read_within_bounds),
        cmocka_unit_test(what_no_event_can_be__is_refused),
        cmocka_unit_test(fields__come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
