/* SPDX-License-Identifier: BSD-3-Clause */
/* From counts to verdicts: no pass without evidence. */
#include <string.h>

#include "judge.h"

const char *vblk_verdict_name(enum vblk_verdict verdict)
{
    static const char *const names[VBLK_VERDICT_COUNT] = {
        [VBLK_VERDICT_PASS] = "pass",
        [VBLK_VERDICT_FAIL] = "fail",
        [VBLK_VERDICT_WARN] = "warn",
        [VBLK_VERDICT_INFO] = "info",
        [VBLK_VERDICT_EXPECTED_FAIL] = "expected-fail",
        [VBLK_VERDICT_UNEXPECTED_PASS] = "unexpected-pass",
        [VBLK_VERDICT_NOT_EXERCISED] = "not-exercised",
        [VBLK_VERDICT_NOT_OBSERVABLE] = "not-observable",
        [VBLK_VERDICT_NOT_APPLICABLE] = "not-applicable",
    };
    return (unsigned)verdict < VBLK_VERDICT_COUNT ? names[verdict] : "unknown";
}

static enum vblk_verdict for_broken(const struct vblk_clause *clause)
{
    switch (clause->strength) {
    case VBLK_SHOULD:
    case VBLK_SHOULD_NOT:
        return VBLK_VERDICT_WARN;
    case VBLK_MAY:
        return VBLK_VERDICT_INFO;
    default:
        return VBLK_VERDICT_FAIL;
    }
}

/* The rules of a transport have its name in front. */
static bool of_another_transport(const struct vblk_clause *clause, const struct vblk_target_facts *facts)
{
    return (strncmp(clause->id, "MMIO-", 5) == 0 && facts->transport != VBLK_TRANSPORT_MMIO) ||
           (strncmp(clause->id, "PCI-", 4) == 0 && facts->transport != VBLK_TRANSPORT_PCI);
}

/*
 * A buffer in flight that is not as it was: by whose hand is known if the driver's stores are seen, or if it stood still
 * while the device worked. Of a driver that runs beside the device neither is.
 */
static bool changes_are_nobodys(const struct vblk_clause *clause, const struct vblk_target_facts *facts)
{
    return clause == vblk_clause_at(VBLK_C_SAFE_DRV_01) && (facts->sees & VBLK_SEES_DRIVER_STORES) == 0 &&
           (!facts->lockstep || (facts->sees & VBLK_SEES_DEVICE_STORES) == 0);
}

static enum vblk_verdict for_untouched(const struct vblk_clause *clause, const struct vblk_target_facts *facts,
                                       const char **why)
{
    bool provision = strcmp(clause->area, "provision") == 0;

    if (!vblk_clause_in_profile(clause, &facts->profile)) {
        *why = "not part of the profile";
        return VBLK_VERDICT_NOT_APPLICABLE;
    }
    if (of_another_transport(clause, facts)) {
        *why = "a rule of another transport than the target's";
        return VBLK_VERDICT_NOT_APPLICABLE;
    }
    if (clause->standing == VBLK_PENDING) {
        *why = "not checked by this version";
        return VBLK_VERDICT_NOT_EXERCISED;
    }
    if (clause->standing == VBLK_UNSEEN) {
        *why = clause->note;
        return VBLK_VERDICT_NOT_OBSERVABLE;
    }
    if (clause->grade > facts->grade) {
        *why = "this kind of target does not show enough";
        return VBLK_VERDICT_NOT_OBSERVABLE;
    }
    if (changes_are_nobodys(clause, facts)) {
        *why = "a driver that runs beside the device may have its buffer back when it is looked at";
        return VBLK_VERDICT_NOT_OBSERVABLE;
    }
    if (facts->late && !dispatch_late(clause)) {
        *why = "an onlooker between driver and device sees it too late to tell";
        return VBLK_VERDICT_NOT_OBSERVABLE;
    }
    if (provision && (facts->offered & VBLK_BIT(facts->profile.provision_bit)) == 0) {
        *why = "PROVISION not offered";
        return VBLK_VERDICT_NOT_APPLICABLE;
    }
    *why = "nothing in this run exercised it";
    return VBLK_VERDICT_NOT_EXERCISED;
}

enum vblk_verdict vblk_verdict_of(vblk_clause_no no, const struct vblk_tally *tally,
                                  const struct vblk_target_facts *facts, const char **why)
{
    const struct vblk_clause *clause = vblk_clause_at(no);
    const char *unused;

    if (why == NULL)
        why = &unused;
    *why = "";
    if (clause == NULL)
        return VBLK_VERDICT_NOT_APPLICABLE;
    if (tally->broken > 0)
        return for_broken(clause);
    if (tally->doubted > 0)
        return VBLK_VERDICT_WARN;
    if (tally->noted > 0 && (clause->strength == VBLK_MAY || tally->held == 0))
        return VBLK_VERDICT_INFO;
    if (tally->held > 0)
        return VBLK_VERDICT_PASS;
    return for_untouched(clause, facts, why);
}

void vblk_tally_add(struct vblk_tally *sum, const struct vblk_tally *part)
{
    sum->held += part->held;
    sum->broken += part->broken;
    sum->doubted += part->doubted;
    sum->noted += part->noted;
    if (part->choice[0] != '\0')
        memcpy(sum->choice, part->choice, sizeof(sum->choice));
    if (part->reading != 0)
        sum->reading = part->reading;
}
