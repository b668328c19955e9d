# mysql_bench: a raw binlog loop, which run_mysql puts beside the agent, and its servers and load. Not
# a test.
add_executable(mysql_bench "${CMAKE_CURRENT_LIST_DIR}/mysql_bench.cc")
target_link_libraries(mysql_bench PRIVATE tributary_servers tributary_options PkgConfig::LZ4)
