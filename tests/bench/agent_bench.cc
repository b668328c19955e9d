// agent_bench: waits for an agent without taking CPU from it. Not a test.
//   agent_bench SOCKET PID FIELD COUNT   until the first pipeline's FIELD in `status` (delivered,
//                                        durable) is at least COUNT; fails after ten minutes or
//                                        when process PID has ended
// Threads: one.
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "admin/client.h"

namespace tributary {
namespace {

void await(const std::string& socket, pid_t agent, const std::string& field, std::int64_t count) {
    constexpr std::chrono::milliseconds kPace(20);
    constexpr std::chrono::minutes kLimit(10);
    const auto give_up = std::chrono::steady_clock::now() + kLimit;
    std::int64_t at = -1;
    while (at < count) {
        std::this_thread::sleep_for(kPace);
        if (::kill(agent, 0) != 0 || std::chrono::steady_clock::now() > give_up) {
            throw std::runtime_error("the agent has " + std::to_string(at) + " " + field +
                                     ", not " + std::to_string(count));
        }
        const auto answer = admin::request(socket, "GET", "/v1/status");
        if (!answer) {
            continue;  // not listening yet
        }
        const auto status = nlohmann::json::parse(answer.value());
        const auto& value = status.at("pipelines").at(0).at(field);
        at = value.is_number() ? value.get<std::int64_t>() : -1;
    }
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
    try {
        if (argc != 5) {
            throw std::runtime_error("SOCKET PID FIELD COUNT");
        }
        tributary::await(argv[1], std::stoi(argv[2]), argv[3], std::stoll(argv[4]));
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "agent_bench: %s\n", error.what());
        return 1;
    }
}
