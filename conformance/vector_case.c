/* SPDX-License-Identifier: BSD-3-Clause */
/* Cases: their members, what they ask of a target, their sweeps. */
#include "vector_read.h"

#include <vblk/oracle.h>

#include <string.h>

#define SWEEPS_MAX (VECTOR_VARIABLES_MAX - 2) /* i and round */

struct case_reading {
    struct vector_case *c;
    bool has_expect, has_changes, has_needs, has_device, has_transport, has_puppet, has_also, has_exercises;
};

json_t *vector_case_member(const struct vector_file *file, size_t i, const char *name, struct vector_case_path *path)
{
    path->root = (struct vector_path){ NULL, "cases", 0 };
    path->index = (struct vector_path){ &path->root, NULL, i };
    path->member = (struct vector_path){ &path->index, name, 0 };
    return json_object_get(json_array_get(json_object_get(file->root, "cases"), i), name);
}

/* Lists of strings. */
struct strings {
    const char **out;
    size_t *count, max;
};

static bool read_strings(struct vector_reader *r, const struct vector_path *at, const json_t *value, struct strings to)
{
    size_t i;
    json_t *child;

    *to.count = 0;
    if (!json_is_array(value))
        return vector_fail(r, at, "a list is due here");
    json_array_foreach(value, i, child) {
        struct vector_path here = { at, NULL, i };

        if (i == to.max)
            return vector_fail(r, &here, "more than %zu", to.max);
        if (!vector_read_text(r, &here, child, &to.out[i]))
            return false;
        *to.count = i + 1;
    }
    return true;
}

static bool all_clauses(struct vector_reader *r, const struct vector_path *at, struct strings list)
{
    for (size_t i = 0; i < *list.count; i++) {
        if (vblk_clause_find(list.out[i]) == VBLK_NO_CLAUSE)
            return vector_fail(r, &(struct vector_path){ at, NULL, i }, "no clause \"%.40s\" in the table",
                               list.out[i]);
    }
    return true;
}

static VECTOR_READER(read_also)
{
    struct vector_case *c = ((struct case_reading *)into)->c;
    struct strings list = { c->also, &c->also_count, VECTOR_CLAUSES_MAX };

    (void)m;
    return read_strings(r, at, value, list) && all_clauses(r, at, list);
}

static VECTOR_READER(read_exercises)
{
    struct vector_case *c = ((struct case_reading *)into)->c;
    struct strings list = { c->exercises, &c->exercises_count, VECTOR_CLAUSES_MAX };

    (void)m;
    return read_strings(r, at, value, list) && all_clauses(r, at, list);
}

static VECTOR_READER(read_flags)
{
    static const char *const known[] = { "must",   "should",   "may",       "over-strict", "legacy",
                                         "security", "lie",    "durability", "boundary",    "concurrency" };
    struct vector_case *c = ((struct case_reading *)into)->c;

    (void)m;
    if (!read_strings(r, at, value, (struct strings){ c->flags, &c->flag_count, 8 }))
        return false;
    for (size_t i = 0; i < c->flag_count; i++) {
        bool found = false;

        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
            found = found || strcmp(known[k], c->flags[i]) == 0;
        if (!found)
            return vector_fail(r, &(struct vector_path){ at, NULL, i }, "unknown flag \"%.40s\"", c->flags[i]);
    }
    return true;
}

static VECTOR_READER(read_profiles)
{
    size_t i;
    json_t *child;

    (void)m, (void)into;
    if (!json_is_array(value) || !json_array_size(value))
        return vector_fail(r, at, "a list of profiles is due here");
    json_array_foreach(value, i, child) {
        if (!json_is_string(child) || !vblk_profile_find(json_string_value(child)))
            return vector_fail(r, &(struct vector_path){ at, NULL, i }, "no such profile");
    }
    return true;
}

/* Into the case itself: the tables' offsets are those of struct vector_case. */
static VECTOR_READER(read_case_string)
{
    return vector_read_string(r, at, value, m, ((struct case_reading *)into)->c);
}

static VECTOR_READER(read_case_bool)
{
    return vector_read_bool(r, at, value, m, ((struct case_reading *)into)->c);
}

static const struct vector_word kind_words[] = {
    { "target", VECTOR_TARGET }, { "events", VECTOR_EVENTS }, { NULL, 0 },
};
static const struct vector_word transport_words[] = {
    { "mmio", VBLK_TRANSPORT_MMIO }, { "pci", VBLK_TRANSPORT_PCI }, { NULL, 0 },
};
static const struct vector_word expect_words[] = {
    { "held", VECTOR_HELD }, { "broken", VECTOR_BROKEN }, { "doubted", VECTOR_DOUBTED }, { "noted", VECTOR_NOTED },
    { NULL, 0 },
};

static bool find_word(struct vector_reader *r, const struct vector_path *at, json_t *value,
                      const struct vector_word *words, uint64_t *out)
{
    const struct vector_member m = { .width = 8, .more = words };

    return vector_read_word(r, at, value, &m, out);
}

static VECTOR_READER(read_kind)
{
    uint64_t word = 0;

    if (!find_word(r, at, value, m->more, &word))
        return false;
    ((struct case_reading *)into)->c->kind = (enum vector_kind)word;
    return true;
}

static VECTOR_READER(read_transport)
{
    uint64_t word = 0;

    if (!find_word(r, at, value, m->more, &word))
        return false;
    ((struct case_reading *)into)->c->transport = (uint8_t)word;
    return true;
}

static VECTOR_READER(read_expect)
{
    uint64_t word = 0;

    if (!find_word(r, at, value, m->more, &word))
        return false;
    ((struct case_reading *)into)->c->expect = (enum vector_expectation)word;
    return true;
}

#define CASE(field) offsetof(struct vector_case, field)
#define HAS(field)  offsetof(struct case_reading, field)
#define LATER(name, given) { name, vector_read_any, 0, given, 0, false, NULL }
static const struct vector_member case_members[] = {
    { "name", read_case_string, CASE(name), 0, 0, true, NULL },
    { "kind", read_kind, 0, 0, 0, true, kind_words },
    { "expect", read_expect, 0, HAS(has_expect), 0, false, expect_words },
    { "what", read_case_string, CASE(what), 0, 0, true, NULL },
    { "transport", read_transport, 0, HAS(has_transport), 0, false, transport_words },
    { "consequence", read_case_string, CASE(consequence), 0, 0, false, NULL },
    { "flags", read_flags, 0, 0, 0, false, NULL },
    { "also", read_also, 0, HAS(has_also), 0, false, NULL },
    { "exercises", read_exercises, 0, HAS(has_exercises), 0, false, NULL },
    { "changes_disk", read_case_bool, CASE(changes_disk), HAS(has_changes), 0, false, NULL },
    { "long_run", read_case_bool, CASE(long_run), 0, 0, false, NULL },
    { "profiles", read_profiles, 0, 0, 0, false, NULL },
    LATER("needs", HAS(has_needs)),
    LATER("device", HAS(has_device)),
    LATER("puppet", HAS(has_puppet)),
    LATER("negotiate", 0),
    LATER("queue_size", 0),
    LATER("queues", 0),
    LATER("sweep", 0),
    { "steps", vector_read_any, 0, 0, 0, true, NULL },
    { NULL, NULL, 0, 0, 0, false, NULL },
};

/* "needs" and "negotiate" */
struct demand_reading {
    struct vector_demands *d;
    uint32_t host;
};

static const struct vector_word host_words[] = {
    { "resize", VBLK_HOST_RESIZE },           { "fail-sectors", VBLK_HOST_FAIL_SECTORS },
    { "pool", VBLK_HOST_POOL },               { "power-cut", VBLK_HOST_POWER_CUT },
    { "needs-reset", VBLK_HOST_NEEDS_RESET }, { "set-config", VBLK_HOST_SET_CONFIG },
    { "hold", VBLK_HOST_HOLD },               { "reverse", VBLK_HOST_REVERSE },
    { NULL, 0 },
};

static VECTOR_READER(read_host)
{
    struct demand_reading *d = into;
    uint64_t action = 0;
    size_t i;
    json_t *child;

    (void)m;
    if (!json_is_array(value))
        return vector_fail(r, at, "a list of the host's actions is due here");
    json_array_foreach(value, i, child) {
        if (!find_word(r, &(struct vector_path){ at, NULL, i }, child, host_words, &action))
            return false;
        d->host |= 1u << action;
    }
    return true;
}

static VECTOR_READER(read_demand)
{
    struct vector_demands *d = ((struct demand_reading *)into)->d;

    return vector_read_feature_set(r, at, value, (uint64_t *)(void *)((unsigned char *)d + m->offset));
}

/* Conditions are only checked here; vector_applies() asks them. */
static VECTOR_READER(read_conditions)
{
    uint64_t truth;
    size_t i;
    json_t *child;

    (void)m, (void)into;
    if (!json_is_array(value))
        return vector_fail(r, at, "a list of conditions is due here");
    json_array_foreach(value, i, child) {
        struct vector_path here = { at, NULL, i };

        if (!json_is_string(child))
            return vector_fail(r, &here, "a condition is a string with an expression");
        if (r->checking && !vector_read_value(r, &here, child, 8, &truth, NULL))
            return false;
    }
    return true;
}

#define DEMAND(field) offsetof(struct vector_demands, field)
static const struct vector_member needs_members[] = {
    { "features", read_demand, DEMAND(features), 0, 0, false, NULL },
    { "lacks", read_demand, DEMAND(lacks), 0, 0, false, NULL },
    { "config", read_conditions, 0, 0, 0, false, NULL },
    { "host", read_host, 0, 0, 0, false, NULL },
    { NULL, NULL, 0, 0, 0, false, NULL },
};
static const struct vector_member negotiate_members[] = {
    { "only", read_demand, DEMAND(only), 0, 0, false, NULL },
    { "without", read_demand, DEMAND(without), 0, 0, false, NULL },
    { NULL, NULL, 0, 0, 0, false, NULL },
};

static bool read_demands(struct vector_reader *r, size_t i, struct demand_reading *d)
{
    struct vector_case_path path;
    json_t *needs = vector_case_member(r->file, i, "needs", &path);
    json_t *negotiate;

    if (needs && !vector_read_object(r, &path.member, needs, needs_members, d))
        return false;
    negotiate = vector_case_member(r->file, i, "negotiate", &path);
    if (negotiate && !vector_read_object(r, &path.member, negotiate, negotiate_members, d))
        return false;
    d->d->has_only = json_object_get(negotiate, "only") != NULL;
    if (d->d->has_only && json_object_get(negotiate, "without"))
        return vector_fail(r, &path.member, "\"only\" and \"without\" exclude each other");
    return true;
}

bool vector_read_demands(struct vector_reader *r, size_t i, struct vector_demands *out)
{
    struct demand_reading d = { out, 0 };

    *out = (struct vector_demands){ 0 };
    return read_demands(r, i, &d);
}

bool vector_read_queues(struct vector_reader *r, size_t i, uint16_t *size, uint16_t *count)
{
    struct vector_case_path path;
    uint64_t number = 0;
    json_t *value = vector_case_member(r->file, i, "queue_size", &path);

    if (value && !vector_read_value(r, &path.member, value, 2, &number, NULL))
        return false;
    *size = (uint16_t)number;
    number = 0;
    value = vector_case_member(r->file, i, "queues", &path);
    if (value && !vector_read_value(r, &path.member, value, 2, &number, NULL))
        return false;
    *count = (uint16_t)number;
    return true;
}

/* One dimension of a sweep: a list of values, or "first..last". */
struct dimension {
    uint64_t count, first;
    bool known;
};

static bool read_bound(struct vector_reader *r, const struct vector_path *at, const char *text, size_t length,
                       uint64_t *out, bool *known)
{
    json_t *bound = json_stringn(text, length);
    bool fine = bound && vector_read_value(r, at, bound, 8, out, known);

    json_decref(bound);
    return fine;
}

static bool read_range(struct vector_reader *r, const struct vector_path *at, const char *text, struct dimension *d)
{
    const char *dots = strstr(text, "..");
    bool first_known = true, last_known = true;
    uint64_t last = 0;

    if (!dots)
        return vector_fail(r, at, "a list, or a range \"first..last\", is due here");
    if (!read_bound(r, at, text, (size_t)(dots - text), &d->first, &first_known))
        return false;
    if (!read_bound(r, at, dots + 2, strlen(dots + 2), &last, &last_known)) {
        if (r->file)
            r->at = vector_text_find(r->file->text, r->file->length, at, false);
        return false;
    }
    d->known = first_known && last_known;
    if (d->known && last < d->first && r->checking)
        return vector_fail(r, at, "the range is empty");
    if (d->known && last < d->first)
        d->count = 0; /* on this target */
    else
        d->count = d->known && last - d->first < UINT64_MAX ? last - d->first + 1 : UINT64_MAX;
    return true;
}

static bool read_dimension(struct vector_reader *r, const struct vector_path *at, const json_t *value,
                           struct dimension *d)
{
    uint64_t number;
    size_t i;
    json_t *child;

    *d = (struct dimension){ .known = true };
    if (json_is_string(value))
        return read_range(r, at, json_string_value(value), d);
    if (!json_is_array(value) || !json_array_size(value))
        return vector_fail(r, at, "a list, or a range \"first..last\", is due here");
    d->count = json_array_size(value);
    json_array_foreach(value, i, child) {
        if (r->checking && !vector_read_value(r, &(struct vector_path){ at, NULL, i }, child, 8, &number, NULL))
            return false;
    }
    return true;
}

static bool may_be_variable(struct vector_reader *r, const struct vector_path *at, const char *key)
{
    if (!vector_is_name(key, VBLK_STEP_NAME - 1) || strchr(key, '-'))
        return vector_fail_key(r, at, "a variable is a letter and up to 30 letters, digits and '_'");
    if (vector_name_taken(key))
        return vector_fail_key(r, at, "\"%s\" means something already", key);
    if (r->scope.variable_count == SWEEPS_MAX)
        return vector_fail_key(r, at, "more than %d variables", SWEEPS_MAX);
    return true;
}

static uint64_t times(uint64_t total, uint64_t count)
{
    if (!total || !count)
        return 0;
    return total > VECTOR_SWEEP_MAX || count > VECTOR_SWEEP_MAX / total ? VECTOR_SWEEP_MAX + 1 : total * count;
}

/* The last variable turns fastest. */
bool vector_sweep(struct vector_reader *r, size_t i, uint64_t n, uint64_t *total)
{
    struct vector_variable *v = r->scope.variable;
    struct vector_case_path path;
    json_t *sweep = vector_case_member(r->file, i, "sweep", &path), *value;
    struct dimension d[SWEEPS_MAX];
    size_t count = 0;
    const char *key;
    bool known = true;

    *total = 1;
    if (!sweep)
        return true;
    if (!json_is_object(sweep) || !json_object_size(sweep))
        return vector_fail(r, &path.member, "an object of variables is due here");
    json_object_foreach(sweep, key, value) {
        struct vector_path here = { &path.member, key, 0 };

        r->scope.variable_count = count;
        if (!may_be_variable(r, &here, key))
            return false;
        r->scope.variable_count = 0; /* values depend on the target alone */
        if (!read_dimension(r, &here, value, &d[count]))
            return false;
        known = known && d[count].known;
        *total = times(*total, d[count].count);
        v[count++] = (struct vector_variable){ .name = key };
    }
    if (known && *total > VECTOR_SWEEP_MAX)
        return vector_fail(r, &path.member, "more than %u variations", VECTOR_SWEEP_MAX);
    if (*total > VECTOR_SWEEP_MAX)
        *total = VECTOR_SWEEP_MAX;
    for (size_t k = count; k-- && !r->checking && n < *total; n /= d[k].count) {
        struct vector_path here = { &path.member, v[k].name, 0 };
        struct vector_path element = { &here, NULL, (size_t)(n % d[k].count) };

        value = json_object_get(sweep, v[k].name);
        v[k].value = d[k].first + n % d[k].count;
        if (json_is_array(value) &&
            !vector_read_value(r, &element, json_array_get(value, element.index), 8, &v[k].value, NULL))
            return false;
    }
    for (size_t k = 0; k < count; k++)
        v[k].known = !r->checking;
    r->scope.variable_count = count;
    return true;
}

/* Members that belong to one kind only. */
static bool check_kind(struct vector_reader *r, const struct vector_path *at, const struct case_reading *c)
{
    bool events = c->c->kind == VECTOR_EVENTS;

    if (events && !c->has_expect)
        return vector_fail(r, at, "a case of events says what to \"expect\": held, broken, doubted or noted");
    if (events && (c->has_needs || c->has_device || c->has_exercises || c->has_changes))
        return vector_fail(r, at, "\"needs\", \"device\", \"exercises\" and \"changes_disk\" are about a target");
    if (!events && (c->has_expect || c->has_puppet || c->has_also || c->has_transport))
        return vector_fail(r, at, "\"expect\", \"also\", \"transport\" and \"puppet\" belong into cases of kind \"events\"");
    return true;
}

static bool check_name(struct vector_reader *r, const struct vector_path *at, size_t i)
{
    const char *name = r->file->cases[i].name;

    if (!vector_is_name(name, 63) || strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))
        return vector_fail(r, at, "a case's name is lower-case words with hyphens, at most 63 bytes");
    for (size_t k = 0; k < i; k++) {
        if (strcmp(r->file->cases[k].name, name) == 0)
            return vector_fail(r, at, "\"%s\" is the name of an earlier case", name);
    }
    return true;
}

static bool check_setup(struct vector_reader *r, size_t i)
{
    struct vblk_device_options options = { .profile = *vblk_profile_default() };
    struct vblk_puppet puppet = { 0 };
    struct vector_case_path path;
    json_t *device = vector_case_member(r->file, i, "device", &path);
    json_t *shown;

    if (device && !vector_read_device(r, &path.member, device, &options))
        return false;
    shown = vector_case_member(r->file, i, "puppet", &path);
    return !shown || vector_read_puppet(r, &path.member, shown, &puppet);
}

/* A case that is not about one format is played on each. One that says itself which features it accepts has its own. */
static uint8_t rings_of(const struct vector_case *c, const struct vector_demands *d, const struct vector_steps *steps)
{
    const uint64_t packed = VBLK_BIT(VBLK_F_RING_PACKED);
    uint8_t rings = VECTOR_RINGS;

    if (((d->features | d->only) & ~d->without & packed) || strcmp(c->area, "ring-packed") == 0)
        return VECTOR_PACKED;
    if (((d->lacks | d->without) & packed) || d->has_only || steps->own_features)
        rings = VECTOR_SPLIT;
    if (steps->split || strcmp(c->area, "ring-split") == 0)
        rings = VECTOR_SPLIT;
    return rings;
}

static bool check_steps(struct vector_reader *r, size_t i, const struct vector_demands *demands, bool says_changes)
{
    struct vector_case *c = &r->file->cases[i];
    struct vector_case_path path;
    json_t *value = vector_case_member(r->file, i, "steps", &path);
    struct vector_steps steps;

    if (!vector_read_steps(r, &path.member, value, c->kind, &steps))
        return false;
    c->host_actions |= steps.host_actions;
    c->rings = rings_of(c, demands, &steps);
    if (steps.writes && c->kind == VECTOR_TARGET && !says_changes)
        return vector_fail(r, &path.index, "the steps may write: say whether the case changes_disk");
    return true;
}

bool vector_check_case(struct vector_reader *r, size_t i)
{
    struct vector_case *c = &r->file->cases[i];
    struct case_reading reading = { .c = c };
    struct vector_demands demands = { 0 };
    struct demand_reading d = { &demands, 0 };
    struct vector_case_path path;
    json_t *value = json_array_get(json_object_get(r->file->root, "cases"), i);
    uint64_t variations;
    uint16_t size, count;

    (void)vector_case_member(r->file, i, "name", &path);
    r->scope.variable_count = 0;
    if (!vector_read_object(r, &path.index, value, case_members, &reading) || !check_name(r, &path.member, i) ||
        !check_kind(r, &path.index, &reading) || !check_setup(r, i) || !read_demands(r, i, &d) ||
        !vector_read_queues(r, i, &size, &count) || !vector_sweep(r, i, 0, &variations))
        return false;
    c->host_actions |= d.host;
    c->sweep = (size_t)variations;
    return check_steps(r, i, &demands, reading.has_changes);
}
