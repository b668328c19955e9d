# postgresql_bench: the agent's own reader of a slot, which keeps nothing. Not a test.
add_executable(postgresql_bench "${CMAKE_CURRENT_LIST_DIR}/postgresql_bench.cc")
target_link_libraries(postgresql_bench PRIVATE tributary_postgresql PostgreSQL::PostgreSQL tributary_options)
