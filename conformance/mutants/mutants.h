/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mutants: a reference model with one table entry replaced, so that it breaks one clause. The suite must fail on each
 * and blame that clause. Controls are models that do something lawful and unusual: nobody may be blamed.
 */
#ifndef CONFORMANCE_MUTANTS_H
#define CONFORMANCE_MUTANTS_H

#include <stddef.h>

#include <vblk/clause.h>
#include <vblk/device.h>
#include <vblk/driver.h>

#include "wrong_port.h"

#define MUTANT_SYNONYMS 12
#define MUTANT_BLURRED 5

/* What hides a fault from snapshots. */
#define BETWEEN_LOOKS "it is begun and over between two looks at memory"
#define LOADS_UNSEEN "what a device loads is not seen"
#define WISH_UNSEEN "the driver changes its wish with each answer, and when the device looked at it is not seen"
#define ORDER_UNSEEN "whether the device acts before the driver's write or after it is not seen"

/* A request that the reference driver does not send: header, data, status. */
struct wrong_request {
    uint32_t type;
    uint64_t sector;
    uint32_t segments;         /* readable data are that many of these, and @more bytes */
    struct vblk_range segment;
    uint32_t apart;            /* sectors from one segment to the next one */
    uint32_t more, in;         /* bytes; of writable data */
    uint32_t pieces;           /* descriptors of the data; 0: one */
    uint64_t at;               /* where the data lies; 0: anywhere */
    /* Or, framed: readable bytes and writable ones, status among them, are a run each that is cut at these places; a place
     * before the one given last ends the list, and only with empty one that is the same gives an element of no bytes. */
    bool framed, empty;
    uint16_t cut[6], cut_in[6];
};

struct mutant {
    const char *name;
    const char *what;                      /* what it does wrong, in one sentence */
    const char *clause;                    /* the clause that must be blamed */
    const char *synonyms[MUTANT_SYNONYMS]; /* clauses that say the same of this fault, and may be blamed, too */
    const char *blurred[MUTANT_BLURRED];   /* … and clauses that are blamed where memory is seen through snapshots only */
    const char *because;                   /* why they do */
    /* What it is tried by, where it is not the default: the text and the transport. */
    const char *profile, *reading;
    uint8_t transport; /* enum vblk_transport */
    const char *met;    /* the area whose cases meet it, if not that of its clause */
    const char *hidden; /* why it does not show where memory is seen through snapshots only, though its clause may */
    /* A wrong device: the suite is played against it. */
    struct vblk_behaviour behaviour;
    const char *ring; /* the ring fault that it has, or NULL */
    const char *device_ring; /* that of the device in front of a wrong driver, or NULL */
    void (*options)(struct vblk_device_options *options, const void *mutant); /* what else is different, or NULL */
    /* What the functions of generic.c go by; each says which. */
    const char *field;
    uint64_t value, other;
    /* A wrong driver: it does its work in front of the reference device, or of what the members above make of it. */
    bool driver;
    struct vblk_driver_behaviour with;
    struct wrong_port_ops port;
    struct wrong_request sends; /* besides, if it has a type or a sector */
    bool never_flushes;
    uint16_t queue_size, queues, batch; /* 0: as the scenario has it */
    uint64_t refuse;                    /* features that the driver does not want, besides */
    const char *only;   /* where it does its work: a glob of scenarios, with ! of the others; NULL: in all */
    const char *beside; /* what that device breaks to give the driver the occasion, and may be blamed for: ids, with a space between */
};

/* One table per area; each ends with a NULL name. */
extern const struct mutant mutants_provision[];
extern const struct mutant mutants_provision_more[];
extern const struct mutant mutants_segments[];
extern const struct mutant mutants_request[];
extern const struct mutant mutants_ring[];
extern const struct mutant mutants_config[];
extern const struct mutant mutants_answers[];
extern const struct mutant mutants_alike[];
extern const struct mutant mutants_packed[];
extern const struct mutant mutants_indirect[];
extern const struct mutant mutants_notify[];
extern const struct mutant mutants_in_order[];
extern const struct mutant mutants_fields[];
extern const struct mutant mutants_offers[];
extern const struct mutant mutants_life[];
extern const struct mutant mutants_disk[];
extern const struct mutant mutants_slots[];
extern const struct mutant mutants_unseen[];
extern const struct mutant mutants_driver_ring[];
extern const struct mutant mutants_driver_start[];
extern const struct mutant mutants_driver_features[];
extern const struct mutant mutants_driver_config[];
extern const struct mutant mutants_driver_queue[];
extern const struct mutant mutants_driver_request[];
extern const struct mutant mutants_driver_rest[];
extern const struct mutant mutants_driver_unseen[];

/* A device's behaviour while it is tried: what functions of the tables find the mutant by. */
struct mutant_device {
    struct vblk_behaviour behaviour; /* first */
    const struct mutant *mutant;
};

static inline const struct mutant *mutant_of(const struct vblk_device *device)
{
    return ((const struct mutant_device *)(const void *)vblk_device_behaviour(device))->mutant;
}

/* The mutant whose wrong driver goes through @port. */
static inline const struct mutant *mutant_at_port(const struct wrong_port *port)
{
    return (const struct mutant *)(const void *)((const char *)port->with - offsetof(struct mutant, port));
}

/* @mutant's behaviour, complete. */
struct mutant_device mutant_device(const struct mutant *mutant);

/* Tables of controls; each ends with a NULL name. */
extern const struct mutant controls_models[];
extern const struct mutant controls_frames[];
extern const struct mutant controls_shapes[];
extern const struct mutant controls_answers[];
extern const struct mutant controls_readings[];
extern const struct mutant controls_bugs[];

/* A bug of docs/known-bugs.md, or an ambiguity; and its mutants and controls. */
#define BUG_NAMES 20
struct known_bug {
    const char *id;
    const char *names[BUG_NAMES];
    const char *why; /* there are none */
};
/* Both end with a NULL id. */
extern const struct known_bug known_bugs[];
extern const struct known_bug ambiguity_controls[]; /* each ambiguity: all outcomes that pass under its default */
/* Whether @name is a mutant or control of @bug. */
bool bug_has(const struct known_bug *bug, const char *name);

/* Mutant @i of all tables, or NULL past the last. */
const struct mutant *mutant_at(size_t i);

/* Control @i, or NULL past the last; its clause is one that it comes close to. */
const struct mutant *control_at(size_t i);

/* A checked clause that no entry of a table can break, and why. */
struct uncovered {
    const char *clause;
    const char *why;
};
/* Why @clause has no mutant, or NULL. */
const char *mutant_uncovered(const char *clause);
/* The first mutant that breaks @clause, or NULL. */
const struct mutant *mutant_of_clause(const char *clause);
/* What proves the check of a clause; COVER_NONE: it has no check. */
enum cover { COVER_NONE, COVER_MUTANT, COVER_EXCUSED, COVER_MISSING, COVERS };
enum cover mutant_cover(const struct vblk_clause *row);

#endif /* CONFORMANCE_MUTANTS_H */
