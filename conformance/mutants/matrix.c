/* SPDX-License-Identifier: BSD-3-Clause */
#include "matrix.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the processes share: who takes which row, and what came of it. */
struct board {
    atomic_size_t next;
    struct trial trial[];
};

static bool any(const struct runner_globs *globs, const char *text)
{
    bool asked = false, fits = false;

    for (size_t i = 0; i < globs->count; i++) {
        const char *glob = globs->globs[i];

        if (glob[0] == '!' && fnmatch(glob + 1, text, 0) == 0)
            return false;
        asked = asked || glob[0] != '!';
        fits = fits || (glob[0] != '!' && fnmatch(glob, text, 0) == 0);
    }
    return fits || !asked;
}

/* By the id of a real bug that it has, or of an ambiguity. */
static bool by_bug(const struct runner_globs *globs, const struct known_bug *list, const char *name)
{
    for (const struct known_bug *bug = list; globs->count > 0 && bug->id != NULL; bug++)
        for (size_t i = 0; bug_has(bug, name) && i < globs->count; i++)
            if (fnmatch(globs->globs[i], bug->id, 0) == 0)
                return true;
    return false;
}

bool matrix_selects(const struct matrix_options *options, const struct mutant *mutant)
{
    if (mutant->driver && options->trial.snapshot)
        return false; /* the reference driver tells the judge too little of when it looks */
    return (any(&options->names, mutant->name) || by_bug(&options->names, known_bugs, mutant->name) ||
            by_bug(&options->names, ambiguity_controls, mutant->name)) && (options->controls || any(&options->clauses, mutant->clause));
}

static const struct mutant *row_at(const struct matrix_options *options, size_t i)
{
    return options->controls ? control_at(i) : mutant_at(i);
}

static void work(const struct matrix_options *options, const struct matrix *matrix, struct board *board)
{
    size_t i;

    while ((i = atomic_fetch_add(&board->next, 1)) < matrix->count) {
        /* Written as a whole, so that a process that dies leaves "not run" behind. */
        struct trial trial;

        if (options->controls)
            trial_control(&options->trial, matrix->rows[i].mutant, &trial);
        else
            trial_mutant(&options->trial, matrix->rows[i].mutant, &trial);
        board->trial[i] = trial;
    }
}

/* A mutant may end its process: even one job has one of its own, and the next begins after the row that ended it. */
static void work_apart(const struct matrix_options *options, const struct matrix *matrix, struct board *board)
{
    unsigned running = 0;

    for (;;) {
        while (running < options->jobs && atomic_load(&board->next) < matrix->count) {
            const pid_t pid = fork();

            if (pid == 0) {
                work(options, matrix, board);
                _exit(0);
            }
            if (pid < 0)
                break;
            running++;
        }
        if (running == 0)
            return;
        if (wait(NULL) > 0 || errno != EINTR)
            running--;
    }
}

static bool gather(const struct matrix_options *options, struct matrix *matrix)
{
    const size_t size = sizeof(struct board) + matrix->count * sizeof(struct trial);
    struct board *board = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (board == MAP_FAILED)
        return false;
    work_apart(options, matrix, board);
    for (size_t i = 0; i < matrix->count; i++) {
        matrix->rows[i].trial = board->trial[i];
        matrix->results[board->trial[i].result]++;
    }
    (void)munmap(board, size);
    return true;
}

/* Each control does something that no other one does. */
static void find_idle(struct matrix *matrix)
{
    for (size_t i = 0; i < matrix->count; i++)
        for (size_t k = 0; k < i; k++) {
            struct trial *trial = &matrix->rows[i].trial;

            if (trial->result != TRIAL_SURVIVED || trial->trace == 0 || trial->trace != matrix->rows[k].trial.trace)
                continue;
            trial->result = TRIAL_IDLE;
            matrix->results[TRIAL_SURVIVED]--;
            matrix->results[TRIAL_IDLE]++;
        }
}

static void count_clauses(struct matrix *matrix)
{
    for (size_t no = 0; no < vblk_clause_count(); no++)
        matrix->cover[mutant_cover(vblk_clause_at((vblk_clause_no)no))]++;
}

struct matrix *matrix_run(const struct matrix_options *options)
{
    struct matrix *matrix = calloc(1, sizeof(*matrix));
    const struct mutant *m;
    size_t all = 0;

    while (row_at(options, all) != NULL)
        all++;
    if (matrix != NULL)
        matrix->rows = calloc(all + 1, sizeof(*matrix->rows));
    if (matrix == NULL || matrix->rows == NULL) {
        matrix_free(matrix);
        return NULL;
    }
    matrix->controls = options->controls;
    matrix->snapshot = options->trial.snapshot;
    for (size_t i = 0; (m = row_at(options, i)) != NULL; i++)
        if (matrix_selects(options, m))
            matrix->rows[matrix->count++].mutant = m;
    count_clauses(matrix);
    if (gather(options, matrix)) {
        if (options->controls)
            find_idle(matrix);
        return matrix;
    }
    matrix_free(matrix);
    return NULL;
}

void matrix_free(struct matrix *matrix)
{
    if (matrix != NULL)
        free(matrix->rows);
    free(matrix);
}

bool matrix_holds(const struct matrix *matrix)
{
    if (matrix->controls)
        return matrix->results[TRIAL_SURVIVED] == matrix->count;
    return matrix->results[TRIAL_KILLED] + matrix->results[TRIAL_UNSEEN] == matrix->count;
}
