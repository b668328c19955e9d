# Language level, warnings, hardening and sanitizers, as one interface target: tributary_options.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(TRIBUTARY_CCACHE ccache)
if(TRIBUTARY_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${TRIBUTARY_CCACHE}")
endif()

add_library(tributary_options INTERFACE)
target_compile_options(tributary_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
    -Wswitch-enum -Werror
    -fstack-protector-strong -fno-omit-frame-pointer)
target_include_directories(tributary_options INTERFACE
    "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
target_compile_definitions(tributary_options INTERFACE
    TRIBUTARY_VERSION="${PROJECT_VERSION}")

if(CMAKE_BUILD_TYPE MATCHES "Rel")
    target_compile_options(tributary_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
target_link_options(tributary_options INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,--as-needed)

# The CRC32C instruction is used only after a check at run time (base/crc32c.cc).
if(TRIBUTARY_SANITIZE)
    list(JOIN TRIBUTARY_SANITIZE "," sanitize_list)
    add_compile_options(-fsanitize=${sanitize_list} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${sanitize_list})
    # g++ 12 reports uninitialised values inside Beast, and fences inside Asio, only when sanitizing.
    target_compile_options(tributary_options INTERFACE
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-tsan>)
endif()
if(TRIBUTARY_SANITIZE MATCHES "thread")
    add_library(tributary_c11_threads OBJECT "${PROJECT_SOURCE_DIR}/tests/tools/c11_threads.c"
        "${PROJECT_SOURCE_DIR}/connectors/kafka/waits.cc")
    link_libraries(tributary_c11_threads)
endif()
if(TRIBUTARY_FUZZERS)
    add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
endif()
