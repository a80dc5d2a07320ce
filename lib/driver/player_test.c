/* SPDX-License-Identifier: BSD-3-Clause */
/* Scripts against a puppet: the order and the content of what the player does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stage.h"

static void start__follows_the_sequence_and_ends_live(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    played(stage);
    assert_string_equal(watch_between(&stage->watch, "begin0", "drv-"),
                        "begin0 w:status=0 r:status=0 w:status=1 w:status=3 r:device-features=100000000 "
                        "w:driver-features=100000000 w:status=b r:status=b r:config-length=48 r:generation=0 cr:0+8 "
                        "r:generation=0 r:queue-max=40 ");
    assert_string_equal(watch_between(&stage->watch, "w:queue-enable", "?"), "w:queue-enable=1 w:status=f end0 ");
    assert_int_equal(stage->watch.stray, 0);
}

static void start__stops_after_each_stage(void **state)
{
    static const char *const last[] = { [VBLK_STAGE_RESET] = "r:status=0 end0 ",
                                        [VBLK_STAGE_ACKNOWLEDGE] = "w:status=1 end0 ",
                                        [VBLK_STAGE_DRIVER] = "w:status=3 end0 ",
                                        [VBLK_STAGE_FEATURES] = "w:driver-features=100000000 end0 ",
                                        [VBLK_STAGE_FEATURES_OK] = "r:status=b end0 ",
                                        [VBLK_STAGE_QUEUES] = "w:queue-enable=1 end0 " };
    struct stage *stage = *state;

    for (uint64_t b = VBLK_STAGE_RESET; b <= VBLK_STAGE_QUEUES; b++) {
        stage->count = 0;
        add_ab(stage, VBLK_STEP_START, "", V1, b);
        played(stage);
        assert_true(strlen(stage->watch.text) > strlen(last[b]));
        assert_string_equal(stage->watch.text + stage->watch.used - strlen(last[b]), last[b]);
    }
    stage->count = 0;
    add_ab(stage, VBLK_STEP_START, "", V1, VBLK_STAGE_QUEUES + 1);
    assert_int_equal(run(stage), VBLK_E_INVAL);
}

static void start_refused__failed_is_set_and_the_play_ends(void **state)
{
    struct stage *stage = *state;

    add_ab(stage, VBLK_STEP_DEV_STATUS, "", 0, VBLK_STATUS_FEATURES_OK);
    add(stage, VBLK_STEP_START, "");
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_E_STATE);
    assert_int_equal(stage->play.stopped_at, 1);
    assert_string_equal(stage->play.surprise[0].seen, "the device refused FEATURES_OK");
    assert_string_equal(watch_between(&stage->watch, "w:status=b", "?"), "w:status=b r:status=3 w:status=8b end0 ");
}

static void start_without_a_queue__is_the_devices_doing(void **state)
{
    struct stage *stage = *state;

    add_a(stage, VBLK_STEP_DEV_QUEUE_MAX, "", 0);
    add(stage, VBLK_STEP_START, "");
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_E_STATE);
    assert_string_equal(stage->play.surprise[0].seen, "a queue does not exist");
}

static void reset_that_never_ends__is_bounded(void **state)
{
    struct stage *stage = *state;

    add_a(stage, VBLK_STEP_DEV_REG, "", 4)->reg = VBLK_REG_STATUS;
    add(stage, VBLK_STEP_RESET, "");
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_E_STATE);
    assert_string_equal(stage->play.surprise[0].expected, "status reads 0 after a reset");
}

static void lawful_read__every_access_in_its_place(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 7, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_KICK, "");
    add(stage, VBLK_STEP_DEV_COMPLETE, "r");
    add(stage, VBLK_STEP_WAIT, "r");
    add_expect(stage, "r", VBLK_S_OK, 513)->expect.must_answer = true;
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_int_equal(stage->play.requests, 1);
    assert_int_equal(stage->play.answered, 1);
    assert_string_equal(watch_between(&stage->watch, "w:status=f", "?"),
                        "w:status=f drv-store:desc0+16 drv-store:desc0+16 drv-store:desc0+16 "
                        "drv-store:mem+16 drv-store:mem+512 drv-store:mem+1 "
                        "drv-store:avail0+2 drv-release drv-store:avail.idx0+2 drv-full drv-load:used.flags0+2 kick0 "
                        "dev-load:avail.idx0+2 dev-load:avail0+2 dev-load:desc0+16 dev-load:mem+16 dev-load:desc0+16 "
                        "dev-load:desc0+16 dev-store:mem+512 dev-store:mem+1 dev-store:used0+8 dev-release "
                        "dev-store:used.idx0+2 dev-full dev-load:avail.flags0+2 notify0 "
                        "look0 drv-load:used.idx0+2 drv-load:used0+8 drv-load:mem+1 end0 ");
}

static void suppressed_notifications__are_not_sent(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_a(stage, VBLK_STEP_DEV_USED_FLAGS, "", VBLK_USED_NO_NOTIFY);
    add_a(stage, VBLK_STEP_AVAIL_FLAGS, "", VBLK_AVAIL_NO_INTERRUPT);
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_KICK, "");
    add(stage, VBLK_STEP_DEV_COMPLETE, "r");
    played(stage);
    assert_int_equal(stage->watch.counts[VBLK_EV_KICK], 0);
    assert_int_equal(stage->watch.counts[VBLK_EV_USED_NOTIFY], 0);
    add_ab(stage, VBLK_STEP_KICK, "", 0x10000, 1);
    played(stage);
    assert_int_equal(stage->watch.counts[VBLK_EV_KICK], 1);
}

static void submit_without_an_answer__is_quiet_and_hung(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    step = add(stage, VBLK_STEP_SUBMIT, "f");
    step->request.type = VBLK_T_FLUSH;
    add(stage, VBLK_STEP_EXPECT, "f")->expect.must_answer = true;
    add(stage, VBLK_STEP_EXPECT, "f");
    step = add(stage, VBLK_STEP_EXPECT, "f");
    step->expect.no_answer_ok = step->expect.must_answer = true;
    played(stage);
    assert_true(stage->play.hung);
    assert_int_equal(stage->play.surprise_count, 1);
    assert_string_equal(stage->play.surprise[0].expected, "an answer");
    assert_string_equal(stage->play.surprise[0].seen, "none");
    assert_string_equal(stage->play.surprise[0].request, "f");
    assert_string_equal(watch_between(&stage->watch, "r:status=f", "?"), "r:status=f quiet0 end0 ");
}

static void needs_reset__ends_the_wait(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add_a(stage, VBLK_STEP_DEV_STATUS, "", 0x4f);
    add(stage, VBLK_STEP_DEV_CONFIG_NOTIFY, "");
    add(stage, VBLK_STEP_WAIT, "");
    add_expect(stage, "r", VBLK_S_OK, 513)->expect.needs_reset_ok = true;
    add_expect(stage, "r", VBLK_S_OK, 513);
    add(stage, VBLK_STEP_RESET, "");
    add(stage, VBLK_STEP_WAIT, "");
    played(stage);
    assert_true(stage->play.needs_reset);
    assert_false(stage->play.hung);
    assert_int_equal(stage->watch.counts[VBLK_EV_QUIET], 0);
    assert_int_equal(stage->play.surprise_count, 1);
    assert_string_equal(stage->play.surprise[0].seen, "DEVICE_NEEDS_RESET");
}

static void out_of_order_answers__each_finds_its_request(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "one", 1, 512);
    add_read(stage, "two", 2, 512);
    add(stage, VBLK_STEP_AVAILABLE, "one");
    add(stage, VBLK_STEP_AVAILABLE, "two");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_DEV_TAKE, "");
    add(stage, VBLK_STEP_DEV_TAKE, "two");
    add_a(stage, VBLK_STEP_DEV_COMPLETE, "two", VBLK_S_IOERR);
    add(stage, VBLK_STEP_DEV_COMPLETE, "one");
    add(stage, VBLK_STEP_WAIT, "");
    add_expect(stage, "one", VBLK_S_OK, 513);
    add_expect(stage, "two", VBLK_S_IOERR, 0);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_int_equal(stage->play.answered, 2);
}

static void a_device_that_leaves_all_unanswered__is_no_fault_of_the_script(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    for (int i = 0; i < 6; i++)
        add_a(stage, VBLK_STEP_SUBMIT, "s", 1)->request.in_length = 512;
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_E_TIMEOUT);
    assert_int_equal(stage->play.stopped_at, 3);
    assert_int_equal(stage->play.requests, 2);
}

static void gone__ends_the_play_with_case_end(void **state)
{
    static const uint8_t how[] = "crashed";
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add(stage, VBLK_STEP_DEV_GONE, "")->bytes = (struct vblk_bytes){ .given = how, .length = 7 };
    add(stage, VBLK_STEP_SUBMIT, "s");
    add(stage, VBLK_STEP_RESET, "");
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_E_GONE);
    assert_int_equal(stage->play.stopped_at, 2);
    assert_int_equal(stage->watch.counts[VBLK_EV_GONE], 1);
    assert_int_equal(stage->watch.counts[VBLK_EV_CASE_END], 1);
    assert_int_equal(vblk_port_recover(stage->watch.port), VBLK_OK);
    stage->count = 1;
    played(stage);
}

static void host_action__unsupported_here(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_HOST, "")->reg = VBLK_HOST_POWER_CUT;
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_E_UNSUPPORTED);
}

static void frames_and_gaps__cut_the_parts_as_told(void **state)
{
    static const uint32_t readable[] = { 10, 0, 300, 1 };
    static const uint32_t writable[] = { 511, 1, 5000 };
    struct stage *stage = *state;
    struct vblk_step *step;
    struct vblk_desc desc[7];
    const uint32_t lens[] = { 10, 0, 300, 218, 511, 1, 1 };
    uint64_t table, at;

    stage->script.queue_size = 16;
    add(stage, VBLK_STEP_START, "");
    step = add_read(stage, "r", 0, 512);
    step->request.out = (struct vblk_bytes){ .length = 512, .seed = 1 };
    step->request.readable_frames = readable;
    step->request.readable_frame_count = 4;
    step->request.writable_frames = writable;
    step->request.writable_frame_count = 3;
    step->request.gap = 100;
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    step = add_a(stage, VBLK_STEP_DEV_DATA, "r", 0);
    step->bytes = (struct vblk_bytes){ .length = 512, .seed = 2 };
    add(stage, VBLK_STEP_DEV_STATUS_BYTE, "r");
    add(stage, VBLK_STEP_DEV_ELEM, "r");
    add(stage, VBLK_STEP_DEV_IDX, "");
    add(stage, VBLK_STEP_WAIT, "r");
    step = add_expect(stage, "r", VBLK_S_OK, 513);
    step->expect.data_equals = true;
    step->expect.data = (struct vblk_bytes){ .length = 512, .seed = 2 };
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    table = vblk_puppet_reg(stage->watch.port, VBLK_REG_QUEUE_DESC, 0);
    assert_int_equal(vblk_memory_peek(stage->watch.mem, table, desc, sizeof(desc)), VBLK_OK);
    at = vblk_get64(desc[0].addr);
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(vblk_get64(desc[i].addr), at);
        assert_int_equal(vblk_get32(desc[i].len), lens[i]);
        assert_int_equal(vblk_get16(desc[i].flags), (i < 6 ? VBLK_DESC_NEXT : 0) | (i > 3 ? VBLK_DESC_WRITE : 0));
        at += lens[i] + 100;
    }
}

/* A device that answers whatever is available with one byte written. */
static void echo_device(void *ctx, struct vblk_port *port, uint16_t queue)
{
    const uint64_t avail = vblk_puppet_reg(port, VBLK_REG_QUEUE_DRIVER, queue);
    const uint64_t used = vblk_puppet_reg(port, VBLK_REG_QUEUE_DEVICE, queue);
    const uint16_t size = (uint16_t)vblk_puppet_reg(port, VBLK_REG_QUEUE_SIZE, queue);
    uint16_t avail_idx, used_idx, head;

    (void)ctx;
    assert_int_equal(vblk_memory_load16(port->mem, VBLK_DEVICE, avail + 2, VBLK_ACQUIRE, &avail_idx), VBLK_OK);
    assert_int_equal(vblk_memory_load16(port->mem, VBLK_DEVICE, used + 2, VBLK_RELAXED, &used_idx), VBLK_OK);
    for (; used_idx != avail_idx; used_idx++) {
        struct vblk_used_elem elem = { .len = vblk_put32(1) };

        assert_int_equal(vblk_memory_load16(port->mem, VBLK_DEVICE, avail + 4 + 2u * (uint64_t)(used_idx % size), VBLK_RELAXED,
                                            &head),
                         VBLK_OK);
        elem.id = vblk_put32(head);
        assert_int_equal(
            vblk_memory_write(port->mem, VBLK_DEVICE, used + 4 + 8u * (uint64_t)(used_idx % size), &elem, sizeof(elem)), VBLK_OK);
    }
    assert_int_equal(vblk_memory_store16(port->mem, VBLK_DEVICE, used + 2, VBLK_RELEASE, used_idx), VBLK_OK);
}

static void seventy_thousand_requests__reuse_memory_and_wrap(void **state)
{
    struct stage *stage = *state;
    const size_t rounds = 23334;
    struct vblk_step *steps = calloc(1 + 9 * rounds, sizeof(*steps));
    size_t n = 0;

    steps[n++] = vblk_step_make(VBLK_STEP_START);
    for (size_t i = 0; i < rounds; i++) {
        for (int k = 0; k < 3; k++) {
            steps[n] = vblk_step_make(VBLK_STEP_REQUEST);
            steps[n].name[0] = (char)('a' + k);
            steps[n++].request.in_length = 512;
        }
        for (int k = 0; k < 3; k++) {
            steps[n] = vblk_step_make(VBLK_STEP_AVAILABLE);
            steps[n++].name[0] = (char)('a' + k);
        }
        steps[n++] = vblk_step_make(VBLK_STEP_PUBLISH);
        steps[n++] = vblk_step_make(VBLK_STEP_KICK);
        steps[n++] = vblk_step_make(VBLK_STEP_WAIT);
    }
    stage->script.queue_size = 32;
    stage->script.steps = steps;
    stage->script.step_count = n;
    vblk_memory_set_tap(stage->watch.mem, NULL, NULL);
    stage->watch.port->observe = NULL;
    assert_int_equal(vblk_puppet_on_kick(stage->watch.port, echo_device, NULL), VBLK_OK);
    assert_int_equal(vblk_player_run(stage->player, &stage->script, &stage->play), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_OK);
    assert_int_equal(stage->play.answered, 3 * rounds);
    assert_int_equal(stage->play.bad_answers, 0);
    free(steps);
}

static void not_a_puppet__device_steps_are_unsupported(void **state)
{
    struct stage *stage = *state;
    struct vblk_port other = *stage->watch.port;
    struct vblk_port_ops ops = *other.ops;
    struct vblk_player *player;

    ops.close = NULL;
    ops.wait = NULL;
    other.ops = &ops;
    player = vblk_player_new(&other, watch_arena(), 1);
    add(stage, VBLK_STEP_DEV_NOTIFY, "");
    stage->script.steps = stage->steps;
    stage->script.step_count = 1;
    assert_int_equal(vblk_player_run(player, &stage->script, &stage->play), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_E_UNSUPPORTED);
    assert_int_equal(vblk_puppet_configure(&other, &stage->script.puppet), VBLK_E_INVAL);
    assert_int_equal(vblk_puppet_on_kick(&other, NULL, NULL), VBLK_E_INVAL);
    assert_int_equal(vblk_puppet_show(&other, VBLK_REG_STATUS, 0, 1), VBLK_E_INVAL);
    assert_int_equal(vblk_puppet_reg(&other, VBLK_REG_DEVICE_ID, 0), 0);
    vblk_player_free(player);
    vblk_player_free(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STAGED(start__follows_the_sequence_and_ends_live),
        STAGED(start__stops_after_each_stage),
        STAGED(start_refused__failed_is_set_and_the_play_ends),
        STAGED(start_without_a_queue__is_the_devices_doing),
        STAGED(reset_that_never_ends__is_bounded),
        STAGED(lawful_read__every_access_in_its_place),
        STAGED(suppressed_notifications__are_not_sent),
        STAGED(submit_without_an_answer__is_quiet_and_hung),
        STAGED(needs_reset__ends_the_wait),
        STAGED(out_of_order_answers__each_finds_its_request),
        STAGED(a_device_that_leaves_all_unanswered__is_no_fault_of_the_script),
        STAGED(gone__ends_the_play_with_case_end),
        STAGED(host_action__unsupported_here),
        STAGED(frames_and_gaps__cut_the_parts_as_told),
        STAGED(seventy_thousand_requests__reuse_memory_and_wrap),
        STAGED(not_a_puppet__device_steps_are_unsupported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
