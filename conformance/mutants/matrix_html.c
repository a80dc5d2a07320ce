/* SPDX-License-Identifier: BSD-3-Clause */
/* One page: a row for each mutant, with what was blamed. */
#include "matrix.h"

#include <string.h>

#include "report_xml.h"

static const char style_sheet[] =
    "body{font:15px/1.45 sans-serif;max-width:80em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.25em .6em;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #ddd}.misattributed,.survived,.not-run,.blamed,.idle{color:#b00020}.killed,.innocent{color:#1b6e2c}.unseen{color:#777}"
    "td:nth-child(-n+2),.id{white-space:nowrap}";

static void put_row(struct report_xml *xml, const struct matrix *matrix, const struct matrix_row *row)
{
    const char *result = matrix_result_name(matrix, row->trial.result);
    char text[TRIAL_BLAMES * 48] = "";
    size_t at = 0;

    for (unsigned i = 0; i < row->trial.count && at < sizeof(text); i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s (%u)", i > 0 ? ", " : "",
                               vblk_clause_at(row->trial.blame[i].clause)->id, row->trial.blame[i].times);
    report_xml_begin(xml, "tr");
    report_xml_leaf(xml, "td", result, result);
    report_xml_leaf(xml, "td", NULL, row->mutant->name);
    report_xml_leaf(xml, "td", "id", row->mutant->clause ? row->mutant->clause : "");
    report_xml_leaf(xml, "td", NULL, text);
    report_xml_leaf(xml, "td", NULL, row->mutant->what);
    report_xml_end(xml);
}

/* Checked clauses that no mutant breaks. */
static void put_uncovered(struct report_xml *xml, const struct matrix *matrix)
{
    char text[120];

    (void)snprintf(text, sizeof(text), "Checked clauses: %zu with a mutant, %zu excused, %zu missing",
                   matrix->cover[COVER_MUTANT], matrix->cover[COVER_EXCUSED], matrix->cover[COVER_MISSING]);
    report_xml_leaf(xml, "h2", NULL, text);
    report_xml_begin(xml, "table");
    for (size_t no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)no);
        const enum cover cover = mutant_cover(row);

        if (cover != COVER_EXCUSED && cover != COVER_MISSING)
            continue;
        report_xml_begin(xml, "tr");
        report_xml_leaf(xml, "td", cover == COVER_MISSING ? "survived" : "unseen",
                        cover == COVER_MISSING ? "missing" : "excused");
        report_xml_leaf(xml, "td", NULL, row->id);
        report_xml_leaf(xml, "td", NULL, cover == COVER_EXCUSED ? mutant_uncovered(row->id) : row->summary);
        report_xml_end(xml);
    }
    report_xml_end(xml);
}

static void put_head(struct report_xml *xml, const char *title)
{
    report_xml_begin(xml, "html");
    report_xml_attr(xml, "lang", "en");
    report_xml_begin(xml, "head");
    report_xml_leaf(xml, "title", NULL, title);
    report_xml_leaf(xml, "style", NULL, style_sheet);
    report_xml_end(xml);
    report_xml_begin(xml, "body");
    report_xml_leaf(xml, "h1", NULL, title);
}

int matrix_write_html(const struct matrix *matrix, FILE *out)
{
    static const char *const heads[] = { "result", "name", "breaks", "blamed (times)", "what it does" };
    struct report_xml xml = report_xml_open();
    char text[200];

    (void)snprintf(text, sizeof(text), "%s at grade %s", matrix->controls ? "Controls" : "Mutants",
                   matrix->snapshot ? "snapshot" : "access");
    if (!xml.failed && xmlTextWriterWriteDTD(xml.writer, BAD_CAST "html", NULL, NULL, NULL) < 0)
        xml.failed = true;
    put_head(&xml, text);
    matrix_summary(matrix, text, sizeof(text));
    report_xml_leaf(&xml, "p", NULL, text);
    report_xml_begin(&xml, "table");
    report_xml_begin(&xml, "tr");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        report_xml_leaf(&xml, "th", NULL, heads[i]);
    report_xml_end(&xml);
    for (size_t i = 0; i < matrix->count; i++)
        put_row(&xml, matrix, &matrix->rows[i]);
    report_xml_end(&xml);
    if (!matrix->controls)
        put_uncovered(&xml, matrix);
    report_xml_end(&xml);
    report_xml_end(&xml);
    return report_xml_close(&xml, out);
}

matrix_write_fn matrix_writer(const char *format, size_t len)
{
    static const struct {
        const char *name;
        matrix_write_fn write;
    } formats[] = { { "text", matrix_write_text }, { "json", matrix_write_json }, { "html", matrix_write_html } };

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strlen(formats[i].name) == len && memcmp(formats[i].name, format, len) == 0)
            return formats[i].write;
    return NULL;
}
