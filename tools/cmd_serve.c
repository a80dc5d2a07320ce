/* SPDX-License-Identifier: BSD-3-Clause */
/* vblk serve: a virtio-blk device for somebody's driver, and a report on that driver. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "common_run.h"
#include "driver_run.h"
#include "memory_guard.h"
#include "serve_disk.h"
#include "serve_options.h"
#include "serve_show.h"

#define TICK_MS 200

struct server {
    struct serve_options *options;
    struct vblk_memory *mem;
    struct serve_disk image;
    struct vblk_store *store;
    struct vblk_device *device;
    struct vblk_vhost_user_backend *backend;
    struct driver_run *run;
    struct serve_show show;
    int listener;
    uint64_t served;
    int status; /* an environment that failed: CMD_USAGE; else -1 */
};

/* Everything that is watched passes here, once. */
static void observe(void *ctx, const struct vblk_event *ev)
{
    struct server *s = ctx;

    driver_run_observe(s->run, ev);
}

/* ---- reports ---- */

/* Files after each connection, standard output at the end. */
static void save_reports(struct server *s, bool at_end)
{
    const int status = common_save(&s->options->common, driver_run_report(s->run), at_end);

    if (status >= 0)
        s->status = status;
}

/* ---- a connection ---- */

/* "pid 77 (qemu-system-x86)". */
static void who_is(int sock, char *text, size_t size)
{
    struct ucred peer = { 0 };
    socklen_t len = sizeof(peer);
    char path[64], name[64] = "";
    FILE *comm;

    (void)snprintf(text, size, "somebody");
    if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
        return;
    (void)snprintf(path, sizeof(path), "/proc/%ld/comm", (long)peer.pid);
    comm = fopen(path, "r");
    if (comm && fgets(name, sizeof(name), comm))
        name[strcspn(name, "\n")] = '\0';
    if (comm)
        (void)fclose(comm);
    (void)snprintf(text, size, "pid %ld%s%s%s", (long)peer.pid, name[0] ? " (" : "", name, name[0] ? ")" : "");
}

static uint64_t tell_news(struct server *s)
{
    const struct vblk_violation *v;
    uint64_t count = 0;

    for (; (v = driver_run_news(s->run)) != NULL; count++)
        serve_show_violation(&s->show, v);
    return count;
}

/* No ring runs: whatever is done to the memory from now on is not done to rings. */
static void rings_given_up(struct server *s)
{
    const struct vblk_event ev = { .kind = VBLK_EV_REG_WRITE, .flags = VBLK_EV_EMULATED, .reg = VBLK_REG_STATUS };

    observe(s, &ev);
}

/* Since when nothing came from the front-end, and whether the judge was told. */
struct silence {
    int64_t since;
    bool told;
};

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Once in each silence: a driver that waits for ever, because it did not notify, is told of while it waits. */
static void note_silence(struct server *s, struct silence *silence, bool silent)
{
    const unsigned patience = s->options->silence_ms;
    const int64_t now = now_ms();
    struct vblk_queue_layout queue;

    if (!silent)
        *silence = (struct silence){ .since = now };
    if (silence->told || now - silence->since < patience)
        return;
    silence->told = true;
    for (uint16_t i = 0; vblk_device_queue(s->device, i, &queue) == VBLK_OK; i++) {
        const struct vblk_event ev = { .kind = VBLK_EV_QUIET, .party = VBLK_NOBODY, .queue = i, .value = patience };

        if (queue.enabled)
            observe(s, &ev);
    }
}

static void serve_connection(struct server *s, int sock)
{
    struct silence silence = { .since = now_ms() };
    struct vblk_vhost_user_backend_info info;
    char who[128], name[32], reason[320] = "";
    uint64_t violations = 0;
    vblk_err err = vblk_vhost_user_backend_attach(s->backend, sock);

    who_is(sock, who, sizeof(who));
    (void)snprintf(name, sizeof(name), "connection-%llu", (unsigned long long)++s->served);
    s->show.lives = s->show.requests = 0;
    serve_say(&s->show, "%s: %s", name, who);
    driver_run_begin(s->run, name, who);
    memory_guard_gone = 0;
    while (err != VBLK_E_GONE && !common_interrupted && !memory_guard_gone) {
        err = vblk_vhost_user_backend_run(s->backend, TICK_MS);
        vblk_vhost_user_backend_info(s->backend, &info);
        note_silence(s, &silence, err == VBLK_E_TIMEOUT && info.running > 0);
        violations += tell_news(s);
        serve_show_state(&s->show, &info);
    }
    vblk_vhost_user_backend_info(s->backend, &info);
    if (info.broke_protocol)
        (void)snprintf(reason, sizeof(reason), "the front-end broke the protocol: %s",
                       vblk_vhost_user_backend_why(s->backend));
    if (info.running == 0)
        rings_given_up(s);
    if (memory_guard_gone)
        (void)snprintf(reason, sizeof(reason), "the front-end took back memory that it had shared");
    driver_run_end(s->run, reason[0] ? REPORT_GONE : REPORT_RAN, reason);
    violations += tell_news(s);
    serve_say(&s->show, "%s: %s; %llu requests, %llu violations", name,
              reason[0] ? reason : err == VBLK_E_GONE ? vblk_vhost_user_backend_why(s->backend) : "interrupted",
              (unsigned long long)info.requests, (unsigned long long)violations);
    vblk_vhost_user_backend_detach(s->backend);
    save_reports(s, false);
}

static void serve(struct server *s)
{
    const uint64_t most = s->options->connections;
    struct pollfd one = { .fd = s->listener, .events = POLLIN };

    serve_say(&s->show, "waiting on %s", s->options->socket);
    while (!common_interrupted && s->status < 0 && (most == 0 || s->served < most)) {
        int sock = poll(&one, 1, TICK_MS) > 0 ? accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;

        if (sock >= 0)
            serve_connection(s, sock);
    }
}

/* ---- setting up ---- */

static const char *open_disk(struct server *s, struct vblk_backend *disk, char *why, size_t why_size)
{
    struct vblk_device_options *device = &s->options->device;

    if (!s->options->image) {
        s->store = vblk_store_new(device->capacity);
        if (!s->store)
            return "no memory left, or the disk is too large";
        *disk = vblk_store_backend(s->store);
        return NULL;
    }
    if (!serve_disk_open(&s->image, s->options->image, device->features >> VBLK_F_RO & 1, why, why_size))
        return why;
    device->capacity = s->image.sectors;
    *disk = serve_disk_backend(&s->image);
    return NULL;
}

static const char *make_device(struct server *s, char *why, size_t why_size)
{
    struct vblk_backend disk;
    const char *sorry = open_disk(s, &disk, why, why_size);

    if (sorry)
        return sorry;
    s->mem = vblk_memory_new();
    s->device = s->mem ? vblk_device_new(&s->options->device, s->mem, &disk, &sorry) : NULL;
    if (!s->device)
        return s->mem ? sorry : "no memory left";
    s->options->backend.observe = observe;
    s->options->backend.observe_ctx = s;
    s->backend = vblk_vhost_user_backend_new(s->device, s->mem, &s->options->backend);
    return s->backend ? NULL : "no memory left";
}

static const char *make_run(struct server *s, const struct runner_set *set)
{
    const struct driver_run_options how = {
        .run = s->options->common.run,
        .set = set,
        .kind = "vhost-user",
        .name = s->options->socket,
        .grade = VBLK_GRADE_SNAPSHOT,
        .sees = VBLK_SEES_DEVICE_STORES | VBLK_SEES_DEVICE_LOADS,
        .queues = 256,
        .disk_zero = !s->options->image,
        .memory_gone = &memory_guard_gone,
        .mem = s->mem,
    };

    s->run = driver_run_new(&how);
    return s->run ? NULL : "no memory left";
}

static void close_all(struct server *s)
{
    if (s->listener >= 0) {
        (void)close(s->listener);
        (void)unlink(s->options->socket);
    }
    vblk_vhost_user_backend_free(s->backend);
    driver_run_free(s->run);
    vblk_device_free(s->device);
    vblk_memory_free(s->mem);
    vblk_store_free(s->store);
    serve_disk_close(&s->image);
}

static int run_server(struct serve_options *options, const struct runner_set *set)
{
    struct server s = { .options = options, .image = { .fd = -1 }, .listener = -1, .status = -1 };
    char why[512];
    const char *sorry = make_device(&s, why, sizeof(why));
    int status;

    if (!sorry)
        sorry = make_run(&s, set);
    if (!sorry && vblk_vhost_user_listen(options->socket, &s.listener, why, sizeof(why)))
        sorry = why;
    if (sorry) {
        status = cmd_sorry("serve", "%s", sorry);
        close_all(&s);
        return status;
    }
    s.show = (struct serve_show){ .on = !options->common.quiet && common_on_terminal(), .profile = &options->device.profile };
    s.show.color = s.show.on && options->common.color != 0;
    common_catch_signals();
    memory_guard(s.mem);
    serve(&s);
    driver_run_finish(s.run);
    save_reports(&s, true);
    status = s.status >= 0 ? s.status : report_status(driver_run_report(s.run));
    close_all(&s);
    return common_recorded(&options->common, cmd_finish("serve", status));
}

int cmd_serve(int argc, char **argv)
{
    struct serve_options options;
    struct runner_set set = { 0 };

    serve_options_parse(&options, argc, argv);
    common_prepare(&options.common, &set);
    common_record(&options.common);
    if (options.common.done < 0)
        options.common.done = run_server(&options, &set);
    runner_unload(&set);
    expect_free(options.common.run.expect);
    serve_options_free(&options);
    return options.common.done;
}
