/* SPDX-License-Identifier: BSD-3-Clause */
#include "matrix.h"

#include <jansson.h>
#include <string.h>

static json_t *blames_of(const struct matrix_row *row)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < row->trial.count; i++) {
        const struct trial_blame *b = &row->trial.blame[i];

        json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:s%,s:s%}", "clause", vblk_clause_at(b->clause)->id, "party",
                                              b->guilty == VBLK_DRIVER ? "driver" : "device", "times",
                                              (json_int_t)b->times, "case", b->where, strlen(b->where), "seen", b->seen,
                                              strlen(b->seen)));
    }
    return list;
}

static json_t *rows_of(const struct matrix *matrix)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < matrix->count; i++) {
        const struct matrix_row *row = &matrix->rows[i];

        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "name", row->mutant->name, "what",
                                              row->mutant->what, "party", row->mutant->driver ? "driver" : "device",
                                              "clause", row->mutant->clause ? row->mutant->clause : "", "result",
                                              trial_result_name((enum trial_result)row->trial.result), "blamed",
                                              blames_of(row)));
    }
    return rows;
}

int matrix_write_json(const struct matrix *matrix, FILE *out)
{
    json_t *summary = json_object(), *root;
    int err;

    for (unsigned r = 0; r < TRIAL_RESULTS; r++)
        json_object_set_new(summary, trial_result_name((enum trial_result)r),
                            json_integer((json_int_t)matrix->results[r]));
    json_object_set_new(summary, "clauses_checked", json_integer((json_int_t)matrix->checked));
    json_object_set_new(summary, "clauses_with_mutant", json_integer((json_int_t)matrix->covered));
    root = json_pack("{s:s,s:s,s:s,s:o,s:o}", "schema", "vblk-mutants/1", "kind",
                     matrix->controls ? "controls" : "mutants", "grade", matrix->snapshot ? "snapshot" : "access",
                     "summary", summary, "rows", rows_of(matrix));
    err = root == NULL ? -1 : json_dumpf(root, out, JSON_INDENT(2));
    json_decref(root);
    fputc('\n', out);
    return err != 0 || ferror(out) ? -1 : 0;
}
