/* SPDX-License-Identifier: BSD-3-Clause */
/* The `vblk` command: a thin main that hands on to one file per subcommand. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vblk/base.h>

#include <vblk_paths.h>

#include "cmd.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: a later version has it */
    const char *what;
} commands[] = {
    { "test", cmd_test, "run the conformance suite against a device" },
    { "serve", cmd_serve, "be a virtio-blk device and judge the driver that connects" },
    { "monitor", cmd_monitor, "stand between a driver and a device and judge both" },
    { "check", cmd_check, "judge a recorded trace again" },
    { "vectors", cmd_vectors, "work with test vectors" },
    { "clauses", cmd_clauses, "the clause catalogue; with an ID, everything known about it" },
    { "report", cmd_report, "convert and merge reports" },
    { "mutants", cmd_mutants, "prove the judge on models that are wrong on purpose" },
    { "bench", cmd_bench, "the project's own performance figures" },
    { "probe", NULL, NULL },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int cmd_sorry(const char *name, const char *format, ...)
{
    va_list ap;

    fprintf(stderr, name ? "vblk %s: " : "vblk%s: ", name ? name : "");
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    return CMD_USAGE;
}

int cmd_bad_option(const char *name, int got, char *const *argv)
{
    const char *text = argv[optind - 1];

    if (got == ':')
        return cmd_sorry(name, "option '%s' needs a value; see 'vblk %s --help'", text, name);
    return cmd_sorry(name, "unknown option or wrong use of '%s'; see 'vblk %s --help'", text, name);
}

int cmd_finish(const char *name, int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return cmd_sorry(name, "cannot write to standard output: %s", errno ? strerror(errno) : "it failed");
}

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* An installed tree may have been moved: look from where the program lies. */
static bool beside_program(char *buf, size_t size)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (len <= 0)
        return false;
    self[len] = '\0';
    slash = strrchr(self, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return snprintf(buf, size, "%s/%s", self, VBLK_VECTORS_FROM_PROGRAM) < (int)size && is_directory(buf);
}

const char *cmd_vectors_dir(const char *given, char *buf, size_t size)
{
    const char *env = getenv("VBLK_VECTORS");

    if (given)
        return given;
    if (env && env[0])
        return env;
    if (beside_program(buf, size))
        return buf;
    if (is_directory(VBLK_VECTORS_SOURCE))
        return VBLK_VECTORS_SOURCE;
    return is_directory(VBLK_VECTORS_INSTALLED) ? VBLK_VECTORS_INSTALLED : NULL;
}

static int help(void)
{
    fputs("Usage: vblk COMMAND [OPTIONS]\n\n"
          "A reference model of virtio-blk, and a judge of devices and drivers.\n\n",
          stdout);
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].run)
            printf("  vblk %-9s %s\n", commands[i].name, commands[i].what);
    fputs("\n'vblk COMMAND --help' tells the options of a command. 'vblk --version' tells the version.\n\n"
          "Exit status: 0 all that was exercised held, 1 a violation, 2 wrong usage or the environment failed,\n"
          "77 nothing could be exercised.\n",
          stdout);
    return cmd_finish(NULL, CMD_HELD);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;

    if (!name)
        return cmd_sorry(NULL, "no command given; see 'vblk --help'");
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help();
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("vblk %s\n", vblk_version());
        return cmd_finish(NULL, CMD_HELD);
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        if (!commands[i].run)
            return cmd_sorry(name, "this version (%s) does not have this command yet", vblk_version());
        return commands[i].run(argc - 1, argv + 1);
    }
    return cmd_sorry(NULL, "there is no command '%s'; see 'vblk --help'", name);
}
