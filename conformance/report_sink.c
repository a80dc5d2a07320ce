/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

static const struct {
    const char *name;
    report_write_fn write;
} formats[] = {
    { "text", report_write_text }, { "json", report_write_json }, { "junit", report_write_junit },
    { "tap", report_write_tap },   { "html", report_write_html }, { "markdown", report_write_markdown },
};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

static int sentence(char *why, size_t size, const char *what, const char *name, const char *reason)
{
    (void)snprintf(why, size, "%s '%s': %s", what, name, reason);
    return -1;
}

/* The row of the format that @spec begins with; FORMATS with a sentence. */
static size_t format_of(const char *spec, char *why, size_t why_size)
{
    size_t len = strcspn(spec, ":"), i;

    for (i = 0; i < FORMATS; i++)
        if (strlen(formats[i].name) == len && memcmp(formats[i].name, spec, len) == 0)
            return i;
    (void)sentence(why, why_size, "unknown report format", spec,
                   "use text, json, junit, tap, html or markdown, with :FILE if it is to go to a file");
    return FORMATS;
}

int report_sink_open(struct report_sink *sink, const char *spec, char *why, size_t why_size)
{
    size_t len = strcspn(spec, ":"), i = format_of(spec, why, why_size);
    int fd;

    if (i == FORMATS)
        return -1;
    *sink = (struct report_sink){ .write = formats[i].write, .out = stdout };
    if (!spec[len])
        return 0;
    sink->path = spec + len + 1;
    /* Not truncated yet: an older report stays until this one is complete. */
    fd = open(sink->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    sink->out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!sink->out) {
        if (fd >= 0)
            (void)close(fd);
        return sentence(why, why_size, "cannot write the report", sink->path, strerror(errno));
    }
    return 0;
}

int report_sink_write(struct report_sink *sink, const struct report *report, const struct report_style *style,
                      char *why, size_t why_size)
{
    struct report_style plain = *style;
    int err;

    if (sink->path) {
        plain.color = false;
        /* Fails on what has no length, such as a pipe: then there is nothing to cut. */
        err = ftruncate(fileno(sink->out), 0);
        (void)err;
    }
    errno = 0;
    err = sink->write(report, sink->out, &plain);
    if (fflush(sink->out) != 0)
        err = -1;
    if (sink->path && fclose(sink->out) != 0)
        err = -1;
    sink->out = NULL;
    if (err)
        return sentence(why, why_size, "cannot write the report", sink->path ? sink->path : "(standard output)",
                        errno ? strerror(errno) : "the stream failed");
    return 0;
}

bool report_to_stdout(const char *spec)
{
    return strchr(spec, ':') == NULL;
}

static bool is_plain_or_new(const char *path)
{
    struct stat st;

    return stat(path, &st) != 0 || S_ISREG(st.st_mode);
}

int report_check(const char *spec, char *why, size_t why_size)
{
    const bool fresh = !report_to_stdout(spec) && access(strchr(spec, ':') + 1, F_OK) != 0;
    struct report_sink sink;

    if (report_sink_open(&sink, spec, why, why_size))
        return -1;
    if (sink.path)
        (void)fclose(sink.out);
    if (fresh)
        (void)unlink(sink.path);
    return 0;
}

/* As open() would have made it. */
static void usual_mode(int fd)
{
    const mode_t mask = umask(0);

    (void)umask(mask);
    (void)fchmod(fd, 0666 & ~mask);
}

/* Written beside the file and renamed: who looks finds the old report or the new one, never half of one. */
static int replace(struct report_sink *sink, const struct report *report, const struct report_style *style, char *why,
                   size_t why_size)
{
    char beside[4096];
    int fd = -1;

    if (snprintf(beside, sizeof(beside), "%s.XXXXXX", sink->path) >= (int)sizeof(beside))
        return sentence(why, why_size, "cannot write the report", sink->path, "the path is too long");
    fd = mkstemp(beside);
    sink->out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!sink->out) {
        (void)sentence(why, why_size, "cannot write the report", sink->path, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
            (void)unlink(beside);
        }
        return -1;
    }
    usual_mode(fd);
    if (report_sink_write(sink, report, style, why, why_size) == 0) {
        if (rename(beside, sink->path) == 0)
            return 0;
        (void)sentence(why, why_size, "cannot write the report", sink->path, strerror(errno));
    }
    (void)unlink(beside);
    return -1;
}

int report_save(const char *spec, const struct report *report, const struct report_style *style, char *why,
                size_t why_size)
{
    const size_t format = format_of(spec, why, why_size);
    struct report_sink sink;

    if (format == FORMATS)
        return -1;
    if (report_to_stdout(spec) || !is_plain_or_new(strchr(spec, ':') + 1))
        return report_sink_open(&sink, spec, why, why_size) ? -1
                                                            : report_sink_write(&sink, report, style, why, why_size);
    sink = (struct report_sink){ .write = formats[format].write, .path = strchr(spec, ':') + 1 };
    return replace(&sink, report, style, why, why_size);
}
