# SPDX-License-Identifier: BSD-3-Clause
# vblk_room(NAME SOURCES … [ROOMS …])   a room of the library and the rooms it may include
# vblk_test(NAME SOURCES … [LINK …])    a cmocka test, run by ctest under its own name
# vblk_scarce(NAME)                     a test that lets allocations fail
set(VBLK_ROOM_TABLE ${CMAKE_CURRENT_LIST_DIR}/rooms.txt)

function(vblk_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes $<$<BOOL:${VBLK_WERROR}>:-Werror>)
endfunction()

# A link line that the table does not allow stops the configuration.
function(vblk_check_rooms name)
  file(STRINGS ${VBLK_ROOM_TABLE} row REGEX "^${name} +:")
  if(NOT row)
    message(FATAL_ERROR "room ${name} has no row in ${VBLK_ROOM_TABLE}")
  endif()
  string(REGEX REPLACE "^[^:]*:[^:]*: *" "" allowed "${row}")
  string(REPLACE " " ";" allowed "${allowed}")
  foreach(room IN LISTS ARGN)
    if(NOT room IN_LIST allowed)
      message(FATAL_ERROR "room ${name} may not look into room ${room}; see ${VBLK_ROOM_TABLE}")
    endif()
  endforeach()
endfunction()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${VBLK_ROOM_TABLE})

function(vblk_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;ROOMS" ${ARGN})
  vblk_check_rooms(${name} ${ARG_ROOMS})
  add_library(vblk_${name} STATIC ${ARG_SOURCES})
  target_include_directories(vblk_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR})
  foreach(room IN LISTS ARG_ROOMS)
    target_link_libraries(vblk_${name} PUBLIC vblk_${room})
  endforeach()
  # Nobody replaces a function of ours from outside: what is exported may be inlined at home as well.
  # Words that are next to each other here go different ways: vectors made of them are taken apart again at once.
  target_compile_options(vblk_${name} PRIVATE -fno-semantic-interposition -fno-tree-slp-vectorize)
  vblk_warnings(vblk_${name})
endfunction()

# Tests that thread sanitizer has nothing to find in, as each has one thread, and that take it minutes in all.
set(VBLK_ONE_THREAD differential_test event_test in_order_test judged_test
  monitor_in_between_changes_nothing_and_judges_both mutants_test oracle_test packed_device_test packed_driver_test player_test ring_test rings_test shadow_model_test shadow_test split_test store_test
  trace_check_test trace_vector_test vectors_lint vectors_run_1.2+provision vectors_run_1.4 visibility_ring_test)

# vblk_leaves_out(NAME RESULT): whether this build has nothing to gain from a test
function(vblk_leaves_out name result)
  set(${result} FALSE PARENT_SCOPE)
  if(NOT VBLK_TESTS)
    set(${result} TRUE PARENT_SCOPE)
  elseif(VBLK_SANITIZE MATCHES "thread" AND name IN_LIST VBLK_ONE_THREAD)
    set(${result} TRUE PARENT_SCOPE)
  elseif(VBLK_SANITIZE MATCHES "memory" AND VBLK_TOOLS AND NOT name STREQUAL "vhost_user_resume_test")
    # The library's own tests run in the preset msan, at full strength. That one is a front-end for serve as well.
    set(library ${PROJECT_SOURCE_DIR}/lib)
    cmake_path(IS_PREFIX library ${CMAKE_CURRENT_SOURCE_DIR} of_the_library)
    set(${result} ${of_the_library} PARENT_SCOPE)
  endif()
endfunction()

function(vblk_test name)
  vblk_leaves_out(${name} left_out)
  if(left_out)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  if(NOT TARGET PkgConfig::CMOCKA)
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET GLOBAL cmocka)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} PkgConfig::CMOCKA)
  vblk_warnings(${name})
  add_test(NAME ${name} COMMAND ${name})
endfunction()

function(vblk_scarce name)
  if(TARGET ${name})
    target_link_options(${name} PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free)
  endif()
endfunction()
