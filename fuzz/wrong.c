/* SPDX-License-Identifier: BSD-3-Clause */
#include "wrong.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wrong_all(void)
{
    const char *name = getenv("VBLK_FUZZ_MUTANT");

    return name && strcmp(name, "all") == 0;
}

const struct mutant *wrong_named(void)
{
    const char *name = getenv("VBLK_FUZZ_MUTANT");
    const struct mutant *m = NULL;

    for (size_t i = 0; name && (m = mutant_at(i)) != NULL && strcmp(m->name, name) != 0; i++)
        continue;
    if (name && !m) {
        (void)fprintf(stderr, "VBLK_FUZZ_MUTANT: 'vblk mutants --list' knows no '%s'\n", name);
        exit(2);
    }
    return m;
}

void wrong_device(const struct mutant *mutant, struct mutant_device *device, struct vblk_device_options *options)
{
    *device = mutant_device(mutant);
    options->behaviour = &device->behaviour;
    if (mutant->options)
        mutant->options(options, mutant);
}

void wrong_instead(struct mutant_device *device, struct vblk_device_options *options)
{
    const struct mutant *m = wrong_named();

    if (!m)
        return;
    if (m->driver) {
        (void)fprintf(stderr, "VBLK_FUZZ_MUTANT: '%s' is a driver; this target has none of ours\n", m->name);
        exit(2);
    }
    wrong_device(m, device, options);
}
