/* SPDX-License-Identifier: BSD-3-Clause */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

vblk_err vblk_say_invalid(char *why, size_t why_size, const char *format, ...)
{
    va_list args;

    if (why && why_size) {
        va_start(args, format);
        (void)vsnprintf(why, why_size, format, args);
        va_end(args);
    }
    return VBLK_E_INVAL;
}
