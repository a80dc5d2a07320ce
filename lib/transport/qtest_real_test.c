/* SPDX-License-Identifier: BSD-3-Clause */
/* The port over the virtio-blk device of a QEMU without a guest, where that is installed. */
#define _POSIX_C_SOURCE 200809L
#include <vblk/qtest.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mmio_bench.h"

#define SKIPPED 77
#define SECTORS 2048
#define RAM (16 << 20)
#define ROM (64 << 10)
#define V1 VBLK_BIT(VBLK_F_VERSION_1)

struct machine {
    struct bench *b;
    char dir[32], image[64], ram[64], rom[64], socket[64];
    pid_t pid;
};

static int new_file(const char *path, off_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    return fd;
}

static void make_image(struct machine *m)
{
    char pattern[VBLK_SECTOR];
    int fd = new_file(m->image, SECTORS * VBLK_SECTOR);

    memset(pattern, 0xc3, sizeof(pattern));
    assert_int_equal(pwrite(fd, pattern, sizeof(pattern), 5 * VBLK_SECTOR), VBLK_SECTOR);
    close(fd);
}

/* The processor does nothing: 64 KiB of hlt, and at the reset vector cli; hlt; jump back. */
static void make_rom(struct machine *m)
{
    static const uint8_t reset_vector[] = { 0xfa, 0xf4, 0xeb, 0xfd };
    uint8_t *bytes = malloc(ROM);
    int fd = new_file(m->rom, 0);

    assert_non_null(bytes);
    memset(bytes, 0xf4, ROM);
    memcpy(bytes + ROM - 16, reset_vector, sizeof(reset_vector));
    assert_int_equal(write(fd, bytes, ROM), ROM);
    free(bytes);
    close(fd);
}

static void start_machine(struct machine *m)
{
    char ram[160], qtest[120], disk[160];

    (void)snprintf(ram, sizeof(ram), "memory-backend-file,id=m,size=16M,share=on,mem-path=%s", m->ram);
    (void)snprintf(qtest, sizeof(qtest), "unix:%s,server=on,wait=off", m->socket);
    (void)snprintf(disk, sizeof(disk), "driver=file,node-name=d0,filename=%s,discard=unmap", m->image);
    m->pid = fork();
    assert_true(m->pid >= 0);
    if (m->pid > 0)
        return;
    execlp("qemu-system-x86_64", "qemu-system-x86_64", "-accel", "tcg", "-bios", m->rom, "-M",
           "microvm,memory-backend=m", "-m", "16", "-object", ram, "-nodefaults", "-no-user-config", "-display", "none",
           "-qtest", qtest, "-qtest-log", "/dev/null", "-global", "virtio-mmio.force-legacy=false", "-blockdev", disk,
           "-device", "virtio-blk-device,drive=d0,serial=S,packed=on,num-queues=4", (char *)NULL);
    _exit(127);
}

static int set_up(void **state)
{
    const struct vblk_qtest_options options = { .connect_ms = 10000 };
    struct machine *m = calloc(1, sizeof(*m));

    strcpy(m->dir, "/tmp/vblk-qemu-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    (void)snprintf(m->image, sizeof(m->image), "%s/disk", m->dir);
    (void)snprintf(m->ram, sizeof(m->ram), "%s/ram", m->dir);
    (void)snprintf(m->rom, sizeof(m->rom), "%s/rom", m->dir);
    (void)snprintf(m->socket, sizeof(m->socket), "%s/sock", m->dir);
    make_image(m);
    make_rom(m);
    close(new_file(m->ram, RAM));
    start_machine(m);
    m->b = bench_new();
    OK(vblk_memory_add_file(m->b->mem, BENCH_GPA, m->ram, BENCH_GPA, BENCH_SIZE));
    if (vblk_qtest_open(m->socket, m->b->mem, &options, &m->b->port, m->b->why, sizeof(m->b->why)) != VBLK_OK)
        fail_msg("%s", m->b->why);
    *state = m;
    return 0;
}

static int tear_down(void **state)
{
    struct machine *m = *state;

    bench_free(m->b);
    kill(m->pid, SIGTERM);
    waitpid(m->pid, NULL, 0);
    unlink(m->socket);
    unlink(m->image);
    unlink(m->ram);
    unlink(m->rom);
    rmdir(m->dir);
    free(m);
    return 0;
}

static void features_queues_and_config__as_the_device_was_made(void **state)
{
    struct machine *m = *state;
    const uint64_t features = bench_get(m->b, VBLK_REG_DEVICE_FEATURES, 0);
    struct vblk_blk_config config;
    uint32_t got;

    print_message("features 0x%llx, config %u bytes, queues of up to %u\n", (unsigned long long)features,
                  (unsigned)bench_get(m->b, VBLK_REG_CONFIG_LENGTH, 0),
                  (unsigned)bench_get(m->b, VBLK_REG_QUEUE_MAX, 0));
    assert_true(features & V1);
    assert_true(features & VBLK_BIT(VBLK_F_RING_PACKED));
    assert_int_equal(bench_get(m->b, VBLK_REG_NUM_QUEUES, 0), 4);
    OK(vblk_port_read_config(m->b->port, 0, &config, 36, &got));
    assert_int_equal(got, 36);
    assert_int_equal(vblk_get64(config.capacity), SECTORS);
    assert_int_equal(vblk_get16(config.num_queues), 4);
}

static void requests__data_and_status_arrive(void **state)
{
    struct machine *m = *state;
    uint8_t sector[VBLK_SECTOR];

    bench_bring_up(m->b, V1, 1);
    assert_int_equal(bench_ask(m->b, VBLK_T_GET_ID, 0, VBLK_ID_BYTES), VBLK_S_OK);
    for (uint64_t i = 4; i < 7; i++) {
        assert_int_equal(bench_ask(m->b, VBLK_T_IN, i, VBLK_SECTOR), VBLK_S_OK);
        bench_data(m->b, sector, sizeof(sector));
        assert_int_equal(sector[0], i == 5 ? 0xc3 : 0);
        assert_int_equal(sector[511], i == 5 ? 0xc3 : 0);
    }
    assert_int_equal(bench_ask(m->b, VBLK_T_IN, SECTORS, VBLK_SECTOR), VBLK_S_IOERR);
    assert_int_equal(bench_ask(m->b, 77, 0, VBLK_SECTOR), VBLK_S_UNSUPP);
}

static void reset__device_serves_a_fresh_ring(void **state)
{
    struct machine *m = *state;

    for (int i = 0; i < 20; i++) {
        bench_bring_up(m->b, V1, 1);
        assert_int_equal(bench_ask(m->b, VBLK_T_IN, 5, VBLK_SECTOR), VBLK_S_OK);
        bench_put(m->b, VBLK_REG_STATUS, 0, 0);
        assert_int_equal(bench_get(m->b, VBLK_REG_QUEUE_ENABLE, 0), 0);
    }
}

static void cache_mode__can_be_written(void **state)
{
    struct machine *m = *state;
    uint8_t mode = 0xff;

    bench_bring_up(m->b, V1 | VBLK_BIT(VBLK_F_CONFIG_WCE) | VBLK_BIT(VBLK_F_FLUSH), 1);
    for (uint8_t want = 0; want < 2; want++) {
        OK(vblk_port_write_config(m->b->port, 32, &want, 1));
        OK(vblk_port_read_config(m->b->port, 32, &mode, 1, NULL));
        assert_int_equal(mode, want);
    }
}

static void two_queues__served_with_one_interrupt(void **state)
{
    struct machine *m = *state;

    bench_bring_up(m->b, V1 | VBLK_BIT(VBLK_F_MQ), 2);
    assert_int_equal(bench_ask(m->b, VBLK_T_IN, 5, VBLK_SECTOR), VBLK_S_OK);
    assert_int_equal(m->b->port->used_notified, 2);
}

/* Recovery without a loss is a reset over the same connection, or a new one. */
static void recovery__device_serves_again(void **state)
{
    struct machine *m = *state;

    bench_bring_up(m->b, V1, 1);
    OK(vblk_port_recover(m->b->port));
    assert_int_equal(bench_get(m->b, VBLK_REG_STATUS, 0), 0);
    bench_bring_up(m->b, V1, 1);
    assert_int_equal(bench_ask(m->b, VBLK_T_IN, 5, VBLK_SECTOR), VBLK_S_OK);
}

static void machine_killed__gone(void **state)
{
    struct machine *m = *state;
    uint64_t value;

    bench_bring_up(m->b, V1, 1);
    kill(m->pid, SIGKILL);
    assert_int_equal(vblk_port_wait(m->b->port, 0, 5000), VBLK_E_GONE);
    assert_int_equal(vblk_port_read_reg(m->b->port, VBLK_REG_STATUS, 0, &value), VBLK_E_GONE);
    assert_int_equal(vblk_port_recover(m->b->port), VBLK_E_GONE);
}

static bool installed(void)
{
    return system("qemu-system-x86_64 -M help 2>/dev/null | grep -q '^microvm'") == 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    /* clang-format off */
    static const struct CMUnitTest tests[] = {
        TEST(features_queues_and_config__as_the_device_was_made),
        TEST(requests__data_and_status_arrive),
        TEST(reset__device_serves_a_fresh_ring),
        TEST(cache_mode__can_be_written),
        TEST(two_queues__served_with_one_interrupt),
        TEST(recovery__device_serves_again),
        TEST(machine_killed__gone),
    };
    /* clang-format on */

    if (!installed()) {
        puts("skipped: there is no qemu-system-x86_64 with a microvm (Debian: qemu-system-x86)");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
