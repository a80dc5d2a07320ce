/* SPDX-License-Identifier: BSD-3-Clause */
/* The front-end against qemu-storage-daemon, where that is installed: requests made by hand in shared memory. */
#define _GNU_SOURCE
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

#include <vblk/spec.h>
#include <vblk/vhost_user.h>

#define OK(call) assert_int_equal((call), VBLK_OK)
#define SKIPPED 77
#define SECTORS 2048u

enum { DESC = 0x10000, AVAIL = 0x11000, USED = 0x12000, HEADER = 0x13000, DATA = 0x14000, STATUS = 0x15000 };

struct daemon_bench {
    char dir[32], image[64], socket[64];
    pid_t pid;
    struct vblk_memory *mem;
    struct vblk_port *port;
    uint16_t asked;
};

static void make_image(struct daemon_bench *d)
{
    char pattern[VBLK_SECTOR];
    int fd;

    strcpy(d->dir, "/tmp/vblk-qsd-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    snprintf(d->image, sizeof(d->image), "%s/disk", d->dir);
    snprintf(d->socket, sizeof(d->socket), "%s/sock", d->dir);
    fd = open(d->image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    memset(pattern, 0xc3, sizeof(pattern));
    assert_int_equal(pwrite(fd, pattern, sizeof(pattern), 5 * VBLK_SECTOR), VBLK_SECTOR);
    assert_int_equal(ftruncate(fd, SECTORS * VBLK_SECTOR), 0);
    close(fd);
}

static void start_daemon(struct daemon_bench *d)
{
    char blockdev[160], export[200];

    snprintf(blockdev, sizeof(blockdev), "driver=file,node-name=f0,filename=%s,discard=unmap", d->image);
    snprintf(export, sizeof(export),
             "type=vhost-user-blk,id=e0,addr.type=unix,addr.path=%s,node-name=f0,writable=on,num-queues=2", d->socket);
    d->pid = fork();
    assert_true(d->pid >= 0);
    if (d->pid == 0) {
        execlp("qemu-storage-daemon", "qemu-storage-daemon", "--blockdev", blockdev, "--export", export, (char *)NULL);
        _exit(127);
    }
}

static int set_up(void **state)
{
    const struct vblk_vhost_user_options options = { .connect_ms = 5000 };
    struct daemon_bench *d = calloc(1, sizeof(*d));
    char why[200] = "";

    make_image(d);
    start_daemon(d);
    d->mem = vblk_memory_new();
    OK(vblk_memory_add_shared(d->mem, 0x10000, 0x10000));
    if (vblk_vhost_user_open(d->socket, d->mem, &options, &d->port, why, sizeof(why)) != VBLK_OK)
        fail_msg("%s", why);
    *state = d;
    return 0;
}

static int tear_down(void **state)
{
    struct daemon_bench *d = *state;

    vblk_port_close(d->port);
    vblk_memory_free(d->mem);
    kill(d->pid, SIGTERM);
    waitpid(d->pid, NULL, 0);
    unlink(d->socket);
    unlink(d->image);
    rmdir(d->dir);
    free(d);
    return 0;
}

static uint64_t get(struct daemon_bench *d, enum vblk_reg reg)
{
    uint64_t value = 0;

    OK(vblk_port_read_reg(d->port, reg, 0, &value));
    return value;
}

static void put(struct daemon_bench *d, enum vblk_reg reg, uint64_t value)
{
    if (vblk_port_write_reg(d->port, reg, 0, value) != VBLK_OK)
        fail_msg("%s: %s", vblk_reg_name(reg), vblk_vhost_user_why(d->port));
}

static void poke(struct daemon_bench *d, uint64_t gpa, const void *buf, size_t len)
{
    OK(vblk_memory_poke(d->mem, gpa, buf, len));
}

static void bring_up(struct daemon_bench *d, uint64_t features)
{
    const uint8_t zeroes[0x10] = { 0 };

    d->asked = 0;
    poke(d, AVAIL, zeroes, sizeof(zeroes));
    poke(d, USED, zeroes, sizeof(zeroes));
    put(d, VBLK_REG_STATUS, 0);
    put(d, VBLK_REG_STATUS, 1);
    put(d, VBLK_REG_STATUS, 3);
    put(d, VBLK_REG_DRIVER_FEATURES, features);
    put(d, VBLK_REG_STATUS, 11);
    assert_int_equal(get(d, VBLK_REG_STATUS), 11);
    put(d, VBLK_REG_QUEUE_SIZE, 4);
    put(d, VBLK_REG_QUEUE_DESC, DESC);
    put(d, VBLK_REG_QUEUE_DRIVER, AVAIL);
    put(d, VBLK_REG_QUEUE_DEVICE, USED);
    put(d, VBLK_REG_QUEUE_ENABLE, 1);
    put(d, VBLK_REG_STATUS, 15);
}

/* Header, one data descriptor for the device to write, status. Returns the status byte. */
static uint8_t ask(struct daemon_bench *d, uint32_t type, uint64_t sector, uint32_t len)
{
    const struct vblk_request_header header = { vblk_put32(type), vblk_put32(0), vblk_put64(sector) };
    const struct vblk_desc chain[] = {
        { vblk_put64(HEADER), vblk_put32(sizeof(header)), vblk_put16(VBLK_DESC_NEXT), vblk_put16(1) },
        { vblk_put64(DATA), vblk_put32(len), vblk_put16(VBLK_DESC_NEXT | VBLK_DESC_WRITE), vblk_put16(2) },
        { vblk_put64(STATUS), vblk_put32(1), vblk_put16(VBLK_DESC_WRITE), vblk_put16(0) },
    };
    const vblk_le16 head = vblk_put16(0);
    uint16_t used = 0;
    uint8_t status = 0xff;

    poke(d, HEADER, &header, sizeof(header));
    poke(d, DESC, chain, sizeof(chain));
    poke(d, STATUS, &status, 1);
    poke(d, AVAIL + 4 + 2 * (d->asked % 4u), &head, 2);
    OK(vblk_memory_store16(d->mem, VBLK_DRIVER, AVAIL + 2, VBLK_RELEASE, ++d->asked));
    OK(vblk_port_kick(d->port, 0, 0));
    for (int i = 0; i < 10 && used != d->asked; i++) {
        vblk_err err = vblk_port_wait(d->port, 0, 1000);

        if (err != VBLK_OK)
            fail_msg("wait: %s (%s)", vblk_strerror(err), vblk_vhost_user_why(d->port));
        OK(vblk_memory_load16(d->mem, VBLK_DRIVER, USED + 2, VBLK_ACQUIRE, &used));
    }
    assert_int_equal(used, d->asked);
    OK(vblk_memory_peek(d->mem, STATUS, &status, 1));
    return status;
}

static void handshake__features_queues_and_config(void **state)
{
    struct daemon_bench *d = *state;
    struct vblk_blk_config config;
    struct vblk_vhost_user_info info;
    uint64_t features = get(d, VBLK_REG_DEVICE_FEATURES);
    uint32_t got;

    vblk_vhost_user_info(d->port, &info);
    print_message("features 0x%llx, protocol 0x%llx of 0x%llx, config %u bytes, %u memory slots\n",
                  (unsigned long long)features, (unsigned long long)info.protocol_features,
                  (unsigned long long)info.protocol_offered, (unsigned)get(d, VBLK_REG_CONFIG_LENGTH),
                  info.memory_slots);
    assert_true(features & VBLK_BIT(VBLK_F_VERSION_1));
    assert_false(features & VBLK_BIT(30));
    assert_int_equal(get(d, VBLK_REG_NUM_QUEUES), 2);
    assert_true(get(d, VBLK_REG_CONFIG_LENGTH) >= 36);
    OK(vblk_port_read_config(d->port, 0, &config, (uint32_t)sizeof(config), &got));
    assert_int_equal(got, get(d, VBLK_REG_CONFIG_LENGTH));
    assert_int_equal(vblk_get64(config.capacity), SECTORS);
    assert_int_equal(vblk_get16(config.num_queues), 2);
}

static void requests__data_and_status_arrive(void **state)
{
    struct daemon_bench *d = *state;
    uint8_t sector[VBLK_SECTOR];

    bring_up(d, VBLK_BIT(VBLK_F_VERSION_1));
    assert_int_equal(ask(d, VBLK_T_GET_ID, 0, VBLK_ID_BYTES), VBLK_S_OK);
    for (uint64_t i = 4; i < 7; i++) {
        assert_int_equal(ask(d, VBLK_T_IN, i, VBLK_SECTOR), VBLK_S_OK);
        OK(vblk_memory_peek(d->mem, DATA, sector, sizeof(sector)));
        assert_int_equal(sector[0], i == 5 ? 0xc3 : 0);
        assert_int_equal(sector[511], i == 5 ? 0xc3 : 0);
    }
    assert_int_equal(ask(d, VBLK_T_IN, SECTORS, VBLK_SECTOR), VBLK_S_IOERR);
    assert_int_equal(ask(d, 77, 0, VBLK_SECTOR), VBLK_S_UNSUPP);
}

static void reset__device_serves_a_fresh_ring(void **state)
{
    struct daemon_bench *d = *state;
    struct vblk_vhost_user_info info;

    for (int i = 0; i < 20; i++) {
        bring_up(d, VBLK_BIT(VBLK_F_VERSION_1));
        assert_int_equal(ask(d, VBLK_T_IN, 5, VBLK_SECTOR), VBLK_S_OK);
    }
    vblk_vhost_user_info(d->port, &info);
    print_message("%u connections for 20 resets\n", info.connections);
}

static void cache_mode__can_be_written(void **state)
{
    struct daemon_bench *d = *state;
    uint8_t mode = 0xff;

    bring_up(d, VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_CONFIG_WCE));
    for (uint8_t want = 0; want < 2; want++) {
        OK(vblk_port_write_config(d->port, 32, &want, 1));
        OK(vblk_port_read_config(d->port, 32, &mode, 1, NULL));
        assert_int_equal(mode, want);
    }
}

/* This daemon hangs up on drivers without VERSION_1: that is a refusal, not a loss. */
static void legacy_features__features_ok_stays_unset(void **state)
{
    struct daemon_bench *d = *state;

    put(d, VBLK_REG_STATUS, 3);
    put(d, VBLK_REG_DRIVER_FEATURES, 0);
    put(d, VBLK_REG_STATUS, 11);
    if (get(d, VBLK_REG_STATUS) != 3)
        print_message("legacy drivers are accepted\n"); /* later versions may well do so */
    else
        assert_non_null(strstr(vblk_vhost_user_why(d->port), "hung up on features"));
    bring_up(d, VBLK_BIT(VBLK_F_VERSION_1));
    assert_int_equal(ask(d, VBLK_T_IN, 5, VBLK_SECTOR), VBLK_S_OK);
}

static void ring_outside_memory__hang_up_is_noticed_at_driver_ok(void **state)
{
    struct daemon_bench *d = *state;
    vblk_err err;

    put(d, VBLK_REG_STATUS, 3);
    put(d, VBLK_REG_DRIVER_FEATURES, VBLK_BIT(VBLK_F_VERSION_1));
    put(d, VBLK_REG_STATUS, 11);
    put(d, VBLK_REG_QUEUE_DESC, 0x900000);
    put(d, VBLK_REG_QUEUE_ENABLE, 1);
    err = vblk_port_write_reg(d->port, VBLK_REG_STATUS, 0, 15);
    assert_true(err == VBLK_E_GONE || (get(d, VBLK_REG_STATUS) & VBLK_STATUS_NEEDS_RESET));
    OK(vblk_port_recover(d->port));
    bring_up(d, VBLK_BIT(VBLK_F_VERSION_1));
    assert_int_equal(ask(d, VBLK_T_IN, 5, VBLK_SECTOR), VBLK_S_OK);
}

static void daemon_killed__gone(void **state)
{
    struct daemon_bench *d = *state;

    bring_up(d, VBLK_BIT(VBLK_F_VERSION_1));
    kill(d->pid, SIGKILL);
    assert_int_equal(vblk_port_wait(d->port, 0, 5000), VBLK_E_GONE);
}

static bool installed(void)
{
    return system("qemu-storage-daemon --version >/dev/null 2>&1") == 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    /* clang-format off */
    static const struct CMUnitTest tests[] = {
        TEST(handshake__features_queues_and_config),
        TEST(requests__data_and_status_arrive),
        TEST(reset__device_serves_a_fresh_ring),
        TEST(cache_mode__can_be_written),
        TEST(legacy_features__features_ok_stays_unset),
        TEST(ring_outside_memory__hang_up_is_noticed_at_driver_ok),
        TEST(daemon_killed__gone),
    };
    /* clang-format on */

    if (!installed()) {
        puts("skipped: qemu-storage-daemon is not installed (Debian: qemu-system-common)");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
