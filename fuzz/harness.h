/* SPDX-License-Identifier: BSD-3-Clause */
/* What the targets share: a port with memory and the judge listening, and what must hold whatever the input. */
#ifndef FUZZ_HARNESS_H
#define FUZZ_HARNESS_H

#include <vblk/device.h>
#include <vblk/oracle.h>
#include <vblk/player.h>

/* libFuzzer's entry; replay.c calls it, too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte of an input says how it is judged. */
enum {
    HARNESS_SNAPSHOT = 1, /* the device's accesses are not seen */
    HARNESS_JUDGE_DRIVER = 2,
    HARNESS_DISK_ZERO = 4,
    HARNESS_POWER_CUTS = 8,
    HARNESS_STRICT = 0x10, /* else interop */
    HARNESS_LEGACY = 0x20,
    HARNESS_OTHER_SIDE = 0x30, /* interop; the driver's accesses are not seen, and with SNAPSHOT nobody's are; READINGS: lockstep */
    HARNESS_TWICE = 0x40,   /* judge the same again after a reset of the judge */
    HARNESS_READINGS = 0x80 /* not the default readings */
};

/* More events than this can't come of one input: work is bounded. */
#define HARNESS_EVENTS_MAX 4000000u

struct harness {
    struct vblk_memory *mem;
    struct vblk_port *port;
    struct vblk_oracle *oracle;
    struct vblk_oracle_options options;
    uint64_t events;
    bool show; /* print what happens */
    bool sick; /* the host made the store fail: see harness_innocent() */
};

/* @regions [n] become the memory. The oracle comes with harness_listen(). */
void harness_open(struct harness *h, const struct vblk_region *regions, size_t n);
/* Judge @port, which @h owns from now on, under @settings (HARNESS_*). */
void harness_listen(struct harness *h, struct vblk_port *port, const struct vblk_profile *profile, uint8_t settings);
/* The same where @port is the reference device: its disk is known to be empty, and no loss of power is missed. */
void harness_listen_device(struct harness *h, struct vblk_port *port, const struct vblk_profile *profile,
                           uint8_t settings);
/* Listen to h->port, which is another one now. */
void harness_follow(struct harness *h);
void harness_close(struct harness *h);
/* CASE_BEGIN or CASE_END, for targets that play no script. */
void harness_tell(struct harness *h, enum vblk_event_kind kind);

/* The readings of ambiguities under @settings: all of them, or those that the reference device can follow. */
struct vblk_readings harness_readings(uint8_t settings, bool device);

/* Play @script on the port; the judge's list must be well-formed afterwards. */
struct vblk_script;
void harness_play(struct harness *h, const struct vblk_script *script, struct vblk_arena arena);
/* End the process as a finding if the list of violations contradicts itself or the tallies. */
void harness_check_list(const struct harness *h);
/* A host action on the device; some of them are remembered. */
void harness_host(struct harness *h, unsigned action, uint64_t a, uint64_t b);
/*
 * End the process as a finding if @party is blamed or doubted. A store that fails answers IOERR, and where the framing
 * is unusual the judge, who knows nothing of the store, doubts that it is understood. Of clauses that @except (if not
 * NULL) names, it may be.
 */
void harness_innocent(const struct harness *h, enum vblk_party party, bool (*except)(const struct vblk_clause *clause));
/* Announce nothing that is broken or doubtful by itself: that would be the input's doing, not the device's. */
void harness_make_fair(struct vblk_device_options *options);
/* The same of VBLK_HOST_SET_CONFIG. */
void harness_make_config_fair(const struct vblk_profile *profile, uint64_t *at, uint64_t *value);
/* End the process as a finding. */
VBLK_PRINTF(1, 2) void harness_finding(const char *format, ...);

#endif /* FUZZ_HARNESS_H */
