/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

VBLK_PRINTF(2, 3) static void word(struct watch *watch, const char *format, ...)
{
    va_list args;
    int n;

    if (WATCH_TEXT - watch->used < 96)
        return;
    va_start(args, format);
    n = vsnprintf(watch->text + watch->used, 95, format, args);
    va_end(args);
    watch->used += (size_t)n;
    watch->text[watch->used++] = ' ';
    watch->text[watch->used] = 0;
}

/* "desc0", "avail.idx0", … or "mem". */
static void place(struct watch *watch, uint64_t at, char *out, size_t size)
{
    static const struct {
        enum vblk_reg reg;
        const char *name, *flags, *idx;
    } parts[] = { { VBLK_REG_QUEUE_DESC, "desc", "desc", "desc" },
                  { VBLK_REG_QUEUE_DRIVER, "avail", "avail.flags", "avail.idx" },
                  { VBLK_REG_QUEUE_DEVICE, "used", "used.flags", "used.idx" } };

    snprintf(out, size, "mem");
    for (uint16_t q = 0; q < 2; q++) {
        const uint64_t entries = vblk_puppet_reg(watch->port, VBLK_REG_QUEUE_SIZE, q);
        const uint64_t sizes[] = { 16 * entries, 6 + 2 * entries, 6 + 8 * entries };

        for (size_t i = 0; i < 3; i++) {
            const uint64_t base = vblk_puppet_reg(watch->port, parts[i].reg, q);

            if (base && at - base < sizes[i])
                snprintf(out, size, "%s%u",
                         at == base       ? parts[i].flags
                         : at == base + 2 ? parts[i].idx
                                          : parts[i].name,
                         (unsigned)q);
        }
    }
}

static void memory_word(struct watch *watch, const struct vblk_event *ev)
{
    char where[24];

    place(watch, ev->at, where, sizeof(where));
    if (ev->party == VBLK_DRIVER && (ev->at < WATCH_GPA || ev->at + ev->len > WATCH_GPA + WATCH_SIZE))
        watch->stray++;
    word(watch, "%s-%s:%s+%u%s", ev->party == VBLK_DRIVER ? "drv" : "dev", ev->kind == VBLK_EV_LOAD ? "load" : "store",
         where, (unsigned)ev->len, ev->flags & VBLK_EV_FAULTED ? "!" : "");
}

static void register_word(struct watch *watch, const struct vblk_event *ev)
{
    if (ev->queue != 0 && (ev->reg < VBLK_REG_QUEUE_MAX || ev->reg > VBLK_REG_QUEUE_RESET))
        watch->mislaid++;
    word(watch, "%c:%s=%" PRIx64, ev->kind == VBLK_EV_REG_READ ? 'r' : 'w', vblk_reg_name((enum vblk_reg)ev->reg),
         ev->value);
}

static void observe(void *ctx, const struct vblk_event *ev)
{
    static const char *const barriers[] = { "relaxed", "acquire", "release", "full" };
    static const char *const plain[VBLK_EV_COUNT] = {
        [VBLK_EV_KICK] = "kick",    [VBLK_EV_USED_NOTIFY] = "notify", [VBLK_EV_CONFIG_NOTIFY] = "config",
        [VBLK_EV_LOOK] = "look",    [VBLK_EV_QUIET] = "quiet",        [VBLK_EV_GONE] = "gone",
        [VBLK_EV_BACK] = "back",    [VBLK_EV_POWER_CUT] = "cut",      [VBLK_EV_CASE_BEGIN] = "begin",
        [VBLK_EV_CASE_END] = "end",
    };
    struct watch *watch = ctx;

    watch->counts[ev->kind]++;
    if (ev->kind == VBLK_EV_LOAD || ev->kind == VBLK_EV_STORE)
        memory_word(watch, ev);
    else if (ev->kind == VBLK_EV_BARRIER)
        word(watch, "%s-%s", ev->party == VBLK_DRIVER ? "drv" : "dev", barriers[ev->order & 3]);
    else if (ev->kind == VBLK_EV_REG_READ || ev->kind == VBLK_EV_REG_WRITE)
        register_word(watch, ev);
    else if (ev->kind == VBLK_EV_CONFIG_READ || ev->kind == VBLK_EV_CONFIG_WRITE)
        word(watch, "%s:%u+%u", ev->kind == VBLK_EV_CONFIG_READ ? "cr" : "cw", (unsigned)ev->at, (unsigned)ev->len);
    else
        word(watch, "%s%u", plain[ev->kind] ? plain[ev->kind] : "?", (unsigned)ev->queue);
}

struct vblk_memory *watch_memory(void)
{
    struct vblk_memory *mem = vblk_memory_new();
    const struct vblk_region region = { .gpa = WATCH_GPA, .size = WATCH_SIZE, .fd = -1 };

    if (!mem || vblk_memory_add(mem, &region))
        abort();
    return mem;
}

struct vblk_arena watch_arena(void)
{
    return (struct vblk_arena){ WATCH_GPA, WATCH_SIZE };
}

void watch_clear(struct watch *watch)
{
    memset(watch->counts, 0, sizeof(watch->counts));
    watch->used = 0;
    watch->text[0] = 0;
}

void watch_start(struct watch *watch, struct vblk_port *port)
{
    watch->port = port;
    watch->mem = port->mem;
    watch->stray = watch->mislaid = 0;
    watch_clear(watch);
    port->observe = observe;
    port->observe_ctx = watch;
    vblk_memory_set_tap(port->mem, observe, watch);
}

void watch_puppet(struct watch *watch)
{
    struct vblk_port *port = vblk_puppet_new(watch_memory());

    if (!port)
        abort();
    watch_start(watch, port);
}

void watch_stop(struct watch *watch)
{
    struct vblk_memory *mem = watch->mem;

    vblk_port_close(watch->port);
    vblk_memory_free(mem);
}

const char *watch_between(struct watch *watch, const char *from, const char *to)
{
    static char cut[4096];
    const char *begin = strstr(watch->text, from);
    const char *end = begin ? strstr(begin, to) : NULL;
    const size_t n = end ? (size_t)(end - begin) : begin ? strlen(begin) : 0;

    if (!begin || n >= sizeof(cut))
        return "";
    memcpy(cut, begin, n);
    cut[n] = 0;
    return cut;
}
