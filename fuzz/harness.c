/* SPDX-License-Identifier: BSD-3-Clause */
#include "harness.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 20u

void harness_finding(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("FINDING: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    abort();
}

static void *needed(void *made)
{
    if (!made) {
        (void)fputs("no memory left for the harness\n", stderr);
        exit(2);
    }
    return made;
}

/* VBLK_FUZZ_SHOW=1 prints the events of an input that is looked into. */
static void show(const struct vblk_event *ev)
{
    static const char *const parties[] = { "driver", "device", "nobody" };

    (void)fprintf(stderr, "%-6s %-13s", parties[ev->party % 3], vblk_event_name((enum vblk_event_kind)ev->kind));
    (void)fprintf(stderr, " queue %u %s at %#" PRIx64 " len %u value %#" PRIx64 "%s:", ev->queue,
                  ev->kind == VBLK_EV_REG_READ || ev->kind == VBLK_EV_REG_WRITE ? vblk_reg_name((enum vblk_reg)ev->reg)
                                                                                : "",
                  ev->at, ev->len, ev->value, ev->flags & VBLK_EV_FAULTED ? " faulted" : "");
    for (uint32_t i = 0; ev->bytes && i < ev->len && i < 16; i++)
        (void)fprintf(stderr, " %02x", ev->bytes[i]);
    (void)fputc('\n', stderr);
}

#define DRIVERS (VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS)
#define DEVICES (VBLK_SEES_DEVICE_STORES | VBLK_SEES_DEVICE_LOADS)

static bool seen(const struct harness *h, const struct vblk_event *ev)
{
    const bool access = ev->kind == VBLK_EV_LOAD || ev->kind == VBLK_EV_STORE || ev->kind == VBLK_EV_BARRIER;

    return !access || (h->options.sees & (ev->party == VBLK_DEVICE ? DEVICES : DRIVERS));
}

/* Grade access; a foreign device; a foreign driver; both, with somebody between them. */
static uint32_t sees_of(uint8_t settings)
{
    static const uint32_t sees[] = { VBLK_SEES_ALL, DRIVERS, DEVICES, 0 };
    const bool other = (settings & HARNESS_OTHER_SIDE) == HARNESS_OTHER_SIDE;

    return sees[(settings & HARNESS_SNAPSHOT) + 2 * other];
}

static uint8_t strictness_of(uint8_t settings)
{
    static const uint8_t strictness[] = { VBLK_INTEROP, VBLK_STRICT, VBLK_LEGACY, VBLK_INTEROP };

    return strictness[(settings & HARNESS_OTHER_SIDE) / HARNESS_STRICT];
}

static void observe(void *ctx, const struct vblk_event *ev)
{
    struct harness *h = ctx;

    if (++h->events > HARNESS_EVENTS_MAX)
        harness_finding("more than %u events of one input", HARNESS_EVENTS_MAX);
    if (!seen(h, ev))
        return;
    if (h->show)
        show(ev);
    vblk_oracle_observe(h->oracle, ev);
}

void harness_open(struct harness *h, const struct vblk_region *regions, size_t n)
{
    *h = (struct harness){ .mem = needed(vblk_memory_new()), .show = getenv("VBLK_FUZZ_SHOW") != NULL };
    for (size_t i = 0; i < n; i++)
        if (vblk_memory_add(h->mem, &regions[i]))
            (void)needed(NULL);
}

struct vblk_readings harness_readings(uint8_t settings, bool device)
{
    static const char *const followed[] = { "AMB-02", "AMB-15", "AMB-16" };
    struct vblk_readings readings = { { 0 } };

    if (!(settings & HARNESS_READINGS))
        return readings;
    for (size_t i = 0; device && i < sizeof(followed) / sizeof(followed[0]); i++)
        readings.chosen[vblk_ambiguity_find(followed[i])] = 1;
    for (size_t i = 0; !device && i < vblk_ambiguity_count() && i < VBLK_AMBIGUITIES_MAX; i++)
        readings.chosen[i] = (uint8_t)(1 % vblk_ambiguity_at(i)->readings);
    readings.chosen[vblk_ambiguity_find("AMB-33")] = 0; /* the one that the reference driver follows */
    return readings;
}

static void listen_with(struct harness *h, struct vblk_port *port, const struct vblk_profile *profile, uint8_t settings,
                        bool device)
{
    h->port = needed(port);
    h->options = (struct vblk_oracle_options){
        .profile = *profile,
        .readings = harness_readings(settings, device),
        .strictness = strictness_of(settings),
        .sees = sees_of(settings),
        .disk_zero = device || (settings & HARNESS_DISK_ZERO),
        .power_cuts = device || (settings & HARNESS_POWER_CUTS),
        .lockstep = (settings & HARNESS_OTHER_SIDE) == HARNESS_OTHER_SIDE && settings & HARNESS_READINGS,
        .judge_driver = settings & HARNESS_JUDGE_DRIVER,
    };
    h->oracle = needed(vblk_oracle_new(&h->options, h->mem));
    harness_follow(h);
}

void harness_listen(struct harness *h, struct vblk_port *port, const struct vblk_profile *profile, uint8_t settings)
{
    listen_with(h, port, profile, settings, false);
}

void harness_listen_device(struct harness *h, struct vblk_port *port, const struct vblk_profile *profile,
                           uint8_t settings)
{
    listen_with(h, port, profile, settings, true);
}

void harness_follow(struct harness *h)
{
    h->port->observe = observe;
    h->port->observe_ctx = h;
    vblk_memory_set_tap(h->mem, observe, h);
}

void harness_close(struct harness *h)
{
    vblk_memory_set_tap(h->mem, NULL, NULL);
    vblk_port_close(h->port);
    vblk_oracle_free(h->oracle);
    vblk_memory_free(h->mem);
}

void harness_tell(struct harness *h, enum vblk_event_kind kind)
{
    const struct vblk_event ev = { .kind = (uint8_t)kind, .party = VBLK_NOBODY };

    vblk_port_emit(h->port, &ev);
}

static bool makes_sick(unsigned action)
{
    return action == VBLK_HOST_FAIL_SECTORS || action == VBLK_HOST_POOL;
}

void harness_play(struct harness *h, const struct vblk_script *script, struct vblk_arena arena)
{
    struct vblk_player *player = needed(vblk_player_new(h->port, arena, WAIT_MS));
    struct vblk_play play;

    for (size_t i = 0; i < script->step_count; i++)
        h->sick = h->sick || (script->steps[i].kind == VBLK_STEP_HOST && makes_sick(script->steps[i].reg));
    (void)!vblk_player_run(player, script, &play);
    if (h->show)
        (void)fprintf(stderr, "stopped at step %zu of %zu: %s\n", play.stopped_at, script->step_count,
                      vblk_strerror(play.err));
    vblk_player_free(player);
    harness_check_list(h);
}

static void print(const struct vblk_violation *v)
{
    const struct vblk_clause *clause = vblk_clause_at(v->clause);

    (void)fprintf(stderr, "%s (%s, %s, queue %u, index %u, address %#" PRIx64 "): %s\n  expected: %s\n  seen: %s\n",
                  clause ? clause->id : "?", v->guilty == VBLK_DRIVER ? "driver" : "device",
                  v->severity == VBLK_BROKEN_RULE ? "broken"
                  : v->severity == VBLK_DOUBT     ? "doubt"
                                                  : "note",
                  v->queue, v->index, v->address, v->message, v->expected, v->seen);
}

static bool is_text(const char text[VBLK_WHY_TEXT])
{
    return text[0] && memchr(text, '\0', VBLK_WHY_TEXT);
}

static void check_entry(const struct harness *h, const struct vblk_violation *v)
{
    const struct vblk_clause *clause = vblk_clause_at(v->clause);

    if (h->show)
        print(v);
    if (!clause || v->severity > VBLK_NOTE || v->byte_count > sizeof(v->bytes) || v->reading > vblk_ambiguity_count())
        harness_finding("an entry's clause, severity, bytes or reading is none");
    if (!is_text(v->message) || !is_text(v->expected) || !is_text(v->seen))
        harness_finding("%s: an entry without a sentence", clause->id);
    if (v->guilty != VBLK_DRIVER && v->guilty != VBLK_DEVICE)
        harness_finding("%s: party %u is guilty", clause->id, v->guilty);
    if ((clause->bound == VBLK_BOUND_DEVICE && v->guilty == VBLK_DRIVER) ||
        (clause->bound == VBLK_BOUND_DRIVER && v->guilty == VBLK_DEVICE))
        harness_finding("%s: blamed on a party that it does not bind", clause->id);
    if (v->relaxed && v->severity != VBLK_DOUBT)
        harness_finding("%s: relaxed, and yet no doubt", clause->id);
    if (!h->options.judge_driver && v->guilty == VBLK_DRIVER)
        harness_finding("%s: the driver is blamed although nobody judges it", clause->id);
}

static void check_tally(const struct harness *h, vblk_clause_no no, const uint32_t listed[3], bool full)
{
    const struct vblk_tally tally = vblk_oracle_tally(h->oracle, no);
    const struct vblk_clause *clause = vblk_clause_at(no);

    if (listed[VBLK_BROKEN_RULE] > tally.broken || listed[VBLK_DOUBT] > tally.doubted ||
        listed[VBLK_NOTE] > tally.noted)
        harness_finding("%s: more entries than were counted", clause->id);
    if (!full && tally.broken + tally.doubted <= VBLK_VIOLATIONS_OF_ONE && (listed[VBLK_BROKEN_RULE] != tally.broken || listed[VBLK_DOUBT] != tally.doubted))
        harness_finding("%s: fewer entries than were counted, although there is room", clause->id);
    if (!h->options.judge_driver && clause->bound == VBLK_BOUND_DRIVER && (tally.broken || tally.doubted))
        harness_finding("%s: counted against the driver although nobody judges it", clause->id);
    if (clause->standing != VBLK_CHECKED && (tally.held || tally.broken || tally.doubted || tally.noted))
        harness_finding("%s: counted, but not checked", clause->id);
    if (!memchr(tally.choice, '\0', sizeof(tally.choice)) || tally.reading > vblk_ambiguity_count())
        harness_finding("%s: a tally that can't be", clause->id);
}

void harness_check_list(const struct harness *h)
{
    const size_t count = vblk_oracle_violation_count(h->oracle), clauses = vblk_clause_count();
    uint32_t(*listed)[3] = needed(calloc(clauses, sizeof(*listed)));

    if (count > VBLK_VIOLATIONS_MAX || vblk_oracle_violation(h->oracle, count))
        harness_finding("a list of %zu entries that does not end", count);
    for (size_t i = 0; i < count; i++) {
        const struct vblk_violation *v = vblk_oracle_violation(h->oracle, i);

        check_entry(h, v);
        listed[v->clause][v->severity]++;
    }
    for (size_t i = 0; i < clauses; i++)
        check_tally(h, (vblk_clause_no)i, listed[i], count == VBLK_VIOLATIONS_MAX);
    free(listed);
}

/* What the host sets in a running device is announced as much as what it began with: see harness_make_fair(). */
void harness_make_config_fair(const struct vblk_profile *profile, uint64_t *at, uint64_t *value)
{
    static const char *const counts[] = { "size_max", "seg_max", "num_queues", "max_provision_sectors",
                                          "max_provision_seg" };
    struct vblk_config_field field;

    if (*at < 8)
        *at = 0; /* the upper half of capacity: CFG-02 */
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        if (vblk_config_field_find(profile, counts[i], &field) && field.offset < *at + 4 &&
            *at < (uint64_t)field.offset + field.width)
            *value |= 0x01010101;
}

void harness_host(struct harness *h, unsigned action, uint64_t a, uint64_t b)
{
    if (action == VBLK_HOST_SET_CONFIG)
        harness_make_config_fair(&h->options.profile, &a, &b);
    h->sick = h->sick || makes_sick(action);
    (void)!vblk_port_host(h->port, (enum vblk_host_action)action, a, b);
}

static bool doubts_framing(const struct vblk_violation *v)
{
    const char *id = vblk_clause_at(v->clause)->id;

    return v->severity == VBLK_DOUBT && (!strcmp(id, "FRAME-DEV-01") || !strcmp(id, "PROV-REQ-10"));
}

void harness_innocent(const struct harness *h, enum vblk_party party, bool (*except)(const struct vblk_clause *clause))
{
    bool blamed = false;

    for (size_t i = 0; i < vblk_oracle_violation_count(h->oracle); i++) {
        const struct vblk_violation *v = vblk_oracle_violation(h->oracle, i);

        if (v->guilty != party || v->severity == VBLK_NOTE || (h->sick && doubts_framing(v)) ||
            (except && except(vblk_clause_at(v->clause))))
            continue;
        print(v);
        blamed = true;
    }
    if (blamed)
        harness_finding("the innocent %s is blamed", party == VBLK_DRIVER ? "driver" : "device");
}

void harness_make_fair(struct vblk_device_options *options)
{
    const struct vblk_profile *profile = &options->profile;

    options->features |= VBLK_BIT(VBLK_F_FLUSH); /* BLK-INIT-DEV-01 */
    if (profile->provision && options->features >> profile->provision_bit & 1)
        options->features &= ~VBLK_BIT(VBLK_F_RO); /* PROV-DEV-21 */
    if (options->capacity >> 48)
        options->capacity &= UINT32_MAX; /* CFG-02 */
    if (!(options->max_provision_sectors & 0xffff))
        options->max_provision_sectors |= 1; /* PROV-CFG-03, PROV-CFG-10 */
    if (!(options->max_provision_seg & 0xffff))
        options->max_provision_seg |= 1;
    if (!options->size_max)
        options->size_max = 1; /* BLK-CFG-02 */
    if (!options->seg_max)
        options->seg_max = 1; /* BLK-CFG-03 */
}
