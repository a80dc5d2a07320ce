# SPDX-License-Identifier: BSD-3-Clause
# Reading test vectors. Needs the facts of the specification only, so that whoever wants vectors takes just this.
add_library(vblk_vectors STATIC
  vector.c
  vector_case.c
  vector_expr.c
  vector_format.c
  vector_lint.c
  vector_names.c
  vector_print.c
  vector_read.c
  vector_request.c
  vector_setup.c
  vector_steps.c
  vector_text.c
  vector_verbs.c
)
target_include_directories(vblk_vectors PUBLIC ${PROJECT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(vblk_vectors PUBLIC vblk_spec PkgConfig::JANSSON)
vblk_warnings(vblk_vectors)

foreach(test vector_expr_test vector_reject_test vector_test vector_check_test)
  vblk_test(${test} SOURCES ${test}.c LINK vblk_vectors)
endforeach()
if(VBLK_TESTS)
  target_compile_definitions(vector_check_test PRIVATE VECTOR_SCHEMA="${PROJECT_SOURCE_DIR}/vectors/schema.json")
  vblk_leaves_out(vectors_lint left_out)
  if(NOT left_out)
    add_test(NAME vectors_lint COMMAND vblk_command vectors lint ${PROJECT_SOURCE_DIR}/vectors)
  endif()
  foreach(profile 1.2+provision 1.4)
    vblk_leaves_out(vectors_run_${profile} left_out)
    if(NOT left_out)
      add_test(NAME vectors_run_${profile} COMMAND vblk_command vectors run --profile ${profile} ${PROJECT_SOURCE_DIR}/vectors)
    endif()
  endforeach()
  add_test(NAME vectors_layout COMMAND vblk_command vectors format --check ${PROJECT_SOURCE_DIR}/vectors)
endif()
