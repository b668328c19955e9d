// Threads that change a table while it is taken over, on any of the servers.
#pragma once

#include <atomic>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/agent/rig.h"

namespace tributary::agent_testing {

// One connection: runs a statement, or throws ServerFailure.
using Session = std::function<void(const std::string& statement)>;
// That of writer `index`.
using Connect = std::function<Session(int index)>;

// A change of a table that has about so many rows, by writer `index`; `v` was in no other.
using Change = std::string (*)(std::minstd_rand& random, int index, int rows, const std::string& v);

struct Load {
    int threads = 1;
    int rows = 0;
    milliseconds pause{0};  // of each thread between two statements
};

class Writers {
  public:
    Writers(Connect connect, const Load& load, Change change);
    ~Writers() { stop(); }
    Writers(const Writers&) = delete;
    Writers& operator=(const Writers&) = delete;
    // How many statements there were.
    std::uint64_t stop();

  private:
    void write(int index);

    Connect connect_;
    Load load_;
    Change change_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> done_{0};
    std::vector<std::thread> threads_;
};

}  // namespace tributary::agent_testing
