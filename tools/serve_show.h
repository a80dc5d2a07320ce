/* SPDX-License-Identifier: BSD-3-Clause */
/* What a person who watches `vblk serve` on a terminal sees: who is there, what was negotiated, violations as they come. */
#ifndef TOOLS_SERVE_SHOW_H
#define TOOLS_SERVE_SHOW_H

#include <vblk/oracle.h>
#include <vblk/vhost_user_backend.h>

struct serve_show {
    bool on, color;
    bool drawn;             /* a line that is drawn again stands on the terminal */
    uint64_t lives, requests;
    int64_t drawn_at;       /* milliseconds */
    const struct vblk_profile *profile;
};

/* A line for good. */
void serve_say(struct serve_show *show, const char *format, ...) VBLK_PRINTF(2, 3);
/* A violation of the driver, as it comes. */
void serve_show_violation(struct serve_show *show, const struct vblk_violation *v);
/* What holds now: a line when a device came to life, requests so far in a line that is drawn again. */
void serve_show_state(struct serve_show *show, const struct vblk_vhost_user_backend_info *info);

#endif /* TOOLS_SERVE_SHOW_H */
