/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vblk.h
 * @brief Everything: for programs that use the library. Rooms of the library name the headers they need.
 */
#ifndef VBLK_VBLK_H
#define VBLK_VBLK_H

#include <vblk/base.h>
#include <vblk/builtin.h>
#include <vblk/clause.h>
#include <vblk/device.h>
#include <vblk/driver.h>
#include <vblk/event.h>
#include <vblk/fault.h>
#include <vblk/memory.h>
#include <vblk/mmio.h>
#include <vblk/mmio_device.h>
#include <vblk/oracle.h>
#include <vblk/player.h>
#include <vblk/port.h>
#include <vblk/qtest.h>
#include <vblk/ring_fault.h>
#include <vblk/script.h>
#include <vblk/spec.h>
#include <vblk/store.h>
#include <vblk/testbed.h>
#include <vblk/trace.h>
#include <vblk/vhost_user.h>
#include <vblk/vhost_user_backend.h>
#include <vblk/vhost_user_monitor.h>
#include <vblk/visibility.h>

#endif /* VBLK_VBLK_H */
