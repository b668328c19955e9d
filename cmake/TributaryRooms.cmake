# tributary_room(<name> SOURCES a.cc.. PUBLIC rooms.. PRIVATE libraries..)
#   one room = one static library `tributary_<name>`; PUBLIC are the rooms it may include.
# tributary_test(<name> SOURCES .. LIBRARIES .. [LABELS ..] [TIMEOUT s])
#   one GoogleTest program, one ctest entry of the same name.
include_guard()

function(tributary_room name)
    cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
    if(ARG_SOURCES)
        add_library(tributary_${name} STATIC ${ARG_SOURCES})
        target_link_libraries(tributary_${name}
            PUBLIC tributary_options ${ARG_PUBLIC}
            PRIVATE ${ARG_PRIVATE})
    else()
        add_library(tributary_${name} INTERFACE)
        target_link_libraries(tributary_${name} INTERFACE tributary_options ${ARG_PUBLIC})
    endif()
endfunction()

function(tributary_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} tributary_options
        GTest::gmock GTest::gtest GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${name})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# tributary_fuzzer(<name> SOURCES .. LIBRARIES ..): a libFuzzer target, and in every other build the
# same entry point over the kept corpus (tests/fuzz/replay_main.cc), so that it cannot rot.
function(tributary_fuzzer name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
    set(corpus "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    if(TRIBUTARY_FUZZERS)
        add_executable(fuzz_${name} ${ARG_SOURCES})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        set(arguments -max_total_time=60 -timeout=10 "${corpus}")
    else()
        add_executable(fuzz_${name} ${ARG_SOURCES} "${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cc")
        set(arguments "${corpus}")
    endif()
    target_link_libraries(fuzz_${name} PRIVATE ${ARG_LIBRARIES} tributary_options)
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} ${arguments})
    set_tests_properties(fuzz_${name} PROPERTIES TIMEOUT 120 LABELS fuzz)
endfunction()

# Adds each named folder that exists: a room appears with its first file.
function(tributary_add_rooms)
    foreach(room IN LISTS ARGN)
        if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${room}/CMakeLists.txt")
            add_subdirectory(${room})
        endif()
    endforeach()
endfunction()
