/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of a device's behaviour that many mutants share; the mutant's field, value and other say what exactly. */
#ifndef CONFORMANCE_GENERIC_H
#define CONFORMANCE_GENERIC_H

#include "mutants.h"

/* read_config: field shows value; its bytes turned round; other bytes to an access that is not just the field; 0 until
 * FEATURES_OK; value once DRIVER_OK is set. */
void show_value(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len);
void show_swapped(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len);
void show_by_width(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len);
void show_late(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len);
void show_when_live(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len);
/* show_features: bits of value are offered, those of other are not. */
uint64_t offer(const struct vblk_device *device, uint64_t honest);
/* read_reg: register value reads as other. */
uint64_t show_reg(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest);
/* put_status: requests of type value are answered other. The effect stays. */
void status_of_type(struct vblk_device *device, struct vblk_request *req, uint8_t status);
/* put_status: likewise, where the honest status is OK; with more than one queue, on those after the first. */
void status_if_ok(struct vblk_device *device, struct vblk_request *req, uint8_t status);
/* put_status: a status value becomes other, whatever the request. */
void status_for_status(struct vblk_device *device, struct vblk_request *req, uint8_t status);
/* options: config_length is value; features of value are added. */
void cut_config(struct vblk_device_options *options, const void *mutant);
void add_features(struct vblk_device_options *options, const void *mutant);
/* run: nothing is done, and OK answered. */
uint8_t run_ok(struct vblk_device *device, struct vblk_request *req);
/* Store as the device; where it lies outside of memory nothing happens. */
void store_as_device(struct vblk_device *device, uint64_t gpa, const void *bytes, size_t len);

/* with_NAME(), an `op` of a behaviour: a row of its own for requests of this type. Then what such rows have that read or write. */
#define ROW_OF(name_, type_, ...)                                                                                      \
    static const struct vblk_op row_##name_ = { .type = (type_), __VA_ARGS__ };                                        \
    static const struct vblk_op *with_##name_(const struct vblk_device *device, uint32_t type, const struct vblk_op *row) \
    {                                                                                                                  \
        (void)device;                                                                                                  \
        return type == (type_) ? &row_##name_ : row;                                                                   \
    }
#define READS(run_) .feature = -1, .direction = VBLK_TO_DRIVER, .unit = VBLK_SECTOR, .run = (run_)
#define WRITES(run_) .feature = -1, .direction = VBLK_FROM_DRIVER, .unit = VBLK_SECTOR, .writes = true, .run = (run_)

#endif /* CONFORMANCE_GENERIC_H */
