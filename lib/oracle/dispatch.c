/* SPDX-License-Identifier: BSD-3-Clause */
/* Which checks a moment runs, and what becomes of their outcomes. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repeat.h"

/* A row CHECKED(TOKEN, …) of the clause table demands check_TOKEN: without it this file does not link. */
#define PENDING_ROW(token)
#define UNSEEN_ROW(token)
#define CHECKED_ROW(token) extern const struct check check_##token;
#define ROW(standing, token, ...) standing##_ROW(token)
#include "clauses.def"
#undef CHECKED_ROW
#define CHECKED_ROW(token) &check_##token,
static const struct check *const all_checks[] = {
#include "clauses.def"
    NULL
};
#undef ROW

/* ---- filing ---- */

/* Twice: to count, and to fill in what has been counted. */
static void file_check(struct check_list *list, const struct check *check, enum moment m)
{
    if (list->check != NULL)
        list->check[list->count] = check;
    list->count++;
    if (outcome_repeats(check, m))
        return;
    if (list->asked != NULL)
        list->asked[list->asked_count] = check;
    list->asked_count++;
}

static bool by_type(enum moment m)
{
    return m == AT_AVAILABLE || m == AT_USED || m == AT_QUIET;
}

static unsigned type_list(enum moment m)
{
    return m == AT_AVAILABLE ? 0 : m == AT_USED ? 1 : 2;
}

static bool by_place(enum moment m)
{
    return m == AT_STORE || m == AT_LOAD;
}

static bool wanted(const struct vblk_oracle *o, const struct check *check)
{
    if ((check->guilty == VBLK_DRIVER && !o->opt.judge_driver) || (check->guilty == VBLK_DEVICE && o->opt.spare_device))
        return false;
    if (o->opt.late && !late_decides(check))
        return false;
    return sees(o, check->sees) && vblk_clause_in_profile(vblk_clause_at(check->clause), &o->opt.profile);
}

/* What a moment shows of a rule that binds both is the device's doing. */
#define SHOWS_DEVICE                                                                                                   \
    (AT(REG_READ) | AT(CONFIG_READ) | AT(CONFIG_NOTIFY) | AT(USED_NOTIFY) | AT(USED) | AT(USED_BAD) | AT(USED_IDX) |    \
     AT(STRAY) | AT(RESET) | AT(BACK))

static bool spared(const struct vblk_oracle *o, const struct check *check, unsigned m)
{
    return o->opt.spare_device && check->guilty == VBLK_NOBODY && (SHOWS_DEVICE >> m & 1) != 0;
}

bool dispatch_late(const struct vblk_clause *clause)
{
    for (const struct check *const *at = all_checks; *at != NULL; at++)
        if (vblk_clause_at((*at)->clause) == clause && late_decides(*at))
            return true;
    return false;
}

static void file_by_party(struct check_list lists[2][PLACE_COUNT], const struct check *check, unsigned place,
                          enum moment m)
{
    for (unsigned party = VBLK_DRIVER; party <= VBLK_DEVICE; party++)
        if (check->guilty == party || check->guilty == VBLK_NOBODY)
            file_check(&lists[party][place], check, m);
}

static void file_under(struct vblk_oracle *o, const struct check *check, enum moment m)
{
    if (by_place(m)) {
        for (unsigned place = 0; place < PLACE_COUNT; place++)
            if (check->places == 0 || (check->places >> place & 1) != 0)
                file_by_party(o->lists.by_place[m - AT_STORE], check, place, m);
    } else if (by_type(m)) {
        for (unsigned type = 0; type < TY_COUNT; type++)
            if ((check->types >> type & 1) != 0)
                file_check(&o->lists.by_type[type_list(m)][type], check, m);
    } else {
        file_check(&o->lists.by_moment[m], check, m);
    }
}

static void file_all(struct vblk_oracle *o)
{
    for (const struct check *const *at = all_checks; *at != NULL; at++) {
        if (!wanted(o, *at))
            continue;
        for (uint64_t left = (*at)->moments; left != 0; left &= left - 1) {
            const unsigned m = (unsigned)__builtin_ctzll(left);
            if (!spared(o, *at, m))
                file_under(o, *at, (enum moment)m);
        }
    }
}

static size_t room_for(struct known *k, const struct vblk_oracle *o, size_t at, size_t count)
{
    k->held = o->held_room + at;
    k->choice = o->choice_room + at;
    return count;
}

/* Give each list its room, for as many as were counted. */
static bool make_room(struct vblk_oracle *o)
{
    struct check_list *list = &o->lists.by_moment[0];
    size_t all = 0, known = 0;

    for (unsigned i = 0; i < LISTS; i++) {
        all += list[i].count + list[i].asked_count;
        known += list[i].count - list[i].asked_count;
    }
    o->listed = calloc(all + 1, sizeof(*o->listed));
    o->held_room = calloc((1 + SIGNS_BEFORE) * known + 1, sizeof(*o->held_room));
    o->choice_room = calloc((1 + SIGNS_BEFORE) * known + 1, sizeof(*o->choice_room));
    if (o->listed == NULL || o->held_room == NULL || o->choice_room == NULL)
        return false;
    all = known = 0;
    for (unsigned i = 0; i < LISTS; i++) {
        list[i].check = o->listed + all;
        list[i].asked = list[i].check + list[i].count;
        all += list[i].count + list[i].asked_count;
        known += room_for(&list[i].known, o, known, list[i].count - (size_t)list[i].asked_count);
        for (unsigned k = 0; k < SIGNS_BEFORE; k++)
            known += room_for(&list[i].before[k], o, known, list[i].count - (size_t)list[i].asked_count);
        list[i].count = list[i].asked_count = 0;
    }
    return true;
}

bool dispatch_build(struct vblk_oracle *o)
{
    _Static_assert(sizeof(o->lists) == LISTS * sizeof(struct check_list), "the lists lie one after the other");
    file_all(o);
    if (!make_room(o))
        return false;
    file_all(o);
    return true;
}

void dispatch_free(struct vblk_oracle *o)
{
    free(o->choice_room);
    free(o->held_room);
    free(o->listed);
}

/* ---- outcomes ---- */

/*
 * Rules whose letter deployed peers break on purpose: under interop they are doubts. Only where the check itself says
 * that what it saw is the deployed practice (why->relaxable).
 */
static const struct relaxation {
    vblk_clause_no clause;
    const char *reason;
} relaxations[] = {
    { VBLK_C_RING_SPLIT_DEV_06, "devices report the whole writable length for a request that failed (AMB-14)" },
    { VBLK_C_RING_PACKED_14, "devices leave WRITE clear in used descriptors, drivers read the length all the same" },
    { VBLK_C_RING_PACKED_15, "devices report the whole writable length for a request that failed (AMB-14)" },
    { VBLK_C_PROV_DEV_03, "devices look at ranges and limits before flags (AMB-03)" },
    { VBLK_C_SAFE_DEV_04, "vhost-user back-ends hang up on a malformed ring: without STATUS they have no other word for it" },
    { VBLK_C_BLK_OP_15, "QEMU's devices store the string and one NUL; drivers read no further" },
};

static bool relaxed(const struct vblk_oracle *o, const struct check *check, const struct why *why)
{
    if (o->opt.strictness == VBLK_STRICT || !why->relaxable)
        return false;
    for (size_t i = 0; i < sizeof(relaxations) / sizeof(relaxations[0]); i++)
        if (relaxations[i].clause == check->clause)
            return true;
    return false;
}

static uint16_t index_of(const struct look *look)
{
    if (look->chain != NULL)
        return look->chain->head;
    if (look->answer != NULL)
        return (uint16_t)(look->answer->id < 0xffff ? look->answer->id : 0xffff);
    return 0xffff;
}

/* A clause that binds both sides leaves it to the evidence. */
static uint8_t guilty_of(const struct check *check, const struct look *look, const struct why *why)
{
    if (check->guilty != VBLK_NOBODY)
        return check->guilty;
    return why->driver_did_it || (look->place_known && look->party == VBLK_DRIVER) ? VBLK_DRIVER : VBLK_DEVICE;
}

static void keep_violation(struct vblk_oracle *o, const struct check *check, const struct look *look,
                           const struct why *why, enum vblk_severity severity)
{
    const struct vblk_tally *tally = &o->tally[check->clause];
    if (o->violation_count >= VBLK_VIOLATIONS_MAX || tally->broken + tally->doubted > VBLK_VIOLATIONS_OF_ONE)
        return;
    struct vblk_violation *v = &o->violation[o->violation_count++];
    memset(v, 0, sizeof(*v));
    v->clause = check->clause;
    v->severity = (uint8_t)severity;
    v->guilty = guilty_of(check, look, why);
    v->reading = why->reading;
    v->queue = look->q != NULL ? look->q->no : look->ev != NULL ? look->ev->queue : 0;
    v->index = index_of(look);
    v->address = why->address;
    v->has_address = why->has_address;
    v->byte_count = why->byte_count;
    memcpy(v->bytes, why->bytes, why->byte_count);
    snprintf(v->message, sizeof(v->message), "%s", vblk_clause_at(check->clause)->summary);
    snprintf(v->expected, sizeof(v->expected), "%s", why->expected);
    snprintf(v->seen, sizeof(v->seen), "%s", why->seen);
}

static void choose(struct vblk_oracle *o, const struct check *check, const struct why *why)
{
    o->choices[check->clause] = why->choice;
    o->chosen[check->clause] = ++o->stamp;
}

static void count_outcome(struct vblk_oracle *o, const struct check *check, const struct look *look, struct why *why,
                          enum outcome outcome)
{
    struct vblk_tally *tally = &o->tally[check->clause];
    bool bad = outcome == BROKEN || outcome == DOUBTED;
    o->distrusted |= outcome == BROKEN && guilty_of(check, look, why) == VBLK_DEVICE;
    if (bad && guilty_of(check, look, why) == VBLK_DRIVER ? !o->opt.judge_driver : bad && o->opt.spare_device)
        return;
    if (why->reading != 0)
        tally->reading = why->reading;
    if (outcome == HELD) {
        tally->held++;
    } else if (outcome == NOTED) {
        tally->noted++;
        choose(o, check, why);
    } else if (outcome == DOUBTED || relaxed(o, check, why)) {
        const uint32_t kept = o->violation_count;
        tally->doubted++;
        keep_violation(o, check, look, why, VBLK_DOUBT);
        if (outcome == BROKEN && o->violation_count > kept)
            o->violation[kept].relaxed = true;
    } else {
        tally->broken++;
        keep_violation(o, check, look, why, VBLK_BROKEN_RULE);
    }
}

/* Everything but a rule that simply held. Leaves @why ready for the next check. */
static void settle(struct vblk_oracle *o, const struct check *check, const struct look *look, struct why *why,
                   enum outcome outcome)
{
    if (outcome == NOTED && why->reading == 0) {
        o->tally[check->clause].noted++;
        choose(o, check, why);
        return;
    }
    count_outcome(o, check, look, why, outcome);
    why->reading = 0;
    why->driver_did_it = false;
}

static inline void settle_any(struct vblk_oracle *o, const struct check *check, const struct look *look,
                              struct why *why, enum outcome outcome)
{
    if (outcome == HELD && why->reading == 0)
        o->held[check->clause]++;
    else if (outcome != UNTOUCHED)
        settle(o, check, look, why, outcome);
}

static void ask(struct vblk_oracle *o, const struct check *const *checks, unsigned count, const struct look *look)
{
    struct why why;

    o->checks_run += count;
    why.reading = 0;
    why.driver_did_it = false;
    for (unsigned i = 0; i < count; i++)
        settle_any(o, checks[i], look, &why, checks[i]->run(look, &why));
}

/* Ask all, and keep what will be the same at the next moment of this sign. */
static void ask_and_learn(struct vblk_oracle *o, struct check_list *list, const struct look *look,
                          const struct sign *sign)
{
    struct known *k = &list->known;
    unsigned asked = 0;
    bool known = true;
    struct why why;

    o->checks_run += list->count;
    repeat_count_list(o, list);
    why.reading = 0;
    why.driver_did_it = false;
    k->held_count = k->choice_count = 0;
    for (unsigned i = 0; i < list->count; i++) {
        const struct check *check = list->check[i];
        enum outcome outcome = check->run(look, &why);
        known = known && repeat_learn(o, list, check, outcome, &why, &asked);
        settle_any(o, check, look, &why, outcome);
    }
    k->sign = *sign;
    if (!known)
        k->sign.settings = 0;
    k->plain_for = list->asked_count == 0 && k->choice_count == 0 ? k->sign.settings : 0;
}

/* One of those before becomes the latest: that with the sign, or else the oldest. */
static void turn_over(struct check_list *list, const struct sign *sign)
{
    const struct known known = list->known;
    unsigned k = 0;

    while (k < SIGNS_BEFORE - 1 && !same_sign(&list->before[k].sign, sign))
        k++;
    list->known = list->before[k];
    for (; k > 0; k--)
        list->before[k] = list->before[k - 1];
    list->before[0] = known;
}

/* @return the latest sign was another. */
static bool judge_sign(struct vblk_oracle *o, struct check_list *list, const struct look *look, const struct sign *sign)
{
    const bool other = !same_sign(&list->known.sign, sign);

    if (other)
        turn_over(list, sign);
    if (!same_sign(&list->known.sign, sign)) {
        ask_and_learn(o, list, look, sign);
        return other;
    }
    repeat_known(o, list, look);
    if (list->asked_count > 0)
        ask(o, list->asked, list->asked_count, look);
    return other;
}

/* Whoever captured it did not have to think of it. */
static void find_shape(struct vblk_oracle *o, const struct chain *chain)
{
    struct chain *c = (struct chain *)(uintptr_t)chain;

    c->shape = shape_of(&o->queues[c->queue], c);
}

static bool memory_gone(const struct vblk_oracle *o)
{
    return o->opt.memory_gone != NULL && *o->opt.memory_gone != 0;
}

void judge_chain(struct vblk_oracle *o, enum moment moment, struct look *look)
{
    const unsigned type = look->chain != NULL ? look->chain->req.slot : TY_NONE;
    struct check_list *list = &o->lists.by_type[type_list(moment)][type];
    struct sign sign;

    look->o = o;
    if (memory_gone(o))
        return;
    if (look->chain != NULL && look->chain->shape == 0)
        find_shape(o, look->chain);
    if (moment != AT_QUIET && sign_of_chain(look, &sign))
        judge_sign(o, list, look, &sign);
    else
        ask(o, list->check, list->count, look);
}

void judge_place(struct vblk_oracle *o, struct check_list *list, struct look *look)
{
    const struct sign sign = sign_of_access(o, look->q);

    look->o = o;
    if (memory_gone(o))
        return;
    if (plain_access(look))
        o->learned += judge_sign(o, list, look, &sign);
    else
        ask(o, list->check, list->count, look);
}

void judge_moment(struct vblk_oracle *o, enum moment moment, struct look *look)
{
    struct check_list *list = &o->lists.by_moment[moment];
    struct sign sign;

    if (by_type(moment)) {
        judge_chain(o, moment, look);
        return;
    }
    if (by_place(moment)) {
        judge_access(o, moment, look);
        return;
    }
    look->o = o;
    if (memory_gone(o))
        return;
    if (moment == AT_USED_IDX && sign_of_used_idx(look, &sign))
        judge_sign(o, list, look, &sign);
    else
        ask(o, list->check, list->count, look);
}

static void put_text(char *to, const char *format, va_list args)
{
    vsnprintf(to, VBLK_WHY_TEXT, format, args);
}

/* A why is only clean from reading on when an outcome needs it: most checks hold and never look at it. */
static void clean(struct why *why)
{
    why->relaxable = why->driver_did_it = false;
    why->has_address = false;
    why->byte_count = 0;
    why->address = 0;
    why->expected[0] = why->seen[0] = '\0';
}

enum outcome broken(struct why *why, const char *expected, const char *seen, ...)
{
    va_list args;
    clean(why);
    va_start(args, seen);
    put_text(why->seen, seen, args);
    va_end(args);
    snprintf(why->expected, sizeof(why->expected), "%s", expected);
    return BROKEN;
}

enum outcome doubted(struct why *why, const char *expected, const char *seen, ...)
{
    va_list args;
    clean(why);
    va_start(args, seen);
    put_text(why->seen, seen, args);
    va_end(args);
    snprintf(why->expected, sizeof(why->expected), "%s", expected);
    return DOUBTED;
}

enum outcome by_reading(struct why *why, int amb, enum outcome outcome)
{
    why->reading = (uint8_t)(amb + 1);
    return outcome;
}

enum outcome blame_driver(struct why *why, enum outcome outcome)
{
    why->driver_did_it = true;
    return outcome;
}

enum outcome deployed(struct why *why, enum outcome outcome)
{
    why->relaxable = true;
    return outcome;
}

void point_at(struct why *why, uint64_t address)
{
    why->has_address = true;
    why->address = address;
}

void show_bytes(struct why *why, const void *bytes, size_t len)
{
    why->byte_count = (uint8_t)(len < sizeof(why->bytes) ? len : sizeof(why->bytes));
    memcpy(why->bytes, bytes, why->byte_count);
}

uint64_t vblk_oracle_checks_run(const struct vblk_oracle *oracle)
{
    repeat_count((struct vblk_oracle *)(uintptr_t)oracle);
    return oracle->checks_run;
}
