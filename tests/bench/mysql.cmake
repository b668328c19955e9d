# mysql_bench: a raw binlog loop and librdkafka alone, which run_mysql puts beside the agent. Not a
# test.
add_executable(mysql_bench "${CMAKE_CURRENT_LIST_DIR}/mysql_bench.cc")
target_link_libraries(mysql_bench PRIVATE tributary_servers tributary_options PkgConfig::LZ4)
