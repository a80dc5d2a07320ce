/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small virtio-blk driver and its unit test.
 *
 * The driver, above the line, knows nothing of vblk: it is written from the specification and reaches its device through
 * mmio_read() and mmio_write(), as a driver of yours has some way to do. The test, below the line, puts a testbed there:
 * a device over the driver's own memory, and the judge beside it.
 *
 *   cc driver.c $(pkg-config --cflags --libs vblk) && ./a.out
 *   ./a.out packed                 the same over a packed ring
 *   ./a.out split kick-forgotten   what the judge says of a mistake; without a name it lists them
 *
 * "mistaken(X)" marks what the lawful driver leaves out.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum mistake {
    NONE,
    CHAIN_TOO_LONG,
    INDIRECT_UNASKED,
    USED_EVENT_FORGOTTEN,
    LIMIT_IGNORED,
    NO_VERSION_1,
    DRIVER_OK_EARLY,
    DESCRIPTOR_CHANGED,
    DATA_CHANGED,
    STALE_FLAG,
    CONFIG_WRITTEN,
    KICK_FORGOTTEN,
    PAST_THE_END,
    RESET_NOT_AWAITED,
    HEAD_REUSED,
    CHAIN_LOOPS,
    PROVISION_UNASKED,
    PROVISION_LIMITS_UNREAD,
    PROVISION_SEGMENTS,
    PROVISION_SECTORS,
    PROVISION_FLAG,
    PROVISION_UNMAP,
    PROVISION_NOTHING,
    PROVISION_EMPTY,
    PROVISION_ODD,
    PROVISION_PAST_THE_END,
    PROVISION_HEADER,
    MISTAKES
};
static const char *const mistake_names[MISTAKES] = {
    "none",           "chain-too-long",     "indirect-unasked", "used-event-forgotten", "limit-ignored",
    "no-version-1",   "driver-ok-early",    "descriptor-changed", "data-changed",       "stale-flag",
    "config-written", "kick-forgotten",     "past-the-end",         "reset-not-awaited",
    "head-reused",    "chain-loops",        "provision-unasked",  "provision-limits-unread",
    "provision-segments",  "provision-sectors", "provision-flag", "provision-unmap",   "provision-nothing",
    "provision-empty",     "provision-odd",     "provision-past-the-end", "provision-header",
};
static enum mistake the_mistake;
static bool mistaken(enum mistake m)
{
    return the_mistake == m;
}

/* ---- what the driver needs of its platform ---- */

static uint32_t mmio_read(uint32_t offset, unsigned width);
static void mmio_write(uint32_t offset, unsigned width, uint32_t value);
static bool sleep_until_interrupt(void); /* false: nothing came */
static uint64_t bus_address(volatile void *pointer)
{
    return (uint64_t)(uintptr_t)pointer; /* the device sees the same addresses */
}

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LE16(x) __builtin_bswap16(x)
#define LE32(x) __builtin_bswap32(x)
#define LE64(x) __builtin_bswap64(x)
#else
#define LE16(x) (x)
#define LE32(x) (x)
#define LE64(x) (x)
#endif

/* ---- the driver: registers and numbers (4.2.2, 2.1, 5.2) ---- */

enum { MAGIC = 0x000, VERSION = 0x004, DEVICE_ID = 0x008, FEATURES = 0x010, FEATURES_SEL = 0x014, ACCEPT = 0x020 };
enum { ACCEPT_SEL = 0x024, QUEUE_SEL = 0x030, QUEUE_MAX = 0x034, QUEUE_SIZE = 0x038, QUEUE_READY = 0x044 };
enum { NOTIFY = 0x050, ISR = 0x060, ISR_ACK = 0x064, STATUS = 0x070, DESC_LOW = 0x080, DRIVER_LOW = 0x090 };
enum { DEVICE_LOW = 0x0a0, GENERATION = 0x0fc, CONFIG = 0x100 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, FAILED = 128 };
enum { F_FLUSH = 9, F_DISCARD = 13, F_PROVISION = 17, F_INDIRECT = 28, F_EVENT_IDX = 29, F_VERSION_1 = 32, F_PACKED = 34 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_DISCARD = 11, T_PROVISION = 15 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4, AVAIL = 1 << 7, USED = 1 << 15 };
enum { SIZE = 8, SECTOR = 512, REQUESTS = 2, PIECES = 3 };
#define BIT(n) (UINT64_C(1) << (n))

struct descriptor { /* split: flags, next; packed: id, flags */
    uint64_t addr;
    uint32_t len;
    uint16_t third, fourth;
};
struct header {
    uint32_t type, reserved;
    uint64_t sector;
};
struct segment {
    uint64_t sector;
    uint32_t count, flags;
};

/* All memory that the device shares, with the alignments of 2.7 and 2.8. */
static struct {
    _Alignas(4096) volatile struct descriptor desc[SIZE];
    _Alignas(64) volatile struct {
        uint16_t flags, idx, ring[SIZE], used_event;
    } avail;
    _Alignas(64) volatile struct {
        uint16_t flags, idx;
        struct {
            uint32_t id, len;
        } ring[SIZE];
        uint16_t avail_event;
    } used;
    _Alignas(64) volatile struct {
        uint16_t where, flags;
    } driver_event, device_event;
    _Alignas(64) volatile struct descriptor table[SIZE + 4];
    volatile struct header header[REQUESTS];
    volatile uint8_t status[REQUESTS];
    uint8_t data[REQUESTS][4 * SECTOR];
} shared;

static struct {
    bool packed;
    uint64_t features, capacity;
    uint32_t max_discard_seg, max_provision_sectors, max_provision_seg;
    uint16_t avail, used, seen;    /* split: indices; packed: slots */
    bool avail_wrap, used_wrap;
    bool busy[REQUESTS];
} drv;

static uint64_t config64(uint32_t offset)
{
    uint32_t before, low, high;

    do {
        before = mmio_read(GENERATION, 4);
        low = mmio_read(CONFIG + offset, 4);
        high = mmio_read(CONFIG + offset + 4, 4);
    } while (mmio_read(GENERATION, 4) != before);
    return low | (uint64_t)high << 32;
}

static void write64(uint32_t offset, uint64_t value)
{
    mmio_write(offset, 4, (uint32_t)value);
    mmio_write(offset + 4, 4, (uint32_t)(value >> 32));
}

static void set_status(uint32_t bits)
{
    mmio_write(STATUS, 4, mmio_read(STATUS, 4) | bits);
}

static uint64_t offered(void)
{
    uint64_t low, high;

    mmio_write(FEATURES_SEL, 4, 0);
    low = mmio_read(FEATURES, 4);
    mmio_write(FEATURES_SEL, 4, 1);
    high = mmio_read(FEATURES, 4);
    return low | high << 32;
}

static void accept(uint64_t features)
{
    mmio_write(ACCEPT_SEL, 4, 0);
    mmio_write(ACCEPT, 4, (uint32_t)features);
    mmio_write(ACCEPT_SEL, 4, 1);
    mmio_write(ACCEPT, 4, (uint32_t)(features >> 32));
}

static bool set_up_queue(void)
{
    mmio_write(QUEUE_SEL, 4, 0);
    if (mmio_read(QUEUE_READY, 4) != 0 || mmio_read(QUEUE_MAX, 4) < SIZE)
        return false;
    memset(&shared, 0, sizeof(shared));
    mmio_write(QUEUE_SIZE, 4, SIZE);
    write64(DESC_LOW, bus_address(shared.desc));
    write64(DRIVER_LOW, drv.packed ? bus_address(&shared.driver_event) : bus_address(&shared.avail));
    write64(DEVICE_LOW, drv.packed ? bus_address(&shared.device_event) : bus_address(&shared.used));
    mmio_write(QUEUE_READY, 4, 1);
    drv.avail = drv.used = drv.seen = 0;
    drv.avail_wrap = drv.used_wrap = true;
    return true;
}

/* 3.1.1 */
static bool start(void)
{
    const uint64_t wanted = BIT(F_FLUSH) | BIT(F_DISCARD) | BIT(F_EVENT_IDX) | BIT(F_VERSION_1) |
                            (drv.packed ? BIT(F_PACKED) : 0) | (mistaken(CHAIN_TOO_LONG) ? BIT(F_INDIRECT) : 0) |
                            (mistaken(PROVISION_UNASKED) || mistaken(NO_VERSION_1) ? 0 : BIT(F_PROVISION));

    if (mmio_read(MAGIC, 4) != 0x74726976 || mmio_read(VERSION, 4) != 2 || mmio_read(DEVICE_ID, 4) != 2)
        return false;
    mmio_write(STATUS, 4, 0);
    while (!mistaken(RESET_NOT_AWAITED) && mmio_read(STATUS, 4) != 0)
        continue;
    if (mistaken(RESET_NOT_AWAITED))
        mmio_write(STATUS, 4, ACKNOWLEDGE);
    set_status(ACKNOWLEDGE);
    set_status(DRIVER);
    drv.features = offered() & wanted;
    if (mistaken(NO_VERSION_1))
        drv.features &= ~BIT(F_VERSION_1);
    accept(drv.features);
    if (mistaken(DRIVER_OK_EARLY))
        set_status(DRIVER_OK);
    set_status(FEATURES_OK);
    if ((mmio_read(STATUS, 4) & FEATURES_OK) == 0 || (drv.features & BIT(F_VERSION_1)) == 0) {
        set_status(FAILED);
        return false;
    }
    drv.capacity = config64(0);
    drv.max_discard_seg = (drv.features & BIT(F_DISCARD)) != 0 ? mmio_read(CONFIG + 40, 4) : 0;
    if ((drv.features & BIT(F_PROVISION)) != 0 && !mistaken(PROVISION_LIMITS_UNREAD)) {
        drv.max_provision_sectors = mmio_read(CONFIG + 72, 4);
        drv.max_provision_seg = mmio_read(CONFIG + 76, 4);
    }
    if (mistaken(CONFIG_WRITTEN))
        mmio_write(CONFIG + 72, 4, 1); /* max_provision_sectors is the device's */
    if (!mistaken(DRIVER_OK_EARLY) && !set_up_queue()) {
        set_status(FAILED);
        return false;
    }
    if (!mistaken(DRIVER_OK_EARLY))
        set_status(DRIVER_OK);
    return !mistaken(DRIVER_OK_EARLY);
}

/* ---- the driver: split ring (2.7.13, 2.7.14) ---- */

struct piece {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
};

/* Request r has descriptors of its own, from PIECES * r on. */
static void split_fill(unsigned r, const struct piece *piece, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        volatile struct descriptor *d = &shared.desc[PIECES * r + i];

        d->addr = LE64(piece[i].addr);
        d->len = LE32(piece[i].len);
        d->third = LE16((uint16_t)(piece[i].flags | (i + 1 < count ? NEXT : 0)));
        d->fourth = LE16((uint16_t)(PIECES * r + i + 1));
    }
    if (mistaken(CHAIN_LOOPS)) { /* on through every descriptor there is, and no end */
        for (unsigned i = count - 1; i < SIZE; i++) {
            shared.desc[(PIECES * r + i) % SIZE].addr = LE64(piece[count - 1].addr);
            shared.desc[(PIECES * r + i) % SIZE].len = LE32(piece[count - 1].len);
            shared.desc[(PIECES * r + i) % SIZE].third = LE16((uint16_t)(piece[count - 1].flags | NEXT));
            shared.desc[(PIECES * r + i) % SIZE].fourth = LE16((uint16_t)((PIECES * r + i + 1) % SIZE));
        }
    }
    shared.avail.ring[drv.avail % SIZE] = LE16((uint16_t)(PIECES * r));
    atomic_thread_fence(memory_order_release);
    shared.avail.idx = LE16(++drv.avail);
}

static bool split_wants_kick(uint16_t before)
{
    uint16_t event = LE16(shared.used.avail_event);

    return (uint16_t)(drv.avail - event - 1) < (uint16_t)(drv.avail - before);
}

static bool split_reap(void)
{
    if (LE16(shared.used.idx) == drv.used)
        return false;
    atomic_thread_fence(memory_order_acquire);
    drv.busy[LE32(shared.used.ring[drv.used % SIZE].id) / PIECES] = false;
    drv.used++;
    return true;
}

/* ---- the driver: packed ring (2.8.21, 2.8.22) ---- */

static uint16_t packed_bits(void)
{
    return drv.avail_wrap ? AVAIL : USED;
}

static void packed_fill(unsigned r, const struct piece *piece, unsigned count)
{
    const uint16_t first = drv.avail;
    uint16_t first_flags = 0;

    for (unsigned i = 0; i < count; i++) {
        volatile struct descriptor *d = &shared.desc[drv.avail];
        uint16_t flags = (uint16_t)(piece[i].flags | packed_bits() | (i + 1 < count ? NEXT : 0));

        if (mistaken(STALE_FLAG) && i > 0 && !drv.avail_wrap)
            flags ^= AVAIL | USED; /* as if the ring had not come to its end */
        d->addr = LE64(piece[i].addr);
        d->len = LE32(piece[i].len);
        d->third = LE16((uint16_t)r);
        if (i == 0)
            first_flags = flags;
        else
            d->fourth = LE16(flags);
        if (++drv.avail == SIZE) {
            drv.avail = 0;
            drv.avail_wrap = !drv.avail_wrap;
        }
    }
    atomic_thread_fence(memory_order_release);
    shared.desc[first].fourth = LE16(first_flags);
}

static bool packed_wants_kick(void)
{
    uint16_t flags = LE16(shared.device_event.flags) & 3u;

    return flags != 1; /* asked for one descriptor: one too many is better than one too few */
}

static bool packed_reap(void)
{
    volatile struct descriptor *d = &shared.desc[drv.used];
    uint16_t flags = LE16(d->fourth);

    if (((flags & AVAIL) != 0) != drv.used_wrap || ((flags & USED) != 0) != drv.used_wrap)
        return false;
    atomic_thread_fence(memory_order_acquire);
    drv.busy[LE16(d->third)] = false;
    drv.used = (uint16_t)(drv.used + PIECES);
    if (drv.used >= SIZE) {
        drv.used = (uint16_t)(drv.used - SIZE);
        drv.used_wrap = !drv.used_wrap;
    }
    return true;
}

/* ---- the driver: requests (5.2.6) ---- */

static void submit(unsigned r, uint32_t type, uint64_t sector, uint32_t len)
{
    const bool reads = type == T_IN;
    struct piece piece[PIECES] = {
        { bus_address(&shared.header[r]), sizeof(struct header), 0 },
        { bus_address(shared.data[r]), len, reads ? WRITE : 0 },
        { bus_address(&shared.status[r]), 1, WRITE },
    };
    uint16_t before = drv.avail;
    bool kick;

    shared.header[r].type = LE32(type);
    shared.header[r].reserved = 0;
    shared.header[r].sector = LE64(sector);
    shared.status[r] = 0xff;
    drv.busy[r] = true;
    if (len == 0)
        piece[1] = (struct piece){ bus_address(&shared.header[r]) + 8, 8, 0 }; /* the packed ring counts on three */
    if (len == 0)
        piece[0].len = 8;
    if (mistaken(INDIRECT_UNASKED) || mistaken(CHAIN_TOO_LONG)) {
        const unsigned extra = mistaken(CHAIN_TOO_LONG) ? SIZE : 0;
        for (unsigned i = 0; i < PIECES + extra; i++) { /* the data in pieces of a byte, but the last */
            const bool head = i == 0, tail = i == PIECES + extra - 1, last = i == PIECES + extra - 2;
            const struct piece *p = &piece[head ? 0 : tail ? 2 : 1];
            shared.table[i].addr = LE64(p->addr + (head || tail ? 0 : i - 1));
            shared.table[i].len = LE32(head || tail ? p->len : last ? len - extra : 1);
            shared.table[i].third = LE16((uint16_t)(p->flags | (tail ? 0 : NEXT)));
            shared.table[i].fourth = LE16((uint16_t)(i + 1));
        }
        piece[0] = (struct piece){ bus_address(shared.table), (PIECES + extra) * 16, INDIRECT };
        split_fill(r, piece, 1);
    } else {
        (drv.packed ? packed_fill : split_fill)(r, piece, PIECES);
    }
    if (mistaken(HEAD_REUSED))
        split_fill(r, piece, PIECES);
    atomic_thread_fence(memory_order_seq_cst);
    kick = drv.packed ? packed_wants_kick() : split_wants_kick(before);
    if (kick && !mistaken(KICK_FORGOTTEN))
        mmio_write(NOTIFY, 4, 0);
    if (mistaken(DESCRIPTOR_CHANGED))
        shared.desc[PIECES * r + 1].len = LE32(len / 2);
    if (mistaken(DATA_CHANGED) && type == T_OUT)
        shared.data[r][0] ^= 1;
}

static void interrupt(void)
{
    mmio_write(ISR_ACK, 4, mmio_read(ISR, 4));
    do {
        while (drv.packed ? packed_reap() : split_reap())
            continue;
        if (!drv.packed && !mistaken(USED_EVENT_FORGOTTEN))
            shared.avail.used_event = LE16(drv.used); /* of the next one, please */
        atomic_thread_fence(memory_order_seq_cst);
    } while (!drv.packed && LE16(shared.used.idx) != drv.used);
}

/* @return the status byte, 0: OK; -1: no answer. */
static int await(unsigned r)
{
    while (drv.busy[r]) {
        if (!sleep_until_interrupt())
            return -1;
        interrupt();
    }
    return shared.status[r];
}

static int transfer(uint32_t type, uint64_t sector, uint32_t len)
{
    submit(0, type, sector, len);
    return await(0);
}

static int flush(void)
{
    return (drv.features & BIT(F_FLUSH)) != 0 ? transfer(T_FLUSH, 0, 0) : 0;
}

/* As many segments of a sector each as the device takes at once. */
static int discard(uint64_t sector)
{
    const uint32_t room = sizeof(shared.data[0]) / sizeof(struct segment);
    uint32_t count = drv.max_discard_seg < room ? drv.max_discard_seg : room;

    if (mistaken(LIMIT_IGNORED))
        count = drv.max_discard_seg + 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct segment s = { LE64(sector + i), LE32(1), 0 };
        memcpy(shared.data[0] + i * sizeof(s), &s, sizeof(s));
    }
    return transfer(T_DISCARD, 0, count * (uint32_t)sizeof(struct segment));
}

/* Sectors that can be written from now on without the disk running full: the proposal's request. */
static int provision(uint64_t sector)
{
    uint32_t count = drv.max_provision_seg, sectors = drv.max_provision_sectors < 2 ? drv.max_provision_sectors : 2;
    uint32_t flags = mistaken(PROVISION_FLAG) ? 2 : mistaken(PROVISION_UNMAP) ? 1 : 0, len;

    if (mistaken(PROVISION_UNASKED) || mistaken(PROVISION_LIMITS_UNREAD))
        count = sectors = 1;
    if (mistaken(PROVISION_SEGMENTS)) {
        count++;
        sectors = 1;
    }
    if (mistaken(PROVISION_SECTORS))
        sectors = drv.max_provision_sectors + 1;
    if (mistaken(PROVISION_EMPTY))
        sectors = 0;
    if (mistaken(PROVISION_PAST_THE_END))
        sector = drv.capacity - 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct segment s = { LE64(sector + (uint64_t)i * sectors), LE32(sectors), LE32(flags) };
        memcpy(shared.data[0] + i * sizeof(s), &s, sizeof(s));
    }
    len = mistaken(PROVISION_NOTHING) ? 0 : count * (uint32_t)sizeof(struct segment);
    return transfer(T_PROVISION, mistaken(PROVISION_HEADER) ? sector : 0, mistaken(PROVISION_ODD) ? len - 8 : len);
}

/* Data stays as it is. */
static bool provisions(void)
{
    if ((drv.features & BIT(F_PROVISION)) == 0 && !mistaken(PROVISION_UNASKED))
        return true;
    return provision(20) == 0 && transfer(T_IN, 20, SECTOR) == 0 && shared.data[0][0] == 21;
}

/* ==== below the line: the driver's unit test ==== */

#include <vblk/vblk.h>

static struct vblk_testbed *bed;
static bool interrupted;

static uint32_t mmio_read(uint32_t offset, unsigned width)
{
    return vblk_testbed_read(bed, offset, width);
}

static void mmio_write(uint32_t offset, unsigned width, uint32_t value)
{
    vblk_testbed_write(bed, offset, width, value);
}

static void on_interrupt(void *ctx, bool asserted)
{
    (void)ctx;
    interrupted = asserted;
}

static bool sleep_until_interrupt(void)
{
    vblk_testbed_run(bed); /* meanwhile the device works */
    return interrupted;
}

/* The driver's own tests: what is written comes back, over several rounds of the ring. */
static bool exercise(void)
{
    static const uint64_t places = 30;

    for (uint64_t i = 0; i < places; i += REQUESTS) {
        for (unsigned r = 0; r < REQUESTS; r++) {
            memset(shared.data[r], (int)(1 + i + r), SECTOR);
            submit(r, T_OUT, mistaken(PAST_THE_END) ? drv.capacity : i + r, SECTOR);
            if (mistaken(CHAIN_LOOPS)) /* no descriptor is left for another */
                return await(r) == 0;
        }
        for (unsigned r = 0; r < REQUESTS; r++)
            if (await(r) != 0)
                return false;
    }
    for (uint64_t i = 0; i < places; i++) {
        memset(shared.data[0], 0, SECTOR);
        if (transfer(T_IN, i, SECTOR) != 0 || shared.data[0][0] != 1 + i || shared.data[0][SECTOR - 1] != 1 + i)
            return false;
    }
    return flush() == 0 && discard(8) == 0 && provisions();
}

static void print_line(void *ctx, const char *text)
{
    (void)ctx;
    puts(text);
}

/* All rules that were broken or are in doubt, in the order of the clause table. */
static void print_blamed(void)
{
    fputs("blamed:", stdout);
    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++) {
        const char *id = vblk_clause_at(no)->id;
        enum vblk_verdict verdict = vblk_testbed_verdict(bed, id);

        if (verdict == VBLK_VERDICT_FAIL || verdict == VBLK_VERDICT_WARN)
            printf(" %s", id);
    }
    putchar('\n');
}

static bool arguments(int argc, char **argv)
{
    unsigned m = NONE;

    drv.packed = argc > 1 && strcmp(argv[1], "packed") == 0;
    while (argc > 2 && m < MISTAKES && strcmp(argv[2], mistake_names[m]) != 0)
        m++;
    the_mistake = (enum mistake)m;
    if (m < MISTAKES && (argc < 2 || drv.packed || strcmp(argv[1], "split") == 0))
        return true;
    puts("driver [split|packed] [MISTAKE], one of:");
    for (m = 0; m < MISTAKES; m++)
        puts(mistake_names[m]);
    return false;
}

int main(int argc, char **argv)
{
    const struct vblk_region ram = { .gpa = bus_address(&shared), .size = sizeof(shared), .host = &shared, .fd = -1 };
    struct vblk_testbed_options options;
    const char *why;
    unsigned broken;
    bool works;

    if (!arguments(argc, argv))
        return 2;
    vblk_testbed_defaults(&options);
    options.later = true;
    options.interrupt = on_interrupt;
    options.device.max_discard_seg = 4;
    options.device.max_provision_sectors = 8;
    options.device.max_provision_seg = 4;
    options.device.features &= drv.packed ? UINT64_MAX : ~BIT(F_PACKED);
    bed = vblk_testbed_new(&options, &ram, 1, &why);
    if (!bed) {
        fprintf(stderr, "%s\n", why);
        return 2;
    }
    works = start() && exercise();
    broken = vblk_testbed_finish(bed);
    vblk_testbed_report(bed, print_line, NULL);
    printf("the driver's own tests %s, %u rules broken\n", works ? "pass" : "fail", broken);
    print_blamed();
    vblk_testbed_free(bed);
    return works && broken == 0 ? 0 : 1;
}
