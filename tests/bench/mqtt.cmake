# mqtt_bench: the listener's PUBACK-after-fsync beside a bare append+fsync loop. Not a test.
add_executable(mqtt_bench "${CMAKE_CURRENT_LIST_DIR}/mqtt_bench.cc")
target_link_libraries(mqtt_bench PRIVATE tributary_mqtt_session Threads::Threads tributary_options)
