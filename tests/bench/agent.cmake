# agent_bench: waits for an agent without taking CPU from it. Not a test.
add_executable(agent_bench "${CMAKE_CURRENT_LIST_DIR}/agent_bench.cc")
target_link_libraries(agent_bench PRIVATE tributary_admin nlohmann_json::nlohmann_json tributary_options)
