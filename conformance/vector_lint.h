/* SPDX-License-Identifier: BSD-3-Clause */
/* What a vector file can have wrong although it reads well. */
#ifndef CONFORMANCE_VECTOR_LINT_H
#define CONFORMANCE_VECTOR_LINT_H

#include "vector.h"

/* @warning: worth saying, but not an error. */
typedef void (*vector_lint_fn)(void *ctx, const struct vector_error *what, bool warning);

struct vector_lint {
    struct vblk_device_options reference; /* as vblk_device_defaults() makes it */
    uint64_t (*features)(const struct vblk_profile *profile); /* what the reference offers under a profile */
    vector_lint_fn report;
    void *ctx;
};

/* File and directory named after the clause; every case resolves on the reference device. @return errors found. */
size_t vector_lint_file(const struct vector_lint *lint, const struct vector_file *file);
/* Each checked clause has a case in which it holds and one in which it is broken. @return errors found. */
size_t vector_lint_coverage(const struct vector_lint *lint, struct vector_file *const *files, size_t count);

#endif /* CONFORMANCE_VECTOR_LINT_H */
