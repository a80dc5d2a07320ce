/* SPDX-License-Identifier: BSD-3-Clause */
/* Lawful and unusual: nobody may be blamed. */
#include "mutants.h"

static const struct mutant controls[] = {
    { .name = "reference-device", .what = "does what the text says" },
    { .name = "reference-driver", .what = "does what the text says", .driver = true },
};

const struct mutant *control_at(size_t i)
{
    return i < sizeof(controls) / sizeof(controls[0]) ? &controls[i] : NULL;
}
