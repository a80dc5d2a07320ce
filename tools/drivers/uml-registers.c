/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded into user-mode Linux by uml.sh: it keeps the extended registers of its processes in a buffer that was large
 * enough when it was built. A host whose processor has more (AMX) wants all of them back and answers EFAULT otherwise;
 * here the rest stays as it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define EXTENDED_REGISTERS 0x202 /* NT_X86_XSTATE */

typedef long (*ptrace_fn)(enum __ptrace_request, pid_t, void *, void *);

long ptrace(enum __ptrace_request request, ...)
{
    static char all[65536];
    struct iovec *part, whole = { all, sizeof(all) };
    ptrace_fn real = (ptrace_fn)dlsym(RTLD_NEXT, "ptrace");
    va_list args;

    va_start(args, request);
    pid_t pid = va_arg(args, pid_t);
    void *which = va_arg(args, void *), *data = va_arg(args, void *);
    va_end(args);
    if (request != PTRACE_SETREGSET || which != (void *)EXTENDED_REGISTERS)
        return real(request, pid, which, data);
    part = data;
    if (real(PTRACE_GETREGSET, pid, which, &whole) != 0)
        return -1;
    memcpy(all, part->iov_base, part->iov_len < whole.iov_len ? part->iov_len : whole.iov_len);
    return real(request, pid, which, &whole);
}
