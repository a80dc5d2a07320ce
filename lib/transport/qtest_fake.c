/* SPDX-License-Identifier: BSD-3-Clause */
#define _POSIX_C_SOURCE 200809L
#include "qtest_fake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BASE UINT64_C(0xfeb00000)
#define STRIDE 512u
#define SLOT 3u

static uint32_t read_slot(struct fake *fake, uint64_t slot, uint32_t offset, unsigned width)
{
    if (slot == 0)
        return 0xffffffff; /* no transport at all */
    if (slot == SLOT && fake->version && offset == VBLK_MMIO_VERSION)
        return fake->version;
    if (slot == SLOT && fake->regs)
        return vblk_mmio_device_read(fake->regs, offset, width);
    return offset == VBLK_MMIO_MAGIC_VALUE ? VBLK_MMIO_MAGIC : offset == VBLK_MMIO_VERSION ? 2 : 0;
}

static unsigned width_of(char letter)
{
    return letter == 'b' ? 1 : letter == 'w' ? 2 : 4;
}

static void answer(struct fake *fake, const char *line, char *out, size_t size)
{
    uint64_t address = 0, value = 0;
    char letter = 0;

    if (sscanf(line, "read%c 0x%" SCNx64, &letter, &address) == 2) {
        uint64_t at = address - BASE;

        (void)snprintf(out, size, "OK 0x%016" PRIx32 "\n",
                       read_slot(fake, at / STRIDE, (uint32_t)(at % STRIDE), width_of(letter)));
    } else if (sscanf(line, "write%c 0x%" SCNx64 " 0x%" SCNx64, &letter, &address, &value) == 3) {
        uint64_t at = address - BASE;

        if (at / STRIDE == SLOT && fake->regs)
            vblk_mmio_device_write(fake->regs, (uint32_t)(at % STRIDE), width_of(letter), (uint32_t)value);
        (void)snprintf(out, size, "OK\n");
    } else {
        (void)snprintf(out, size, "FAIL Unknown command '%.20s'\n", line);
    }
}

static bool say(int sock, const char *text, size_t piece)
{
    size_t len = strlen(text);

    for (size_t at = 0; at < len; at += piece)
        if (send(sock, text + at, piece < len - at ? piece : len - at, MSG_NOSIGNAL) <= 0)
            return false;
    return true;
}

static bool quirky(const struct fake *fake)
{
    return fake->quirk != FAKE_FINE && fake->commands >= fake->from && fake->commands - fake->from < fake->times;
}

/* Returns whether to go on. */
static bool misbehave(const struct fake *fake, int sock)
{
    switch (fake->quirk) {
    case FAKE_SAYS:
        return say(sock, fake->text, 1000);
    case FAKE_SILENT:
        return true;
    case FAKE_HANGS_UP_HALF:
        say(sock, "OK 0x00", 1000);
        return false;
    case FAKE_IRQS_FOR_EVER:
        while (say(sock, "IRQ raise 5\n", 1000))
            ;
        return false;
    default:
        return false;
    }
}

static bool serve_line(struct fake *fake, int sock, const char *line)
{
    char out[128];

    fake->commands++;
    if (quirky(fake))
        return misbehave(fake, sock);
    answer(fake, line, out, sizeof(out));
    return (!fake->chatty || say(sock, "IRQ raise 12\nIRQ lower 12\n", 1000)) &&
           say(sock, out, fake->in_pieces ? 1 : 1000);
}

static void serve(struct fake *fake, int sock)
{
    char line[256];
    size_t have = 0;
    bool going = true;

    while (going && have < sizeof(line) - 1) {
        char *end;
        ssize_t got = recv(sock, line + have, sizeof(line) - 1 - have, 0);

        if (got <= 0)
            break;
        have += (size_t)got;
        line[have] = '\0';
        while (going && (end = strchr(line, '\n'))) {
            *end = '\0';
            going = serve_line(fake, sock, line);
            have -= (size_t)(end + 1 - line);
            memmove(line, end + 1, have + 1);
        }
    }
    close(sock);
}

static void *run(void *ctx)
{
    struct fake *fake = ctx;
    int sock;

    while ((sock = accept(fake->listener, NULL, NULL)) >= 0) {
        fake->connections++;
        serve(fake, sock);
    }
    return NULL;
}

void fake_misbehave(struct fake *fake, enum fake_quirk quirk, unsigned times, const char *text)
{
    fake->quirk = quirk;
    fake->from = fake->commands + 1;
    fake->times = times;
    fake->text = text;
}

static void must(bool worked, const char *what)
{
    if (worked)
        return;
    perror(what);
    abort();
}

void fake_start(struct fake *fake)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    strcpy(fake->dir, "/tmp/vblk-qtest-XXXXXX");
    must(mkdtemp(fake->dir) != NULL, "mkdtemp");
    (void)snprintf(fake->path, sizeof(fake->path), "%s/sock", fake->dir);
    memcpy(at.sun_path, fake->path, strlen(fake->path) + 1);
    fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fake->listener >= 0 && bind(fake->listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
             listen(fake->listener, 4) == 0,
         fake->path);
    must(pthread_create(&fake->thread, NULL, run, fake) == 0, "thread");
}

/* Whoever was connected has hung up by now. */
void fake_stop(struct fake *fake)
{
    (void)shutdown(fake->listener, SHUT_RDWR);
    (void)pthread_join(fake->thread, NULL);
    close(fake->listener);
    unlink(fake->path);
    rmdir(fake->dir);
}
