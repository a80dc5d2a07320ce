/* SPDX-License-Identifier: BSD-3-Clause */
#define _POSIX_C_SOURCE 200809L
#include "qtest_wire.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(((struct qtest_wire *)0)->path) <= sizeof(((struct sockaddr_un *)0)->sun_path), "path fits");

#define RETRY_MS 5

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void qtest_hang_up(struct qtest_wire *w)
{
    if (w->sock >= 0)
        close(w->sock);
    w->sock = -1;
    w->have = 0;
}

static vblk_err lose(struct qtest_wire *w, vblk_err err, const char *fmt, ...) VBLK_PRINTF(3, 4);
static vblk_err lose(struct qtest_wire *w, vblk_err err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(w->why, sizeof(w->why), fmt, args);
    va_end(args);
    qtest_hang_up(w);
    return err;
}

static vblk_err dial(struct qtest_wire *w)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };

    qtest_hang_up(w);
    memcpy(to.sun_path, w->path, strlen(w->path) + 1);
    w->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->sock >= 0 && connect(w->sock, (struct sockaddr *)&to, sizeof(to)) == 0) {
        w->why[0] = '\0';
        return VBLK_OK;
    }
    return lose(w, VBLK_E_IO, "can't connect to %s: %s", w->path, strerror(errno));
}

vblk_err qtest_connect(struct qtest_wire *w, unsigned ms)
{
    const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
    int64_t deadline = now_ms() + ms;
    vblk_err err;

    while ((err = dial(w)) != VBLK_OK && now_ms() < deadline)
        (void)nanosleep(&pause, NULL);
    return err;
}

static bool try_again(void)
{
    return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
}

static vblk_err until_ready(struct qtest_wire *w, short events, int64_t deadline)
{
    struct pollfd one = { .fd = w->sock, .events = events };
    int ready;

    do {
        int64_t left = deadline - now_ms();

        ready = poll(&one, 1, left > 0 ? (int)left : 0);
    } while (ready < 0 && try_again());
    if (ready > 0)
        return VBLK_OK;
    return ready == 0 ? lose(w, VBLK_E_TIMEOUT, "no answer within %u ms", w->timeout_ms)
                      : lose(w, VBLK_E_GONE, "the connection failed: %s", strerror(errno));
}

static vblk_err send_line(struct qtest_wire *w, const char *line, int64_t deadline)
{
    size_t len = strlen(line);

    while (len > 0) {
        ssize_t sent = send(w->sock, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent > 0) {
            line += sent;
            len -= (size_t)sent;
            continue;
        }
        if (sent == 0 || !try_again())
            return lose(w, VBLK_E_GONE, "QEMU hung up");
        vblk_err err = until_ready(w, POLLOUT, deadline);
        if (err)
            return err;
    }
    return VBLK_OK;
}

static vblk_err receive(struct qtest_wire *w, int64_t deadline)
{
    for (;;) {
        vblk_err err = until_ready(w, POLLIN, deadline);
        ssize_t got;

        if (err)
            return err;
        got = recv(w->sock, w->in + w->have, sizeof(w->in) - w->have, MSG_DONTWAIT);
        if (got > 0) {
            w->have += (size_t)got;
            return VBLK_OK;
        }
        if (got == 0 || !try_again())
            return lose(w, VBLK_E_GONE, "QEMU hung up");
    }
}

/* Take the next line, without its end. */
static vblk_err next_line(struct qtest_wire *w, char line[QTEST_LINE_MAX], int64_t deadline)
{
    for (;;) {
        const char *end = memchr(w->in, '\n', w->have);
        size_t len = end ? (size_t)(end - w->in) : 0;
        vblk_err err;

        if (end) {
            memcpy(line, w->in, len);
            line[len] = '\0';
            w->have -= len + 1;
            memmove(w->in, end + 1, w->have);
            return VBLK_OK;
        }
        if (w->have == sizeof(w->in))
            return lose(w, VBLK_E_GONE, "a line of more than %u bytes, which is no answer", QTEST_LINE_MAX - 1);
        err = receive(w, deadline);
        if (err)
            return err;
    }
}

/* Interrupts may be announced at any time; here they are read from the device. */
static bool announces_interrupt(const char *line)
{
    return strncmp(line, "IRQ ", 4) == 0;
}

static vblk_err ask(struct qtest_wire *w, const char *command, char answer[QTEST_LINE_MAX])
{
    int64_t deadline = now_ms() + w->timeout_ms;
    vblk_err err;

    if (w->sock < 0)
        return VBLK_E_GONE;
    err = send_line(w, command, deadline);
    do {
        if (!err)
            err = next_line(w, answer, deadline);
        if (!err && now_ms() > deadline)
            err = lose(w, VBLK_E_TIMEOUT, "no answer within %u ms", w->timeout_ms);
    } while (!err && announces_interrupt(answer));
    return err;
}

/* Bytes that may be anything, as text of a sentence. */
static vblk_err garbage(struct qtest_wire *w, const char *command, const char *answer)
{
    char shown[41];
    size_t i = 0;

    for (; answer[i] && i < sizeof(shown) - 1; i++)
        shown[i] = answer[i] >= ' ' && answer[i] <= '~' ? answer[i] : '?';
    shown[i] = '\0';
    return lose(w, VBLK_E_GONE, "garbage in answer to '%.*s': '%s'", (int)strcspn(command, "\n"), command, shown);
}

static char letter(unsigned width)
{
    return width == 1 ? 'b' : width == 2 ? 'w' : 'l';
}

/* "OK 0x" and up to 16 hexadecimal digits, nothing else. */
static bool parse_value(const char *answer, uint64_t *value)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = answer + 5;

    *value = 0;
    if (strncmp(answer, "OK 0x", 5) != 0 || !*at || strlen(at) > 16)
        return false;
    for (; *at; at++) {
        const char *digit = strchr(digits, *at);

        if (!digit)
            return false;
        *value = *value << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

vblk_err qtest_read(struct qtest_wire *w, uint64_t address, unsigned width, uint32_t *value)
{
    char command[64], answer[QTEST_LINE_MAX] = "";
    uint64_t got = 0;
    vblk_err err;

    (void)snprintf(command, sizeof(command), "read%c 0x%" PRIx64 "\n", letter(width), address);
    err = ask(w, command, answer);
    if (!err && (!parse_value(answer, &got) || got >> (8 * width)))
        err = garbage(w, command, answer);
    *value = err ? 0 : (uint32_t)got;
    return err;
}

vblk_err qtest_write(struct qtest_wire *w, uint64_t address, unsigned width, uint32_t value)
{
    char command[64], answer[QTEST_LINE_MAX] = "";
    vblk_err err;

    (void)snprintf(command, sizeof(command), "write%c 0x%" PRIx64 " 0x%" PRIx32 "\n", letter(width), address, value);
    err = ask(w, command, answer);
    if (!err && strcmp(answer, "OK") != 0)
        err = garbage(w, command, answer);
    return err;
}
