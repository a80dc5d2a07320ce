/* SPDX-License-Identifier: BSD-3-Clause */
#include "matrix.h"

static void put_blames(const struct matrix_row *row, bool all, FILE *out)
{
    for (unsigned i = 0; i < row->trial.count; i++) {
        const struct trial_blame *b = &row->trial.blame[i];

        fprintf(out, "%s%s%s x%u", i > 0 ? ", " : "", vblk_clause_at(b->clause)->id,
                b->guilty == VBLK_DRIVER && !row->mutant->driver ? " (driver)"
                : b->guilty == VBLK_DEVICE && row->mutant->driver ? " (device)"
                                                                  : "",
                b->times);
    }
    fputc('\n', out);
    for (unsigned i = 0; all && i < row->trial.count; i++)
        fprintf(out, "    %s: %s: %s\n", vblk_clause_at(row->trial.blame[i].clause)->id, row->trial.blame[i].where,
                row->trial.blame[i].seen);
}

static void put_row(const struct matrix *matrix, const struct matrix_row *row, FILE *out)
{
    const char *result = matrix_result_name(matrix, row->trial.result);
    char buf[TRIAL_TEXT];
    const bool fine = matrix->controls ? row->trial.result == TRIAL_SURVIVED : row->trial.result == TRIAL_KILLED;

    fprintf(out, "%-13s %-32s %-18s ", result, row->mutant->name, matrix->controls ? "" : row->mutant->clause);
    put_blames(row, !fine, out);
    if (!fine)
        fprintf(out, "    it %s\n", row->mutant->what);
    if (row->trial.result == TRIAL_UNSEEN)
        fprintf(out, "    not visible at this grade: %s\n", trial_hidden(row->mutant, matrix->snapshot, buf, sizeof(buf)));
}

const char *matrix_result_name(const struct matrix *matrix, unsigned result)
{
    if (matrix->controls && result == TRIAL_SURVIVED)
        return "innocent";
    return matrix->controls && result == TRIAL_MISATTRIBUTED ? "blamed" : trial_result_name((enum trial_result)result);
}

void matrix_summary(const struct matrix *matrix, char *text, size_t size)
{
    const size_t *results = matrix->results;

    if (matrix->controls)
        (void)snprintf(text, size, "%zu controls, %zu blamed, %zu idle, %zu not run", matrix->count,
                       results[TRIAL_MISATTRIBUTED], results[TRIAL_IDLE], results[TRIAL_NOT_RUN]);
    else
        (void)snprintf(text, size, "%zu mutants at grade %s: %zu killed, %zu misattributed, %zu survived, %zu unseen, %zu not run",
                       matrix->count, matrix->snapshot ? "snapshot" : "access", results[TRIAL_KILLED],
                       results[TRIAL_MISATTRIBUTED], results[TRIAL_SURVIVED], results[TRIAL_UNSEEN], results[TRIAL_NOT_RUN]);
}

int matrix_write_text(const struct matrix *matrix, FILE *out)
{
    char summary[200];

    for (size_t i = 0; i < matrix->count; i++)
        put_row(matrix, &matrix->rows[i], out);
    matrix_summary(matrix, summary, sizeof(summary));
    fprintf(out, "%s\n", summary);
    if (!matrix->controls)
        fprintf(out, "%zu checked clauses: %zu with a mutant, %zu excused, %zu missing\n",
                vblk_clause_count() - matrix->cover[COVER_NONE], matrix->cover[COVER_MUTANT], matrix->cover[COVER_EXCUSED],
                matrix->cover[COVER_MISSING]);
    return ferror(out) ? -1 : 0;
}
