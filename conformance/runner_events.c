/* SPDX-License-Identifier: BSD-3-Clause */
/* Cases of both sides: does the oracle say what the file says it must? */
#include <string.h>

#include "runner.h"

static const char *const expectations[] = { "held", "broken", "doubted", "noted" };

static uint32_t wanted_count(const struct vblk_tally *tally, enum vector_expectation expect)
{
    switch (expect) {
    case VECTOR_HELD:
        return tally->held;
    case VECTOR_BROKEN:
        return tally->broken;
    case VECTOR_DOUBTED:
        return tally->doubted;
    default:
        return tally->noted;
    }
}

static bool may_be_blamed(const struct vector_case *c, const char *id)
{
    bool may = c->expect != VECTOR_HELD && c->expect != VECTOR_NOTED && strcmp(c->clause, id) == 0;

    for (size_t i = 0; i < c->also_count && !may; i++)
        may = strcmp(c->also[i], id) == 0;
    return may;
}

/* An innocent clause that was blamed, or NULL. */
static const char *wrongly_blamed(const struct vblk_oracle *oracle, const struct vector_case *c)
{
    for (size_t no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_tally tally = vblk_oracle_tally(oracle, (vblk_clause_no)no);
        const char *id = vblk_clause_at((vblk_clause_no)no)->id;

        if (tally.broken + tally.doubted && !may_be_blamed(c, id))
            return id;
    }
    return NULL;
}

static int compare(const struct vblk_oracle *oracle, const struct vector_case *c, const struct vblk_play *play,
                   char *why, size_t size)
{
    const vblk_clause_no no = vblk_clause_find(c->clause);
    const struct vblk_tally tally = no == VBLK_NO_CLAUSE ? (struct vblk_tally){ 0 } : vblk_oracle_tally(oracle, no);
    const char *innocent = wrongly_blamed(oracle, c);

    if (innocent)
        (void)snprintf(why, size, "%s was blamed, which nobody broke", innocent);
    else if (!wanted_count(&tally, c->expect))
        (void)snprintf(why, size, "%s was to be %s: held %u, broken %u, doubted %u, noted %u", c->clause,
                       expectations[c->expect], tally.held, tally.broken, tally.doubted, tally.noted);
    else if (play->surprise_count)
        (void)snprintf(why, size, "step %zu: expected %s, seen %s", play->surprise[0].step, play->surprise[0].expected,
                       play->surprise[0].seen);
    else
        return 1;
    return 0;
}

static int play(const struct runner_options *options, struct target *target, const struct vector_case *c,
                const struct vblk_script *script, char *why, size_t size)
{
    const struct vblk_oracle_options how = { .profile = script->profile,
                                             .readings = options->readings,
                                             .strictness = options->strictness,
                                             .sees = target->sees,
                                             .disk_zero = true,
                                             .power_cuts = true,
                                             .judge_driver = true,
                                             .transport = c->transport };
    struct vblk_oracle *oracle = vblk_oracle_new(&how, target->mem);
    struct vblk_player *player = vblk_player_new(target->port, target->arena, 1);
    struct vblk_play out = { 0 };
    int result = 0;

    (void)snprintf(why, size, "no memory left");
    if (oracle && player) {
        target->port->observe = vblk_oracle_observe;
        target->port->observe_ctx = oracle;
        vblk_memory_set_tap(target->mem, vblk_oracle_observe, oracle);
        if (vblk_player_run(player, script, &out))
            (void)snprintf(why, size, "step %zu can't be played", out.stopped_at);
        else
            result = compare(oracle, c, &out, why, size);
        vblk_memory_set_tap(target->mem, NULL, NULL);
    }
    vblk_player_free(player);
    vblk_oracle_free(oracle);
    return result;
}

int runner_events(const struct runner_options *options, const struct vector_file *file, size_t i, size_t n, char *why,
                  size_t why_size)
{
    struct target *target = target_puppet(&options->profile);
    struct vector_script *script;
    vblk_err err = VBLK_E_NOMEM;
    int result = 0;

    why[0] = '\0';
    if (target)
        err = target->ops->begin(target, file, i, why, why_size);
    if (err) {
        target_close(target);
        return err == VBLK_E_INVAL ? RUNNER_NOT_HERE : 0;
    }
    script = vector_resolve(file, i, n, &target->env, why, why_size);
    if (script)
        result = play(options, target, vector_case_at(file, i), vector_script_of(script), why, why_size);
    else
        result = why[0] ? 0 : -1;
    vector_script_free(script);
    target->ops->end(target);
    target_close(target);
    return result;
}
