/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that others share may be taken back: whoever cuts the file short gets those killed who touch it next. The
 * commands handle SIGBUS for that (a library must not): an empty page takes the place of what was there. What was read
 * there is nobody's word, so the judge is to be told of memory_guard_gone.
 */
#ifndef TOOLS_MEMORY_GUARD_H
#define TOOLS_MEMORY_GUARD_H

#include <signal.h>

#include <vblk/memory.h>

/* Not 0 from the moment on that an empty page took the place of shared memory; put it back to 0 when that is over. */
extern volatile sig_atomic_t memory_guard_gone;

/* Guard the regions that @mem has, whenever it has them. A fault anywhere else ends the process, as ever. */
void memory_guard(const struct vblk_memory *mem);

#endif /* TOOLS_MEMORY_GUARD_H */
