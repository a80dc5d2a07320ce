/* SPDX-License-Identifier: BSD-3-Clause */
#include "serve_options.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static const char help_text[] =
    "Usage: vblk serve --socket PATH [OPTIONS]\n\n"
    "Is a virtio-blk device (a vhost-user back-end) and judges the driver that connects.\n\n"
    "Whom to serve\n"
    "  --socket PATH              listen here\n"
    "  --once, --connections N    end after one connection, or N; default: serve until SIGINT or SIGTERM\n"
    "  --silence MILLISECONDS     how long a driver may leave the device without a notification that it owes; default 5000\n"
    "  --status WHOSE             SET_STATUS is driver's, frontend's, or off; default: auto\n"
    "  --no-protocol BITS         vhost-user protocol features not to offer: numbers, with commas\n\n"
    "The disk\n"
    "  --size N[K|M|G|T]          a disk of so many bytes, in memory and sparse; default 1G\n"
    "  --image FILE               a raw image, read and written\n"
    "  --read-only                offer RO\n"
    "  --serial TEXT              for GET_ID, up to 20 characters\n\n"
    "What the device offers\n"
    "  --features NAMES           these and VERSION_1 only: names as 'vblk test' prints them, or bits, with commas\n"
    "  --no-features NAMES        all but these\n"
    "  --ring FORMAT              split: packed rings are not offered; packed, both (default): they are\n"
    "  --queues N, --queue-size N how many (4) and how large (256)\n"
    "  --size-max, --seg-max, --blk-size, --physical-block-exp, --alignment-offset, --min-io-size, --opt-io-size,\n"
    "  --cylinders, --heads, --sectors, --writeback, --max-discard-sectors, --max-discard-seg,\n"
    "  --discard-sector-alignment, --max-write-zeroes-sectors, --max-write-zeroes-seg, --write-zeroes-may-unmap,\n"
    "  --max-secure-erase-sectors, --max-secure-erase-seg, --secure-erase-sector-alignment,\n"
    "  --max-provision-sectors, --max-provision-seg N\n"
    "                             configuration fields\n"
    "  --fault NAME[:OPTIONS]     misbehave on purpose; --fault list tells how; mutant:NAME is one of 'vblk mutants'\n\n"
    COMMON_HELP;

/* ---- fields of the configuration, and what else is a plain number ---- */

#define FIELD(name, member)                                                                                            \
    {                                                                                                                  \
        name, offsetof(struct vblk_device_options, member), sizeof(((struct vblk_device_options *)NULL)->member)       \
    }
static const struct field {
    const char *name;
    size_t at, width;
} fields[] = {
    FIELD("queues", num_queues),
    FIELD("queue-size", queue_max),
    FIELD("size-max", size_max),
    FIELD("seg-max", seg_max),
    FIELD("cylinders", cylinders),
    FIELD("heads", heads),
    FIELD("sectors", sectors),
    FIELD("blk-size", blk_size),
    FIELD("physical-block-exp", physical_block_exp),
    FIELD("alignment-offset", alignment_offset),
    FIELD("min-io-size", min_io_size),
    FIELD("opt-io-size", opt_io_size),
    FIELD("writeback", writeback),
    FIELD("max-discard-sectors", max_discard_sectors),
    FIELD("max-discard-seg", max_discard_seg),
    FIELD("discard-sector-alignment", discard_sector_alignment),
    FIELD("max-write-zeroes-sectors", max_write_zeroes_sectors),
    FIELD("max-write-zeroes-seg", max_write_zeroes_seg),
    FIELD("write-zeroes-may-unmap", write_zeroes_may_unmap),
    FIELD("max-secure-erase-sectors", max_secure_erase_sectors),
    FIELD("max-secure-erase-seg", max_secure_erase_seg),
    FIELD("secure-erase-sector-alignment", secure_erase_sector_alignment),
    FIELD("max-provision-sectors", max_provision_sectors),
    FIELD("max-provision-seg", max_provision_seg),
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static bool is_truth(const struct field *field)
{
    return field->at == offsetof(struct vblk_device_options, writeback) ||
           field->at == offsetof(struct vblk_device_options, write_zeroes_may_unmap);
}

static void take_field(struct serve_options *options, const struct field *field, const char *value)
{
    const uint64_t most = is_truth(field) ? 1 : field->width == 1 ? UINT8_MAX : field->width == 2 ? UINT16_MAX : UINT32_MAX;
    uint64_t n;
    uint8_t n8;
    uint16_t n16;
    uint32_t n32;
    char option[48];

    (void)snprintf(option, sizeof(option), "--%s", field->name);
    n = common_number(&options->common, option, value, most);
    n8 = (uint8_t)n;
    n16 = (uint16_t)n;
    n32 = (uint32_t)n;
    memcpy((uint8_t *)&options->device + field->at,
           field->width == 1 ? (void *)&n8 : field->width == 2 ? (void *)&n16 : (void *)&n32, field->width);
}

/* ---- the other options ---- */

/* Applied to what the profile has, which a later option may change. */
struct later {
    const char *features, *without;
    const char *ring;
    bool read_only;
};

static void take_size(struct serve_options *options, const char *value)
{
    static const char units[] = "KMGT";
    const char *unit;
    char *end;
    unsigned long long n;

    errno = 0;
    n = strtoull(value, &end, 0);
    unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    for (const char *u = units; unit && u <= unit; u++) {
        if (n > UINT64_MAX / 1024)
            errno = ERANGE;
        n *= 1024;
    }
    if (!isdigit((unsigned char)value[0]) || errno || (*end && (!unit || end[1])) || n % VBLK_SECTOR || n == 0)
        common_sorry(&options->common, "--size", value, "a multiple of 512 bytes is needed, as 64M or 1G");
    options->device.capacity = n / VBLK_SECTOR;
    options->size_given = true;
}

static void take_serial(struct serve_options *options, const char *value)
{
    if (strlen(value) >= sizeof(options->device.serial))
        common_sorry(&options->common, "--serial", value, "at most 20 characters fit");
    else
        (void)snprintf(options->device.serial, sizeof(options->device.serial), "%s", value);
}

static void take_status(struct serve_options *options, const char *value)
{
    static const char *const words[] = { "auto", "driver", "frontend", "off" };
    int n = common_word(&options->common, "--status", value, words, 4, "use auto, driver, frontend or off");

    options->backend.status = (uint8_t)(n < 0 ? 0 : n);
}

static void list_faults(void)
{
    struct vblk_fault_info fault;

    for (size_t i = 0; vblk_fault_at(i, &fault); i++)
        printf("%-20s %s%s%s%s\n", fault.name, fault.what, fault.options[0] ? " [" : "", fault.options,
               fault.options[0] ? "]" : "");
    fputs("\nMost take after=N (lawful for the first N requests), every=N and times=N as well: "
          "--fault no-interrupts:after=100,times=1\n",
          stdout);
}

/* A wrong device of `vblk mutants`. @return false: there is none of that name. */
static bool take_mutant(struct serve_options *options, const char *name)
{
    const struct mutant *m;

    for (size_t i = 0; (m = mutant_at(i)) != NULL; i++)
        if (!m->driver && strcmp(m->name, name) == 0) {
            options->mutant = mutant_device(m);
            options->device.behaviour = &options->mutant.behaviour;
            return true;
        }
    return false;
}

static void take_fault(struct serve_options *options, const char *value)
{
    static const char mutant[] = "mutant:";
    char why[256] = "";

    if (strncmp(value, mutant, sizeof(mutant) - 1) == 0) {
        if (!take_mutant(options, value + sizeof(mutant) - 1))
            common_sorry(&options->common, "--fault", value, "'vblk mutants --list' tells which wrong devices there are");
        return;
    }
    if (strcmp(value, "list") == 0) {
        list_faults();
        options->common.done = cmd_finish("serve", CMD_HELD);
        return;
    }
    vblk_fault_free(options->fault);
    options->fault = vblk_fault_new(value, why, sizeof(why));
    if (options->fault)
        options->device.behaviour = vblk_fault_behaviour(options->fault);
    else
        common_sorry(&options->common, "--fault", value, why);
}

/* A bit for every word between commas. */
static uint64_t bits_of(struct serve_options *options, const char *option, const char *list, bool names)
{
    const struct vblk_profile *profile = &options->common.run.profile;
    uint64_t bits = 0;
    char word[48];

    while (*list && options->common.done < 0) {
        size_t len = strcspn(list, ",");
        int bit = -1;

        (void)snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1), list);
        if (isdigit((unsigned char)word[0]))
            bit = (int)common_number(&options->common, option, word, 63);
        else if (names)
            bit = vblk_feature_find(profile, word);
        if (bit < 0)
            common_sorry(&options->common, option, word,
                         names ? "the profile has no feature of that name" : "numbers of bits are needed");
        else
            bits |= VBLK_BIT(bit);
        list += len + (list[len] == ',');
    }
    return bits;
}

static void apply_ring(struct serve_options *options, const char *ring)
{
    static const char *const rings[] = { "split", "packed", "both" };
    int n = ring ? common_word(&options->common, "unknown ring format", ring, rings, 3, "use split, packed or both") : 2;

    if (n == 0)
        options->device.features &= ~VBLK_BIT(VBLK_F_RING_PACKED);
    else
        options->device.features |= VBLK_BIT(VBLK_F_RING_PACKED);
}

static void apply_features(struct serve_options *options, const struct later *later)
{
    const uint64_t has = vblk_device_features(&options->common.run.profile);

    options->device.profile = options->common.run.profile;
    options->device.readings = options->common.run.readings;
    options->device.features = has & ~VBLK_BIT(VBLK_F_RO);
    if (later->features)
        options->device.features = bits_of(options, "--features", later->features, true) | VBLK_BIT(VBLK_F_VERSION_1);
    if (!later->features || later->ring)
        apply_ring(options, later->ring);
    if (later->without)
        options->device.features &= ~bits_of(options, "--no-features", later->without, true);
    if (later->read_only)
        options->device.features |= VBLK_BIT(VBLK_F_RO);
}

enum own { OWN_HELP, OWN_SOCKET, OWN_ONCE, OWN_CONNECTIONS, OWN_STATUS, OWN_PROTOCOL, OWN_SIZE, OWN_IMAGE, OWN_READ_ONLY,
           OWN_SERIAL, OWN_FAULT, OWN_FEATURES, OWN_NO_FEATURES, OWN_RING, OWN_SILENCE, OWN_COUNT };

static const struct option own_options[OWN_COUNT] = {
    [OWN_HELP] = { "help", no_argument, NULL, 0 },
    [OWN_SOCKET] = { "socket", required_argument, NULL, 0 },
    [OWN_ONCE] = { "once", no_argument, NULL, 0 },
    [OWN_CONNECTIONS] = { "connections", required_argument, NULL, 0 },
    [OWN_STATUS] = { "status", required_argument, NULL, 0 },
    [OWN_PROTOCOL] = { "no-protocol", required_argument, NULL, 0 },
    [OWN_SIZE] = { "size", required_argument, NULL, 0 },
    [OWN_IMAGE] = { "image", required_argument, NULL, 0 },
    [OWN_READ_ONLY] = { "read-only", no_argument, NULL, 0 },
    [OWN_SERIAL] = { "serial", required_argument, NULL, 0 },
    [OWN_FAULT] = { "fault", required_argument, NULL, 0 },
    [OWN_FEATURES] = { "features", required_argument, NULL, 0 },
    [OWN_NO_FEATURES] = { "no-features", required_argument, NULL, 0 },
    [OWN_RING] = { "ring", required_argument, NULL, 0 },
    [OWN_SILENCE] = { "silence", required_argument, NULL, 0 },
};

static void take_own(struct serve_options *options, enum own which, const char *value, struct later *later)
{
    switch (which) {
    case OWN_HELP:
        fputs(help_text, stdout);
        options->common.done = cmd_finish("serve", CMD_HELD);
        break;
    case OWN_SOCKET:
        options->socket = value;
        break;
    case OWN_ONCE:
        options->connections = 1;
        break;
    case OWN_CONNECTIONS:
        options->connections = common_number(&options->common, "--connections", value, UINT32_MAX);
        break;
    case OWN_SILENCE:
        options->silence_ms = (unsigned)common_number(&options->common, "--silence", value, 3600000);
        break;
    case OWN_STATUS:
        take_status(options, value);
        break;
    case OWN_PROTOCOL:
        options->backend.protocol_features_off = bits_of(options, "--no-protocol", value, false);
        break;
    case OWN_SIZE:
        take_size(options, value);
        break;
    case OWN_IMAGE:
        options->image = value;
        break;
    case OWN_READ_ONLY:
        later->read_only = true;
        break;
    case OWN_SERIAL:
        take_serial(options, value);
        break;
    case OWN_FAULT:
        take_fault(options, value);
        break;
    case OWN_FEATURES:
        later->features = value;
        break;
    case OWN_NO_FEATURES:
        later->without = value;
        break;
    default:
        later->ring = value;
        break;
    }
}

/* @return whether it belongs into the command that shows the same again. */
static bool take(struct serve_options *options, const char *name, const char *value, struct later *later)
{
    for (unsigned i = 0; i < OWN_COUNT; i++) {
        if (strcmp(own_options[i].name, name) != 0)
            continue;
        take_own(options, (enum own)i, value, later);
        return i != OWN_CONNECTIONS && i != OWN_ONCE;
    }
    for (size_t i = 0; i < FIELDS; i++)
        if (strcmp(fields[i].name, name) == 0)
            take_field(options, &fields[i], value);
    return true;
}

static void replay(struct serve_options *options, const char *name, const char *value)
{
    char text[48];

    (void)snprintf(text, sizeof(text), "--%s", name);
    common_replay(&options->common, text);
    if (value)
        common_replay(&options->common, value);
}

#define ALL_MAX 96

/* Own, fields, common, one after the other. */
static void list_options(struct option all[ALL_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < OWN_COUNT; i++)
        all[n++] = own_options[i];
    for (size_t i = 0; i < FIELDS; i++)
        all[n++] = (struct option){ fields[i].name, required_argument, NULL, 0 };
    for (size_t i = 0; common_options[i].name && n + 1 < ALL_MAX; i++)
        all[n++] = common_options[i];
    all[n] = (struct option){ 0 };
}

/*
 * A table as long as seg_max lets it be is served, whatever size the driver gives its queue: on a packed ring nothing else
 * tells it the device's limit, on a split one it is a finding and not the end of the guest (AMB-26).
 */
static void serve_what_is_announced(struct vblk_device_options *device)
{
    const uint32_t most = device->seg_max < 65534 ? device->seg_max + 2 : 65536;

    if ((device->features & VBLK_BIT(VBLK_F_SEG_MAX)) != 0)
        device->chain_max = most > device->queue_max ? most : device->queue_max;
}

static void check(struct serve_options *options)
{
    struct common_options *common = &options->common;

    if (!options->socket)
        common->done = cmd_sorry("serve", "--socket PATH is needed; see 'vblk serve --help'");
    else if (options->image && options->size_given)
        common->done = cmd_sorry("serve", "--size and --image exclude each other: an image has its own size");
}

void serve_options_parse(struct serve_options *options, int argc, char **argv)
{
    struct common_options *common = &options->common;
    struct later later = { NULL, NULL, NULL, false };
    struct option all[ALL_MAX];
    int got, index = 0;

    *options = (struct serve_options){ .silence_ms = 5000 };
    common_init(common, "serve");
    vblk_device_defaults(&options->device);
    list_options(all);
    opterr = 0;
    while (common->done < 0 && (got = getopt_long(argc, argv, ":", all, &index)) != -1) {
        if (got == '?' || got == ':')
            common->done = cmd_bad_option("serve", got, argv);
        else if (!common_take(common, all[index].name, optarg) && take(options, all[index].name, optarg, &later))
            replay(options, all[index].name, optarg);
    }
    if (common->done < 0 && optind < argc)
        common_sorry(common, "what is", argv[optind], "'vblk serve' takes options only");
    common_finish(common);
    if (common->done < 0)
        apply_features(options, &later);
    if (options->mutant.mutant != NULL && options->mutant.mutant->options != NULL)
        options->mutant.mutant->options(&options->device, options->mutant.mutant);
    serve_what_is_announced(&options->device);
    if (common->done < 0)
        check(options);
}

void serve_options_free(struct serve_options *options)
{
    vblk_fault_free(options->fault);
    common_free(&options->common);
}
