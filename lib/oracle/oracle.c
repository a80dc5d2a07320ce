/* SPDX-License-Identifier: BSD-3-Clause */
#include <vblk/base.h>
