/* SPDX-License-Identifier: BSD-3-Clause */
/* The player's memory: many requests, few bytes, some that never come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "play.h"
#include "stage.h"

static void small_arena(struct stage *stage, uint64_t size)
{
    const struct vblk_arena arena = { WATCH_GPA, size };

    vblk_player_free(stage->player);
    stage->player = vblk_player_new(stage->watch.port, arena, 5);
}

/* Lay out, publish and, unless @keep, answer. */
static void once(struct stage *stage, const char *name, uint64_t bytes, bool keep)
{
    add_read(stage, name, 0, bytes);
    add(stage, VBLK_STEP_AVAILABLE, name);
    add(stage, VBLK_STEP_PUBLISH, "");
    if (keep)
        return;
    add(stage, VBLK_STEP_DEV_COMPLETE, name);
    add(stage, VBLK_STEP_LOOK, "");
}

static void memory__goes_round_what_is_in_flight(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    small_arena(stage, 8192);
    add(stage, VBLK_STEP_START, "");
    once(stage, "stuck", 1000, true);
    for (int i = 0; i < 9; i++)
        once(stage, "r", 2000, false);
    add(stage, VBLK_STEP_DEV_COMPLETE, "stuck");
    add(stage, VBLK_STEP_WAIT, "");
    step = add_expect(stage, "stuck", VBLK_S_OK, 1001);
    step->expect.data_equals = true;
    step->expect.data = (struct vblk_bytes){ .length = 1000, .fill = true };
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_int_equal(stage->play.answered, 10);
    assert_int_equal(stage->watch.stray, 0);
}

static void memory_full_of_requests_in_flight__is_the_scripts_fault(void **state)
{
    struct stage *stage = *state;

    small_arena(stage, 8192);
    add(stage, VBLK_STEP_START, "");
    once(stage, "a", 3000, true);
    once(stage, "b", 3000, true);
    once(stage, "c", 3000, true);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    assert_int_equal(stage->play.stopped_at, 7);
    add(stage, VBLK_STEP_WAIT, "");
    stage->steps[7] = stage->steps[stage->count - 1];
    stage->steps[8] = vblk_step_make(VBLK_STEP_REQUEST);
    stage->steps[8].request.in_length = 3000;
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_E_TIMEOUT);
    assert_true(stage->play.hung);
}

static void more_requests_than_are_remembered__the_oldest_answer_goes(void **state)
{
    struct stage *stage = *state;
    const size_t n = 300;
    struct vblk_step *steps = calloc(2 + 4 * n, sizeof(*steps));
    size_t at = 0;

    steps[at++] = vblk_step_make(VBLK_STEP_START);
    for (size_t i = 0; i < n; i++) {
        static const uint8_t kinds[] = { VBLK_STEP_REQUEST, VBLK_STEP_AVAILABLE, VBLK_STEP_PUBLISH, VBLK_STEP_FORGET };

        for (size_t k = 0; k < 4; k++) {
            steps[at] = vblk_step_make((enum vblk_step_kind)kinds[k]);
            steps[at].name[0] = (char)(i == 0 ? 'f' : 'x');
            at++;
        }
    }
    steps[at] = vblk_step_make(VBLK_STEP_EXPECT);
    steps[at++].name[0] = 'f';
    stage->script.steps = steps;
    stage->script.step_count = at;
    assert_int_equal(vblk_player_run(stage->player, &stage->script, &stage->play), VBLK_E_INVAL);
    assert_int_equal(stage->play.stopped_at, at - 1);
    free(steps);
}

static void three_hundred_in_flight__after_three_hundred_answered(void **state)
{
    struct stage *stage = *state;
    const size_t n = 300;
    struct vblk_step *steps = calloc(2 + 3 * n, sizeof(*steps));
    size_t at = 0;

    steps[at++] = vblk_step_make(VBLK_STEP_START);
    for (size_t i = 0; i < 2 * n; i++) {
        steps[at] = vblk_step_make(VBLK_STEP_REQUEST);
        steps[at++].name[0] = 'x';
        if (i < n)
            steps[at++] = vblk_step_make(VBLK_STEP_FORGET);
    }
    stage->script.queue_size = 1024;
    stage->watch.port->ops->close(stage->watch.port);
    stage->watch.port = vblk_puppet_new(stage->watch.mem);
    stage->script.puppet = (struct vblk_puppet){ .features = V1, .num_queues = 1, .queue_max = 1024 };
    small_arena(stage, WATCH_SIZE);
    stage->script.steps = steps;
    stage->script.step_count = at;
    assert_int_equal(vblk_player_run(stage->player, &stage->script, &stage->play), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_OK);
    free(steps);
}

static void names_of_the_last_script__are_nobodys_in_the_next(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    once(stage, "a", 512, false);
    once(stage, "b", 512, true);
    played(stage);
    for (char name[2] = "a"; name[0] <= 'c'; name[0]++) {
        stage->count = 1;
        add_expect(stage, name[0] == 'c' ? "" : name, VBLK_S_OK, 513);
        assert_int_equal(run(stage), VBLK_E_INVAL);
        assert_int_equal(stage->play.stopped_at, 1);
    }
}

static void completion_with_bytes__are_the_data(void **state)
{
    static const uint8_t id[20] = "identity";
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    for (int i = 0; i < 2; i++) {
        step = add_read(stage, "id", 0, 20);
        step->request.type = VBLK_T_GET_ID;
        add(stage, VBLK_STEP_AVAILABLE, "id");
        add(stage, VBLK_STEP_PUBLISH, "");
        step = add(stage, VBLK_STEP_DEV_COMPLETE, "id");
        if (i == 0)
            step->bytes = (struct vblk_bytes){ .given = id, .length = 20 };
        add(stage, VBLK_STEP_WAIT, "id");
        step = add_expect(stage, "id", VBLK_S_OK, 21);
        step->expect.data_equals = true;
        step->expect.data = (struct vblk_bytes){ .given = i == 0 ? id : NULL, .fill = true, .length = 20 };
    }
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
}

static void memory_without_regions__everything_is_outside(void **state)
{
    struct stage *stage = *state;

    watch_stop(&stage->watch);
    watch_start(&stage->watch, vblk_puppet_new(vblk_memory_new()));
    small_arena(stage, 4096);
    add_a(stage, VBLK_STEP_LOAD, "", 0)->part = VBLK_PART_OUTSIDE;
    played(stage);
    assert_non_null(strstr(stage->watch.text, "drv-load:mem+2! "));
}

static void memory_up_to_the_top__outside_is_below(void **state)
{
    struct stage *stage = *state;
    const struct vblk_region top = { .gpa = UINT64_MAX - 4095, .size = 4096, .fd = -1 };

    assert_int_equal(vblk_memory_add(stage->watch.mem, &top), VBLK_OK);
    add_a(stage, VBLK_STEP_LOAD, "", 0)->part = VBLK_PART_OUTSIDE;
    stage->steps[0].b = 5000;
    stage->steps[0].b_given = true;
    played(stage);
    assert_non_null(strstr(stage->watch.text, "drv-load:mem+4096! "));
}

static void as_many_requests_as_are_remembered__and_one_more(void **state)
{
    struct stage *stage = *state;
    struct vblk_step step = vblk_step_make(VBLK_STEP_REQUEST);
    struct record *first, *record;

    small_arena(stage, WATCH_SIZE);
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(record_new(stage->player, &step, &first), VBLK_OK);
    for (uint32_t i = 1; i < PLAY_RECORDS; i++)
        assert_int_equal(record_new(stage->player, &step, &record), VBLK_OK);
    assert_int_equal(record_new(stage->player, &step, &record), VBLK_E_FULL);
    record_end(stage->player, first);
    assert_int_equal(record_new(stage->player, &step, &record), VBLK_OK);
    assert_ptr_equal(record, first);
}

static void arena_up_to_the_top_of_all_addresses__is_refused(void **state)
{
    struct stage *stage = *state;
    const struct vblk_region top = { .gpa = UINT64_MAX - 8191, .size = 8192, .fd = -1 };
    const struct vblk_arena arena = { top.gpa, top.size };

    assert_int_equal(vblk_memory_add(stage->watch.mem, &top), VBLK_OK);
    vblk_player_free(stage->player);
    stage->player = vblk_player_new(stage->watch.port, arena, 5);
    add_read(stage, "r", 0, 512);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[0] = vblk_step_make(VBLK_STEP_START);
    assert_int_equal(run(stage), VBLK_E_INVAL);
}

static void queue_enabled_again__memory_of_what_was_in_flight_is_free(void **state)
{
    struct stage *stage = *state;

    small_arena(stage, 4096);
    add(stage, VBLK_STEP_START, "");
    for (unsigned i = 0; i < 3; i++) {
        once(stage, "r", 3000, true);
        add_a(stage, VBLK_STEP_REG_WRITE, "", 1)->reg = VBLK_REG_QUEUE_ENABLE;
    }
    played(stage);
}

static void queue_where_the_next_request_would_be__it_goes_below(void **state)
{
    struct stage *stage = *state;

    small_arena(stage, 4096);
    add(stage, VBLK_STEP_START, "");
    once(stage, "a", 3000, false);
    add_a(stage, VBLK_STEP_REG_WRITE, "", 32)->reg = VBLK_REG_QUEUE_SIZE;
    stage->steps[stage->count - 1].queue = 1;
    add_read(stage, "b", 0, 1000);
    played(stage);
    assert_true(record_named(stage->player, "b")->end <= stage->player->high);
    assert_true(stage->player->high < WATCH_GPA + 3000);
}

static void answered_one_after_the_other__both_are_remembered(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    once(stage, "a", 512, false);
    once(stage, "b", 512, false);
    add_expect(stage, "a", VBLK_S_OK, 513);
    add_expect(stage, "b", VBLK_S_OK, 513);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
}

static void arena_too_small_for_a_queue__nothing_is_touched(void **state)
{
    struct stage *stage = *state;

    for (uint64_t size = 64; size <= 448; size += 64) {
        stage->count = 0;
        small_arena(stage, size);
        add(stage, VBLK_STEP_START, "");
        assert_int_equal(run(stage), size < 384 ? VBLK_E_INVAL : VBLK_OK); /* 128, 64 and 128 bytes, and 64 more */
        assert_int_equal(stage->watch.stray, 0);
    }
}

static void started_again_and_again__queues_keep_their_place(void **state)
{
    struct stage *stage = *state;

    small_arena(stage, 1024);
    for (unsigned i = 0; i < 20; i++)
        add(stage, VBLK_STEP_START, "");
    played(stage);
}

/* ---- where requests are put, against a search of all places ---- */

#define MANY 4000u

static struct placed {
    struct vblk_step step;
    uint64_t begin, end;
    struct record *record; /* NULL: its memory or its entry went to another one */
    bool out;              /* still needed */
} placed[MANY];

static bool free_of_all(size_t count, uint64_t begin, uint64_t end)
{
    for (size_t i = 0; i < count; i++)
        if (placed[i].record && placed[i].out && placed[i].begin < end && begin < placed[i].end)
            return false;
    return true;
}

/* Whether @size bytes fit anywhere: at the bottom, or right after something that is needed, at the next 64 bytes. */
static bool fits(const struct vblk_player *player, size_t count, uint64_t size)
{
    bool any = player->low + size <= player->high && free_of_all(count, player->low, player->low + size);

    for (size_t i = 0; i < count && !any; i++) {
        const uint64_t at = (placed[i].end + 63) / 64 * 64;

        any = placed[i].record && placed[i].out && at + size <= player->high && free_of_all(count, at, at + size);
    }
    return any;
}

/* A step of its own name, laid out in @size bytes. */
static void make_step(struct placed *p, size_t n, uint64_t size)
{
    p->step = vblk_step_make(VBLK_STEP_REQUEST);
    p->step.name[0] = (char)('a' + n % 26);
    p->step.name[1] = (char)('a' + n / 26 % 26);
    p->step.name[2] = (char)('a' + n / 676 % 26);
    p->step.request.in_length = size - 17;
}

/* The new one is where nothing needed is; what was answered there is forgotten, and nothing else. */
static void took(struct vblk_player *player, size_t n)
{
    struct placed *now = &placed[n];

    assert_true(now->begin >= player->low && now->end <= player->high && now->begin % 64 == player->low % 64);
    assert_true(free_of_all(n, now->begin, now->end));
    for (size_t i = 0; i < n; i++) {
        if (!placed[i].record)
            continue;
        if (placed[i].begin < now->end && now->begin < placed[i].end)
            placed[i].record = NULL;
        assert_ptr_equal(record_named(player, placed[i].step.name), placed[i].record);
    }
    now->out = true;
    assert_ptr_equal(record_named(player, now->step.name), now->record);
    assert_ptr_equal(record_named(player, ""), now->record);
}

/* Sizes around whole multiples of the alignment, so that neighbours touch; some longer than there is room for. */
static uint64_t any_size(uint32_t chance)
{
    static const uint64_t around[] = { 0, 0, 0, 63, 1, 17 };

    return 64 + 64 * (chance & 64 ? chance >> 8 & 63 : chance >> 8 & 15) + around[chance % 6];
}

static void requests_of_all_sizes__go_where_room_is(void **state)
{
    struct stage *stage = *state;
    struct vblk_player *player;
    uint32_t chance = 1, full = 0;
    size_t n = 0;

    small_arena(stage, 4096);
    player = stage->player;
    assert_int_equal(run(stage), VBLK_OK);
    while (n < MANY) {
        chance = chance * 1664525 + 1013904223;
        if (chance >> 30) {
            struct placed *p = &placed[n];
            const uint64_t size = any_size(chance >> 8);
            const bool room = fits(player, n, size);
            vblk_err err;

            make_step(p, n, size);
            err = record_new(player, &p->step, &p->record);
            assert_int_equal(err, room ? VBLK_OK : size > 4096 ? VBLK_E_INVAL : VBLK_E_FULL);
            full += err == VBLK_E_FULL;
            if (err) {
                p->record = NULL;
            } else {
                p->begin = p->record->begin;
                p->end = p->record->end;
                assert_int_equal(p->end - p->begin, size);
                took(player, n++);
            }
        }
        for (size_t i = n < 60 ? 0 : n - 60; i < n; i++) /* answer some, sooner or later */
            if (placed[i].record && placed[i].out && (chance >> i % 24 & 7) == 0) {
                record_end(player, placed[i].record);
                placed[i].out = false;
            }
    }
    assert_true(full > 100);
}

/* A queue is put above what is needed, or not at all; what was answered makes room for it. */
static void queue_that_comes_late__takes_no_memory_that_is_needed(void **state)
{
    struct stage *stage = *state;

    for (unsigned answered = 0; answered < 3; answered++) {
        stage->count = 0;
        small_arena(stage, 4096);
        add(stage, VBLK_STEP_START, "");
        once(stage, "a", 3000, !answered);
        add_a(stage, VBLK_STEP_REG_WRITE, "", 32)->reg = VBLK_REG_QUEUE_SIZE;
        stage->steps[stage->count - 1].queue = 1;
        add_expect(stage, answered == 2 ? "" : "a", VBLK_S_OK, 3001);
        assert_int_equal(run(stage), VBLK_E_INVAL);
        /* no room; or there is, and the answer that lay there can't be asked for any more */
        assert_int_equal(stage->play.stopped_at, stage->count - (answered ? 1 : 2));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STAGED(memory__goes_round_what_is_in_flight),
        STAGED(memory_full_of_requests_in_flight__is_the_scripts_fault),
        STAGED(more_requests_than_are_remembered__the_oldest_answer_goes),
        STAGED(three_hundred_in_flight__after_three_hundred_answered),
        STAGED(names_of_the_last_script__are_nobodys_in_the_next),
        STAGED(completion_with_bytes__are_the_data),
        STAGED(memory_without_regions__everything_is_outside),
        STAGED(memory_up_to_the_top__outside_is_below),
        STAGED(as_many_requests_as_are_remembered__and_one_more),
        STAGED(arena_up_to_the_top_of_all_addresses__is_refused),
        STAGED(queue_enabled_again__memory_of_what_was_in_flight_is_free),
        STAGED(queue_where_the_next_request_would_be__it_goes_below),
        STAGED(answered_one_after_the_other__both_are_remembered),
        STAGED(arena_too_small_for_a_queue__nothing_is_touched),
        STAGED(started_again_and_again__queues_keep_their_place),
        STAGED(requests_of_all_sizes__go_where_room_is),
        STAGED(queue_that_comes_late__takes_no_memory_that_is_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
