# SPDX-License-Identifier: BSD-3-Clause
# vblk_room(NAME SOURCES … [ROOMS …])   a room of the library and the rooms it may include
# vblk_test(NAME SOURCES … [LINK …])    a cmocka test, run by ctest under its own name
option(VBLK_WERROR "Treat warnings as errors" OFF)

function(vblk_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes $<$<BOOL:${VBLK_WERROR}>:-Werror>)
endfunction()

function(vblk_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;ROOMS" ${ARGN})
  add_library(vblk_${name} STATIC ${ARG_SOURCES})
  target_include_directories(vblk_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR})
  foreach(room IN LISTS ARG_ROOMS)
    target_link_libraries(vblk_${name} PUBLIC vblk_${room})
  endforeach()
  vblk_warnings(vblk_${name})
endfunction()

function(vblk_test name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET GLOBAL cmocka)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} PkgConfig::CMOCKA)
  vblk_warnings(${name})
  add_test(NAME ${name} COMMAND ${name})
endfunction()
