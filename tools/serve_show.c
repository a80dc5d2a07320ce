/* SPDX-License-Identifier: BSD-3-Clause */
#include "serve_show.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <vblk/clause.h>

#define DRAW_EVERY_MS 200

static int64_t now_ms(void)
{
    struct timespec t = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wipe(struct serve_show *show)
{
    if (show->drawn)
        fputs("\r\033[K", stderr);
    show->drawn = false;
}

void serve_say(struct serve_show *show, const char *format, ...)
{
    va_list args;

    if (!show->on)
        return;
    wipe(show);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static bool only_warns(const struct vblk_violation *v)
{
    const struct vblk_clause *clause = vblk_clause_at(v->clause);

    return v->severity == VBLK_DOUBT || clause->strength == VBLK_SHOULD || clause->strength == VBLK_SHOULD_NOT;
}

void serve_show_violation(struct serve_show *show, const struct vblk_violation *v)
{
    const char *const word = only_warns(v) ? "WARN" : "FAIL", *const ansi = only_warns(v) ? "1;33" : "1;31";
    const char *id = vblk_clause_at(v->clause)->id;

    if (!show->color)
        serve_say(show, "%s  %s  queue %u: expected %s; seen %s", word, id, v->queue, v->expected, v->seen);
    else
        serve_say(show, "\033[%sm%s\033[0m  %s  queue %u: expected %s; seen %s", ansi, word, id, v->queue, v->expected,
                  v->seen);
}

static void say_features(struct serve_show *show, uint64_t features)
{
    char text[1024] = "";
    size_t at = 0;

    for (unsigned bit = 0; bit < 64 && at + 48 < sizeof(text); bit++) {
        const char *name = vblk_feature_name(show->profile, bit);

        if (!(features >> bit & 1))
            continue;
        at += name ? (size_t)snprintf(text + at, sizeof(text) - at, " %s", name)
                   : (size_t)snprintf(text + at, sizeof(text) - at, " bit-%u", bit);
    }
    serve_say(show, "negotiated%s", text[0] ? text : " nothing");
}

void serve_show_state(struct serve_show *show, const struct vblk_vhost_user_backend_info *info)
{
    int64_t now;

    if (!show->on)
        return;
    if (info->lives != show->lives)
        say_features(show, info->accepted);
    show->lives = info->lives;
    now = now_ms();
    if (info->requests == show->requests || now - show->drawn_at < DRAW_EVERY_MS)
        return;
    show->requests = info->requests;
    show->drawn_at = now;
    show->drawn = true;
    fprintf(stderr, "\r\033[K%llu requests, %llu kicks, %u of %u queues", (unsigned long long)info->requests,
            (unsigned long long)info->kicks, info->running, info->queues);
    (void)fflush(stderr);
}
