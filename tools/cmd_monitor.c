/* SPDX-License-Identifier: BSD-3-Clause */
/* vblk monitor: between somebody's driver and somebody's device, and a report on both. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vblk/vhost_user_monitor.h>

#include "cmd.h"
#include "common_options.h"
#include "common_run.h"
#include "driver_run.h"
#include "memory_guard.h"

#define TICK_MS 200u

static const char help_text[] =
    "Usage: vblk monitor --listen PATH --connect PATH [OPTIONS]\n\n"
    "Stands between a vhost-user front-end and a back-end, passes everything on unchanged, and judges both.\n\n"
    "Between whom\n"
    "  --listen PATH              front-ends connect here\n"
    "  --connect PATH             the back-end listens here\n"
    "  --once, --connections N    end after one connection, or N; default: stay until SIGINT or SIGTERM\n"
    "  --look MILLISECONDS        look at rings that long after the last notification; default 10\n"
    "  --wait SECONDS             how long a front-end waits for a back-end that is not there; default 5\n\n"
    COMMON_HELP;

/* ---- the command line ---- */

struct options {
    struct common_options common;
    const char *listen, *connect;
    unsigned look_ms, wait_ms;
    uint64_t connections; /* 0: no end */
};

enum { OPT_HELP = 1, OPT_LISTEN, OPT_CONNECT, OPT_ONCE, OPT_CONNECTIONS, OPT_LOOK, OPT_WAIT };

static const struct option own_options[] = {
    { "help", no_argument, NULL, OPT_HELP },
    { "listen", required_argument, NULL, OPT_LISTEN },
    { "connect", required_argument, NULL, OPT_CONNECT },
    { "once", no_argument, NULL, OPT_ONCE },
    { "connections", required_argument, NULL, OPT_CONNECTIONS },
    { "look", required_argument, NULL, OPT_LOOK },
    { "wait", required_argument, NULL, OPT_WAIT },
};
#define OWN (sizeof(own_options) / sizeof(own_options[0]))

static void take(struct options *options, int id, const char *value)
{
    struct common_options *common = &options->common;

    switch (id) {
    case OPT_HELP:
        fputs(help_text, stdout);
        common->done = cmd_finish("monitor", CMD_HELD);
        break;
    case OPT_LISTEN:
        options->listen = value;
        break;
    case OPT_CONNECT:
        options->connect = value;
        break;
    case OPT_ONCE:
        options->connections = 1;
        break;
    case OPT_CONNECTIONS:
        options->connections = common_number(common, "--connections", value, UINT32_MAX);
        break;
    case OPT_LOOK:
        options->look_ms = (unsigned)common_number(common, "--look", value, 60000);
        break;
    default:
        options->wait_ms = 1000u * (unsigned)common_number(common, "--wait", value, 86400);
        break;
    }
}

static void check(struct options *options)
{
    struct common_options *common = &options->common;

    if (common->done < 0 && (!options->listen || !options->connect))
        common->done = cmd_sorry("monitor", "--listen PATH and --connect PATH are needed; see 'vblk monitor --help'");
    common_replay(common, "--listen");
    common_replay(common, options->listen ? options->listen : "");
    common_replay(common, "--connect");
    common_replay(common, options->connect ? options->connect : "");
    common_finish(common);
}

static void parse(struct options *options, int argc, char **argv)
{
    struct option all[OWN + 32] = { { 0 } };
    struct common_options *common = &options->common;
    size_t count = 0;
    int got, index = 0;

    common_init(common, "monitor");
    for (; common_options[count].name && count < 31; count++)
        all[count] = common_options[count];
    memcpy(all + count, own_options, sizeof(own_options));
    opterr = 0;
    while (common->done < 0 && (got = getopt_long(argc, argv, ":", all, &index)) != -1) {
        if (got == '?' || got == ':')
            common->done = cmd_bad_option("monitor", got, argv);
        else if (got == 0)
            (void)common_take(common, all[index].name, optarg);
        else
            take(options, got, optarg);
    }
    if (common->done < 0 && optind < argc)
        common_sorry(common, "what is", argv[optind], "'vblk monitor' takes options only");
    check(options);
}

/* ---- the run ---- */

struct watch {
    struct options *options;
    struct vblk_memory *mem;
    struct vblk_vhost_user_monitor *monitor;
    struct driver_run *run;
    uint64_t ended, saved; /* connections, and those that the files tell of */
    time_t saved_at;
    bool looked_away; /* memory was taken back; the connection goes on */
    int status; /* CMD_USAGE if a report could not be written; else -1 */
};

/* Files while it runs, standard output at the end. */
static void save_reports(struct watch *w, bool at_end)
{
    const int status = common_save(&w->options->common, driver_run_report(w->run), at_end);

    if (status >= 0)
        w->status = status;
}

/* When a connection has ended and nothing else is to be done; and once a second at least, however busy it is. */
static void save_if_due(struct watch *w, bool idle)
{
    const time_t now = time(NULL);

    if (w->saved == w->ended || (!idle && now == w->saved_at))
        return;
    save_reports(w, false);
    w->saved = w->ended;
    w->saved_at = now;
}

static void say(const struct watch *w, const char *text, const char *more)
{
    if (!w->options->common.quiet && common_on_terminal())
        fprintf(stderr, "%s%s%s\n", text, more[0] ? ": " : "", more);
}

static const char memory_lost[] = "the front-end took back memory that it had shared: not followed from there on";

/* A connection is a case. */
static void observe(void *ctx, const struct vblk_event *ev)
{
    struct watch *w = ctx;
    char name[64];

    if (ev->kind == VBLK_EV_CASE_BEGIN) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)ev->len, (const char *)ev->bytes);
        memory_guard_gone = 0;
        w->looked_away = false;
        driver_run_begin(w->run, name, "");
        say(w, name, "");
    } else if (ev->kind == VBLK_EV_CASE_END) {
        struct vblk_vhost_user_monitor_info info;

        vblk_vhost_user_monitor_info(w->monitor, &info);
        w->looked_away |= memory_guard_gone != 0; /* the device may have hung up over it in the same step */
        driver_run_end(w->run, w->looked_away ? REPORT_GONE : REPORT_RAN, w->looked_away ? memory_lost : "");
        say(w, "the connection ended", info.note);
        w->ended++;
    } else {
        driver_run_observe(w->run, ev);
    }
}

static const char *open_all(struct watch *w, const struct runner_set *set, char *why, size_t why_size)
{
    struct options *options = w->options;
    const struct vblk_vhost_user_monitor_options how = { .listen = options->listen, .connect = options->connect,
                                                         .observe = observe, .observe_ctx = w,
                                                         .mem = w->mem = vblk_memory_new(),
                                                         .look_ms = options->look_ms, .connect_ms = options->wait_ms };
    const struct driver_run_options trial = { .run = options->common.run, .set = set, .kind = "vhost-user",
                                              .name = options->connect, .grade = VBLK_GRADE_SNAPSHOT, .queues = 256,
                                              .both = true, .late = true, .mem = w->mem,
                                              .memory_gone = &memory_guard_gone };

    w->run = w->mem ? driver_run_new(&trial) : NULL;
    if (!w->run)
        return "no memory left";
    return vblk_vhost_user_monitor_open(&how, &w->monitor, why, why_size) ? why : NULL;
}

static void note_traffic(struct watch *w)
{
    struct vblk_vhost_user_monitor_info info;

    vblk_vhost_user_monitor_info(w->monitor, &info);
    if (w->options->common.verbose)
        fprintf(stderr,
                "passed on: %llu connections, %llu messages, %llu notifications of drivers and %llu of devices; "
                "%llu looks besides\n",
                (unsigned long long)info.connections, (unsigned long long)info.messages,
                (unsigned long long)info.kicks, (unsigned long long)info.calls, (unsigned long long)info.looks);
}

static void step(struct watch *w)
{
    const bool idle = vblk_vhost_user_monitor_step(w->monitor, TICK_MS) == VBLK_E_TIMEOUT;

    if (memory_guard_gone && !w->looked_away) {
        vblk_vhost_user_monitor_look_away(w->monitor, memory_lost);
        w->looked_away = true;
    }
    save_if_due(w, idle);
}

static int run(struct options *options, const struct runner_set *set)
{
    struct watch w = { .options = options, .status = -1 };
    char why[512] = "";
    const char *sorry = open_all(&w, set, why, sizeof(why));
    int status;

    if (sorry) {
        status = cmd_sorry("monitor", "%s", sorry);
    } else {
        common_catch_signals();
        memory_guard(w.mem);
        while (!common_interrupted && (options->connections == 0 || w.ended < options->connections))
            step(&w);
        note_traffic(&w);
        vblk_vhost_user_monitor_close(w.monitor);
        w.monitor = NULL;
        driver_run_finish(w.run);
        save_reports(&w, false);
        save_reports(&w, true);
        status = w.status >= 0 ? w.status : report_status(driver_run_report(w.run));
    }
    driver_run_free(w.run);
    vblk_memory_free(w.mem);
    return common_recorded(&options->common, cmd_finish("monitor", status));
}

int cmd_monitor(int argc, char **argv)
{
    struct options options = { .look_ms = 0 };
    struct common_options *common = &options.common;
    struct runner_set set = { 0 };

    parse(&options, argc, argv);
    common_prepare(common, &set);
    common_record(common);
    if (common->done < 0)
        common->done = run(&options, &set);
    runner_unload(&set);
    expect_free(common->run.expect);
    common_free(common);
    return common->done;
}
