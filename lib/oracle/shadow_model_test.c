/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shadow against a naive model of 256 sectors.
 * A content is two bytes: the first fills one half of the sector, the second the other. The model keeps lists of
 * contents, never chunks or spans.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shadow_impl.h"

#define SECTORS 256u
#define BASE    64017u /* not at the start of a chunk */
#define STEPS   100000
#define HISTORY 24u

static uint32_t seed;

static uint32_t any(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return (seed >> 3) % below;
}

/* ---- the model ---- */

struct half { uint8_t a, b; };

struct model {
    enum { UNKNOWN, FREE, KNOWN } kind;
    unsigned count;
    struct half may[CANDIDATES];
    uint8_t cause;
    bool written;
};

static struct model model[SECTORS];
static struct shadow sh;
static uint8_t buf[80 * VBLK_SECTOR];
static struct half content[80];

static void model_reset(bool zero)
{
    for (unsigned i = 0; i < SECTORS; i++)
        model[i] = (struct model){ .kind = zero ? KNOWN : UNKNOWN, .count = 1 };
}

static void model_add(struct model *m, struct half h)
{
    if (m->kind != KNOWN)
        return;
    for (unsigned i = 0; i < m->count; i++)
        if (m->may[i].a == h.a && m->may[i].b == h.b)
            return;
    if (m->count == CANDIDATES)
        m->kind = UNKNOWN;
    else
        m->may[m->count++] = h;
}

static void model_is(struct model *m, struct half h)
{
    m->kind = KNOWN;
    m->count = 1;
    m->may[0] = h;
}

static void model_change(struct model *m, enum shadow_change change, struct half h)
{
    const struct half zero = { 0, 0 };
    if (change == MAKE_DATA || change == MAKE_ZERO)
        model_is(m, change == MAKE_DATA ? h : zero);
    else if (change == MAY_BE_DATA || change == MAY_BE_ZERO)
        model_add(m, change == MAY_BE_DATA ? h : zero);
    else if (change != KEEP)
        m->kind = FREE;
    m->written |= change != KEEP;
}

static bool model_allows(const struct model *m, struct half h)
{
    bool a = m->kind != KNOWN, b = a;
    for (unsigned i = 0; i < m->count && m->kind == KNOWN; i++) {
        a |= m->may[i].a == h.a;
        b |= m->may[i].b == h.b;
    }
    return a && b;
}

static void fill(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        memset(buf + i * VBLK_SECTOR, content[i].a, VBLK_SECTOR / 2);
        memset(buf + i * VBLK_SECTOR + VBLK_SECTOR / 2, content[i].b, VBLK_SECTOR / 2);
    }
}

static void random_content(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        content[i] = (struct half){ (uint8_t)any(4), (uint8_t)any(4) };
    fill(count);
}

/* ---- random steps on both ---- */

static void step_change(void)
{
    enum shadow_change change = (enum shadow_change)any(7);
    enum cause cause = (enum cause)(BY_WRITE + any(10));
    bool data = change == MAKE_DATA || change == MAY_BE_DATA, also = data && any(4) == 0;
    bool wide = !data && any(8) == 0;
    unsigned first = any(SECTORS), count = 1 + any(80);
    uint64_t sector = BASE + first;

    if (count > SECTORS - first)
        count = SECTORS - first;
    random_content(count < 80 ? count : 80);
    if (wide) {
        count = SECTORS - first;
        shadow_change(&sh, change, cause, sector, 1024 + any(5000), NULL);
    } else if (also) {
        shadow_also(&sh, sector, count, buf);
    } else {
        shadow_change(&sh, change, cause, sector, count, data ? buf : NULL);
    }
    for (unsigned i = 0; i < count; i++) {
        model_change(&model[first + i], also ? MAY_BE_DATA : change, content[data ? i : 0]);
        if (!also)
            model[first + i].cause = (uint8_t)cause;
    }
}

/* Mostly what the model allows, mixed by halves. */
static void choose_content(unsigned first, unsigned count)
{
    unsigned spoil = any(4) == 0 ? any(count) : count;
    random_content(count);
    for (unsigned i = 0; i < count; i++) {
        const struct model *m = &model[first + i];
        if (m->kind == KNOWN && i != spoil)
            content[i] = (struct half){ m->may[any(m->count)].a, m->may[any(m->count)].b };
    }
    fill(count);
}

static void expect_read(unsigned first, unsigned count, bool learn, struct shadow_read *want)
{
    for (unsigned i = 0; i < count; i++) {
        struct model *m = &model[first + i];
        want->compared |= m->kind == KNOWN;
        if (!model_allows(m, content[i])) {
            if (!want->bad) {
                want->bad_sector = BASE + first + i;
                want->bad_cause = m->cause;
                want->bad_never_written = !m->written;
            }
            want->bad = true;
            continue;
        }
        want->causes |= m->kind == KNOWN ? 1u << m->cause : 0;
        if (learn && m->kind == UNKNOWN)
            m->cause = BY_READ;
        if (learn && m->kind != FREE)
            model_is(m, content[i]);
    }
}

static unsigned bad_reads;

static void step_read(void)
{
    struct shadow_read got = { 0 }, want = { 0 };
    unsigned first = any(SECTORS), count = 1 + any(40);
    bool learn = any(2) == 0;

    if (count > SECTORS - first)
        count = SECTORS - first;
    choose_content(first, count);
    expect_read(first, count, learn, &want);
    shadow_compare(&sh, BASE + first, count, buf, learn, &got);
    assert_int_equal(got.bad, want.bad);
    assert_int_equal(got.compared, want.compared);
    assert_int_equal(got.causes, want.causes);
    assert_int_equal(got.bad_sector, want.bad_sector);
    assert_int_equal(got.bad_cause, want.bad_cause);
    assert_int_equal(got.bad_never_written, want.bad_never_written);
    bad_reads += got.bad;
}

static void random_changes_and_reads__as_the_naive_model(void **state)
{
    (void)state;
    seed = 20240607;
    bad_reads = 0;
    assert_true(shadow_open(&sh, true));
    model_reset(true);
    for (int i = 0; i < STEPS; i++) {
        if (any(500) == 0) {
            bool zero = any(2) == 0;
            shadow_forget(&sh, zero);
            model_reset(zero);
        } else if (any(3) == 0) {
            step_change();
        } else {
            step_read();
        }
    }
    assert_true(bad_reads > STEPS / 50);
    shadow_close(&sh);
}

/* ---- stability: every content a sector ever had since it was last stable, without a limit ---- */

struct history {
    uint8_t value[HISTORY];    /* [count], the last is the present one */
    uint64_t since[HISTORY];
    unsigned count;
    bool blurred;              /* was longer than the shadow keeps, since it last was one */
};

static struct history history[SECTORS];

static void history_flush(struct history *h, uint64_t then)
{
    unsigned first = 0;
    for (unsigned i = 1; i < h->count; i++)
        if (h->since[i] < then)
            first = i;
    memmove(h->value, h->value + first, h->count - first);
    memmove(h->since, h->since + first, (h->count - first) * sizeof *h->since);
    h->count -= first;
    h->blurred &= h->count > 1;
}

static void history_put(unsigned at, uint8_t value, bool stable)
{
    struct history *h = &history[at];
    uint64_t number = shadow_now(&sh);
    if (h->count == HISTORY) {
        history_flush(h, number);
        shadow_mode(&sh, true);
        memset(buf, h->value[0], VBLK_SECTOR);
        shadow_change(&sh, MAKE_DATA, BY_WRITE, BASE + at, 1, buf);
        number = shadow_now(&sh);
    }
    shadow_mode(&sh, stable);
    memset(buf, value, VBLK_SECTOR);
    shadow_change(&sh, value ? MAKE_DATA : MAKE_ZERO, BY_WRITE, BASE + at, 1, value ? buf : NULL);
    if (stable)
        h->count = 0;
    h->blurred = h->count > 0 && (h->blurred || h->count >= PAST_MAX);
    h->value[h->count] = value;
    h->since[h->count++] = number;
}

static bool comes_back(const struct history *h, uint8_t value)
{
    return memchr(h->value, value, h->count) != NULL;
}

static unsigned rejected;

/* All that may come back is allowed; nothing else is, if the shadow kept it all. */
static void cut_and_look(void)
{
    shadow_power_cut(&sh);
    for (unsigned at = 0; at < SECTORS; at++) {
        struct history *h = &history[at];
        for (uint8_t v = 0; v < 8; v++) {
            struct shadow_read r = { 0 };
            memset(buf, v, VBLK_SECTOR);
            shadow_compare(&sh, BASE + at, 1, buf, false, &r);
            if (comes_back(h, v) || !h->blurred)
                assert_int_equal(r.bad, !comes_back(h, v));
            rejected += r.bad;
        }
        uint8_t value = h->value[any(h->count)];
        struct shadow_read r = { 0 };
        memset(buf, value, VBLK_SECTOR);
        shadow_compare(&sh, BASE + at, 1, buf, true, &r);
        assert_false(r.bad);
        h->value[0] = value;
        h->count = 1;
        h->since[0] = 0;
        h->blurred = false;
    }
}

static void random_writes_flushes_and_cuts__nothing_lost_and_nothing_invented(void **state)
{
    uint64_t sent = 0;
    (void)state;
    seed = 77;
    rejected = 0;
    assert_true(shadow_open(&sh, true));
    shadow_track(&sh, true);
    for (unsigned i = 0; i < SECTORS; i++)
        history[i] = (struct history){ .count = 1 };
    for (int i = 0; i < STEPS; i++) {
        uint32_t dice = any(1000);
        if (dice == 0)
            cut_and_look();
        else if (dice < 8)
            sent = shadow_now(&sh);
        else if (dice < 12) {
            shadow_flushed(&sh, sent);
            for (unsigned at = 0; at < SECTORS; at++)
                history_flush(&history[at], sent);
        } else
            history_put(any(SECTORS), (uint8_t)any(8), any(10) == 0);
    }
    assert_true(rejected > STEPS / 10);
    shadow_close(&sh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_and_reads__as_the_naive_model),
        cmocka_unit_test(random_writes_flushes_and_cuts__nothing_lost_and_nothing_invented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
