# Rows per second of the Debezium encoder alone. Not a test: prints its numbers.
add_executable(encode_bench "${CMAKE_CURRENT_LIST_DIR}/encode_bench.cc")
target_link_libraries(encode_bench PRIVATE tributary_encode tributary_options)
