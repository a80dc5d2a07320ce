/* SPDX-License-Identifier: BSD-3-Clause */
/* The initialisation sequence (3.1.1), step by step; the lawful driver and the player both climb it. */
#ifndef VBLK_DRIVER_LIFE_H
#define VBLK_DRIVER_LIFE_H

#include <vblk/port.h>
#include <vblk/spec.h>

struct life {
    struct vblk_port *port;
    unsigned wait_ms;
    uint8_t status; /* the bits that we set since the last reset */
    uint64_t offered, accepted;
    const char *stuck; /* why the device let us get no further: set with VBLK_E_STATE */
};

/* Each: VBLK_OK, VBLK_E_STATE (the device's doing, see stuck), or what the port said. */
vblk_err life_reset(struct life *life);
/* Write status with one more bit. */
vblk_err life_status(struct life *life, uint8_t bits);
/* Read the offer; accept what of it is in @wanted; both. */
vblk_err life_offer(struct life *life);
vblk_err life_accept(struct life *life, uint64_t wanted);
vblk_err life_features(struct life *life, uint64_t wanted);
vblk_err life_features_ok(struct life *life);
/* Give up: FAILED is set. @return err, for tail calls. */
vblk_err life_fail(struct life *life, vblk_err err);
/* Whether the device shows DEVICE_NEEDS_RESET. */
vblk_err life_needs_reset(struct life *life, bool *needs);

#endif
