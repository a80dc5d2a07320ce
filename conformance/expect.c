/* SPDX-License-Identifier: BSD-3-Clause */
#include "expect.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vblk/clause.h>

struct reader {
    struct expect_list *list;
    const char *wrong; /* what is wrong with the line, or NULL */
    int line;
};

static char *after_space(char *text)
{
    while (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n')
        text++;
    return text;
}

static bool ends(char *text)
{
    text = after_space(text);
    return *text == '\0' || *text == '#';
}

/* A basic "…" or a literal '…' string in place. Returns what follows it, or NULL. */
static char *read_string(char *text, char **out)
{
    char quote = *text, *to = text;

    if (quote != '"' && quote != '\'')
        return NULL;
    for (*out = to, text++; *text && *text != quote; text++) {
        if (quote == '"' && *text == '\\') {
            static const char from[] = "\"\\tn", into[] = "\"\\\t\n";
            const char *escape = text[1] ? strchr(from, *++text) : NULL;

            if (!escape)
                return NULL;
            *to++ = into[escape - from];
        } else {
            *to++ = *text;
        }
    }
    if (*text != quote)
        return NULL;
    *to = '\0';
    return text + 1;
}

static void add_entry(struct reader *reader)
{
    struct expect_list *list = reader->list;
    struct expect_entry *entries = realloc(list->entries, (list->count + 1) * sizeof(*entries));

    if (!entries) {
        reader->wrong = "no memory left";
        return;
    }
    list->entries = entries;
    entries[list->count++] = (struct expect_entry){ .line = reader->line };
}

static char **slot_of(struct expect_entry *entry, const char *key)
{
    if (strcmp(key, "clause") == 0)
        return &entry->clause;
    if (strcmp(key, "case") == 0)
        return &entry->name;
    if (strcmp(key, "reason") == 0)
        return &entry->reason;
    return strcmp(key, "link") == 0 ? &entry->link : NULL;
}

static void read_member(struct reader *reader, char *text)
{
    struct expect_list *list = reader->list;
    char *key = text, *value, **slot;

    while (isalnum((unsigned char)*text) || *text == '_' || *text == '-')
        text++;
    value = after_space(text);
    if (text == key || *value != '=') {
        reader->wrong = "expected [[expect]] or key = \"value\"";
        return;
    }
    *text = '\0';
    text = read_string(after_space(value + 1), &value);
    slot = list->count ? slot_of(&list->entries[list->count - 1], key) : NULL;
    if (!text || !ends(text))
        reader->wrong = "the value must be one quoted string";
    else if (!list->count)
        reader->wrong = "a key before the first [[expect]]";
    else if (!slot)
        reader->wrong = "unknown key; clause, case, reason and link are known";
    else if (*slot)
        reader->wrong = "the key is there already";
    else
        *slot = strdup(value);
}

static void read_line(struct reader *reader, char *text)
{
    static const char head[] = "[[expect]]";

    text = after_space(text);
    if (ends(text))
        return;
    if (strncmp(text, head, strlen(head)) == 0 && ends(text + strlen(head)))
        add_entry(reader);
    else
        read_member(reader, text);
}

/* What an entry lacks shows when the next one begins, and at the end. */
static const char *entry_lacks(const struct expect_entry *entry)
{
    if (!entry->clause)
        return "the entry that begins here has no clause";
    if (vblk_clause_find(entry->clause) == VBLK_NO_CLAUSE)
        return "the entry that begins here names a clause that does not exist";
    return entry->reason && entry->reason[0] ? NULL : "the entry that begins here has no reason";
}

static void check_entries(struct reader *reader)
{
    for (size_t i = 0; i < reader->list->count && !reader->wrong; i++) {
        reader->line = reader->list->entries[i].line;
        reader->wrong = entry_lacks(&reader->list->entries[i]);
    }
}

struct expect_list *expect_read(const char *path, char *why, size_t why_size)
{
    struct reader reader = { .list = calloc(1, sizeof(*reader.list)) };
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;

    if (!in || !reader.list) {
        (void)snprintf(why, why_size, "cannot read the expectations '%s': %s", path, strerror(errno));
        if (in)
            (void)fclose(in);
        free(reader.list);
        return NULL;
    }
    while (!reader.wrong && getline(&line, &room, in) >= 0) {
        reader.line++;
        read_line(&reader, line);
    }
    if (!reader.wrong && ferror(in))
        reader.wrong = "cannot be read";
    if (!reader.wrong)
        check_entries(&reader);
    free(line);
    (void)fclose(in);
    if (!reader.wrong)
        return reader.list;
    (void)snprintf(why, why_size, "%s:%d: %s", path, reader.line, reader.wrong);
    expect_free(reader.list);
    return NULL;
}

void expect_free(struct expect_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].clause);
        free(list->entries[i].name);
        free(list->entries[i].reason);
        free(list->entries[i].link);
    }
    free(list->entries);
    free(list);
}

/* A glob without a word of the ring means each format. */
static bool speaks_of(const struct expect_entry *entry, const char *clause, const char *name)
{
    char bare[256];

    (void)snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(name, "@"), name);
    return strcmp(entry->clause, clause) == 0 &&
           (!entry->name || fnmatch(entry->name, name, 0) == 0 || fnmatch(entry->name, bare, 0) == 0);
}

const struct expect_entry *expect_find(const struct expect_list *list, const char *clause, const char *name)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (speaks_of(&list->entries[i], clause, name))
            return &list->entries[i];
    return NULL;
}

const struct expect_entry *expect_tell(struct expect_list *list, const char *clause, const char *name, bool violated)
{
    for (size_t i = 0; list && i < list->count; i++) {
        struct expect_entry *entry = &list->entries[i];

        if (speaks_of(entry, clause, name))
            (*(violated ? &entry->failed : &entry->passed))++;
    }
    return expect_find(list, clause, name);
}

const struct expect_entry *expect_missed(const struct expect_list *list, const char *clause)
{
    for (size_t i = 0; list && i < list->count; i++) {
        const struct expect_entry *entry = &list->entries[i];

        if (strcmp(entry->clause, clause) == 0 && !entry->failed && entry->passed)
            return entry;
    }
    return NULL;
}
