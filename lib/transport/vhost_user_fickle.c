/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vhost_user_fickle SOCKET: a front-end that shares memory, starts a ring in it, cuts the file short and kicks; then asks
 * for the features, to see whether anybody is still there. Status 0: the question was answered; 3: the other hung up; 1:
 * neither. For the checks of serve and monitor.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <vblk/spec.h>

#include "vhost_user_msg.h"

#define RAM 0x100000u
#define PATIENCE 5000

static int say(int sock, struct vu_msg *m, const int *fd)
{
    return vu_send(sock, m, fd, fd != NULL ? 1 : 0, vu_now() + PATIENCE) == VBLK_OK;
}

static int say_u64(int sock, enum vu_request request, uint64_t value, const int *fd)
{
    struct vu_msg m;

    vu_msg_init(&m, request);
    m.body.u64 = value;
    return say(sock, &m, fd);
}

static int say_state(int sock, enum vu_request request, uint32_t num)
{
    struct vu_msg m;

    vu_msg_init(&m, request);
    m.body.state.num = num;
    return say(sock, &m, NULL);
}

static int share(int sock, int ram)
{
    struct vu_msg m;

    vu_msg_init(&m, VU_SET_MEM_TABLE);
    m.head.size = offsetof(struct vu_mem_table, region) + sizeof(struct vu_region);
    m.body.table.count = 1;
    m.body.table.region[0] = (struct vu_region){ .gpa = 0, .size = RAM, .user = RAM };
    return say(sock, &m, &ram);
}

static int start(int sock, int kick, int call)
{
    struct vu_msg m;

    vu_msg_init(&m, VU_SET_VRING_ADDR);
    m.body.addr = (struct vu_vring_addr){ .desc = RAM + 0x80000, .avail = RAM + 0x81000, .used = RAM + 0x82000 };
    return say_state(sock, VU_SET_VRING_NUM, 64) && say_state(sock, VU_SET_VRING_BASE, 0) && say(sock, &m, NULL) &&
           say_u64(sock, VU_SET_VRING_CALL, 0, &call) && say_u64(sock, VU_SET_VRING_KICK, 0, &kick);
}

static int ask(int sock)
{
    struct vu_msg m;

    vu_msg_init(&m, VU_GET_FEATURES);
    if (!say(sock, &m, NULL))
        return 3;
    switch (vu_recv(sock, &m, vu_now() + PATIENCE)) {
    case VBLK_OK:
        return 0;
    case VBLK_E_GONE:
        return 3;
    default:
        return 1;
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    const uint64_t one = 1;
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ram = memfd_create("fickle", MFD_CLOEXEC);
    int kick = eventfd(0, EFD_CLOEXEC), call = eventfd(0, EFD_CLOEXEC);

    if (argc != 2 || strlen(argv[1]) >= sizeof(at.sun_path) || ftruncate(ram, RAM) < 0)
        return 2;
    memcpy(at.sun_path, argv[1], strlen(argv[1]));
    if (connect(sock, (struct sockaddr *)&at, sizeof(at)) < 0)
        return 2;
    if (ask(sock) != 0 || !say_u64(sock, VU_SET_FEATURES, VBLK_BIT(VBLK_F_VERSION_1), NULL) || !share(sock, ram) ||
        !start(sock, kick, call) || ask(sock) != 0)
        return 1;
    if (ftruncate(ram, 0) < 0 || write(kick, &one, sizeof(one)) != sizeof(one))
        return 2;
    usleep(300000);
    return ask(sock);
}
