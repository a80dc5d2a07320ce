/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <vblk/player.h>

#include "script_bytes.h"

static struct script_bytes first, second;

static void every_kind_of_step__has_a_number(void **state)
{
    (void)state;
    for (uint8_t kind = 0; kind < VBLK_STEP_COUNT; kind++)
        assert_true(script_knows(kind));
    assert_false(script_knows(VBLK_STEP_COUNT));
}

static void no_bytes__the_empty_script(void **state)
{
    (void)state;
    script_decode(&first, NULL, 0);
    assert_int_equal(first.script.step_count, 0);
    assert_string_equal(first.script.profile.name, vblk_profile_at(0)->name);
}

static void same_bytes(const struct vblk_bytes *a, const struct vblk_bytes *b)
{
    assert_int_equal(a->length, b->length);
    if (!a->length)
        return;
    assert_int_equal(!a->given, !b->given);
    assert_int_equal(a->fill, b->fill);
    if (a->given)
        assert_memory_equal(a->given, b->given, a->length);
    else
        assert_int_equal(a->seed, b->seed);
}

static void same_request(const struct vblk_step_request *a, const struct vblk_step_request *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->reserved, b->reserved);
    assert_int_equal(a->sector, b->sector);
    assert_int_equal(a->header_length, b->header_length);
    assert_int_equal(a->in_length, b->in_length);
    assert_int_equal(a->poison, b->poison);
    assert_int_equal(a->gap, b->gap);
    assert_int_equal(a->no_status, b->no_status);
    assert_int_equal(a->prefill, b->prefill);
    assert_int_equal(a->indirect, b->indirect);
    assert_int_equal(a->segments_writable, b->segments_writable);
    assert_int_equal(a->segment_count, b->segment_count);
    if (a->segment_count)
        assert_memory_equal(a->segments, b->segments, a->segment_count * sizeof(struct vblk_segment));
    assert_int_equal(a->readable_frame_count, b->readable_frame_count);
    assert_int_equal(a->writable_frame_count, b->writable_frame_count);
    for (uint16_t i = 0; i < a->readable_frame_count; i++)
        assert_int_equal(a->readable_frames[i], b->readable_frames[i]);
    for (uint16_t i = 0; i < a->writable_frame_count; i++)
        assert_int_equal(a->writable_frames[i], b->writable_frames[i]);
    same_bytes(&a->out, &b->out);
}

static void same_step(const struct vblk_step *a, const struct vblk_step *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->queue, b->queue);
    assert_int_equal(a->reg, b->reg);
    assert_int_equal(a->order, b->order);
    assert_int_equal(a->part, b->part);
    assert_int_equal(a->a_given, b->a_given);
    assert_int_equal(a->b_given, b->b_given);
    assert_int_equal(a->a, b->a);
    assert_int_equal(a->b, b->b);
    assert_int_equal(a->desc_sets, b->desc_sets);
    assert_memory_equal(&a->desc, &b->desc, sizeof(a->desc));
    assert_int_equal(!a->name[0], !b->name[0]);
    same_bytes(&a->bytes, &b->bytes);
    same_request(&a->request, &b->request);
    assert_memory_equal(a->expect.status, b->expect.status, sizeof(a->expect.status));
    assert_memory_equal(a->expect.len, b->expect.len, sizeof(a->expect.len));
    assert_int_equal(a->expect.value, b->expect.value);
    same_bytes(&a->expect.data, &b->expect.data);
}

static void same_script(const struct vblk_script *a, const struct vblk_script *b)
{
    assert_int_equal(a->features, b->features);
    assert_int_equal(a->queue_size, b->queue_size);
    assert_int_equal(a->queues, b->queues);
    assert_string_equal(a->profile.name, b->profile.name);
    assert_int_equal(a->puppet.features, b->puppet.features);
    assert_int_equal(a->puppet.queue_max, b->puppet.queue_max);
    assert_memory_equal(a->puppet.config, b->puppet.config, sizeof(a->puppet.config));
    assert_int_equal(a->step_count, b->step_count);
    for (size_t i = 0; i < a->step_count; i++)
        same_step(&a->steps[i], &b->steps[i]);
}

/* Every input is a script; one that has an encoding comes back as it was. */
static void arbitrary_bytes__decode_encode_decode_is_the_same(void **state)
{
    static uint8_t data[1024], out[16384];
    unsigned encoded = 0;

    (void)state;
    for (unsigned seed = 0; seed < 3000; seed++) {
        size_t size = 1 + seed % sizeof(data), n;

        vblk_pattern((uint8_t)seed, (uint64_t)seed << 20, data, size);
        /* mostly small numbers, as in real scripts */
        for (size_t i = 0; i < size; i++)
            data[i] = seed % 3 && data[i] < 0xf8 ? data[i] % 48 : data[i];
        script_decode(&first, data, size);
        assert_in_range(first.script.step_count, 0, SCRIPT_STEPS_MAX);
        n = script_encode(&first.script, out, sizeof(out));
        if (!n)
            continue;
        encoded++;
        script_decode(&second, out, n);
        same_script(&first.script, &second.script);
    }
    assert_in_range(encoded, 1000, 3000);
}

static void beyond_the_bounds__has_no_encoding(void **state)
{
    uint8_t out[256];
    struct vblk_step step = vblk_step_make(VBLK_STEP_WAIT);
    struct vblk_script script = { .profile = *vblk_profile_default(), .steps = &step, .step_count = 1 };

    (void)state;
    assert_true(script_encode(&script, out, sizeof(out)));
    assert_false(script_encode(&script, out, 3));
    step.a = SCRIPT_MS_MAX + 1;
    assert_false(script_encode(&script, out, sizeof(out)));
    step = vblk_step_make(VBLK_STEP_SUBMIT);
    step.request.in_length = SCRIPT_BUDGET + 1;
    assert_false(script_encode(&script, out, sizeof(out)));
    step.kind = VBLK_STEP_COUNT;
    assert_false(script_encode(&script, out, sizeof(out)));
    step = vblk_step_make(VBLK_STEP_RESET);
    script.step_count = SCRIPT_STEPS_MAX + 1;
    assert_false(script_encode(&script, out, sizeof(out)));
    script.step_count = 1;
    memcpy(script.profile.name, "other", 6);
    assert_false(script_encode(&script, out, sizeof(out)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_step__has_a_number),
        cmocka_unit_test(no_bytes__the_empty_script),
        cmocka_unit_test(arbitrary_bytes__decode_encode_decode_is_the_same),
        cmocka_unit_test(beyond_the_bounds__has_no_encoding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
