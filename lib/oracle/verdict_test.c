/* SPDX-License-Identifier: BSD-3-Clause */
/* From counts to verdicts: what each count makes of a rule of each strength, and why a rule has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/oracle.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static struct vblk_target_facts everything(void)
{
    return (struct vblk_target_facts){ .profile = *vblk_profile_default(), .grade = VBLK_GRADE_ACCESS, .sees = VBLK_SEES_ALL,
                                       .offered = UINT64_MAX };
}

/* A checked clause of that strength. */
static vblk_clause_no of_strength(unsigned strength)
{
    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++)
        if (vblk_clause_at(no)->strength == strength && vblk_clause_at(no)->standing == VBLK_CHECKED)
            return no;
    fail_msg("no clause of strength %u", strength);
    return 0;
}

static void counts_make_a_verdict_by_the_rules_strength(void **state)
{
    static const struct {
        struct vblk_tally tally;
        enum vblk_verdict must, should, may;
    } rows[] = {
        { { .held = 1 }, VBLK_VERDICT_PASS, VBLK_VERDICT_PASS, VBLK_VERDICT_PASS },
        { { .held = 9, .broken = 1 }, VBLK_VERDICT_FAIL, VBLK_VERDICT_WARN, VBLK_VERDICT_INFO },
        { { .broken = 1, .doubted = 1, .noted = 1 }, VBLK_VERDICT_FAIL, VBLK_VERDICT_WARN, VBLK_VERDICT_INFO },
        { { .held = 9, .doubted = 1 }, VBLK_VERDICT_WARN, VBLK_VERDICT_WARN, VBLK_VERDICT_WARN },
        { { .doubted = 1, .noted = 1 }, VBLK_VERDICT_WARN, VBLK_VERDICT_WARN, VBLK_VERDICT_WARN },
        { { .noted = 1 }, VBLK_VERDICT_INFO, VBLK_VERDICT_INFO, VBLK_VERDICT_INFO },
        { { .held = 1, .noted = 1 }, VBLK_VERDICT_PASS, VBLK_VERDICT_PASS, VBLK_VERDICT_INFO },
        { { 0 }, VBLK_VERDICT_NOT_EXERCISED, VBLK_VERDICT_NOT_EXERCISED, VBLK_VERDICT_NOT_EXERCISED },
    };
    const vblk_clause_no must = of_strength(VBLK_MUST), must_not = of_strength(VBLK_MUST_NOT),
                         should = of_strength(VBLK_SHOULD), should_not = of_strength(VBLK_SHOULD_NOT), may = of_strength(VBLK_MAY);
    const struct vblk_target_facts facts = everything();

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct vblk_tally *t = &rows[i].tally;

        assert_int_equal(vblk_verdict_of(must, t, &facts, NULL), rows[i].must);
        assert_int_equal(vblk_verdict_of(must_not, t, &facts, NULL), rows[i].must);
        assert_int_equal(vblk_verdict_of(should, t, &facts, NULL), rows[i].should);
        assert_int_equal(vblk_verdict_of(should_not, t, &facts, NULL), rows[i].should);
        assert_int_equal(vblk_verdict_of(may, t, &facts, NULL), rows[i].may);
    }
    assert_int_equal(vblk_verdict_of(VBLK_NO_CLAUSE, &rows[0].tally, &facts, NULL), VBLK_VERDICT_NOT_APPLICABLE);
}

static const char *reason(const char *clause, struct vblk_target_facts facts, enum vblk_verdict verdict)
{
    const struct vblk_tally none = { 0 };
    const char *why = NULL;

    assert_int_equal(vblk_verdict_of(vblk_clause_find(clause), &none, &facts, &why), verdict);
    assert_non_null(why);
    return why;
}

static void what_was_not_exercised_says_why(void **state)
{
    static const char nothing[] = "nothing in this run exercised it", elsewhere[] = "a rule of another transport than the target's",
                      no_provision[] = "PROVISION not offered", little[] = "this kind of target does not show enough",
                      nobodys[] = "a driver that runs beside the device may have its buffer back when it is looked at";
    struct vblk_target_facts f = everything();

    (void)state;
    assert_string_equal(reason("VQ-02", f, VBLK_VERDICT_NOT_EXERCISED), nothing);
    assert_string_equal(reason("MMIO-DEV-08", f, VBLK_VERDICT_NOT_APPLICABLE), elsewhere);
    assert_string_equal(reason("PCI-COM-DEV-10", f, VBLK_VERDICT_NOT_APPLICABLE), elsewhere);
    f.transport = VBLK_TRANSPORT_MMIO;
    assert_string_equal(reason("MMIO-DEV-08", f, VBLK_VERDICT_NOT_EXERCISED), nothing);
    assert_string_equal(reason("PCI-COM-DEV-10", f, VBLK_VERDICT_NOT_APPLICABLE), elsewhere);
    f.transport = VBLK_TRANSPORT_PCI;
    assert_string_equal(reason("MMIO-DEV-08", f, VBLK_VERDICT_NOT_APPLICABLE), elsewhere);
    assert_string_equal(reason("PCI-COM-DEV-10", f, VBLK_VERDICT_NOT_EXERCISED), nothing);

    f = everything();
    assert_string_equal(reason("PROV-DEV-01", f, VBLK_VERDICT_NOT_EXERCISED), nothing);
    f.offered = ~VBLK_BIT(f.profile.provision_bit);
    assert_string_equal(reason("PROV-DEV-01", f, VBLK_VERDICT_NOT_APPLICABLE), no_provision);
    assert_string_equal(reason("VQ-02", f, VBLK_VERDICT_NOT_EXERCISED), nothing);
    assert_string_equal(reason("SUSP-DEV-01", f, VBLK_VERDICT_NOT_APPLICABLE), "not part of the profile");
    f.profile = *vblk_profile_find("1.4");
    assert_string_equal(reason("SUSP-DEV-01", f, VBLK_VERDICT_NOT_EXERCISED), nothing);

    f = everything();
    f.grade = VBLK_GRADE_SNAPSHOT;
    assert_string_equal(reason("RING-SPLIT-DEV-02", f, VBLK_VERDICT_NOT_OBSERVABLE), little);
    assert_string_equal(reason("VQ-02", f, VBLK_VERDICT_NOT_EXERCISED), nothing);

    /* whose hand it was: the driver's stores are seen, or it stood still before a device whose stores are */
    f = everything();
    assert_string_equal(reason("SAFE-DRV-01", f, VBLK_VERDICT_NOT_EXERCISED), nothing);
    f.sees = VBLK_SEES_DRIVER_STORES;
    assert_string_equal(reason("SAFE-DRV-01", f, VBLK_VERDICT_NOT_EXERCISED), nothing);
    f.sees = VBLK_SEES_DEVICE_STORES;
    assert_string_equal(reason("SAFE-DRV-01", f, VBLK_VERDICT_NOT_OBSERVABLE), nobodys);
    assert_string_equal(reason("VQ-02", f, VBLK_VERDICT_NOT_EXERCISED), nothing);
    f.lockstep = true;
    assert_string_equal(reason("SAFE-DRV-01", f, VBLK_VERDICT_NOT_EXERCISED), nothing);
    f.sees = 0;
    assert_string_equal(reason("SAFE-DRV-01", f, VBLK_VERDICT_NOT_OBSERVABLE), nobodys);
}

static void tallies_add_up__and_the_last_choice_stays(void **state)
{
    struct vblk_tally sum = { .held = 1, .broken = 2, .doubted = 3, .noted = 4, .choice = "before", .reading = 5 };
    const struct vblk_tally none = { 0 };
    const struct vblk_tally more = { .held = 10, .broken = 20, .doubted = 30, .noted = 40, .choice = "after", .reading = 6 };

    (void)state;
    vblk_tally_add(&sum, &none);
    assert_int_equal(sum.held, 1);
    assert_int_equal(sum.broken, 2);
    assert_int_equal(sum.doubted, 3);
    assert_int_equal(sum.noted, 4);
    assert_string_equal(sum.choice, "before");
    assert_int_equal(sum.reading, 5);
    vblk_tally_add(&sum, &more);
    assert_int_equal(sum.held, 11);
    assert_int_equal(sum.broken, 22);
    assert_int_equal(sum.doubted, 33);
    assert_int_equal(sum.noted, 44);
    assert_string_equal(sum.choice, "after");
    assert_int_equal(sum.reading, 6);
}

static void each_verdict_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned a = 0; a < VBLK_VERDICT_COUNT; a++)
        for (unsigned b = 0; b <= VBLK_VERDICT_COUNT; b++)
            assert_int_equal(strcmp(vblk_verdict_name((enum vblk_verdict)a), vblk_verdict_name((enum vblk_verdict)b)) == 0, a == b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_make_a_verdict_by_the_rules_strength),
        cmocka_unit_test(what_was_not_exercised_says_why),
        cmocka_unit_test(tallies_add_up__and_the_last_choice_stays),
        cmocka_unit_test(each_verdict_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
