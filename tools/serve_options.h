/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of `vblk serve`. */
#ifndef TOOLS_SERVE_OPTIONS_H
#define TOOLS_SERVE_OPTIONS_H

#include <vblk/device.h>
#include <vblk/fault.h>
#include <vblk/vhost_user_backend.h>

#include "common_options.h"
#include "mutants/mutants.h"

struct serve_options {
    struct common_options common;
    const char *socket;
    const char *image; /* --image, or NULL: a store in memory */
    bool size_given;
    struct vblk_device_options device;
    struct vblk_vhost_user_backend_options backend;
    uint64_t connections; /* to serve; 0: no end */
    unsigned silence_ms;  /* after which a notification that was owed is missing */
    struct vblk_fault *fault; /* of --fault, or NULL */
    struct mutant_device mutant; /* of --fault mutant:NAME; its mutant may be NULL */
};

/* What is wrong has been said when common.done >= 0. */
void serve_options_parse(struct serve_options *options, int argc, char **argv);
void serve_options_free(struct serve_options *options);

#endif /* TOOLS_SERVE_OPTIONS_H */
