# SPDX-License-Identifier: BSD-3-Clause
# Instrumented builds: VBLK_SANITIZE, VBLK_COVERAGE, VBLK_FUZZ.
if(VBLK_SANITIZE)
  add_compile_options(-fsanitize=${VBLK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1)
  add_link_options(-fsanitize=${VBLK_SANITIZE})
endif()

# cmocka and jansson come uninstrumented from the distribution: what they malloc and fill would look unwritten.
# So memory sanitizer runs with poison_in_malloc=0 (CMakePresets.json), and our own code poisons what it allocates.
if(VBLK_SANITIZE MATCHES "memory")
  add_compile_options("SHELL:-include ${CMAKE_CURRENT_LIST_DIR}/msan_heap.h")
  # Libraries that are not instrumented leave bytes on the stack that look unwritten to whoever they call. So the
  # library's own tests run at full strength without the tools, and the tools and the suite without poisoned stacks.
  if(VBLK_TOOLS)
    add_compile_options("SHELL:-mllvm -msan-poison-stack=0")
  endif()
endif()

# Counters that are not atomic: two threads may lose a count of a line, never a line, and the tests take a quarter.
if(VBLK_COVERAGE)
  add_compile_options(--coverage -fprofile-update=single -g -O0)
  add_link_options(--coverage)
endif()

if(VBLK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
