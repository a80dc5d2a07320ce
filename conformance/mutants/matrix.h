/* SPDX-License-Identifier: BSD-3-Clause */
/* All mutants, or all controls, tried by a few processes; and what is written of it. */
#ifndef CONFORMANCE_MATRIX_H
#define CONFORMANCE_MATRIX_H

#include "report.h"
#include "trial.h"

/* One row: a mutant, or a control (@mutant is then only its name and sentence). */
struct matrix_row {
    const struct mutant *mutant;
    struct trial trial;
};

struct matrix {
    struct matrix_row *rows;
    size_t count;
    bool controls, snapshot;
    size_t results[TRIAL_RESULTS];
    size_t cover[COVERS]; /* clauses, by what proves their checks */
};

struct matrix_options {
    struct trial_options trial;
    bool controls;
    struct runner_globs clauses, names; /* of mutants to try */
    unsigned jobs;                      /* processes */
};

/* NULL: no memory. */
struct matrix *matrix_run(const struct matrix_options *options);
void matrix_free(struct matrix *matrix);
/* Whether every mutant was killed (at snapshot: or can't be seen), or no control was blamed. */
bool matrix_holds(const struct matrix *matrix);
/* What became of a row: of a control, "innocent" or "blamed". */
const char *matrix_result_name(const struct matrix *matrix, unsigned result);
/* All of it in a line. */
void matrix_summary(const struct matrix *matrix, char *text, size_t size);
/* Whether @mutant is selected. */
bool matrix_selects(const struct matrix_options *options, const struct mutant *mutant);
/* "text", "json" or "html"; NULL: there is no such format. 0, or -1 if the stream failed. */
typedef int (*matrix_write_fn)(const struct matrix *matrix, FILE *out);
matrix_write_fn matrix_writer(const char *format, size_t len);
int matrix_write_text(const struct matrix *matrix, FILE *out);
int matrix_write_json(const struct matrix *matrix, FILE *out);
int matrix_write_html(const struct matrix *matrix, FILE *out);

#endif /* CONFORMANCE_MATRIX_H */
