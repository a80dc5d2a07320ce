/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging a device by hand: this program plays a driver and a wrong device, tells the judge what both do, and prints
 * what the judge makes of it. In your program the events come from your own device or driver.
 *
 *   cc judge.c $(pkg-config --cflags --libs vblk) && ./a.out
 */
#include <stdio.h>
#include <string.h>
#include <vblk/vblk.h>

enum { DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, HEADER = 0x4000, DATA = 0x5000, STATUS = 0x6000, ENTRIES = 8 };

static struct vblk_memory *mem;
static struct vblk_oracle *oracle;

/* A register, as the driver reads (what it got) or writes it. */
static void reg(enum vblk_event_kind kind, enum vblk_reg which, uint64_t value)
{
    struct vblk_event ev = { .kind = (uint8_t)kind, .party = VBLK_DRIVER, .reg = (uint16_t)which, .value = value };

    vblk_oracle_observe(oracle, &ev);
}

/* A moment of queue 0: a notification, or the driver looking at the used ring. */
static void moment(enum vblk_event_kind kind, enum vblk_party party)
{
    struct vblk_event ev = { .kind = (uint8_t)kind, .party = (uint8_t)party };

    vblk_oracle_observe(oracle, &ev);
}

static void config(uint64_t offset, const void *bytes, uint32_t len)
{
    struct vblk_event ev = { .kind = VBLK_EV_CONFIG_READ, .party = VBLK_DRIVER, .at = offset, .bytes = bytes, .len = len };

    vblk_oracle_observe(oracle, &ev);
}

static const uint64_t features = VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_FLUSH);

/* The life cycle of 3.1.1, with a device of 64 sectors. */
static void initialise(void)
{
    const vblk_le64 capacity = vblk_put64(64);
    unsigned status = 0;

    reg(VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 0);
    reg(VBLK_EV_REG_READ, VBLK_REG_STATUS, 0);
    reg(VBLK_EV_REG_WRITE, VBLK_REG_STATUS, status |= VBLK_STATUS_ACKNOWLEDGE);
    reg(VBLK_EV_REG_WRITE, VBLK_REG_STATUS, status |= VBLK_STATUS_DRIVER);
    reg(VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, features);
    reg(VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, features);
    reg(VBLK_EV_REG_WRITE, VBLK_REG_STATUS, status |= VBLK_STATUS_FEATURES_OK);
    reg(VBLK_EV_REG_READ, VBLK_REG_STATUS, status);
    config(0, &capacity, sizeof(capacity));
    reg(VBLK_EV_REG_READ, VBLK_REG_QUEUE_MAX, ENTRIES);
    reg(VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_SIZE, ENTRIES);
    reg(VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DESC, DESC);
    reg(VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DRIVER, AVAIL);
    reg(VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DEVICE, USED);
    reg(VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, 1);
    reg(VBLK_EV_REG_WRITE, VBLK_REG_STATUS, status | VBLK_STATUS_DRIVER_OK);
}

static int store(uint64_t gpa, const void *bytes, size_t len)
{
    return vblk_memory_poke(mem, gpa, bytes, len) == VBLK_OK ? 0 : -1;
}

/* The driver asks for sector 7: header, data, status in three descriptors. */
static int driver_reads(void)
{
    const struct vblk_request_header header = { .type = vblk_put32(VBLK_T_IN), .sector = vblk_put64(7) };
    const struct vblk_desc desc[3] = {
        { vblk_put64(HEADER), vblk_put32(sizeof(header)), vblk_put16(VBLK_DESC_NEXT), vblk_put16(1) },
        { vblk_put64(DATA), vblk_put32(512), vblk_put16(VBLK_DESC_NEXT | VBLK_DESC_WRITE), vblk_put16(2) },
        { vblk_put64(STATUS), vblk_put32(1), vblk_put16(VBLK_DESC_WRITE), vblk_put16(0) },
    };
    const struct vblk_ring_head one = { .idx = vblk_put16(1) }; /* ring[0] is 0, the head */

    if (store(HEADER, &header, sizeof(header)) || store(DESC, desc, sizeof(desc)) || store(AVAIL, &one, sizeof(one)))
        return -1;
    moment(VBLK_EV_KICK, VBLK_DRIVER);
    return 0;
}

/* The device fills the data and the status byte, 513 bytes, and says that it wrote 600. */
static int device_answers(void)
{
    const uint8_t data[512] = { 0 }, ok = VBLK_S_OK;
    const struct vblk_used_elem elem = { .id = vblk_put32(0), .len = vblk_put32(600) };
    const struct vblk_ring_head one = { .idx = vblk_put16(1) };

    if (store(DATA, data, sizeof(data)) || store(STATUS, &ok, 1) || store(USED + 4, &elem, sizeof(elem)) ||
        store(USED, &one, sizeof(one)))
        return -1;
    moment(VBLK_EV_USED_NOTIFY, VBLK_DEVICE);
    moment(VBLK_EV_LOOK, VBLK_DRIVER);
    return 0;
}

static void print_verdicts(void)
{
    const struct vblk_target_facts facts = {
        .profile = *vblk_profile_default(),
        .offered = features,
        .negotiated = features,
        .grade = VBLK_GRADE_SNAPSHOT,
    };
    size_t count[VBLK_VERDICT_COUNT] = { 0 };

    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_tally tally = vblk_oracle_tally(oracle, no);

        count[vblk_verdict_of(no, &tally, &facts, NULL)]++;
    }
    for (unsigned v = 0; v < VBLK_VERDICT_COUNT; v++)
        printf("%4zu %s\n", count[v], vblk_verdict_name((enum vblk_verdict)v));
    for (size_t i = 0; i < vblk_oracle_violation_count(oracle); i++) {
        const struct vblk_violation *v = vblk_oracle_violation(oracle, i);

        printf("%s: expected %s, seen %s\n", vblk_clause_at(v->clause)->id, v->expected, v->seen);
    }
}

int main(void)
{
    const struct vblk_region ram = { .gpa = 0, .size = 0x10000, .fd = -1 };
    /* Nothing about sees: the judge looks at memory at each moment that it is told of, and only then. */
    const struct vblk_oracle_options options = { .profile = *vblk_profile_default() };
    int status = 1;

    mem = vblk_memory_new();
    oracle = mem ? vblk_oracle_new(&options, mem) : NULL;
    if (oracle && vblk_memory_add(mem, &ram) == VBLK_OK) {
        initialise();
        if (!driver_reads() && !device_answers()) {
            moment(VBLK_EV_CASE_END, VBLK_NOBODY); /* whatever is still owed is judged now */
            print_verdicts();
            status = 0;
        }
    }
    vblk_oracle_free(oracle);
    vblk_memory_free(mem);
    return status;
}
