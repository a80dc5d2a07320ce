/* SPDX-License-Identifier: BSD-3-Clause */
/* What the oracle remembers for the rows of provision beyond its general picture. */
#ifndef ORACLE_PROVISION_H
#define ORACLE_PROVISION_H

#include <vblk/event.h>

/* One of the two limits, as it was read over time. */
struct provision_limit {
    uint32_t now, before;    /* before: valid if changed */
    uint32_t generation;     /* of the configuration when it was read last */
    bool known, early, live; /* read since the last reset; before FEATURES_OK; after DRIVER_OK */
    bool changed;            /* since DRIVER_OK */
    bool told;               /* a notification of a change came after it was read last */
};

struct provision_facts {
    /* the last request that was answered OK: its first segment */
    uint64_t sector;
    uint32_t count;
    bool known;
    bool config_unread;      /* the configuration was not read since */
    uint32_t device_id;      /* as last read; 0: never */
    struct provision_limit sectors, segments;
    bool stale;              /* a limit changed; whether the generation did is not known yet */
    bool silent;             /* a limit changed, and no notification has come */
};

struct vblk_oracle;
/* Runs after everything else that an event sets in motion. */
void provision_see(struct vblk_oracle *o, const struct vblk_event *ev);

#endif /* ORACLE_PROVISION_H */
