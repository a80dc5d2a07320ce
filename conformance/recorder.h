/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stands between what is watched and the judge, and writes down both what the judge is told and what it looks at
 * meanwhile, so that it can be told and shown the same again (trace_check.h). Without a recorder (NULL) nothing is done.
 */
#ifndef CONFORMANCE_RECORDER_H
#define CONFORMANCE_RECORDER_H

#include <vblk/oracle.h>
#include <vblk/trace.h>

struct recorder;
struct runner_run;
struct runner_case;

/* @times: the clock's, in place of zero, so that no two recordings are the same. NULL with a sentence in @why. */
struct recorder *recorder_open(const char *path, bool times, char *why, size_t why_size);
/* false with a sentence: the trace is not whole. */
bool recorder_close(struct recorder *recorder, char *why, size_t why_size);

/* Whom to pass events on to, and whose memory it looks at. @memory_gone: as it is told, or NULL. */
void recorder_bind(struct recorder *recorder, struct vblk_oracle *oracle, struct vblk_memory *mem,
                   const volatile int *memory_gone);
/* The event sink, a vblk_observe_fn; @recorder is a struct recorder *. */
void recorder_observe(void *recorder, const struct vblk_event *ev);

/* The first record. @command: "test", "serve", "monitor". */
void recorder_head(struct recorder *recorder, const char *command, const struct runner_run *run,
                   const struct vblk_oracle_options *how, uint8_t grade);
/* What the runner does besides, in its order. */
void recorder_reset(struct recorder *recorder, bool forget_disk, bool disk_zero);
void recorder_case(struct recorder *recorder, const struct runner_run *run, const struct runner_case *now);
void recorder_collect(struct recorder *recorder, const struct runner_run *run);
void recorder_result(struct recorder *recorder, const struct runner_run *run, const struct runner_case *now);
void recorder_blame(struct recorder *recorder, const struct runner_run *run, bool doubt, const char *message,
                    const char *expected, const char *seen);
void recorder_settle(struct recorder *recorder, const struct runner_run *run, const struct runner_case *now);
void recorder_end(struct recorder *recorder, const struct runner_run *run, uint64_t offered, uint64_t negotiated);

#endif /* CONFORMANCE_RECORDER_H */
