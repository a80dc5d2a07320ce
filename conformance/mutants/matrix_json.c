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
                                              matrix_result_name(matrix, row->trial.result), "blamed",
                                              blames_of(row)));
    }
    return rows;
}

/* Checked clauses that no mutant breaks; "why" is missing where nobody has excused it. */
static json_t *without_mutant(void)
{
    json_t *list = json_array();

    for (size_t no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)no);
        const enum cover cover = mutant_cover(row);

        if (cover == COVER_EXCUSED)
            json_array_append_new(list, json_pack("{s:s,s:s}", "clause", row->id, "why", mutant_uncovered(row->id)));
        else if (cover == COVER_MISSING)
            json_array_append_new(list, json_pack("{s:s}", "clause", row->id));
    }
    return list;
}

int matrix_write_json(const struct matrix *matrix, FILE *out)
{
    json_t *summary = json_object(), *root;
    int err;

    for (unsigned r = 0; r < TRIAL_RESULTS; r++)
        json_object_set_new(summary, matrix_result_name(matrix, r), json_integer((json_int_t)matrix->results[r]));
    json_object_set_new(summary, "clauses_checked",
                        json_integer((json_int_t)(vblk_clause_count() - matrix->cover[COVER_NONE])));
    json_object_set_new(summary, "clauses_with_mutant", json_integer((json_int_t)matrix->cover[COVER_MUTANT]));
    json_object_set_new(summary, "clauses_excused", json_integer((json_int_t)matrix->cover[COVER_EXCUSED]));
    json_object_set_new(summary, "clauses_missing", json_integer((json_int_t)matrix->cover[COVER_MISSING]));
    root = json_pack("{s:s,s:s,s:s,s:o,s:o,s:o}", "schema", "vblk-mutants/1", "kind",
                     matrix->controls ? "controls" : "mutants", "grade", matrix->snapshot ? "snapshot" : "access",
                     "summary", summary, "rows", rows_of(matrix), "without_mutant", without_mutant());
    err = root == NULL ? -1 : json_dumpf(root, out, JSON_INDENT(2));
    json_decref(root);
    fputc('\n', out);
    return err != 0 || ferror(out) ? -1 : 0;
}
