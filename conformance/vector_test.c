/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vector.h"
#include "vector_fixture.h"

static void good_file__is_described(void **state)
{
    struct vector_file *file =
        load(HEAD EVENTS "\"also\": [\"PROV-DEV-02\"], \"consequence\": \"own\", \"flags\": "
                         "[\"must\"], \"steps\": [" START "] },\n"
                         "{ \"name\": \"b\", \"kind\": \"target\", \"what\": \"v\", \"exercises\": [\"BLK-OP-20\"], "
                         "\"long_run\": true, \"sweep\": { \"x\": \"1..3\", \"y\": [1, \"capacity\"] }, "
                         "\"needs\": { \"host\": [\"pool\"] },"
                         "\"steps\": [{ \"do\": \"hold\" }, { \"do\": \"release\" }]" TAIL);
    const struct vector_case *c = vector_case_at(file, 0);

    (void)state;
    assert_int_equal(vector_case_count(file), 2);
    assert_null(vector_case_at(file, 2));
    assert_string_equal(c->area, "provision");
    assert_string_equal(c->clause, "PROV-DEV-01");
    assert_string_equal(c->consequence, "own");
    assert_int_equal(c->kind, VECTOR_EVENTS);
    assert_int_equal(c->expect, VECTOR_BROKEN);
    assert_int_equal(c->also_count, 1);
    assert_string_equal(c->flags[0], "must");
    assert_int_equal(c->sweep, 1);
    c = vector_case_at(file, 1);
    assert_string_equal(c->consequence, "c");
    assert_string_equal(c->exercises[0], "BLK-OP-20");
    assert_true(c->long_run);
    assert_int_equal(c->sweep, 6);
    assert_int_equal(c->host_actions, 1u << VBLK_HOST_POOL | 1u << VBLK_HOST_HOLD);
    assert_string_equal(vector_clause_of(file), "PROV-DEV-01");
    assert_string_equal(vector_summary_of(file), "s");
    assert_string_equal(vector_file_path(file), "test.json");
    vector_free(file);
}

static void numbers__follow_what_the_target_announced(void **state)
{
    struct vector_file *file = load(STEPS(
        START
        ",{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"PROVISION\", \"sector\": \"capacity - 1\", \"segments\": "
        "[{ \"sector\": \"i * 8\", \"num_sectors\": \"max_provision_sectors\", \"times\": \"max_provision_seg + 1\" }] "
        "},"
        "{ \"do\": \"config-read\", \"field\": \"max_provision_seg\" },"
        "{ \"do\": \"reg-write\", \"reg\": \"queue-size\", \"value\": \"queue_size + queue_max + num_queues\" },"
        "{ \"do\": \"config-read\", \"offset\": \"config_length\", \"length\": 1 },"
        "{ \"do\": \"reg-write\", \"reg\": \"driver-features\", \"value\": \"F_VERSION_1 | F_PROVISION | offered & 1\" "
        "}"));
    struct vector_env small = env_of(100, 16), large = env_of(1u << 20, 1024);
    struct vector_script *a = resolve(file, 0, 0, &small), *b = resolve(file, 0, 0, &large);
    const struct vblk_step *s = vector_script_of(a)->steps, *t = vector_script_of(b)->steps;

    (void)state;
    assert_int_equal(s[1].request.sector, 99);
    assert_int_equal(t[1].request.sector, (1u << 20) - 1);
    assert_int_equal(s[1].request.type, 15);
    assert_int_equal(s[1].request.segment_count, 6);
    assert_int_equal(vblk_get64(s[1].request.segments[5].sector), 40);
    assert_int_equal(vblk_get32(s[1].request.segments[5].num_sectors), 0x01020304);
    assert_int_equal(s[2].a, 76);
    assert_int_equal(s[2].b, 4);
    assert_int_equal(s[3].a, 16 + 16 + 2);
    assert_int_equal(t[3].a, 64 + 1024 + 2);
    assert_int_equal(s[4].a, 80);
    assert_int_equal(s[5].a, VBLK_BIT(32) | VBLK_BIT(17));
    assert_string_equal(vector_script_of(a)->name, "provision/PROV-DEV-01/a");
    vector_script_free(a);
    vector_script_free(b);
    vector_script_free(NULL);
    vector_free(file);
}

static void profile__renumbers_type_bit_and_offset(void **state)
{
    struct vector_file *file = load(STEPS("{ \"do\": \"start\", \"features\": [\"PROVISION\"] }, { \"do\": \"submit\", "
                                          "\"name\": \"r\", \"type\": \"PROVISION\", \"segments\": [] }, "
                                          "{ \"do\": \"config-read\", \"field\": \"max_provision_seg\" }"));
    struct vector_env env = env_of(100, 16);
    struct vector_script *script;
    char why[128];

    (void)state;
    env.profile = *vblk_profile_find("1.4+provision");
    assert_int_equal(vblk_profile_renumber(&env.profile, "50,99,96", why, sizeof(why)), VBLK_OK);
    script = resolve(file, 0, 0, &env);
    assert_true(vector_script_of(script)->steps[0].a == VBLK_BIT(50));
    assert_int_equal(vector_script_of(script)->steps[1].request.type, 99);
    assert_int_equal(vector_script_of(script)->steps[2].a, 100);
    vector_script_free(script);
    env.profile = *vblk_profile_find("1.2");
    assert_null(vector_resolve(file, 0, 0, &env, why, sizeof(why)));
    assert_string_equal(why, "the clause is not part of profile 1.2");
    vector_free(file);
}

static void requests__have_the_defaults_of_their_type(void **state)
{
    struct vector_file *file = load(STEPS(
        "{ \"do\": \"submit\", \"name\": \"a\", \"type\": \"IN\" },"
        "{ \"do\": \"submit\", \"name\": \"b\", \"type\": \"IN\", \"sectors\": 3 },"
        "{ \"do\": \"submit\", \"name\": \"c\", \"type\": \"OUT\", \"sectors\": 2 },"
        "{ \"do\": \"submit\", \"name\": \"d\", \"type\": \"GET_ID\" },"
        "{ \"do\": \"submit\", \"name\": \"e\", \"type\": \"GET_LIFETIME\" },"
        "{ \"do\": \"submit\", \"name\": \"f\", \"type\": \"IN\", \"in\": 7, \"status\": false, \"prefill\": false, "
        "\"header_length\": 3, \"poison\": 1, \"gap\": 4, \"reserved\": 9, \"readable_frames\": [1, { \"size\": 2, "
        "\"times\": 3 }], \"writable_frames\": [\"5\"] },"
        "{ \"do\": \"submit\", \"name\": \"g\", \"type\": \"FLUSH\", \"wait\": false }"));
    struct vector_env env = env_of(100, 16);
    struct vector_script *script = resolve(file, 0, 0, &env);
    const struct vblk_step *s = vector_script_of(script)->steps;

    (void)state;
    assert_int_equal(s[0].request.in_length, 512);
    assert_int_equal(s[0].request.poison, 0xa5);
    assert_int_equal(s[0].request.header_length, 16);
    assert_true(s[0].request.prefill);
    assert_int_equal(s[1].request.in_length, 1536);
    assert_int_equal(s[2].request.out.length, 1024);
    assert_int_equal(s[2].request.in_length, 0);
    assert_int_equal(s[3].request.in_length, 20);
    assert_int_equal(s[4].request.in_length, 6);
    assert_int_equal(s[5].request.in_length, 7);
    assert_true(s[5].request.no_status);
    assert_false(s[5].request.prefill);
    assert_int_equal(s[5].request.readable_frame_count, 4);
    assert_int_equal(s[5].request.readable_frames[3], 2);
    assert_int_equal(s[5].request.writable_frames[0], 5);
    assert_int_equal(vector_script_of(script)->step_count, 10);
    assert_int_equal(s[6].kind, VBLK_STEP_REQUEST);
    assert_int_equal(s[9].kind, VBLK_STEP_KICK);
    assert_string_equal(s[9].name, "g");
    vector_script_free(script);
    vector_free(file);
}

static void raw_steps__carry_places_and_bytes(void **state)
{
    struct vector_file *file = load(STEPS(
        "{ \"do\": \"request\", \"name\": \"r\", \"queue\": 1, \"type\": \"IN\" },"
        "{ \"do\": \"store\", \"at\": { \"of\": \"r\", \"part\": \"status\", \"offset\": 1 }, \"data\": { \"hex\": "
        "\"0f a0\" } },"
        "{ \"do\": \"store\", \"at\": { \"queue\": 1, \"part\": \"avail\" }, \"data\": { \"le32\": \"1 << 16\" }, "
        "\"order\": \"release\" },"
        "{ \"do\": \"desc\", \"name\": \"r\", \"index\": 2, \"addr\": { \"part\": \"outside\" }, \"next_in_chain\": 0 "
        "},"
        "{ \"do\": \"desc\", \"index\": 3, \"addr\": \"0x1234\", \"len\": 5, \"flags\": \"WRITE | NEXT\", \"next\": 6 "
        "},"
        "{ \"do\": \"kick\", \"force\": true, \"queue\": 1 },"
        "{ \"do\": \"config-write\", \"field\": \"writeback\", \"value\": 1 },"
        "{ \"do\": \"available\", \"name\": \"r\" },"
        "{ \"do\": \"load\", \"at\": 16, \"name\": \"v\" }, { \"do\": \"expect\", \"name\": \"v\", \"value\": 1, "
        "\"mask\": 3 },"
        "{ \"do\": \"expect\", \"name\": \"r\", \"status\": [\"OK\", 2], \"len\": 7, \"or_needs_reset\": true },"
        "{ \"do\": \"expect\", \"name\": \"r\", \"answered\": true }, { \"do\": \"barrier\", \"order\": \"acquire\" "
        "}"));
    struct vector_env env = env_of(100, 16);
    struct vector_script *script = resolve(file, 0, 0, &env);
    const struct vblk_step *s = vector_script_of(script)->steps;

    (void)state;
    assert_int_equal(s[1].part, VBLK_PART_STATUS_BYTE);
    assert_int_equal(s[1].a, 1);
    assert_int_equal(s[1].queue, 1);
    assert_string_equal(s[1].name, "r");
    assert_memory_equal(s[1].bytes.given, "\x0f\xa0", 2);
    assert_int_equal(s[2].part, VBLK_PART_AVAIL);
    assert_int_equal(s[2].order, VBLK_RELEASE);
    assert_int_equal(s[2].bytes.length, 4);
    assert_memory_equal(s[2].bytes.given, "\0\0\1\0", 4);
    assert_int_equal(s[3].desc_sets, VBLK_DESC_SETS_ADDR | VBLK_DESC_SETS_NEXT | VBLK_DESC_NEXT_IN_CHAIN);
    assert_int_equal(s[3].part, VBLK_PART_OUTSIDE);
    assert_int_equal(s[4].desc_sets, 15);
    assert_int_equal(vblk_get64(s[4].desc.addr), 0x1234);
    assert_int_equal(vblk_get16(s[4].desc.flags), 3);
    assert_int_equal(s[5].b, 1);
    assert_int_equal(s[6].a, 32);
    assert_int_equal(s[6].bytes.length, 1);
    assert_int_equal(s[7].queue, 1);
    assert_true(s[9].expect.value_checked);
    assert_false(s[9].expect.must_answer);
    assert_int_equal(s[10].expect.status[1], 2);
    assert_int_equal(s[10].expect.len[0], 7);
    assert_true(s[10].expect.needs_reset_ok);
    assert_false(s[10].expect.must_answer);
    assert_true(s[11].expect.must_answer);
    assert_int_equal(s[12].order, VBLK_ACQUIRE);
    assert_int_equal(s[12].a, VBLK_ACQUIRE);
    vector_script_free(script);
    vector_free(file);
}

static void sweep__is_a_product_and_ends(void **state)
{
    struct vector_file *file =
        load(HEAD TARGET "\"sweep\": { \"x\": \"1..queue_max - 14\", \"y\": [0, \"capacity - 1\"] }, "
                         "\"steps\": [{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"sector\": \"y\", "
                         "\"sectors\": \"x\" }]" TAIL);
    struct vector_env env = env_of(100, 16);
    struct vector_script *script;
    char why[64] = "old";

    (void)state;
    assert_int_equal(vector_case_at(file, 0)->sweep, 4096);
    script = resolve(file, 0, 3, &env);
    assert_string_equal(vector_script_of(script)->name, "provision/PROV-DEV-01/a[x=2,y=99]");
    assert_int_equal(vector_script_of(script)->steps[0].request.sector, 99);
    assert_int_equal(vector_script_of(script)->steps[0].request.in_length, 1024);
    vector_script_free(script);
    assert_null(vector_resolve(file, 0, 4, &env, why, sizeof(why)));
    assert_string_equal(why, "");
    env.queue_max = 14;
    assert_null(vector_resolve(file, 0, 0, &env, why, sizeof(why)));
    assert_string_equal(why, "");
    env.queue_max = 13;
    assert_null(vector_resolve(file, 0, 0, &env, why, sizeof(why)));
    assert_non_null(strstr(why, "difference is negative"));
    env.queue_max = 4200;
    assert_null(vector_resolve(file, 0, 0, &env, why, sizeof(why)));
    assert_non_null(strstr(why, "more than 4096"));
    vector_free(file);
}

static void repeat__plays_its_steps_in_rounds(void **state)
{
    struct vector_file *file = load(STEPS("{ \"do\": \"repeat\", \"times\": \"queue_max\", \"steps\": [" IN_STEP
                                          ", { \"do\": \"wait\", \"name\": \"r\", \"ms\": \"round\" }] },"
                                          "{ \"do\": \"expect\", \"name\": \"r\", \"status\": [0] }"));
    struct vector_env env = env_of(100, 1024);
    struct vector_script *script = resolve(file, 0, 0, &env);

    (void)state;
    assert_int_equal(vector_script_of(script)->step_count, 2049);
    assert_int_equal(vector_script_of(script)->steps[2047].a, 1023);
    vector_script_free(script);
    vector_free(file);
}

static void events__are_independent_of_the_target(void **state)
{
    struct vector_file *file =
        load(HEAD EVENTS "\"puppet\": { \"features\": { \"remove\": [\"MQ\"], \"add\": [\"RO\"] }, "
                         "\"config\": { \"capacity\": 77 }, \"queue_max\": 8 }, \"negotiate\": { \"without\": "
                         "[\"FLUSH\"] }, \"steps\": [" START ", " IN_STEP
                         ", { \"dev\": \"take\", \"of\": \"r\" }, { \"dev\": \"data\", \"of\": \"r\", \"offset\": "
                         "\"capacity\", \"data\": { \"pattern\": 3, \"length\": 4 } }, "
                         "{ \"dev\": \"status-byte\", \"of\": \"r\", \"status\": 1 }, { \"dev\": \"elem\", \"of\": "
                         "\"r\" }, { \"dev\": \"elem\", \"id\": 3, \"len\": 9 }, { \"dev\": \"idx\", \"by\": 2 }, "
                         "{ \"dev\": \"complete\", \"of\": \"r\", \"status\": \"IOERR\" }, { \"dev\": \"config\", "
                         "\"field\": \"capacity\", \"value\": 5 }, { \"dev\": \"gone\", \"how\": \"it died\" }, "
                         "{ \"dev\": \"power-cut\", \"persistent\": true }, { \"dev\": \"status\", \"value\": 64 }, "
                         "{ \"dev\": \"features\", \"features\": [\"RO\"] }, { \"dev\": \"reg\", \"reg\": "
                         "\"status\", \"value\": 1 }, { \"dev\": \"quiet\", \"ms\": 9 }, { \"dev\": \"disk\", "
                         "\"sector\": 1, \"times\": 2, \"data\": { \"fill\": 7, \"length\": 512 } }]" TAIL);
    struct vector_env env = env_of(100, 1024);
    struct vector_script *script = resolve(file, 0, 0, &env);
    const struct vblk_script *s = vector_script_of(script);
    char why[128];

    (void)state;
    assert_true(vector_applies(file, 0, &env, why, sizeof(why)));
    assert_int_equal(s->puppet.queue_max, 8);
    assert_int_equal(s->puppet.config[0], 77);
    assert_false(s->puppet.features >> VBLK_F_MQ & 1);
    assert_true(s->puppet.features >> VBLK_F_RO & 1);
    assert_true(s->puppet.features >> VBLK_F_VERSION_1 & 1);
    assert_true(s->features == (s->puppet.features & ~VBLK_BIT(VBLK_F_FLUSH)));
    assert_int_equal(s->steps[1].kind, VBLK_STEP_REQUEST); /* no wait in events */
    assert_int_equal(s->steps[6].a, 77);
    assert_false(s->steps[8].a_given);
    assert_true(s->steps[9].a_given && s->steps[9].b_given);
    assert_int_equal(s->steps[11].a, VBLK_S_IOERR);
    assert_int_equal(s->steps[12].bytes.length, 8);
    assert_int_equal(s->steps[13].bytes.length, 7);
    assert_int_equal(s->steps[14].a, 1);
    vector_script_free(script);
    vector_free(file);
}

static void applies__says_what_is_missing(void **state)
{
    static const struct {
        const char *demand, *reason;
    } rows[] = {
        { "\"needs\": { \"features\": [\"DISCARD\"] }", "needs DISCARD offered" },
        { "\"needs\": { \"lacks\": [\"FLUSH\"] }", "needs FLUSH not offered" },
        { "\"needs\": { \"config\": [\"1\", \"capacity >= 101\"] }", "needs capacity >= 101" },
        { "\"needs\": { \"config\": [\"capacity / (capacity - 100)\"] }", "division by zero" },
        { "\"negotiate\": { \"only\": [\"VERSION_1\", \"MQ\"] }", "needs MQ offered" },
        { "\"profiles\": [\"1.4+provision\"]", "the case is not for profile 1.2+provision" },
        { "\"queue_size\": 32", "needs a queue of 32 entries" },
        { "\"queues\": 3", "needs 3 queues" },
        { "\"needs\": { \"features\": [\"FLUSH\"] }, \"negotiate\": { \"without\": [\"FLUSH\"] }", NULL },
        { "\"queue_size\": \"queue_max / 2\", \"queues\": 2", NULL },
    };
    struct vector_env env = env_of(100, 16);
    char text[1024], why[128];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vector_file *file;
        bool fine;

        (void)snprintf(text, sizeof(text), HEAD TARGET "%s, \"steps\": [" START "]" TAIL, rows[i].demand);
        file = load(text);
        fine = vector_applies(file, 0, &env, why, sizeof(why));
        if (fine != !rows[i].reason || (rows[i].reason && !strstr(why, rows[i].reason)))
            fail_msg("%s: %s", rows[i].demand, why);
        vector_free(file);
    }
}

static void applies__driver_must_model_what_is_needed(void **state)
{
    struct vector_file *file =
        load(HEAD TARGET "\"needs\": { \"features\": [\"FLUSH\"] }, \"steps\": [" START "]" TAIL);
    struct vector_env env = env_of(100, 16);
    char why[128];

    (void)state;
    env.modelled = VBLK_BIT(VBLK_F_VERSION_1);
    assert_false(vector_applies(file, 0, &env, why, sizeof(why)));
    assert_string_equal(why, "the suite's driver does not do FLUSH");
    vector_free(file);
}

static void device__options_are_changed(void **state)
{
    struct vector_file *file =
        load(HEAD TARGET "\"device\": { \"features\": { \"add\": [\"RO\"], \"remove\": [\"FLUSH\"] }, "
                         "\"capacity\": \"1 << 20\", \"blk_size\": 4096, \"serial\": \"abc\", \"writeback\": true, "
                         "\"readings\": [\"AMB-02=ignore\"] }, \"steps\": [" START "]" TAIL);
    struct vblk_device_options options = { .profile = *vblk_profile_default(), .seg_max = 9 };
    char why[128];

    (void)state;
    options.features = VBLK_BIT(VBLK_F_FLUSH) | VBLK_BIT(VBLK_F_MQ);
    assert_true(vector_device_options(file, 0, &options, why, sizeof(why)));
    assert_true(options.features == (VBLK_BIT(VBLK_F_RO) | VBLK_BIT(VBLK_F_MQ)));
    assert_int_equal(options.capacity, 1u << 20);
    assert_int_equal(options.blk_size, 4096);
    assert_int_equal(options.seg_max, 9);
    assert_string_equal(options.serial, "abc");
    assert_true(options.writeback);
    assert_int_equal(options.readings.chosen[vblk_ambiguity_find("AMB-02")], 1);
    options.profile = *vblk_profile_find("1.2");
    assert_false(vector_device_options(file, 0, &options, why, sizeof(why)));
    vector_free(file);
}

static void env__of_device_shows_offered_fields_only(void **state)
{
    struct vector_env env = env_of(0x1122, 16);

    (void)state;
    assert_int_equal(env.config[0], 0x22);
    assert_int_equal(env.config[21], 0x10);
    assert_int_equal(env.config[72], 4);
    assert_int_equal(env.config[75], 1);
    assert_int_equal(env.config[76], 5);
    assert_int_equal(env.config_length, 80);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void env__is_read_from_a_file(void **state)
{
    static const char path[] = "vector_test_env.json";
    struct vector_error error;
    struct vector_env env;

    (void)state;
    write_file(
        path, "{ \"profile\": \"1.4\", \"features\": [\"VERSION_1\", \"ZONED\"], \"queue_max\": 256, \"num_queues\": 1,"
              " \"config_length\": 96, \"config\": { \"capacity\": 4096, \"zone_sectors\": 64 } }");
    assert_true(vector_env_load(path, 0, &env, &error));
    assert_int_equal(env.capacity, 4096);
    assert_int_equal(env.config[72], 64);
    assert_true(env.modelled == env.offered);
    write_file(path, "{ \"profile\": \"9\" }");
    assert_false(vector_env_load(path, 0, &env, &error));
    assert_int_equal(error.column, 14);
    write_file(path,
               "{ \"features\": [], \"config\": {}, \"queue_max\": 1,\n \"num_queues\": 1, \"config_length\": 300 }");
    assert_false(vector_env_load(path, 0, &env, &error));
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 36);
    (void)remove(path);
    assert_false(vector_env_load(path, 0, &env, &error));
    assert_int_equal(error.line, 0);
    assert_string_equal(error.file, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_file__is_described),
        cmocka_unit_test(numbers__follow_what_the_target_announced),
        cmocka_unit_test(profile__renumbers_type_bit_and_offset),
        cmocka_unit_test(requests__have_the_defaults_of_their_type),
        cmocka_unit_test(raw_steps__carry_places_and_bytes),
        cmocka_unit_test(sweep__is_a_product_and_ends),
        cmocka_unit_test(repeat__plays_its_steps_in_rounds),
        cmocka_unit_test(events__are_independent_of_the_target),
        cmocka_unit_test(applies__says_what_is_missing),
        cmocka_unit_test(applies__driver_must_model_what_is_needed),
        cmocka_unit_test(device__options_are_changed),
        cmocka_unit_test(env__of_device_shows_offered_fields_only),
        cmocka_unit_test(env__is_read_from_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
