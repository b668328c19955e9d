# log_bench [directory] [million entries]: entries per second and CPU per entry through BlockWriter
# and RocksLog::append. Not a test.
add_executable(log_bench "${CMAKE_CURRENT_LIST_DIR}/log_bench.cc")
target_link_libraries(log_bench PRIVATE tributary_log tributary_format tributary_options)
