/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

int report_sink_open(struct report_sink *sink, const char *spec, char *why, size_t why_size)
{
    size_t len = strcspn(spec, ":"), i;
    int fd;

    for (i = 0; i < FORMATS; i++)
        if (strlen(formats[i].name) == len && memcmp(formats[i].name, spec, len) == 0)
            break;
    if (i == FORMATS)
        return sentence(why, why_size, "unknown report format", spec,
                        "use text, json, junit, tap, html or markdown, with :FILE if it is to go to a file");
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
