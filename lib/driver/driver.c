/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver_priv.h"

#include <stdlib.h>

#define WAIT_MS_DEFAULT 1000u

static const struct vblk_driver_behaviour lawful;

/* What this driver can make use of. PROVISION's bit is the profile's. */
static uint64_t drivable(const struct vblk_profile *profile)
{
    static const uint8_t bits[] = {
        VBLK_F_SIZE_MAX,     VBLK_F_SEG_MAX,   VBLK_F_GEOMETRY,        VBLK_F_RO,
        VBLK_F_BLK_SIZE,     VBLK_F_FLUSH,     VBLK_F_TOPOLOGY,        VBLK_F_CONFIG_WCE,
        VBLK_F_MQ,           VBLK_F_DISCARD,   VBLK_F_WRITE_ZEROES,    VBLK_F_LIFETIME,
        VBLK_F_SECURE_ERASE, VBLK_F_VERSION_1, VBLK_F_ACCESS_PLATFORM, VBLK_F_ORDER_PLATFORM,
        VBLK_F_INDIRECT_DESC, VBLK_F_EVENT_IDX, VBLK_F_RING_PACKED, VBLK_F_IN_ORDER,
        VBLK_F_NOTIFICATION_DATA, VBLK_F_NOTIF_CONFIG_DATA, VBLK_F_RING_RESET,
    };
    uint64_t mask = profile->provision ? VBLK_BIT(profile->provision_bit) : 0;

    for (size_t i = 0; i < sizeof(bits); i++)
        mask |= VBLK_BIT(bits[i]);
    return mask;
}

/* What the transport has a place for. */
static uint64_t carried(const struct vblk_port *port)
{
    return port->notif_config_data ? UINT64_MAX : ~VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA);
}

struct vblk_driver *vblk_driver_new(struct vblk_port *port, const struct vblk_driver_options *options)
{
    struct vblk_driver *driver = calloc(1, sizeof(*driver));

    if (!driver)
        return NULL;
    driver->queue = calloc(DRIVER_QUEUES, sizeof(*driver->queue));
    if (!driver->queue) {
        free(driver);
        return NULL;
    }
    driver->port = port;
    driver->options = *options;
    driver->behaviour = options->behaviour ? options->behaviour : &lawful;
    if (!driver->options.wait_ms)
        driver->options.wait_ms = WAIT_MS_DEFAULT;
    driver->life = (struct life){ .port = port, .wait_ms = driver->options.wait_ms };
    return driver;
}

void vblk_driver_free(struct vblk_driver *driver)
{
    if (!driver)
        return;
    driver_close_queues(driver);
    free(driver->queue);
    free(driver);
}

/* Steps 2 to 6: up to FEATURES_OK. RO is always accepted (5.2.6.1), and nothing works without VERSION_1. */
static vblk_err negotiate(struct vblk_driver *driver)
{
    const uint64_t wanted = driver->options.features | VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_RO);
    struct life *life = &driver->life;
    uint64_t id = VBLK_DEVICE_ID_BLOCK;
    vblk_err err = life_status(life, VBLK_STATUS_ACKNOWLEDGE);

    if (!err)
        err = vblk_port_read_reg(driver->port, VBLK_REG_DEVICE_ID, 0, &id);
    if (err == VBLK_E_UNSUPPORTED)
        err = VBLK_OK;
    if (!err && id != VBLK_DEVICE_ID_BLOCK)
        err = VBLK_E_STATE;
    if (!err)
        err = life_status(life, VBLK_STATUS_DRIVER);
    if (!err)
        err = life_offer(life);
    if (!err && !(life->offered & VBLK_BIT(VBLK_F_VERSION_1)))
        err = VBLK_E_STATE; /* to accept anything now would be to accept it as a legacy driver */
    if (!err)
        err = life_accept(life, wanted & drivable(&driver->options.profile) & carried(driver->port));
    return err ? err : life_features_ok(life);
}

vblk_err driver_limits(struct vblk_driver *driver)
{
    struct limits *limits = &driver->limits;
    const vblk_err err = config_limits(driver->port, &driver->options.profile, driver->life.offered, limits);

    for (unsigned i = 0; !err && driver->behaviour->limit && i < LIMIT_COUNT; i++)
        limits->value[i] = driver->behaviour->limit(config_limit_name((enum limit)i), limits->value[i]);
    return err;
}

static vblk_err initialise(struct vblk_driver *driver)
{
    vblk_err err = negotiate(driver);

    driver->config_notified = driver->port->config_notified;
    if (!err)
        err = driver_limits(driver);
    if (!err)
        err = driver_queues(driver);
    return err ? err : life_status(&driver->life, VBLK_STATUS_DRIVER_OK);
}

vblk_err vblk_driver_start(struct vblk_driver *driver)
{
    vblk_err err = vblk_driver_stop(driver);

    if (!err)
        err = initialise(driver);
    driver->live = err ? 0 : driver->queues;
    return err ? life_fail(&driver->life, err) : VBLK_OK;
}

vblk_err vblk_driver_stop(struct vblk_driver *driver)
{
    const vblk_err err = life_reset(&driver->life);

    driver->live = 0;
    driver_close_queues(driver);
    return err;
}

uint64_t vblk_driver_features(const struct vblk_driver *driver)
{
    return driver->life.accepted;
}

uint64_t vblk_driver_capacity(const struct vblk_driver *driver)
{
    return driver->limits.value[LIMIT_CAPACITY];
}

static bool in_range(const struct vblk_driver *driver, uint64_t sector, uint64_t count)
{
    const uint64_t capacity = vblk_driver_capacity(driver);

    return sector <= capacity && count <= capacity - sector;
}

/* Before each piece: news of the device, and the range against a capacity that may have changed. */
static vblk_err ready(struct vblk_driver *driver, uint64_t sector, uint64_t count)
{
    const vblk_err err = driver_refresh(driver);

    if (err)
        return err;
    return in_range(driver, sector, count) ? VBLK_OK : VBLK_E_INVAL;
}

static struct vblk_answer refused(vblk_err err)
{
    return (struct vblk_answer){ .err = err };
}

/* What is not negotiated can't be asked of a device, and what writes not of one that is read-only. */
static vblk_err gate(const struct vblk_driver *driver, unsigned bit, bool writes)
{
    if (!driver->live)
        return VBLK_E_STATE;
    return !driver_has(driver, bit) || (writes && driver_has(driver, VBLK_F_RO)) ? VBLK_E_UNSUPPORTED : VBLK_OK;
}

/* Send one piece. @return whether to go on. */
static bool piece(struct vblk_driver *driver, const struct job *job, struct vblk_answer *answer)
{
    answer->pieces++;
    answer->err = driver_do(driver, job, &answer->status);
    return !answer->err && answer->status == VBLK_S_OK;
}

static struct vblk_answer transfer(struct vblk_driver *driver, uint32_t type, uint64_t sector, uint8_t *in,
                                   const uint8_t *out, uint64_t count)
{
    struct vblk_answer answer = { .err = ready(driver, sector, count) };

    while (!answer.err && count) {
        const uint64_t most = driver_data_max(driver) / VBLK_SECTOR;
        const uint64_t n = count < most ? count : most;
        const struct job job = {
            .type = type, .sector = sector, .in = in, .out = out, .len = (uint32_t)n * VBLK_SECTOR
        };

        if (!n)
            return refused(VBLK_E_UNSUPPORTED); /* the limits leave no room for a sector */
        if (!piece(driver, &job, &answer))
            break;
        sector += n;
        count -= n;
        in = in ? in + job.len : NULL;
        out = out ? out + job.len : NULL;
        if (count)
            answer.err = ready(driver, sector, count);
    }
    return answer;
}

struct vblk_answer vblk_driver_read(struct vblk_driver *driver, uint64_t sector, void *buf, uint64_t count)
{
    return transfer(driver, VBLK_T_IN, sector, buf, NULL, count);
}

struct vblk_answer vblk_driver_write(struct vblk_driver *driver, uint64_t sector, const void *buf, uint64_t count)
{
    const vblk_err err = gate(driver, VBLK_F_VERSION_1, true);

    return err ? refused(err) : transfer(driver, VBLK_T_OUT, sector, NULL, buf, count);
}

/* A request without a range: FLUSH, GET_ID, GET_LIFETIME. */
static struct vblk_answer simple(struct vblk_driver *driver, uint32_t type, void *in, uint32_t len)
{
    const struct job job = { .type = type, .in = in, .len = len };
    struct vblk_answer answer = { .err = driver_refresh(driver) };

    if (!answer.err && len > driver_data_max(driver))
        answer.err = VBLK_E_UNSUPPORTED;
    if (!answer.err)
        (void)piece(driver, &job, &answer);
    return answer;
}

struct vblk_answer vblk_driver_flush(struct vblk_driver *driver)
{
    const vblk_err err = gate(driver, VBLK_F_FLUSH, false);

    return err ? refused(err) : simple(driver, VBLK_T_FLUSH, NULL, 0);
}

struct vblk_answer vblk_driver_get_id(struct vblk_driver *driver, char id[VBLK_ID_BYTES + 1])
{
    memset(id, 0, VBLK_ID_BYTES + 1);
    return simple(driver, VBLK_T_GET_ID, id, VBLK_ID_BYTES);
}

struct vblk_answer vblk_driver_lifetime(struct vblk_driver *driver, struct vblk_lifetime *out)
{
    const vblk_err err = gate(driver, VBLK_F_LIFETIME, false);

    memset(out, 0, sizeof(*out));
    return err ? refused(err) : simple(driver, VBLK_T_GET_LIFETIME, out, sizeof(*out));
}

/* A command on ranges: its gate and where its limits are. An alignment of LIMIT_COUNT: there is none. */
struct range_command {
    uint32_t type;
    uint8_t feature;
    uint8_t sectors, segments, alignment; /* enum limit */
};

/* A limit of 0 sectors is none (AMB-09, AMB-28). */
static uint64_t most_sectors(const struct vblk_driver *driver, const struct range_command *command)
{
    const uint64_t limit = driver->limits.value[command->sectors];

    return limit ? limit : UINT32_MAX;
}

/* How much of [sector, sector + count) goes into one request; it ends aligned where that leaves something. */
static uint64_t portion(const struct vblk_driver *driver, const struct range_command *command, uint64_t sector,
                        uint64_t count)
{
    const uint64_t most = most_sectors(driver, command);
    const uint64_t alignment = command->alignment < LIMIT_COUNT ? driver->limits.value[command->alignment] : 0;
    const uint64_t over = alignment ? (sector + most) % alignment : 0;

    if (count <= most)
        return count;
    return over < most ? most - over : most;
}

/* One segment a request: a sum of segments above the sector limit is as doubtful as one segment (AMB-06). */
static struct vblk_answer ranges(struct vblk_driver *driver, const struct range_command *command, uint64_t sector,
                                 uint64_t count, uint32_t flags)
{
    struct vblk_answer answer = { .err = gate(driver, command->feature, true) };

    if (!answer.err)
        answer.err = ready(driver, sector, count);
    while (!answer.err && count) {
        const uint64_t n = portion(driver, command, sector, count);
        const struct vblk_segment segment = { vblk_put64(sector), vblk_put32((uint32_t)n), vblk_put32(flags) };
        const struct job job = { .type = command->type, .out = &segment, .len = sizeof(segment) };

        if (!driver->limits.value[command->segments] || driver_data_max(driver) < sizeof(segment))
            return refused(VBLK_E_UNSUPPORTED); /* a limit of 0 segments is literal */
        if (!piece(driver, &job, &answer))
            break;
        sector += n;
        count -= n;
        if (count)
            answer.err = ready(driver, sector, count);
    }
    return answer;
}

struct vblk_answer vblk_driver_discard(struct vblk_driver *driver, uint64_t sector, uint64_t count)
{
    static const struct range_command command = { VBLK_T_DISCARD, VBLK_F_DISCARD, LIMIT_DISCARD_SECTORS,
                                                  LIMIT_DISCARD_SEG, LIMIT_DISCARD_ALIGNMENT };

    return ranges(driver, &command, sector, count, 0);
}

struct vblk_answer vblk_driver_write_zeroes(struct vblk_driver *driver, uint64_t sector, uint64_t count, bool may_unmap)
{
    static const struct range_command command = { VBLK_T_WRITE_ZEROES, VBLK_F_WRITE_ZEROES, LIMIT_WRITE_ZEROES_SECTORS,
                                                  LIMIT_WRITE_ZEROES_SEG, LIMIT_COUNT };
    const bool unmap = may_unmap && driver->limits.value[LIMIT_WRITE_ZEROES_MAY_UNMAP];

    return ranges(driver, &command, sector, count, unmap ? VBLK_SEGMENT_UNMAP : 0);
}

struct vblk_answer vblk_driver_secure_erase(struct vblk_driver *driver, uint64_t sector, uint64_t count)
{
    static const struct range_command command = { VBLK_T_SECURE_ERASE, VBLK_F_SECURE_ERASE, LIMIT_SECURE_ERASE_SECTORS,
                                                  LIMIT_SECURE_ERASE_SEG, LIMIT_SECURE_ERASE_ALIGNMENT };

    return ranges(driver, &command, sector, count, 0);
}

struct vblk_answer vblk_driver_provision(struct vblk_driver *driver, uint64_t sector, uint64_t count)
{
    const struct vblk_profile *profile = &driver->options.profile;
    const struct range_command command = { profile->provision_type, profile->provision_bit, LIMIT_PROVISION_SECTORS,
                                           LIMIT_PROVISION_SEG, LIMIT_COUNT };

    if (!profile->provision)
        return refused(VBLK_E_UNSUPPORTED);
    return ranges(driver, &command, sector, count, 0);
}
