# How a target of this project is built: language, warnings, hardening, precompiled header, include rule.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PROJECT_SOURCE_DIR}/cmake/compile.sh ${PROJECT_SOURCE_DIR})
endif()

add_library(vodlift_options INTERFACE)
target_compile_options(vodlift_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  -fstack-protector-strong -fno-omit-frame-pointer
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees overlaps and overruns in correct std::string code once it is inlined (GCC PR 105329, 105651); the
  # sanitizers and clang-tidy look for the real ones.
  target_compile_options(vodlift_options INTERFACE
    -fpch-preprocess -fstack-clash-protection -fcf-protection
    -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()
target_compile_definitions(vodlift_options INTERFACE
  _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED
  $<$<CONFIG:Release>:_FORTIFY_SOURCE=3>)
target_link_options(vodlift_options INTERFACE -Wl,-z,relro,-z,now)
target_include_directories(vodlift_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/cmake)
# Libraries whose compile definitions must be alike everywhere, or the precompiled header could not be shared.
target_link_libraries(vodlift_options INTERFACE Threads::Threads fmt::fmt spdlog::spdlog Boost::headers Boost::json)

function(vodlift_precompile target)
  if(target STREQUAL "vodlift_base")
    target_precompile_headers(${target} PRIVATE <precompiled.h>)
  else()
    target_precompile_headers(${target} REUSE_FROM vodlift_base)
    # Programs would be compiled with -fPIE, and g++ takes a precompiled header only under the flags it was made with.
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  if(VODLIFT_FUZZ)
    # Shows libFuzzer what an input reached. The tests do without: it takes time to build.
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# The same for a program of tests, which has GoogleTest precompiled as well.
function(vodlift_precompile_test target)
  if(target STREQUAL "base_test")
    target_precompile_headers(${target} PRIVATE <precompiled.h> <precompiled_test.h>)
  else()
    target_precompile_headers(${target} REUSE_FROM base_test)
  endif()
endfunction()

# Compiles sources together, as many as cmake/groups.py allows, where VODLIFT_GROUPED is on.
function(vodlift_group target)
  if(NOT VODLIFT_GROUPED)
    return()
  endif()
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "^[^/].*[.]cc$")  # not those that the build writes
  execute_process(COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/groups.py ${sources}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE groups COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" groups "${groups}")
  foreach(line IN LISTS groups)
    if(line MATCHES "^([0-9]+) (.+)$")
      set_source_files_properties(${CMAKE_MATCH_2} PROPERTIES UNITY_GROUP ${CMAKE_MATCH_1})
    endif()
  endforeach()
  # A changed name may change the groups.
  list(TRANSFORM sources PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)  # it takes the files of a group for headers
  endif()
endfunction()

# vodlift_library(NAME SOURCES … DEPENDS … PRIVATE_DEPENDS …): the static library of one folder of src/.
# DEPENDS names what its files may include; tests/check_includes.py reads the same list.
function(vodlift_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  set(target vodlift_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  list(TRANSFORM ARG_DEPENDS PREPEND vodlift_)
  target_link_libraries(${target} PUBLIC vodlift_options ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  vodlift_precompile(${target})
  vodlift_group(${target})
endfunction()

add_custom_target(unit_tests)  # all that ctest runs

# vodlift_test(NAME [LONG] SOURCES … DEPENDS …): one GoogleTest program, registered with CTest as NAME. LONG ones start first, so
# that none of them runs alone at the end.
function(vodlift_test name)
  cmake_parse_arguments(ARG "LONG" "" "SOURCES;DEPENDS" ${ARGN})
  if(NOT VODLIFT_TESTS)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} vodlift_options GTest::gtest GTest::gmock GTest::gtest_main)
  vodlift_precompile_test(${name})
  vodlift_group(${name})
  add_dependencies(unit_tests ${name})
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES TIMEOUT 1800)  # ends what hangs; a sanitizer on a busy machine needs many minutes
  if(ARG_LONG)
    set_tests_properties(${name} PROPERTIES COST 100)
  endif()
endfunction()
