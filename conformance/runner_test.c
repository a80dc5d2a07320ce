/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vblk/builtin.h>

#include "runner.h"

/* A clause that binds devices by MUST, and one by SHOULD; both merely name what the cases are about. */
#define MUST_ID "BLK-OP-DEV-03"
#define SHOULD_ID "BLK-INIT-DEV-01"
#define MAY_ID "BLK-OP-DEV-09"
/* One that a lawful read exercises. */
#define HELD_ID "BLK-OP-08"

#define HEAD(clause)                                                                                                   \
    "{\"vector\": 1, \"clause\": \"" clause "\", \"summary\": \"s\", \"consequence\": \"it matters\","                 \
    "\"cases\": ["
#define TAIL "]}"
#define READ "{\"do\": \"start\"}, {\"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"sector\": 0, \"in\": 512}"
#define GOOD ", {\"do\": \"expect\", \"name\": \"r\", \"status\": \"OK\"}"
#define BAD ", {\"do\": \"expect\", \"name\": \"r\", \"status\": \"UNSUPP\"}"
#define CASE(name, more, steps)                                                                                        \
    "{\"name\": \"" name "\", \"kind\": \"target\", \"what\": \"reads\"" more ", \"steps\": [" steps "]}"

/* A port in front of the reference device, whose way with kicks can be spoiled. */
enum spoil { LAWFUL, HANG, GONE, NEVER_BACK, ABSENT, BUSY };
struct fake {
    struct target target;
    struct vblk_port port;
    struct vblk_port *inner;
    enum spoil spoil;
    bool rings;       /* offers ring features */
    unsigned spoiled; /* kicks that are still to be spoiled */
    bool gone;
    unsigned recovered;
};
static struct fake fake;

static void pass_on(void *ctx, const struct vblk_event *ev)
{
    (void)ctx;
    vblk_port_notified(&fake.port, (enum vblk_event_kind)ev->kind, ev->queue);
}

static vblk_err fake_read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value,
                              bool *emulated)
{
    (void)port;
    return fake.gone ? VBLK_E_GONE : fake.inner->ops->read_reg(fake.inner, reg, queue, value, emulated);
}

static vblk_err fake_write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value,
                               bool *emulated)
{
    (void)port;
    return fake.gone ? VBLK_E_GONE : fake.inner->ops->write_reg(fake.inner, reg, queue, value, emulated);
}

static vblk_err fake_read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    (void)port;
    return fake.gone ? VBLK_E_GONE : fake.inner->ops->read_config(fake.inner, offset, buf, len, got);
}

static vblk_err fake_write_config(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len)
{
    (void)port;
    return fake.gone ? VBLK_E_GONE : fake.inner->ops->write_config(fake.inner, offset, buf, len);
}

static vblk_err fake_kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    (void)port;
    if (fake.gone)
        return VBLK_E_GONE;
    if (fake.spoil == LAWFUL || !fake.spoiled)
        return fake.inner->ops->kick(fake.inner, queue, data);
    fake.spoiled--;
    if (fake.spoil == HANG || fake.spoil == BUSY)
        return VBLK_OK;
    fake.gone = true;
    return VBLK_E_GONE;
}

/* BUSY says again and again that there is something, and there never is. */
static vblk_err fake_wait(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    if (fake.gone)
        return VBLK_E_GONE;
    if (fake.spoil != BUSY)
        return fake.inner->ops->wait(fake.inner, queue, ms);
    vblk_port_notified(port, VBLK_EV_USED_NOTIFY, queue);
    return VBLK_OK;
}

static vblk_err fake_recover_port(struct vblk_port *port)
{
    (void)port;
    fake.recovered++;
    if (fake.spoil == NEVER_BACK || fake.spoil == ABSENT)
        return VBLK_E_IO;
    fake.gone = false;
    return VBLK_OK;
}

static void fake_close_port(struct vblk_port *port)
{
    (void)port;
}

static const struct vblk_port_ops fake_port_ops = {
    .read_reg = fake_read_reg,
    .write_reg = fake_write_reg,
    .read_config = fake_read_config,
    .write_config = fake_write_config,
    .kick = fake_kick,
    .wait = fake_wait,
    .recover = fake_recover_port,
    .close = fake_close_port,
};

static vblk_err fake_begin(struct target *target, const struct vector_file *file, size_t i, char *why, size_t size)
{
    struct vblk_device_options options;

    if (fake.gone || fake.spoil == ABSENT)
        return VBLK_E_GONE;
    vblk_device_defaults(&options);
    options.features |= fake.rings ? vblk_device_ring_features() : 0;
    if (!vector_device_options(file, i, &options, why, size))
        return VBLK_E_INVAL;
    vblk_memory_reset(target->mem);
    fake.inner = vblk_builtin_new(&options, target->mem, NULL);
    assert_non_null(fake.inner);
    fake.inner->observe = pass_on;
    fake.port = (struct vblk_port){
        .ops = &fake_port_ops, .mem = target->mem, .kind = "fake", .name = "fake", .grade = VBLK_GRADE_ACCESS
    };
    target->port = &fake.port;
    return target_announce(target, vblk_profile_default());
}

static void fake_end(struct target *target)
{
    (void)target;
    vblk_port_close(fake.inner);
    fake.inner = NULL;
}

/* A person who gets the target going again. */
static bool fake_restart(void *ctx)
{
    ++*(unsigned *)ctx;
    fake.spoil = LAWFUL;
    return true;
}

static vblk_err fake_recover(struct target *target)
{
    return fake_recover_port(target->port);
}

static void fake_close(struct target *target)
{
    vblk_memory_free(target->mem);
}

static const struct target_ops fake_ops = {
    .begin = fake_begin, .end = fake_end, .recover = fake_recover, .close = fake_close
};

/* One run over one or two files. */
struct run {
    struct runner_options options;
    struct report *report;
    struct vector_file *files[2];
    struct runner_set set;
    struct target *target;
};

static void add_text(struct run *run, const char *text)
{
    struct vector_error error = { .reason = "" };
    struct vector_file *file = vector_load_text(text, strlen(text), "test.json", &error);

    if (!file)
        fail_msg("%d:%d: %s", error.line, error.column, error.reason);
    run->files[run->set.count++] = file;
}

static struct run open_run(enum spoil spoil, const char *text)
{
    const struct vblk_region region = { .gpa = TARGET_ARENA_GPA, .size = TARGET_ARENA_SIZE, .fd = -1 };
    struct run run = { .report = report_new(), .target = &fake.target };

    run.options.profile = *vblk_profile_default();
    run.options.seed = 1;
    run.options.timeout_ms = spoil == HANG ? 500 : 10000; /* who hangs is waited for; who does not may be kept from going on */
    run.options.replay = "vblk test --fake --seed 1";
    fake = (struct fake){ .spoil = spoil, .spoiled = spoil == BUSY ? 100 : 1 };
    fake.target = (struct target){ .ops = &fake_ops,
                                   .kind = "fake",
                                   .name = "fake",
                                   .grade = VBLK_GRADE_ACCESS,
                                   .disk_zero = true,
                                   .sees = VBLK_SEES_ALL,
                                   .mem = vblk_memory_new(),
                                   .arena = { TARGET_ARENA_GPA, TARGET_ARENA_SIZE } };
    assert_int_equal(vblk_memory_add(fake.target.mem, &region), VBLK_OK);
    add_text(&run, text);
    return run;
}

static void play(struct run *run)
{
    run->set.files = run->files;
    assert_int_equal(runner_run(&run->options, &run->set, run->target, run->report), VBLK_OK);
}

static void close_run(struct run *run)
{
    for (size_t i = 0; i < run->set.count; i++)
        vector_free(run->files[i]);
    target_close(run->target);
    report_free(run->report);
}

static const struct report_clause *clause_of(const struct run *run, const char *id)
{
    return &run->report->clauses[vblk_clause_find(id)];
}

static void case_is(const struct run *run, size_t i, enum report_result result)
{
    assert_true(i < run->report->case_count);
    if (run->report->cases[i].result != result)
        fail_msg("%s: %s (%s)", run->report->cases[i].name, report_result_name(run->report->cases[i].result),
                 run->report->cases[i].reason);
}

static void lawful_device__runs_and_nothing_is_violated(void **state)
{
    struct run run = open_run(LAWFUL, HEAD(MUST_ID) CASE("one", "", READ GOOD) TAIL);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_RAN);
    assert_int_equal(run.report->cases[0].runs, 1);
    assert_string_equal(run.report->cases[0].name, "blk-request/" MUST_ID "/one");
    assert_int_equal(report_status(run.report), 0);
    assert_int_equal(run.report->summary[VBLK_VERDICT_FAIL], 0);
    assert_true(run.report->summary[VBLK_VERDICT_PASS] > 0);
    assert_true(run.report->negotiated & VBLK_BIT(VBLK_F_VERSION_1));
    assert_int_equal(run.report->clause_count, vblk_clause_count());
    close_run(&run);
}

static void unmet_expectation__is_a_violation_of_the_files_clause(void **state)
{
    struct run run = open_run(LAWFUL, HEAD(MUST_ID) CASE("one", ", \"flags\": [\"over-strict\"]", READ BAD) TAIL);
    const struct report_violation *violation;

    (void)state;
    play(&run);
    assert_int_equal(clause_of(&run, MUST_ID)->verdict, VBLK_VERDICT_FAIL);
    assert_int_equal(clause_of(&run, MUST_ID)->violation_count, 1);
    violation = &clause_of(&run, MUST_ID)->violations[0];
    assert_string_equal(violation->name, "blk-request/" MUST_ID "/one");
    assert_string_equal(violation->consequence, "it matters");
    assert_string_equal(violation->flags, "over-strict");
    assert_string_equal(violation->replay, "vblk test --fake --seed 1 --case 'blk-request/" MUST_ID "/one'");
    assert_true(violation->expected[0] && violation->seen[0]);
    assert_int_equal(report_status(run.report), 1);
    close_run(&run);
}

static void unmet_expectation__of_a_should_only_warns(void **state)
{
    struct run run = open_run(LAWFUL, HEAD(SHOULD_ID) CASE("one", "", READ BAD) TAIL);

    (void)state;
    play(&run);
    assert_int_equal(clause_of(&run, SHOULD_ID)->verdict, VBLK_VERDICT_WARN);
    assert_int_equal(clause_of(&run, SHOULD_ID)->violations[0].severity, VBLK_VERDICT_WARN);
    assert_int_equal(report_status(run.report), 0);
    run.report->should_fails = true;
    assert_int_equal(report_status(run.report), 1);
    close_run(&run);
}

/* Whether some clause has a violation that names the case. */
static bool blamed_in(const struct run *run, const char *name)
{
    for (size_t no = 0; no < run->report->clause_count; no++)
        for (size_t i = 0; i < run->report->clauses[no].violation_count; i++)
            if (strstr(run->report->clauses[no].violations[i].name, name))
                return true;
    return false;
}

static const char two_cases[] = HEAD(MUST_ID) CASE("one", "", READ GOOD) "," CASE("two", "", READ GOOD) TAIL;

static void silence__gets_a_verdict_and_the_run_goes_on(void **state)
{
    struct run run = open_run(HANG, two_cases);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_HUNG);
    case_is(&run, 1, REPORT_RAN);
    assert_true(blamed_in(&run, "/one"));
    assert_false(blamed_in(&run, "/two"));
    assert_int_equal(fake.recovered, 1);
    assert_int_equal(report_status(run.report), 1);
    close_run(&run);
}

#define NEXT(name) ", {\"do\": \"submit\", \"name\": \"" name "\", \"type\": \"IN\", \"sector\": 0, \"in\": 512}"

static void busy_device__does_not_outlast_the_cases_time(void **state)
{
    struct run run =
        open_run(BUSY, HEAD(MUST_ID) CASE("one", "", READ NEXT("s") NEXT("t") NEXT("u") NEXT("v") GOOD) TAIL);

    (void)state;
    run.options.timeout_ms = 40;
    play(&run);
    case_is(&run, 0, REPORT_HUNG);
    assert_true(blamed_in(&run, "/one"));
    close_run(&run);
}

static void hang_up__gets_a_verdict_and_the_run_goes_on(void **state)
{
    struct run run = open_run(GONE, two_cases);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_GONE);
    case_is(&run, 1, REPORT_RAN);
    assert_true(blamed_in(&run, "/one"));
    assert_false(run.report->cut_short);
    close_run(&run);
}

static void hang_up__that_the_script_allows_is_still_named(void **state)
{
    struct run run =
        open_run(GONE, HEAD(MUST_ID) CASE("one", ", \"flags\": [\"lie\"]",
                                          READ ", {\"do\": \"expect\", \"name\": \"r\", \"or_no_answer\": true}") TAIL);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_GONE);
    assert_true(run.report->cases[0].reason[0] != '\0');
    assert_true(blamed_in(&run, "/one"));
    close_run(&run);
}

static struct run open_builtin(const struct vblk_behaviour *behaviour, const char *text)
{
    const struct target_model model = { .profile = *vblk_profile_default(),
                                        .behaviour = behaviour,
                                        .ring = vblk_device_ring_features() };
    struct run run = open_run(LAWFUL, text);

    target_close(run.target);
    run.target = target_builtin(&model);
    assert_non_null(run.target);
    return run;
}

static void host_actions_and_configuration__reach_the_device(void **state)
{
    struct run run = open_builtin(
        NULL,
        HEAD(MUST_ID) CASE("one", ", \"changes_disk\": true, \"needs\": {\"host\": [\"resize\", \"power-cut\"]}",
                           "{\"do\": \"start\"}, {\"do\": \"config-write\", \"field\": \"writeback\", \"value\": 0},"
                           "{\"do\": \"resize\", \"capacity\": 4096}, {\"do\": \"config-read\", \"field\": "
                           "\"capacity\", \"name\": \"c\"},"
                           "{\"do\": \"expect\", \"name\": \"c\", \"value\": 4096}, {\"do\": \"power-cut\"}") TAIL);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_RAN);
    assert_int_equal(run.report->cases[0].violations, 0);
    close_run(&run);
}

static bool refuse(const struct vblk_device *device, uint64_t accepted)
{
    (void)device, (void)accepted;
    return false;
}

static void device_that_cannot_be_started__is_no_pass(void **state)
{
    static const struct vblk_behaviour refusing = { .name = "refusing", .grant = refuse };
    struct run run = open_builtin(
        &refusing, HEAD(MUST_ID) CASE("one", "",
                                      "{\"do\": \"start\"}, "
                                      "{\"do\": \"config-read\", \"field\": \"capacity\", \"name\": \"c\"}") TAIL);

    (void)state;
    play(&run);
    if (!blamed_in(&run, "/one"))
        case_is(&run, 0, REPORT_SKIPPED);
    assert_true(run.report->cases[0].reason[0] || run.report->cases[0].violations);
    close_run(&run);
}

static void script__that_does_not_fit_is_skipped_with_the_reason(void **state)
{
    struct run run = open_run(
        LAWFUL, HEAD(MUST_ID) CASE("one", "",
                                   "{\"do\": \"start\"}, {\"do\": \"submit\","
                                   "\"name\": \"r\", \"type\": \"IN\", \"sector\": 0, \"in\": 134217728}") TAIL);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_SKIPPED);
    assert_non_null(strstr(run.report->cases[0].reason, "can't be played here"));
    close_run(&run);
}

static void number__that_the_target_cannot_give_skips_the_case(void **state)
{
    struct run run = open_run(
        LAWFUL,
        HEAD(MUST_ID) CASE("one", "",
                           "{\"do\": \"start\"}, {\"do\": \"submit\","
                           "\"name\": \"r\", \"type\": \"IN\", \"sector\": \"1 - capacity\", \"in\": 512}") TAIL);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_SKIPPED);
    assert_true(run.report->cases[0].reason[0] != '\0');
    close_run(&run);
}

static void chosen_reading__is_in_the_report(void **state)
{
    struct run run = open_run(LAWFUL, HEAD(MUST_ID) CASE("one", "", READ GOOD) TAIL);
    char why[128];

    (void)state;
    assert_int_equal(vblk_readings_set(&run.options.readings, "AMB-02=ignore", why, sizeof(why)), VBLK_OK);
    play(&run);
    assert_string_equal(run.report->readings[0], "AMB-02=ignore");
    close_run(&run);
}

static void unmet_expectation__of_a_may_only_informs(void **state)
{
    struct run run = open_run(LAWFUL, HEAD(MAY_ID) CASE("one", "", READ BAD) TAIL);

    (void)state;
    play(&run);
    assert_int_equal(clause_of(&run, MAY_ID)->verdict, VBLK_VERDICT_INFO);
    assert_int_equal(clause_of(&run, MAY_ID)->violations[0].severity, VBLK_VERDICT_INFO);
    assert_int_equal(report_status(run.report), 0);
    close_run(&run);
}

static void crash__skips_the_rest_with_the_reason(void **state)
{
    struct run run = open_run(NEVER_BACK, two_cases);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_GONE);
    case_is(&run, 1, REPORT_SKIPPED);
    assert_non_null(strstr(run.report->cases[1].reason, "did not come back after blk-request/" MUST_ID "/one"));
    assert_true(blamed_in(&run, "/one"));
    assert_true(run.report->cut_short);
    assert_int_equal(report_status(run.report), 1);
    close_run(&run);
}

static void absent_target__is_the_environments_failure(void **state)
{
    struct run run = open_run(ABSENT, two_cases);

    (void)state;
    fake.port.ops = &fake_port_ops;
    play(&run);
    case_is(&run, 0, REPORT_GONE);
    case_is(&run, 1, REPORT_SKIPPED);
    assert_false(blamed_in(&run, "/one"));
    assert_int_equal(report_status(run.report), 2);
    close_run(&run);
}

static uint8_t strange_status(struct vblk_device *device, struct vblk_request *req)
{
    (void)device, (void)req;
    return 0x77;
}

static const struct vblk_op *strange_read(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    static const struct vblk_op strange = {
        .type = VBLK_T_IN, .feature = -1, .direction = VBLK_TO_DRIVER, .unit = 512, .run = strange_status
    };

    (void)device;
    return type == VBLK_T_IN ? &strange : row;
}

static void garbage__gets_a_verdict_that_names_the_case(void **state)
{
    static const struct vblk_behaviour garbage = { .name = "garbage", .op = strange_read };
    struct run run = open_builtin(&garbage, HEAD(MUST_ID) CASE("one", "", READ GOOD) TAIL);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_RAN);
    assert_true(blamed_in(&run, "/one"));
    assert_string_equal(run.report->target_name, "garbage");
    assert_int_equal(report_status(run.report), 1);
    close_run(&run);
}

static void interrupt__skips_what_is_left(void **state)
{
    struct run run = open_run(LAWFUL, two_cases);
    volatile sig_atomic_t stop = 1;

    (void)state;
    run.options.stop = &stop;
    play(&run);
    case_is(&run, 0, REPORT_SKIPPED);
    case_is(&run, 1, REPORT_SKIPPED);
    assert_string_equal(run.report->cases[1].reason, "interrupted");
    assert_int_equal(run.report->summary[VBLK_VERDICT_FAIL], 0);
    assert_int_equal(report_status(run.report), 2);
    close_run(&run);
}

static void foreign_disk__is_left_alone_unless_allowed(void **state)
{
    static const char text[] = HEAD(MUST_ID)
        CASE("one", ", \"changes_disk\": true",
             "{\"do\": \"start\"}, {\"do\": \"submit\", \"name\": \"r\", \"type\": \"OUT\", \"sector\": 0, \"out\":"
             "{\"fill\": 1, \"length\": 512}}, {\"do\": \"expect\", \"name\": \"r\", \"status\": \"OK\"}") TAIL;
    struct run run = open_run(LAWFUL, text), again;

    (void)state;
    run.target->foreign = true;
    play(&run);
    case_is(&run, 0, REPORT_SKIPPED);
    assert_non_null(strstr(run.report->cases[0].reason, "--allow-data-loss"));
    assert_int_equal(report_status(run.report), 77);
    close_run(&run);
    again = open_run(LAWFUL, text);
    again.target->foreign = true;
    again.options.allow_data_loss = true;
    play(&again);
    case_is(&again, 0, REPORT_RAN);
    close_run(&again);
}

static void host_action__that_the_target_lacks_skips_the_case(void **state)
{
    struct run run = open_run(LAWFUL, HEAD(MUST_ID) CASE("one", ", \"needs\": {\"host\": [\"resize\"]}",
                                                         READ ", {\"do\": \"resize\", \"capacity\": 4096}") TAIL);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_SKIPPED);
    assert_non_null(strstr(run.report->cases[0].reason, "hand on the device"));
    close_run(&run);
}

static void missing_feature__skips_the_case_with_the_reason(void **state)
{
    struct run run = open_run(LAWFUL, HEAD(MUST_ID) CASE("one",
                                                         ", \"needs\": {\"features\": [\"MQ\"]},"
                                                         "\"device\": {\"features\": {\"remove\": [\"MQ\"]}}",
                                                         READ GOOD) TAIL);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_SKIPPED);
    assert_non_null(strstr(run.report->cases[0].reason, "MQ"));
    close_run(&run);
}

static void drivers_lies__are_not_counted(void **state)
{
    struct run run = open_run(
        LAWFUL,
        HEAD(MUST_ID) CASE(
            "one", ", \"flags\": [\"lie\"]",
            "{\"do\": \"start\"}, {\"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"sector\": 0, \"in\": 511}")
            TAIL);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_RAN);
    for (size_t no = 0; no < run.report->clause_count; no++) {
        if (strcmp(run.report->clauses[no].party, "driver") == 0)
            assert_int_equal(run.report->clauses[no].verdict, VBLK_VERDICT_NOT_APPLICABLE);
        assert_int_equal(run.report->clauses[no].violation_count, 0);
    }
    close_run(&run);
}

static struct expect_list *expectations(const char *text)
{
    char name[] = "/tmp/vblk-runner-XXXXXX", why[256] = "";
    int fd = mkstemp(name);
    struct expect_list *list;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    list = expect_read(name, why, sizeof(why));
    assert_string_equal(why, "");
    assert_int_equal(unlink(name), 0);
    return list;
}

#define ENTRY(clause, name) "[[expect]]\nclause='" clause "'\ncase='" name "'\nreason='known'\n"

static struct run run_expecting(const char *text, const char *file)
{
    struct run run = open_run(LAWFUL, text);

    run.options.expect = expectations(file);
    play(&run);
    return run;
}

static void close_expecting(struct run *run)
{
    expect_free(run->options.expect);
    close_run(run);
}

static void expected_failure__does_not_fail_the_run(void **state)
{
    struct run run = run_expecting(HEAD(MUST_ID) CASE("one", "", READ BAD) TAIL, ENTRY(MUST_ID, "*/one"));

    (void)state;
    assert_int_equal(clause_of(&run, MUST_ID)->verdict, VBLK_VERDICT_EXPECTED_FAIL);
    assert_int_equal(clause_of(&run, MUST_ID)->violations[0].severity, VBLK_VERDICT_EXPECTED_FAIL);
    assert_string_equal(clause_of(&run, MUST_ID)->why, "known");
    assert_int_equal(report_status(run.report), 0);
    close_expecting(&run);
}

static void expected_failure__in_one_case_does_not_excuse_another(void **state)
{
    struct run run = run_expecting(HEAD(MUST_ID) CASE("one", "", READ BAD) "," CASE("two", "", READ BAD) TAIL,
                                   ENTRY(MUST_ID, "*/one"));

    (void)state;
    assert_int_equal(clause_of(&run, MUST_ID)->verdict, VBLK_VERDICT_FAIL);
    assert_int_equal(report_status(run.report), 1);
    close_expecting(&run);
}

/* A clause that a plain read exercises and that holds. */
static const char *held_clause(void)
{
    struct run run = open_run(LAWFUL, HEAD(MUST_ID) CASE("one", "", READ GOOD) TAIL);
    const char *found = NULL;

    play(&run);
    for (size_t no = 0; no < run.report->clause_count && !found; no++)
        if (run.report->clauses[no].verdict == VBLK_VERDICT_PASS)
            found = vblk_clause_at((vblk_clause_no)no)->id;
    close_run(&run);
    assert_non_null(found);
    return found;
}

static void expected_failure__that_passes_fails_the_run(void **state)
{
    const char *id = held_clause();
    char entry[256];
    struct run run;

    (void)state;
    (void)snprintf(entry, sizeof(entry), "[[expect]]\nclause='%s'\nreason='known'\n", id);
    run = run_expecting(HEAD(MUST_ID) CASE("one", "", READ GOOD) TAIL, entry);
    assert_int_equal(clause_of(&run, id)->verdict, VBLK_VERDICT_UNEXPECTED_PASS);
    assert_int_equal(report_status(run.report), 1);
    close_expecting(&run);
}

static void expected_failure__that_was_not_tried_is_only_noted(void **state)
{
    struct run run = run_expecting(HEAD(MUST_ID) CASE("one", "", READ GOOD) TAIL, ENTRY(MUST_ID, "*/other"));

    (void)state;
    assert_int_equal(report_status(run.report), 0);
    assert_int_equal(run.report->note_count, 1);
    assert_non_null(strstr(run.report->notes[0], "was not tried"));
    close_expecting(&run);
}

static char *json_of(const struct report *report)
{
    const struct report_style style = { 0 };
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(report_write_json(report, out, &style), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void same_input__same_report(void **state)
{
    static const char text[] = HEAD(MUST_ID) CASE("one", "", READ BAD) "," CASE("two", "", READ GOOD) TAIL;
    struct run one = open_run(LAWFUL, text), two;
    char *first, *second;

    (void)state;
    play(&one);
    first = json_of(one.report);
    close_run(&one);
    two = open_run(LAWFUL, text);
    play(&two);
    second = json_of(two.report);
    assert_string_equal(first, second);
    free(first);
    free(second);
    close_run(&two);
}

static void sweep__every_variation_is_played(void **state)
{
    struct run run =
        open_run(LAWFUL, HEAD(MUST_ID) CASE("one", ", \"sweep\": {\"n\": [0, 1, 2]}",
                                            "{\"do\": \"start\"}, {\"do\": \"submit\", \"name\": \"r\", \"type\": "
                                            "\"IN\", \"sector\": \"n\", \"in\": 512}" GOOD) TAIL);

    (void)state;
    play(&run);
    case_is(&run, 0, REPORT_RAN);
    assert_int_equal(run.report->cases[0].runs, 3);
    close_run(&run);
}

static void violations__of_one_case_leave_room_for_others(void **state)
{
    struct run run = open_run(
        LAWFUL, HEAD(MUST_ID) CASE("one", ", \"sweep\": {\"n\": [0, 1, 2, 3, 4, 5, 6, 7]}",
                                   "{\"do\": \"start\"}, {\"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", "
                                   "\"sector\": \"n\", \"in\": 512}" BAD) "," CASE("two", "", READ BAD) TAIL);

    (void)state;
    play(&run);
    assert_int_equal(clause_of(&run, MUST_ID)->broken, 9);
    assert_int_equal(clause_of(&run, MUST_ID)->violation_count, 5);
    close_run(&run);
}

static const char slots[] =
    HEAD(MUST_ID) CASE("any", "", READ GOOD) "," CASE(
        "slots", "", "{\"do\": \"start\"}, {\"do\": \"avail-flags\", \"flags\": 1}") "," CASE(
        "laps", ", \"needs\": {\"features\": [\"RING_PACKED\"]}", READ GOOD) "," CASE(
        "own", "", "{\"do\": \"start\", \"features\": [\"VERSION_1\"]}") TAIL;

static struct run on_rings(bool offered, uint8_t rings)
{
    struct run run = open_run(LAWFUL, slots);

    fake.rings = offered;
    fake.target.env.offered = offered ? vblk_device_ring_features() : 0;
    run.options.rings = rings;
    play(&run);
    return run;
}

static void is_case(const struct run *run, size_t i, const char *name, enum report_result result, uint8_t ring)
{
    case_is(run, i, result);
    assert_string_equal(run->report->cases[i].name, name);
    assert_int_equal(run->report->cases[i].ring, ring);
}

static void rings__each_case_is_played_on_those_it_fits(void **state)
{
    struct run run = on_rings(true, 0);

    (void)state;
    assert_int_equal(run.report->rings, REPORT_SPLIT | REPORT_PACKED);
    assert_int_equal(run.report->case_count, 5);
    is_case(&run, 0, "blk-request/" MUST_ID "/any", REPORT_RAN, REPORT_SPLIT);
    is_case(&run, 1, "blk-request/" MUST_ID "/any@packed", REPORT_RAN, REPORT_PACKED);
    is_case(&run, 2, "blk-request/" MUST_ID "/slots", REPORT_RAN, REPORT_SPLIT);
    is_case(&run, 3, "blk-request/" MUST_ID "/laps", REPORT_RAN, REPORT_PACKED);
    is_case(&run, 4, "blk-request/" MUST_ID "/own", REPORT_RAN, REPORT_SPLIT);
    assert_true(run.report->negotiated & VBLK_BIT(VBLK_F_RING_PACKED));
    close_run(&run);
}

static void rings__that_were_not_asked_for_are_left_alone(void **state)
{
    struct run run = on_rings(true, VECTOR_SPLIT);

    (void)state;
    assert_int_equal(run.report->rings, REPORT_SPLIT);
    assert_int_equal(run.report->case_count, 4);
    is_case(&run, 2, "blk-request/" MUST_ID "/laps", REPORT_SKIPPED, REPORT_PACKED);
    assert_string_equal(run.report->cases[2].reason, "is for the packed ring only");
    assert_false(run.report->negotiated & VBLK_BIT(VBLK_F_RING_PACKED));
    close_run(&run);
    run = on_rings(true, VECTOR_PACKED);
    is_case(&run, 0, "blk-request/" MUST_ID "/any@packed", REPORT_RAN, REPORT_PACKED);
    is_case(&run, 1, "blk-request/" MUST_ID "/slots", REPORT_SKIPPED, REPORT_SPLIT);
    assert_string_equal(run.report->cases[1].reason, "is for the split ring only");
    close_run(&run);
}

static void rings__that_the_target_lacks_are_said_so(void **state)
{
    struct run run = on_rings(false, VECTOR_RINGS);

    (void)state;
    assert_int_equal(run.report->rings, REPORT_SPLIT);
    assert_int_equal(run.report->case_count, 4);
    is_case(&run, 2, "blk-request/" MUST_ID "/laps", REPORT_SKIPPED, REPORT_PACKED);
    assert_string_equal(run.report->cases[2].reason, "needs RING_PACKED offered");
    close_run(&run);
    run = on_rings(false, VECTOR_PACKED);
    assert_int_equal(report_status(run.report), 77);
    close_run(&run);
}

static void rings__the_command_names_the_one_it_happened_on(void **state)
{
    struct run run = open_run(LAWFUL, HEAD(MUST_ID) CASE("one", "", READ BAD) TAIL);
    const struct report_clause *clause;

    (void)state;
    fake.rings = true;
    fake.target.env.offered = vblk_device_ring_features();
    play(&run);
    clause = clause_of(&run, MUST_ID);
    assert_int_equal(clause->violation_count, 2);
    assert_string_equal(clause->violations[0].replay,
                        "vblk test --fake --seed 1 --ring split --case 'blk-request/" MUST_ID "/one'");
    assert_string_equal(clause->violations[1].replay,
                        "vblk test --fake --seed 1 --ring packed --case 'blk-request/" MUST_ID "/one@packed'");
    close_run(&run);
}

/* Fails what it does not know, where the others say that they don't know it: lawful each time (AMB-19), but not the same. */
static void fickle(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    const bool other = vblk_device_accepted(device) & VBLK_BIT(VBLK_F_INDIRECT_DESC);

    vblk_reference_put_status(device, req, vblk_request_type(req) == 77 && other ? VBLK_S_IOERR : status);
}

/* Which kinds of ring were blamed by the comparison; bit n: kind n. */
static uint32_t streams_with(const struct vblk_behaviour *behaviour, const char *only)
{
    struct run run = open_builtin(behaviour, HEAD(MUST_ID) CASE("one", "", READ) TAIL);
    const struct report_clause *clause;
    uint32_t blamed = 0;

    run.options.streams = true;
    run.options.timeout_ms = 2000;
    run.options.filter.names = (struct runner_globs){ &only, 1 };
    play(&run);
    clause = clause_of(&run, "FRAME-DEV-01");
    for (size_t i = 0; i < run.report->case_count; i++)
        case_is(&run, i, REPORT_RAN);
    for (size_t i = 0; runner_stream_at(i); i++)
        for (size_t v = 0; v < clause->violation_count; v++) {
            const char *name = strrchr(clause->violations[v].name, '/') + 1;

            assert_non_null(strstr(clause->violations[v].replay, " --ring both --case 'differential/FRAME-DEV-01/"));
            blamed |= strcmp(name, runner_stream_at(i)->name) == 0 ? 1u << i : 0;
        }
    close_run(&run);
    return blamed;
}

static void streams__the_same_over_every_ring(void **state)
{
    const struct vblk_behaviour wrong = { .name = "fickle", .put_status = fickle };

    (void)state;
    assert_int_equal(streams_with(NULL, "differential/*"), 0);
    assert_int_equal(streams_with(&wrong, "differential/*"), 0xff00); /* the eight with indirect tables */
    assert_int_equal(streams_with(&wrong, "differential/*/split-indirect"), 0x0100);
}

static void streams__are_scratched_on_no_foreign_disk(void **state)
{
    struct run run = open_builtin(NULL, HEAD(MUST_ID) CASE("one", "", READ) TAIL);

    (void)state;
    run.options.streams = true;
    run.target->foreign = true;
    play(&run);
    for (size_t i = 0; i < run.report->case_count; i++)
        if (strcmp(run.report->cases[i].area, RUNNER_STREAMS) == 0) {
            case_is(&run, i, REPORT_SKIPPED);
            assert_non_null(strstr(run.report->cases[i].reason, "--allow-data-loss"));
        }
    close_run(&run);
}

static void crash__somebody_may_start_the_target_again(void **state)
{
    struct run run = open_run(NEVER_BACK, HEAD(MUST_ID) CASE("one", "", READ) "," CASE("two", "", READ) TAIL);
    unsigned restarts = 0;

    (void)state;
    run.options.restart = fake_restart;
    run.options.restart_ctx = &restarts;
    play(&run);
    assert_int_equal(restarts, 1);
    case_is(&run, 0, REPORT_GONE);
    case_is(&run, 1, REPORT_RAN);
    assert_false(run.report->cut_short);
    close_run(&run);
}

static bool selected(const struct runner_filter *filter)
{
    const struct vector_case c = {
        .area = "ring-split", .clause = "VQ-1", .name = "idx-wraps", .exercises = { "VQ-2" }, .exercises_count = 1
    };

    return runner_selects(filter, &c, VECTOR_SPLIT);
}

static void filter__a_case_is_named_with_its_ring_or_without(void **state)
{
    const struct vector_case c = { .area = "safety", .clause = "S-1", .name = "one", .rings = VECTOR_RINGS };
    static const struct {
        const char *glob;
        bool split, packed;
    } rows[] = { { "one", true, true },           { "one@packed", false, true }, { "safety/S-1/*@packed", false, true },
                 { "!*@packed", true, false },    { "!one", false, false },      { "S-1/one", true, true },
                 { "S-1/one@packed", false, true } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *glob = rows[i].glob;
        const struct runner_filter filter = { .names = { &glob, 1 } };

        assert_int_equal(runner_selects(&filter, &c, VECTOR_SPLIT), rows[i].split);
        assert_int_equal(runner_selects(&filter, &c, VECTOR_PACKED), rows[i].packed);
    }
}

static bool picks(const char *area, const char *clause, const char *name)
{
    const struct runner_filter filter = { { &area, area != NULL },
                                          { &clause, clause != NULL },
                                          { &name, name != NULL } };

    return selected(&filter);
}

static void filter__globs_select_and_exclude(void **state)
{
    const char *both[] = { "VQ-*", "!VQ-1" };
    const struct runner_filter filter = { .clauses = { both, 2 } };

    (void)state;
    assert_true(picks(NULL, NULL, NULL));
    assert_true(picks("ring-*", NULL, NULL));
    assert_false(picks("blk-*", NULL, NULL));
    assert_false(picks("!ring-split", NULL, NULL));
    assert_true(picks("!blk-*", NULL, NULL));
    assert_true(picks(NULL, "VQ-1", NULL));
    assert_true(picks(NULL, "VQ-2", NULL));
    assert_true(picks(NULL, "!VQ-2", NULL));
    assert_false(picks(NULL, "VQ-3", NULL));
    assert_true(picks(NULL, NULL, "idx-*"));
    assert_true(picks(NULL, NULL, "VQ-1/idx-wraps"));
    assert_true(picks(NULL, NULL, "ring-split/VQ-1/idx-wraps"));
    assert_false(picks(NULL, NULL, "!*/VQ-1/*"));
    assert_false(picks(NULL, NULL, "wraps"));
    assert_false(picks("ring-*", "VQ-3", NULL));
    assert_false(selected(&filter));
}

static unsigned listed, would_run;

static void count_listed(void *ctx, const struct vector_case *c, const char *name, const char *reason)
{
    (void)ctx, (void)c, (void)name;
    listed++;
    would_run += reason[0] == '\0';
}

static void list__plays_nothing(void **state)
{
    struct run run = open_run(
        HANG, HEAD(MUST_ID) CASE("one", "", READ GOOD) "," CASE("two", ", \"changes_disk\": true", READ GOOD) TAIL);

    (void)state;
    listed = would_run = 0;
    run.target->foreign = true;
    run.set.files = run.files;
    assert_int_equal(runner_list(&run.options, &run.set, run.target, count_listed, NULL), 2);
    assert_int_equal(listed, 2);
    assert_int_equal(would_run, 1);
    assert_int_equal(fake.spoiled, 1);
    close_run(&run);
}

static unsigned drawn;

static void draw(void *ctx, size_t done, size_t total, const char *name)
{
    (void)ctx, (void)name;
    assert_int_equal(done, drawn++);
    assert_int_equal(total, 2);
}

static void progress__counts_to_the_total(void **state)
{
    struct run run = open_run(LAWFUL, two_cases);

    (void)state;
    drawn = 0;
    run.options.progress = draw;
    play(&run);
    assert_int_equal(drawn, 3);
    close_run(&run);
}

static void load__says_what_is_wrong(void **state)
{
    char dir[] = "/tmp/vblk-vectors-XXXXXX", path[64], why[512] = "";
    struct runner_set set;
    FILE *out;

    (void)state;
    assert_false(runner_load(&set, "/nonexistent", why, sizeof(why)));
    assert_non_null(strstr(why, "/nonexistent"));
    assert_non_null(mkdtemp(dir));
    assert_false(runner_load(&set, dir, why, sizeof(why)));
    assert_non_null(strstr(why, "no vectors"));
    (void)snprintf(path, sizeof(path), "%s/area", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/area/x.json", dir);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs("{\n \"vector\": }", out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_false(runner_load(&set, dir, why, sizeof(why)));
    assert_non_null(strstr(why, "x.json:2:"));
    out = fopen(path, "w");
    assert_true(fputs(two_cases, out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_true(runner_load(&set, dir, why, sizeof(why)));
    assert_int_equal(set.count, 1);
    runner_unload(&set);
    assert_int_equal(unlink(path), 0);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

#define EVENTS(expect, steps)                                                                                          \
    "{\"name\": \"one\", \"kind\": \"events\", \"expect\": \"" expect "\", \"what\": \"w\","                           \
    "\"steps\": [" steps "]}"
#define ANSWER(status)                                                                                                 \
    "{\"do\": \"start\"}, {\"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"sector\": 0,"                      \
    "\"in\": 512, \"wait\": false}, {\"dev\": \"complete\", \"of\": \"r\", \"status\": \"" status "\"}"

/* What the judge of events says of one file; 1, 0 or -1. */
static int judged(const char *text, size_t n, char *why, size_t size)
{
    struct run run = open_run(LAWFUL, text);
    int result = runner_events(&run.options, run.files[0], 0, n, why, size);

    close_run(&run);
    return result;
}

static void events__are_compared_with_what_the_file_says(void **state)
{
    char why[256] = "";

    (void)state;
    assert_int_equal(judged(HEAD(HELD_ID) EVENTS("held", ANSWER("OK")) TAIL, 0, why, sizeof(why)), 1);
    assert_int_equal(judged(HEAD(HELD_ID) EVENTS("held", ANSWER("OK")) TAIL, 1, why, sizeof(why)), -1);
    /* Nobody breaks the clause in a lawful answer, and nobody merely notes or doubts it. */
    assert_int_equal(judged(HEAD(HELD_ID) EVENTS("broken", ANSWER("OK")) TAIL, 0, why, sizeof(why)), 0);
    assert_non_null(strstr(why, HELD_ID " was to be broken"));
    assert_int_equal(judged(HEAD(HELD_ID) EVENTS("doubted", ANSWER("OK")) TAIL, 0, why, sizeof(why)), 0);
    assert_int_equal(judged(HEAD(HELD_ID) EVENTS("noted", ANSWER("OK")) TAIL, 0, why, sizeof(why)), 0);
    /* Somebody else's clause is broken. */
    assert_int_equal(judged(HEAD(MUST_ID) EVENTS("held", ANSWER("119")) TAIL, 0, why, sizeof(why)), 0);
    assert_non_null(strstr(why, "was blamed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lawful_device__runs_and_nothing_is_violated),
        cmocka_unit_test(unmet_expectation__is_a_violation_of_the_files_clause),
        cmocka_unit_test(unmet_expectation__of_a_should_only_warns),
        cmocka_unit_test(silence__gets_a_verdict_and_the_run_goes_on),
        cmocka_unit_test(busy_device__does_not_outlast_the_cases_time),
        cmocka_unit_test(hang_up__gets_a_verdict_and_the_run_goes_on),
        cmocka_unit_test(hang_up__that_the_script_allows_is_still_named),
        cmocka_unit_test(host_actions_and_configuration__reach_the_device),
        cmocka_unit_test(device_that_cannot_be_started__is_no_pass),
        cmocka_unit_test(script__that_does_not_fit_is_skipped_with_the_reason),
        cmocka_unit_test(number__that_the_target_cannot_give_skips_the_case),
        cmocka_unit_test(chosen_reading__is_in_the_report),
        cmocka_unit_test(unmet_expectation__of_a_may_only_informs),
        cmocka_unit_test(crash__skips_the_rest_with_the_reason),
        cmocka_unit_test(absent_target__is_the_environments_failure),
        cmocka_unit_test(garbage__gets_a_verdict_that_names_the_case),
        cmocka_unit_test(interrupt__skips_what_is_left),
        cmocka_unit_test(foreign_disk__is_left_alone_unless_allowed),
        cmocka_unit_test(host_action__that_the_target_lacks_skips_the_case),
        cmocka_unit_test(missing_feature__skips_the_case_with_the_reason),
        cmocka_unit_test(drivers_lies__are_not_counted),
        cmocka_unit_test(expected_failure__does_not_fail_the_run),
        cmocka_unit_test(expected_failure__in_one_case_does_not_excuse_another),
        cmocka_unit_test(expected_failure__that_passes_fails_the_run),
        cmocka_unit_test(expected_failure__that_was_not_tried_is_only_noted),
        cmocka_unit_test(same_input__same_report),
        cmocka_unit_test(sweep__every_variation_is_played),
        cmocka_unit_test(violations__of_one_case_leave_room_for_others),
        cmocka_unit_test(rings__each_case_is_played_on_those_it_fits),
        cmocka_unit_test(rings__that_were_not_asked_for_are_left_alone),
        cmocka_unit_test(rings__that_the_target_lacks_are_said_so),
        cmocka_unit_test(rings__the_command_names_the_one_it_happened_on),
        cmocka_unit_test(streams__the_same_over_every_ring),
        cmocka_unit_test(streams__are_scratched_on_no_foreign_disk),
        cmocka_unit_test(crash__somebody_may_start_the_target_again),
        cmocka_unit_test(filter__a_case_is_named_with_its_ring_or_without),
        cmocka_unit_test(filter__globs_select_and_exclude),
        cmocka_unit_test(list__plays_nothing),
        cmocka_unit_test(progress__counts_to_the_total),
        cmocka_unit_test(load__says_what_is_wrong),
        cmocka_unit_test(events__are_compared_with_what_the_file_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
