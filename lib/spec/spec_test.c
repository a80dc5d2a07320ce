/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/clause.h>

#include "ids.h"

#define ROWS 820u

static void each_row(void (*look)(const struct vblk_clause *))
{
    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++)
        look(vblk_clause_at(no));
}

static void table__has_every_row_of_the_inventory(void **state)
{
    (void)state;
    assert_int_equal(vblk_clause_count(), ROWS);
    assert_int_equal(VBLK_C_COUNT, ROWS);
    assert_null(vblk_clause_at(ROWS));
    assert_null(vblk_clause_at(VBLK_NO_CLAUSE));
}

static void ids__are_unique_and_found_at_their_row(void **state)
{
    (void)state;
    for (vblk_clause_no no = 0; no < ROWS; no++)
        assert_int_equal(vblk_clause_find(vblk_clause_at(no)->id), no);
}

static void ids__unknown_is_not_found(void **state)
{
    (void)state;
    assert_int_equal(vblk_clause_find("PROV-DEV-99"), VBLK_NO_CLAUSE);
    assert_int_equal(vblk_clause_find(""), VBLK_NO_CLAUSE);
    assert_int_equal(vblk_clause_find(NULL), VBLK_NO_CLAUSE);
}

static void tokens__are_ids_with_underscores(void **state)
{
    static const char *const tokens[] = {
#define ROW(standing, token, ...) #token,
#include "clauses.def"
#undef ROW
    };
    char id[32];

    (void)state;
    for (vblk_clause_no no = 0; no < ROWS; no++) {
        assert_true(strlen(tokens[no]) < sizeof(id));
        strcpy(id, tokens[no]);
        for (char *c = strchr(id, '_'); c; c = strchr(c, '_'))
            *c = '-';
        assert_string_equal(id, vblk_clause_at(no)->id);
    }
    assert_string_equal(vblk_clause_at(VBLK_C_PROV_DEV_01)->id, "PROV-DEV-01");
}

static void look_filled(const struct vblk_clause *c)
{
    const char *const strings[] = { c->id, c->since, c->area, c->section, c->summary, c->stimulus, c->evidence };

    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        assert_non_null(strings[i]);
        assert_true(strings[i][0] != '\0');
        assert_null(strstr(strings[i], "  "));
    }
    assert_non_null(c->note);
    assert_int_equal(c->note[0] == '\0', c->standing == VBLK_PENDING);
}

static void rows__have_every_string_and_a_note_unless_pending(void **state)
{
    (void)state;
    each_row(look_filled);
}

static void look_consistent(const struct vblk_clause *c)
{
    const bool versioned =
        strlen(c->since) == 3 && c->since[0] == '1' && c->since[1] == '.' && c->since[2] >= '0' && c->since[2] <= '4';

    assert_true(c->bound <= VBLK_BOUND_BOTH && c->level <= VBLK_DEF && c->strength <= VBLK_DEF);
    assert_true(c->level == VBLK_DEF || c->strength == c->level);
    assert_true(c->grade >= VBLK_GRADE_SNAPSHOT && c->grade <= VBLK_GRADE_ACCESS);
    assert_int_equal(strcmp(c->area, "provision") == 0, strcmp(c->since, "provision") == 0);
    assert_true(versioned || strcmp(c->since, "provision") == 0);
    assert_null(strstr(c->summary, "-strength:"));
    if (c->observability == VBLK_SEEN_INTERNAL || c->observability == VBLK_SEEN_INTENT)
        assert_int_not_equal(c->standing, VBLK_PENDING);
}

static void rows__do_not_contradict_themselves(void **state)
{
    (void)state;
    each_row(look_consistent);
}

static unsigned count(size_t at, uint8_t value)
{
    unsigned n = 0;

    for (vblk_clause_no no = 0; no < ROWS; no++)
        n += ((const uint8_t *)vblk_clause_at(no))[at] == value;
    return n;
}

static void counts__are_those_of_the_inventory(void **state)
{
    const size_t bound = offsetof(struct vblk_clause, bound), level = offsetof(struct vblk_clause, level);
    const size_t seen = offsetof(struct vblk_clause, observability);

    (void)state;
    /* BLK-CFG-10 and RING-PACKED-03 stand under the device in the inventory; the text binds the driver, or both. */
    assert_int_equal(count(bound, VBLK_BOUND_DEVICE), 423);
    assert_int_equal(count(bound, VBLK_BOUND_DRIVER), 292);
    assert_int_equal(count(bound, VBLK_BOUND_BOTH), 105);
    assert_int_equal(count(level, VBLK_DEF), 347);
    assert_int_equal(count(level, VBLK_MUST), 256);
    assert_int_equal(count(level, VBLK_MUST_NOT), 89);
    assert_int_equal(count(level, VBLK_MAY), 68);
    assert_int_equal(count(level, VBLK_SHOULD), 42);
    assert_int_equal(count(level, VBLK_SHOULD_NOT), 18);
    assert_int_equal(count(seen, VBLK_SEEN_CONFIG), 344);
    assert_int_equal(count(seen, VBLK_SEEN_MEMORY), 342);
    assert_int_equal(count(seen, VBLK_SEEN_ACCESS), 66);
    assert_int_equal(count(seen, VBLK_SEEN_INTENT), 25);
    assert_int_equal(count(seen, VBLK_SEEN_TIMING), 26);
    assert_int_equal(count(seen, VBLK_SEEN_INTERNAL), 17);
}

static void strengths__come_from_the_derivation(void **state)
{
    (void)state;
    assert_int_equal(vblk_clause_at(VBLK_C_PROV_DEV_02)->strength, VBLK_MUST);
    assert_int_equal(vblk_clause_at(VBLK_C_PROV_DEV_04)->strength, VBLK_SHOULD);
    assert_int_equal(vblk_clause_at(VBLK_C_PROV_DEV_08)->strength, VBLK_MUST_NOT);
    assert_int_equal(vblk_clause_at(VBLK_C_PROV_DEV_12)->strength, VBLK_SHOULD);
    assert_int_equal(vblk_clause_at(VBLK_C_PROV_DRV_06)->strength, VBLK_SHOULD_NOT);
    assert_int_equal(vblk_clause_at(VBLK_C_PROV_REQ_13)->strength, VBLK_DEF);
    assert_int_equal(vblk_clause_at(VBLK_C_SAFE_DEV_01)->strength, VBLK_MUST_NOT);
}

static bool in(const char *id, const char *profile)
{
    return vblk_clause_in_profile(vblk_clause_at(vblk_clause_find(id)), vblk_profile_find(profile));
}

static void profile__with_provision_has_the_proposal(void **state)
{
    (void)state;
    assert_true(in("PROV-DEV-01", "1.2+provision"));
    assert_true(in("PROV-DEV-01", "1.4+provision"));
    assert_true(in("PROV-DEV-01", "linux-rfc"));
    assert_false(in("PROV-DEV-01", "1.2"));
    assert_false(in("PROV-DEV-01", "1.4"));
}

static void profile__without_segment_limit_leaves_its_rows_out(void **state)
{
    (void)state;
    assert_true(in("PROV-DRV-02", "1.2+provision"));
    assert_false(in("PROV-DRV-02", "linux-rfc"));
    assert_false(in("PROV-CFG-02", "linux-rfc"));
}

static void profile__without_zones_leaves_zoned_rows_out(void **state)
{
    struct vblk_profile flat = *vblk_profile_find("1.4");

    (void)state;
    assert_true(in("BLK-ZOP-01", "1.4"));
    assert_false(in("BLK-ZOP-01", "1.2"));
    assert_false(in("BLK-ZOP-01", "1.2+provision"));
    flat.zoned = false;
    assert_false(vblk_clause_in_profile(vblk_clause_at(vblk_clause_find("BLK-ZOP-01")), &flat));
}

static void profile__leaves_out_what_came_later(void **state)
{
    (void)state;
    assert_true(in("SUSP-DRV-01", "1.4"));
    assert_false(in("SUSP-DRV-01", "1.2"));
    assert_false(in("FEAT-DRV-09", "1.2+provision"));
    assert_true(in("BLK-OP-DEV-25", "1.2"));
    assert_true(in("RING-SPLIT-01", "1.2"));
}

static void profile__without_a_feature_leaves_its_rows_out(void **state)
{
    (void)state;
    assert_false(in("BLK-OP-DEV-25", "linux-rfc"));
    assert_false(in("BLK-CFG-13", "linux-rfc"));
    assert_true(in("BLK-CFG-12", "linux-rfc"));
}

static void names__of_every_value_are_known_and_differ(void **state)
{
    (void)state;
    assert_string_equal(vblk_bound_name(VBLK_BOUND_BOTH), "both");
    assert_string_equal(vblk_level_name(VBLK_MUST_NOT), "MUST NOT");
    assert_string_equal(vblk_level_name(VBLK_DEF), "DEF");
    assert_string_equal(vblk_observability_name(VBLK_SEEN_INTENT), "peer-intent");
    assert_string_equal(vblk_grade_name(VBLK_GRADE_ACCESS), "access");
    assert_string_equal(vblk_standing_name(VBLK_UNSEEN), "unseen");
    assert_string_equal(vblk_bound_name((enum vblk_bound)3), "unknown");
    assert_string_equal(vblk_level_name((enum vblk_level)6), "unknown");
    assert_string_equal(vblk_observability_name((enum vblk_observability)6), "unknown");
    assert_string_equal(vblk_grade_name((enum vblk_grade)4), "unknown");
    assert_string_equal(vblk_standing_name((enum vblk_standing)3), "unknown");
}

static void ambiguities__are_complete_and_numbered(void **state)
{
    char id[16];

    (void)state;
    assert_int_equal(vblk_ambiguity_count(), 33);
    for (unsigned i = 0; i < 33; i++) {
        const struct vblk_ambiguity *amb = vblk_ambiguity_at(i);

        snprintf(id, sizeof(id), "AMB-%02u", i + 1);
        assert_string_equal(amb->id, id);
        assert_int_equal(vblk_ambiguity_find(id), (int)i);
        assert_true(amb->title[0] && amb->facts[0] && amb->treatment[0]);
        assert_in_range(amb->readings, 1, VBLK_READINGS_MAX);
    }
    assert_null(vblk_ambiguity_at(33));
    assert_int_equal(vblk_ambiguity_find("AMB-34"), -1);
    assert_int_equal(vblk_ambiguity_find(NULL), -1);
    assert_int_equal(VBLK_AMB_33, 32);
}

static void readings__are_words_that_differ(void **state)
{
    (void)state;
    for (unsigned i = 0; i < vblk_ambiguity_count(); i++) {
        const struct vblk_ambiguity *amb = vblk_ambiguity_at(i);

        for (unsigned n = 0; n < VBLK_READINGS_MAX; n++) {
            assert_int_equal(amb->reading[n].name != NULL, n < amb->readings);
            if (n >= amb->readings)
                continue;
            assert_int_equal(strspn(amb->reading[n].name, "abcdefghijklmnopqrstuvwxyz"), strlen(amb->reading[n].name));
            assert_true(amb->reading[n].what[0] != '\0');
            for (unsigned m = 0; m < n; m++)
                assert_string_not_equal(amb->reading[n].name, amb->reading[m].name);
        }
    }
}

static void readings__every_word_can_be_set(void **state)
{
    struct vblk_readings readings = { { 0 } };
    char text[64], why[64];

    (void)state;
    for (unsigned i = 0; i < vblk_ambiguity_count(); i++) {
        const struct vblk_ambiguity *amb = vblk_ambiguity_at(i);

        for (unsigned n = amb->readings; n-- > 0;) {
            snprintf(text, sizeof(text), "%s=%s", amb->id, amb->reading[n].name);
            assert_int_equal(vblk_readings_set(&readings, text, why, sizeof(why)), VBLK_OK);
            assert_int_equal(readings.chosen[i], n);
        }
    }
}

static void readings__first_of_unmap_is_unsupp(void **state)
{
    (void)state;
    assert_string_equal(vblk_ambiguity_at(VBLK_AMB_02)->reading[0].name, "unsupp");
}

static void readings__wrong_text_is_refused_with_a_sentence(void **state)
{
    struct vblk_readings readings = { { 7 } };
    char why[160];

    (void)state;
    assert_int_equal(vblk_readings_set(&readings, "AMB-02", why, sizeof(why)), VBLK_E_INVAL);
    assert_string_equal(why, "'AMB-02' is not of the form AMB-02=reading");
    assert_int_equal(vblk_readings_set(&readings, "AMB-99=either", why, sizeof(why)), VBLK_E_INVAL);
    assert_string_equal(why, "there is no ambiguity 'AMB-99'");
    assert_int_equal(vblk_readings_set(&readings, "a-name-that-is-longer-than-any-id-we-have=x", why, sizeof(why)),
                     VBLK_E_INVAL);
    assert_string_equal(why, "there is no ambiguity 'a-name-that-is-longer-than-any-i'");
    assert_int_equal(vblk_readings_set(&readings, "AMB-02=later", why, sizeof(why)), VBLK_E_INVAL);
    assert_string_equal(why, "AMB-02 has no reading 'later': choose one of unsupp, ignore, fault");
    assert_int_equal(vblk_readings_set(&readings, "AMB-02=later", NULL, 0), VBLK_E_INVAL);
    assert_int_equal(readings.chosen[0], 7);
}

static void errors__have_a_phrase(void **state)
{
    (void)state;
    assert_string_equal(vblk_strerror(VBLK_OK), "success");
    for (int err = VBLK_E_UNSUPPORTED; err < 0; err++) {
        assert_string_not_equal(vblk_strerror((vblk_err)err), "success");
        assert_string_not_equal(vblk_strerror((vblk_err)err), "unknown error");
    }
    assert_string_equal(vblk_strerror((vblk_err)-11), "unknown error");
    assert_string_equal(vblk_strerror((vblk_err)1), "unknown error");
}

static void version__is_that_of_the_headers(void **state)
{
    char text[16];

    (void)state;
    snprintf(text, sizeof(text), "%d.%d.%d", VBLK_VERSION_MAJOR, VBLK_VERSION_MINOR, VBLK_VERSION_PATCH);
    assert_string_equal(vblk_version(), text);
}

static void events__and_registers_have_names_that_differ(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VBLK_EV_COUNT; i++) {
        assert_non_null(vblk_event_name((enum vblk_event_kind)i));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(vblk_event_name((enum vblk_event_kind)i), vblk_event_name((enum vblk_event_kind)j));
    }
    for (unsigned i = 0; i < VBLK_REG_COUNT; i++) {
        assert_non_null(vblk_reg_name((enum vblk_reg)i));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(vblk_reg_name((enum vblk_reg)i), vblk_reg_name((enum vblk_reg)j));
    }
    assert_string_equal(vblk_event_name(VBLK_EV_COUNT), "unknown");
    assert_string_equal(vblk_reg_name(VBLK_REG_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table__has_every_row_of_the_inventory),
        cmocka_unit_test(ids__are_unique_and_found_at_their_row),
        cmocka_unit_test(ids__unknown_is_not_found),
        cmocka_unit_test(tokens__are_ids_with_underscores),
        cmocka_unit_test(rows__have_every_string_and_a_note_unless_pending),
        cmocka_unit_test(rows__do_not_contradict_themselves),
        cmocka_unit_test(counts__are_those_of_the_inventory),
        cmocka_unit_test(strengths__come_from_the_derivation),
        cmocka_unit_test(profile__with_provision_has_the_proposal),
        cmocka_unit_test(profile__without_segment_limit_leaves_its_rows_out),
        cmocka_unit_test(profile__without_zones_leaves_zoned_rows_out),
        cmocka_unit_test(profile__leaves_out_what_came_later),
        cmocka_unit_test(profile__without_a_feature_leaves_its_rows_out),
        cmocka_unit_test(names__of_every_value_are_known_and_differ),
        cmocka_unit_test(ambiguities__are_complete_and_numbered),
        cmocka_unit_test(readings__are_words_that_differ),
        cmocka_unit_test(readings__every_word_can_be_set),
        cmocka_unit_test(readings__first_of_unmap_is_unsupp),
        cmocka_unit_test(readings__wrong_text_is_refused_with_a_sentence),
        cmocka_unit_test(errors__have_a_phrase),
        cmocka_unit_test(version__is_that_of_the_headers),
        cmocka_unit_test(events__and_registers_have_names_that_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
