/* SPDX-License-Identifier: BSD-3-Clause */
/* Models that are wrong on purpose (conformance/mutants) for targets that are told to use one. */
#ifndef FUZZ_WRONG_H
#define FUZZ_WRONG_H

#include "mutants/mutants.h"

/* The one that VBLK_FUZZ_MUTANT names, or NULL: none is named. Ends the process if there is no such one. */
const struct mutant *wrong_named(void);
/* VBLK_FUZZ_MUTANT is "all". */
bool wrong_all(void);
/* Make @options those of @mutant's device; @device must last as long as the device does. */
void wrong_device(const struct mutant *mutant, struct mutant_device *device, struct vblk_device_options *options);
/* For targets whose device is the reference: the one that VBLK_FUZZ_MUTANT names, if it does, instead. */
void wrong_instead(struct mutant_device *device, struct vblk_device_options *options);

#endif /* FUZZ_WRONG_H */
