/* SPDX-License-Identifier: BSD-3-Clause */
#include <vblk/base.h>

static const char *const phrases[] = {
    [-VBLK_OK] = "success",
    [-VBLK_E_INVAL] = "invalid argument",
    [-VBLK_E_RANGE] = "address range outside guest memory",
    [-VBLK_E_NOMEM] = "out of memory",
    [-VBLK_E_STATE] = "call does not fit the present state",
    [-VBLK_E_FULL] = "no free entry",
    [-VBLK_E_EMPTY] = "nothing to take",
    [-VBLK_E_IO] = "input or output failed",
    [-VBLK_E_TIMEOUT] = "nothing happened in time",
    [-VBLK_E_GONE] = "the peer is gone",
    [-VBLK_E_UNSUPPORTED] = "not supported by this target or build",
};

const char *vblk_strerror(vblk_err err)
{
    const int n = -(int)err;

    if (n < 0 || (size_t)n >= sizeof(phrases) / sizeof(phrases[0]))
        return "unknown error";
    return phrases[n];
}

const char *vblk_version(void)
{
    return VBLK_VERSION;
}
