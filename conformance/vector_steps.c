/* SPDX-License-Identifier: BSD-3-Clause */
/* A case's "steps": which verb, which names, and what they become. */
#include "vector_read.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 512

struct walk {
    struct vector_reader *r;
    enum vector_kind kind;
    struct vblk_step *steps; /* grows; copied into the arena at the end */
    size_t count, room;
    struct {
        const char *name;
        uint16_t queue;
        bool request;
    } names[NAMES_MAX];
    size_t name_count;
    bool again; /* a later round of a repeat: names come anew */
    struct vector_steps *out;
};

static bool emit(struct walk *w, const struct vector_path *at, const struct vblk_step *step)
{
    if (w->count == VECTOR_STEPS_MAX)
        return vector_fail(w->r, at, "more than %u steps", VECTOR_STEPS_MAX);
    if (w->count == w->room) {
        size_t room = w->room ? 2 * w->room : 32;
        struct vblk_step *steps = realloc(w->steps, room * sizeof(*steps));

        if (!steps)
            return vector_fail(w->r, at, "no memory");
        w->steps = steps;
        w->room = room;
    }
    w->steps[w->count++] = *step;
    return true;
}

/* A submit that does not wait is its four parts. */
static bool emit_submit(struct walk *w, const struct vector_path *at, struct vblk_step *step)
{
    static const uint8_t parts[] = { VBLK_STEP_REQUEST, VBLK_STEP_AVAILABLE, VBLK_STEP_PUBLISH, VBLK_STEP_KICK };

    step->a = 0;
    step->a_given = false; /* how long to wait is no kick's data */
    for (size_t i = 0; i < sizeof(parts); i++) {
        step->kind = parts[i];
        if (!emit(w, at, step))
            return false;
    }
    return true;
}

static int find_name(const struct walk *w, const char *name)
{
    for (size_t i = 0; i < w->name_count; i++) {
        if (strcmp(w->names[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

static bool declare(struct walk *w, const struct vector_path *at, const char *name, uint16_t queue, bool request)
{
    int found = find_name(w, name);

    if (found >= 0 && !w->again)
        return vector_fail(w->r, at, "\"%s\" is the name of an earlier step", name);
    if (found < 0) {
        if (w->name_count == NAMES_MAX)
            return vector_fail(w->r, at, "more than %d names", NAMES_MAX);
        found = (int)w->name_count++;
    }
    w->names[found].name = name;
    w->names[found].queue = queue;
    w->names[found].request = request;
    return true;
}

/* A reference to an earlier request (or, in an expectation, a read): its queue is the step's, if the step is silent. */
static bool refer(struct walk *w, const struct vector_path *at, const char *name, bool request_only,
                  struct vector_step_reading *reading)
{
    int found = find_name(w, name);

    if (found < 0 || (request_only && !w->names[found].request))
        return vector_fail(w->r, at, "no earlier step makes a request named \"%.40s\"", name);
    if (!reading->queue_given)
        reading->step.queue = w->names[found].queue;
    return true;
}

static bool take_place(struct walk *w, const struct vector_path *at, const json_t *value,
                       struct vector_step_reading *reading)
{
    static const char *const members[] = { "at", "addr", "value" };
    struct vector_path member = { at, members[0], 0 };
    struct vector_path of = { &member, "of", 0 };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (json_is_object(json_object_get(value, members[i])))
            member.key = members[i];
    }
    return refer(w, &of, reading->place_of, true, reading);
}

static bool take_name(struct walk *w, const struct vector_path *at, const struct vector_verb *verb,
                      struct vector_step_reading *reading)
{
    struct vector_path here = { at, verb->dev ? "of" : "name", 0 };
    bool values = verb->kind == VBLK_STEP_EXPECT;

    if (reading->name_given) {
        if (!vector_is_name(reading->name, VBLK_STEP_NAME - 1))
            return vector_fail(w->r, &here, "a name is a letter and up to 30 letters, digits, '-' and '_'");
        if (reading->place_given && strcmp(reading->name, reading->place_of) != 0)
            return vector_fail(w->r, &here, "the step's place is of another request; leave the name out");
        if (reading->place_given)
            return true;
        if (verb->naming == VECTOR_REFERS)
            return refer(w, &here, reading->name, !values, reading);
        return declare(w, &here, reading->name, reading->step.queue, verb->naming == VECTOR_NAMES_REQUEST);
    }
    return true;
}

static void keep_name(struct vector_step_reading *reading)
{
    const char *name = reading->place_given ? reading->place_of : reading->name_given ? reading->name : "";

    memcpy(reading->step.name, name, strlen(name) + 1);
}

static const struct vector_verb *find_verb(const char *word, bool dev)
{
    for (const struct vector_verb *v = vector_verbs; v->word; v++) {
        if (v->dev == dev && strcmp(v->word, word) == 0)
            return v;
    }
    return NULL;
}

/* Which side a step is on may depend on the kind of the case. */
static bool fits_kind(struct walk *w, const struct vector_path *at, const struct vector_verb *verb)
{
    if (verb->dev && w->kind == VECTOR_TARGET)
        return vector_fail(w->r, at, "steps of the device belong into cases of kind \"events\"");
    if (verb->kind == VBLK_STEP_HOST && w->kind == VECTOR_EVENTS)
        return vector_fail(w->r, at, "a puppet has no host; let \"dev\" steps do it");
    if (verb->kind == VBLK_STEP_HOST)
        w->out->host_actions |= 1u << verb->action;
    return true;
}

/* What of a step is no matter of requests alone, so that it can't be played on any ring that happens to be there. */
static void note_ring(struct vector_steps *out, const struct vblk_step *step)
{
    static const bool split[VBLK_STEP_COUNT] = { [VBLK_STEP_DESC] = true,
                                                 [VBLK_STEP_AVAIL_SLOT] = true,
                                                 [VBLK_STEP_AVAIL_IDX] = true,
                                                 [VBLK_STEP_AVAIL_FLAGS] = true };
    const bool memory = step->kind == VBLK_STEP_STORE || step->kind == VBLK_STEP_LOAD;

    out->split = out->split || split[step->kind] ||
                 (memory && step->part >= VBLK_PART_DESC && step->part <= VBLK_PART_USED);
    out->own_features = out->own_features || (step->kind == VBLK_STEP_START && step->a_given) ||
                        (step->kind == VBLK_STEP_REG_WRITE && step->reg == VBLK_REG_DRIVER_FEATURES);
}

static bool read_step(struct walk *w, const struct vector_path *at, json_t *value)
{
    const char *side = json_object_get(value, "dev") ? "dev" : "do", *word = NULL;
    struct vector_step_reading reading = { .wait = w->kind == VECTOR_TARGET };
    struct vector_path here = { at, side, 0 };
    const struct vector_verb *verb;

    if (!json_is_object(value))
        return vector_fail(w->r, at, "a step is an object");
    if (!json_object_get(value, "do") == !json_object_get(value, "dev"))
        return vector_fail(w->r, at, "a step has either \"do\" or \"dev\"");
    if (!vector_read_text(w->r, &here, json_object_get(value, side), &word))
        return false;
    verb = find_verb(word, strcmp(side, "dev") == 0);
    if (!verb)
        return vector_fail(w->r, &here, "unknown verb \"%.40s\"", word);
    reading.step = vblk_step_make((enum vblk_step_kind)verb->kind);
    reading.step.a = verb->a;
    reading.step.a_given = verb->a != 0;
    if (verb->kind == VBLK_STEP_HOST)
        reading.step.reg = verb->action;
    if (!fits_kind(w, &here, verb) || !vector_read_object(w->r, at, value, verb->members, &reading) ||
        (verb->finish && !verb->finish(w->r, at, &reading)) ||
        (reading.place_given && !take_place(w, at, value, &reading)) || !take_name(w, at, verb, &reading))
        return false;
    keep_name(&reading);
    note_ring(w->out, &reading.step);
    if (verb->naming == VECTOR_NAMES_REQUEST)
        w->out->writes = w->out->writes || vector_request_writes(&reading);
    if (verb->kind == VBLK_STEP_SUBMIT && !reading.wait)
        return emit_submit(w, at, &reading.step);
    return emit(w, at, &reading.step);
}

struct repeat {
    uint64_t times;
    const char *word;
    json_t *steps;
};

static const struct vector_member repeat_members[] = {
    { "do", vector_read_string, offsetof(struct repeat, word), 0, 0, true, NULL },
    { "times", vector_read_number, offsetof(struct repeat, times), 0, 8, true, NULL },
    { "note", vector_read_string, offsetof(struct repeat, word), 0, 0, false, NULL },
    { "steps", vector_read_any, 0, 0, 0, true, NULL },
    { NULL, NULL, 0, 0, 0, false, NULL },
};

static bool read_round(struct walk *w, const struct vector_path *at, json_t *steps)
{
    size_t i;
    json_t *step;

    if (!json_is_array(steps) || !json_array_size(steps))
        return vector_fail(w->r, at, "a list of steps is due here");
    json_array_foreach(steps, i, step) {
        if (!read_step(w, &(struct vector_path){ at, NULL, i }, step))
            return false;
    }
    return true;
}

/* The steps within, several times; the variable "round" counts. While checking, once. */
static bool read_repeat(struct walk *w, const struct vector_path *at, json_t *value)
{
    struct vector_scope *scope = &w->r->scope;
    struct vector_path here = { at, "steps", 0 };
    struct repeat repeat = { 0 };
    bool checking = w->r->checking;

    if (!vector_read_object(w->r, at, value, repeat_members, &repeat))
        return false;
    if (repeat.times > VECTOR_STEPS_MAX)
        return vector_fail(w->r, &(struct vector_path){ at, "times", 0 }, "more than %u rounds", VECTOR_STEPS_MAX);
    scope->variable_count++;
    for (uint64_t n = 0; n < (checking ? 1 : repeat.times); n++) {
        scope->variable[scope->variable_count - 1] = (struct vector_variable){ "round", n, !checking };
        w->again = n > 0;
        if (!read_round(w, &here, json_object_get(value, "steps")))
            return false;
    }
    w->again = false;
    scope->variable_count--;
    return true;
}

static bool walk_steps(struct walk *w, const struct vector_path *at, json_t *value)
{
    size_t i;
    json_t *step;

    if (!json_is_array(value) || !json_array_size(value))
        return vector_fail(w->r, at, "a list of steps is due here");
    json_array_foreach(value, i, step) {
        struct vector_path here = { at, NULL, i };
        const char *word = json_string_value(json_object_get(step, "do"));
        bool repeat = word && strcmp(word, "repeat") == 0;

        if (!(repeat ? read_repeat(w, &here, step) : read_step(w, &here, step)))
            return false;
    }
    return true;
}

bool vector_read_steps(struct vector_reader *r, const struct vector_path *at, json_t *value, enum vector_kind kind,
                       struct vector_steps *out)
{
    struct walk *w = calloc(1, sizeof(*w));
    bool fine;

    *out = (struct vector_steps){ 0 };
    if (!w)
        return vector_fail(r, at, "no memory");
    w->r = r;
    w->kind = kind;
    w->out = out;
    fine = walk_steps(w, at, value);
    if (fine && !r->checking) {
        out->steps = vector_arena_get(r->arena, w->count * sizeof(*w->steps));
        fine = out->steps || vector_fail(r, at, "no memory");
        if (fine)
            memcpy(out->steps, w->steps, w->count * sizeof(*w->steps));
    }
    out->count = w->count;
    free(w->steps);
    free(w);
    return fine;
}
