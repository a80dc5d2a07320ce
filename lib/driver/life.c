/* SPDX-License-Identifier: BSD-3-Clause */
#include "life.h"
#include "pace.h"

vblk_err life_reset(struct life *life)
{
    struct pace pace = pace_start(life->wait_ms);
    uint64_t status;
    vblk_err err;

    life->status = 0;
    life->accepted = 0;
    life->stuck = NULL;
    err = vblk_port_write_reg(life->port, VBLK_REG_STATUS, 0, 0);
    while (!err) {
        err = vblk_port_read_reg(life->port, VBLK_REG_STATUS, 0, &status);
        if (err || status == 0)
            return err;
        err = pace_wait(&pace, life->port, 0);
    }
    if (err != VBLK_E_TIMEOUT)
        return err;
    life->stuck = "status does not return to 0 after a reset";
    return VBLK_E_STATE;
}

vblk_err life_status(struct life *life, uint8_t bits)
{
    life->status |= bits;
    return vblk_port_write_reg(life->port, VBLK_REG_STATUS, 0, life->status);
}

vblk_err life_offer(struct life *life)
{
    return vblk_port_read_reg(life->port, VBLK_REG_DEVICE_FEATURES, 0, &life->offered);
}

vblk_err life_accept(struct life *life, uint64_t wanted)
{
    life->accepted = life->offered & wanted;
    return vblk_port_write_reg(life->port, VBLK_REG_DRIVER_FEATURES, 0, life->accepted);
}

vblk_err life_features(struct life *life, uint64_t wanted)
{
    const vblk_err err = life_offer(life);

    return err ? err : life_accept(life, wanted);
}

vblk_err life_features_ok(struct life *life)
{
    uint64_t status;
    vblk_err err = life_status(life, VBLK_STATUS_FEATURES_OK);

    if (!err)
        err = vblk_port_read_reg(life->port, VBLK_REG_STATUS, 0, &status);
    if (err || (status & VBLK_STATUS_FEATURES_OK))
        return err;
    life->stuck = "the device refused FEATURES_OK";
    return VBLK_E_STATE;
}

vblk_err life_fail(struct life *life, vblk_err err)
{
    if (err != VBLK_E_GONE)
        (void)!life_status(life, VBLK_STATUS_FAILED);
    return err;
}

vblk_err life_needs_reset(struct life *life, bool *needs)
{
    uint64_t status = 0;
    const vblk_err err = vblk_port_read_reg(life->port, VBLK_REG_STATUS, 0, &status);

    *needs = !err && (status & VBLK_STATUS_NEEDS_RESET);
    return err;
}
