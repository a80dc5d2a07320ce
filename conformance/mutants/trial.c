/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "trial.h"

static const char *const result_names[TRIAL_RESULTS] = {
    [TRIAL_NOT_RUN] = "not-run",   [TRIAL_KILLED] = "killed", [TRIAL_MISATTRIBUTED] = "misattributed",
    [TRIAL_SURVIVED] = "survived", [TRIAL_UNSEEN] = "unseen",     [TRIAL_IDLE] = "idle",
};

const char *trial_result_name(enum trial_result result)
{
    return result_names[result];
}

bool trial_is_meant(const struct mutant *mutant, bool snapshot, const char *id)
{
    bool meant = strcmp(mutant->clause, id) == 0;

    for (size_t i = 0; i < MUTANT_SYNONYMS && mutant->synonyms[i] != NULL; i++)
        meant = meant || strcmp(mutant->synonyms[i], id) == 0;
    for (size_t i = 0; snapshot && i < MUTANT_BLURRED && mutant->blurred[i] != NULL; i++)
        meant = meant || strcmp(mutant->blurred[i], id) == 0;
    return meant;
}

void trial_add(struct trial *out, vblk_clause_no clause, uint8_t guilty, const char *where, const char *seen)
{
    struct trial_blame *b = out->blame;

    for (unsigned i = 0; i < out->count; i++, b++)
        if (b->clause == clause && b->guilty == guilty) {
            b->times++;
            return;
        }
    if (out->count == TRIAL_BLAMES)
        return;
    out->count++;
    *b = (struct trial_blame){ .clause = clause, .guilty = guilty, .times = 1 };
    (void)snprintf(b->where, sizeof(b->where), "%s", where);
    (void)snprintf(b->seen, sizeof(b->seen), "%s", seen);
}

/* What goes on for seconds is played where a clause needs it, and nowhere else. */
static const char *not_long[] = { "!*/past-65536*" };

/* What of the suite is played; all of it if nothing is said. */
struct part {
    const char *clause, *area;
    bool plain; /* no ring features are offered */
};

static void play(const struct trial_options *options, const struct mutant *mutant, struct part part, struct trial *out)
{
    const struct mutant_device device = mutant_device(mutant);
    struct runner_options run = { .profile = *(mutant->profile ? vblk_profile_find(mutant->profile) : vblk_profile_default()),
                                  .seed = 1, .timeout_ms = 10000, .allow_data_loss = true,
                                  .replay = "vblk test --builtin" };
    struct target_model model = { .profile = run.profile, .behaviour = &device.behaviour, .transport = mutant->transport,
                                  .snapshot = options->snapshot, .options = mutant->options, .options_ctx = mutant,
                                  .ring = part.plain ? 0 : vblk_device_ring_features() };
    struct report *report;
    struct target *target;
    char why[VBLK_WHY_TEXT];

    *out = (struct trial){ .result = TRIAL_NOT_RUN };
    if (mutant->reading != NULL && vblk_readings_set(&run.readings, mutant->reading, why, sizeof(why)) != VBLK_OK)
        return; /* no such reading */
    report = report_new();
    if (part.clause != NULL)
        run.filter.clauses = (struct runner_globs){ &part.clause, 1 };
    else
        run.filter.names = (struct runner_globs){ not_long, 1 };
    if (part.area != NULL)
        run.filter.areas = (struct runner_globs){ &part.area, 1 };
    target = target_builtin(&model);
    *out = (struct trial){ .result = TRIAL_SURVIVED };
    if (target == NULL || runner_run(&run, options->vectors, target, report) != VBLK_OK)
        out->result = TRIAL_NOT_RUN;
    for (size_t i = 0; i < report->clause_count; i++) {
        const struct report_clause *c = &report->clauses[i];

        for (size_t v = 0; v < c->violation_count; v++)
            trial_add(out, (vblk_clause_no)i, VBLK_DEVICE, c->violations[v].name, c->violations[v].seen);
        if (c->violation_count > 0)
            out->blame[out->count - 1].times = (uint32_t)c->broken;
    }
    target_close(target);
    report_free(report);
}

const char *trial_hidden(const struct mutant *mutant, bool snapshot, char *buf, size_t size)
{
    const struct vblk_clause *row = vblk_clause_at(vblk_clause_find(mutant->clause));

    if (!snapshot)
        return NULL;
    if (row->grade <= VBLK_GRADE_SNAPSHOT)
        return mutant->hidden;
    (void)snprintf(buf, size, "its clause takes grade %s", vblk_grade_name((enum vblk_grade)row->grade));
    return buf;
}

/* Blame on the other party than @guilty, which gives @mutant the occasion; VBLK_NOBODY: on either. */
static bool beside(const struct mutant *mutant, const struct trial_blame *b, uint8_t guilty)
{
    const char *id = vblk_clause_at(b->clause)->id;
    const size_t len = strlen(id);

    for (const char *at = mutant->beside; at != NULL && *at != '\0' && b->guilty != guilty; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == len && strncmp(at, id, len) == 0)
            return true;
    return false;
}

/* A clause that says the same is blamed as well, or it does not say the same. */
static bool says_the_same(const struct mutant *mutant, const struct trial *out)
{
    for (size_t s = 0; s < MUTANT_SYNONYMS && mutant->synonyms[s] != NULL; s++) {
        const vblk_clause_no no = vblk_clause_find(mutant->synonyms[s]);
        unsigned i = 0;

        while (i < out->count && out->blame[i].clause != no)
            i++;
        if (i == out->count)
            return false;
    }
    return true;
}

static void judge(const struct mutant *mutant, bool snapshot, struct trial *out)
{
    const vblk_clause_no no = vblk_clause_find(mutant->clause);
    const uint8_t guilty = mutant->driver ? VBLK_DRIVER : VBLK_DEVICE;
    bool killed = false;
    char buf[TRIAL_TEXT];

    if (out->result == TRIAL_NOT_RUN)
        return;
    for (unsigned i = 0; i < out->count; i++) {
        const struct trial_blame *b = &out->blame[i];

        if (beside(mutant, b, guilty))
            continue;
        killed = killed || (b->clause == no && b->guilty == guilty);
        out->astray = out->astray || b->guilty != guilty || !trial_is_meant(mutant, snapshot, vblk_clause_at(b->clause)->id);
    }
    out->astray = out->astray || (killed && mutant->driver && !says_the_same(mutant, out));
    if (out->astray)
        out->result = TRIAL_MISATTRIBUTED;
    else if (killed)
        out->result = TRIAL_KILLED;
    else if (trial_hidden(mutant, snapshot, buf, sizeof(buf)) != NULL)
        out->result = TRIAL_UNSEEN;
    else
        out->result = out->count > 0 ? TRIAL_MISATTRIBUTED : TRIAL_SURVIVED;
}

void trial_control(const struct trial_options *options, const struct mutant *control, struct trial *out)
{
    if (control->driver)
        trial_driver(control, options->snapshot, out);
    else
        play(options, control, (struct part){ .plain = false }, out);
    for (unsigned i = 0; i < out->count && out->result != TRIAL_NOT_RUN; i++)
        if (!beside(control, &out->blame[i], VBLK_NOBODY))
            out->result = TRIAL_MISATTRIBUTED;
}

/* Nobody was blamed, or only for what says the same. */
static bool undecided(const struct trial *trial)
{
    return trial->result != TRIAL_NOT_RUN && trial->result != TRIAL_KILLED && !trial->astray;
}

/* From what is most likely to catch it to what is least: most are caught at once. */
static void try_suite(const struct trial_options *options, const struct mutant *mutant, const char *area,
                      struct trial *out)
{
    const struct part parts[] = {
        { .clause = mutant->clause }, { .clause = mutant->clause, .plain = true },
        { .area = area },             { .area = area, .plain = true },
        { .plain = false },           { .plain = true },
    };
    const size_t count = sizeof(parts) / sizeof(parts[0]), last = options->snapshot && !options->whole ? 4 : count;

    out->result = TRIAL_SURVIVED;
    /* Memory is compared as a whole where stores are not seen: all of the suite takes its time, and adds nothing. */
    for (size_t i = options->whole ? count - 2 : 0; i < last && undecided(out); i++) {
        if (i == 4) { /* before all of it: the reference driver's own work */
            trial_driver(mutant, options->snapshot, out);
            judge(mutant, options->snapshot, out);
            if (!undecided(out) && !options->whole)
                return;
        }
        play(options, mutant, parts[i], out);
        judge(mutant, options->snapshot, out);
    }
}

void trial_mutant(const struct trial_options *options, const struct mutant *mutant, struct trial *out)
{
    const struct vblk_clause *row = vblk_clause_at(vblk_clause_find(mutant->clause));

    *out = (struct trial){ .result = TRIAL_NOT_RUN };
    if (row == NULL)
        return;
    if (mutant->driver) {
        trial_driver(mutant, options->snapshot, out);
        judge(mutant, options->snapshot, out);
        return;
    }
    try_suite(options, mutant, mutant->met != NULL ? mutant->met : row->area, out);
}
