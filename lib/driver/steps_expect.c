/* SPDX-License-Identifier: BSD-3-Clause */
/* EXPECT: what the script's author allows, against what came. */
#include "play.h"
#include "bytes.h"

#include <inttypes.h>
#include <stdio.h>

#define CHUNK 512u

typedef void (*write_one)(char *out, size_t size, uint64_t value);

static void status_text(char *out, size_t size, uint64_t value)
{
    const char *name = vblk_status_name((uint8_t)value);

    if (name)
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "0x%02x", (unsigned)value);
}

static void number_text(char *out, size_t size, uint64_t value)
{
    snprintf(out, size, "%" PRIu64, value);
}

/* "what A, B or C" */
static void set_text(char *out, size_t size, const char *what, const uint64_t *set, size_t count, write_one one)
{
    size_t used = (size_t)snprintf(out, size, "%s ", what);

    for (size_t i = 0; i < count && used < size; i++) {
        char word[24];

        one(word, sizeof(word), set[i]);
        used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", word);
    }
}

static void in_set(struct vblk_player *player, const struct record *record, const char *what, const uint64_t *set,
                   size_t count, uint64_t seen, write_one one)
{
    struct vblk_surprise *surprise;

    for (size_t i = 0; i < count; i++)
        if (set[i] == seen)
            return;
    if (!count)
        return;
    surprise = player_surprise(player, record->name);
    if (!surprise)
        return;
    set_text(surprise->expected, sizeof(surprise->expected), what, set, count, one);
    set_text(surprise->seen, sizeof(surprise->seen), what, &seen, 1, one);
}

static void say(struct vblk_player *player, const struct record *record, const char *expected, const char *seen)
{
    struct vblk_surprise *surprise = player_surprise(player, record->name);

    if (!surprise)
        return;
    snprintf(surprise->expected, sizeof(surprise->expected), "%s", expected);
    snprintf(surprise->seen, sizeof(surprise->seen), "%s", seen);
}

/* What the writable data is compared with: bytes that the script gives, or another request's answer. */
struct model {
    const struct vblk_bytes *bytes;
    const struct vblk_memory *mem;
    const struct record *other;
};

static void model_copy(const struct model *model, uint64_t offset, uint8_t *buf, size_t len)
{
    memset(buf, 0, len);
    if (model->bytes)
        bytes_copy(model->bytes, offset, buf, len);
    else
        (void)!layout_peek(model->mem, &model->other->writable, layout_writable_segments(model->other->req) + offset,
                           buf, len);
}

static void differ(struct vblk_player *player, const struct record *record, uint64_t at, uint8_t expected, uint8_t seen)
{
    struct vblk_surprise *surprise = player_surprise(player, record->name);

    if (!surprise)
        return;
    snprintf(surprise->expected, sizeof(surprise->expected), "data byte %" PRIu64 " is 0x%02x", at, expected);
    snprintf(surprise->seen, sizeof(surprise->seen), "0x%02x", seen);
}

static void compare(struct vblk_player *player, const struct record *record, const struct model *model, uint64_t len)
{
    const uint64_t skip = layout_writable_segments(record->req);

    for (uint64_t at = 0; at < len; at += CHUNK) {
        const size_t n = len - at < CHUNK ? (size_t)(len - at) : CHUNK;
        uint8_t want[CHUNK], have[CHUNK] = { 0 };

        model_copy(model, at, want, n);
        (void)!layout_peek(player->mem, &record->writable, skip + at, have, n);
        for (size_t i = 0; i < n; i++) {
            if (want[i] == have[i])
                continue;
            differ(player, record, at + i, want[i], have[i]);
            return;
        }
    }
}

static vblk_err expect_data(struct vblk_player *player, const struct record *record,
                            const struct vblk_step_expect *expect)
{
    const struct model given = { .bytes = &expect->data };
    struct model same = { .mem = player->mem };

    if (expect->data_equals) {
        if (expect->data.length > record->req->in_length)
            return VBLK_E_INVAL;
        compare(player, record, &given, expect->data.length);
    }
    if (!expect->data_same_as)
        return VBLK_OK;
    same.other = record_named(player, expect->other);
    if (!same.other || same.other->req->in_length < record->req->in_length)
        return VBLK_E_INVAL;
    compare(player, record, &same, record->req->in_length);
    return VBLK_OK;
}

/* There is no answer: whether that is allowed. */
static void expect_silence(struct vblk_player *player, const struct record *record,
                           const struct vblk_step_expect *expect)
{
    const bool asked =
        expect->status_count || expect->len_count || expect->data_equals || expect->data_same_as || expect->must_answer;

    if (!asked || expect->no_answer_ok || (expect->needs_reset_ok && player->out->needs_reset))
        return;
    say(player, record, "an answer", player->out->needs_reset ? "DEVICE_NEEDS_RESET" : "none");
}

static vblk_err expect_answer(struct vblk_player *player, const struct record *record,
                              const struct vblk_step_expect *expect)
{
    uint64_t statuses[VBLK_SET_MAX];
    const size_t status_count = expect->status_count < VBLK_SET_MAX ? expect->status_count : VBLK_SET_MAX;
    const size_t len_count = expect->len_count < VBLK_SET_MAX ? expect->len_count : VBLK_SET_MAX;

    if (!record->used_count) {
        expect_silence(player, record, expect);
        return VBLK_OK;
    }
    for (size_t i = 0; i < status_count; i++)
        statuses[i] = expect->status[i];
    if (record->has_status)
        in_set(player, record, "status", statuses, status_count, record->status, status_text);
    else if (status_count)
        say(player, record, "a status byte", "the request has none");
    if (!record->no_len)
        in_set(player, record, "used length", expect->len, len_count, record->len, number_text);
    if (expect->must_answer && record->used_count > 1)
        say(player, record, "one answer", "more than one");
    return expect_data(player, record, expect);
}

static vblk_err expect_value(struct vblk_player *player, const struct vblk_step *step)
{
    const uint64_t mask = step->expect.value_mask ? step->expect.value_mask : UINT64_MAX;
    struct vblk_surprise *surprise;
    uint64_t value;

    if (!player_kept(player, step->name, &value))
        return VBLK_E_INVAL;
    if ((value & mask) == (step->expect.value & mask))
        return VBLK_OK;
    surprise = player_surprise(player, step->name);
    if (!surprise)
        return VBLK_OK;
    snprintf(surprise->expected, sizeof(surprise->expected), "0x%" PRIx64 " under mask 0x%" PRIx64,
             step->expect.value & mask, mask);
    snprintf(surprise->seen, sizeof(surprise->seen), "0x%" PRIx64, value);
    return VBLK_OK;
}

vblk_err step_expect(struct vblk_player *player, const struct vblk_step *step)
{
    const struct record *record;

    if (step->expect.value_checked)
        return expect_value(player, step);
    record = record_named(player, step->name);
    return record ? expect_answer(player, record, &step->expect) : VBLK_E_INVAL;
}
