# kafka_bench: librdkafka alone, and when something that is no agent has delivered. Not a test.
add_executable(kafka_bench "${CMAKE_CURRENT_LIST_DIR}/kafka_bench.cc")
target_link_libraries(kafka_bench PRIVATE tributary_servers tributary_options)
