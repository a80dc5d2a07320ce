/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file base.h
 * @brief Version, error codes and the attributes that every public header uses.
 *
 * A vblk_err is always *our caller's* mistake or a failure of the environment. What a peer does
 * wrong is never an error code: it is an event, and the oracle makes a verdict of it.
 */
#ifndef VBLK_BASE_H
#define VBLK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VBLK_VERSION_MAJOR 0   /**< changes when the interface breaks */
#define VBLK_VERSION_MINOR 1   /**< changes when the interface grows */
#define VBLK_VERSION_PATCH 0   /**< changes otherwise */
#define VBLK_VERSION "0.1.0"   /**< the version of these headers; compare vblk_version() */

#if defined(__GNUC__) || defined(__clang__)
#define VBLK_API __attribute__((visibility("default")))
#define VBLK_NODISCARD __attribute__((warn_unused_result))
#define VBLK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define VBLK_API
#define VBLK_NODISCARD
#define VBLK_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Error codes. Values are pinned and never renumbered. */
typedef enum vblk_err {
    VBLK_OK = 0,
    VBLK_E_INVAL = -1,       /**< an argument is outside what the function documents */
    VBLK_E_RANGE = -2,       /**< a guest address range is not wholly inside the memory */
    VBLK_E_NOMEM = -3,       /**< the host has no memory left */
    VBLK_E_STATE = -4,       /**< the call does not fit the object's present state */
    VBLK_E_FULL = -5,        /**< no free descriptor, slot or table entry */
    VBLK_E_EMPTY = -6,       /**< nothing there to take */
    VBLK_E_IO = -7,          /**< the host's file, socket or device failed */
    VBLK_E_TIMEOUT = -8,     /**< nothing happened in the time given */
    VBLK_E_GONE = -9,        /**< the peer hung up or its process ended */
    VBLK_E_UNSUPPORTED = -10 /**< this target or build cannot do that */
} vblk_err;

/** @return a short English phrase for @p err, never NULL; static storage. */
VBLK_API const char *vblk_strerror(vblk_err err);

/** @return the version of the library that is linked, as "major.minor.patch". */
VBLK_API const char *vblk_version(void);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_BASE_H */
