/* SPDX-License-Identifier: BSD-3-Clause */
/* A sentence for the caller about why his argument was refused. */
#ifndef VBLK_SPEC_SAY_H
#define VBLK_SPEC_SAY_H

#include <vblk/base.h>

/** Print into why[why_size], cut to fit; nothing if there is no room at all. @return VBLK_E_INVAL, for the caller to return. */
vblk_err vblk_say_invalid(char *why, size_t why_size, const char *format, ...) VBLK_PRINTF(3, 4);

#endif /* VBLK_SPEC_SAY_H */
