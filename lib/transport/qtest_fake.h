/* SPDX-License-Identifier: BSD-3-Clause */
/* Somebody on a socket who speaks qtest, and badly if asked to. */
#ifndef VBLK_QTEST_FAKE_H
#define VBLK_QTEST_FAKE_H

#include <pthread.h>

#include <vblk/mmio_device.h>

enum fake_quirk {
    FAKE_FINE,
    FAKE_HANGS_UP,      /* without an answer */
    FAKE_HANGS_UP_HALF, /* in the middle of one */
    FAKE_SAYS,          /* fake.text in place of the answer */
    FAKE_SILENT,        /* no answer */
    FAKE_IRQS_FOR_EVER  /* lines of interrupts, never an answer */
};

struct fake {
    char dir[32], path[64];
    struct vblk_mmio_device *regs; /* behind slot 3; NULL: the slot is empty */
    uint32_t version;              /* what slot 3 reads as, 0: as it is */
    bool in_pieces;                /* answers are sent byte by byte */
    bool chatty;                   /* interrupts are announced before each answer */
    enum fake_quirk quirk;
    unsigned from;  /* the quirk begins with that command, counting from 1 */
    unsigned times; /* and lasts for so many */
    const char *text;
    unsigned commands, connections;
    int listener;
    pthread_t thread;
};

/* Set the members up to text first; more may be set while nobody asks anything. */
void fake_start(struct fake *fake);
/* End the connection and the listening. */
void fake_stop(struct fake *fake);
void fake_misbehave(struct fake *fake, enum fake_quirk quirk, unsigned times, const char *text);

#endif /* VBLK_QTEST_FAKE_H */
