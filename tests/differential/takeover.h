// The cut-over of docs/from-debezium.md: a connector is stopped, the agent takes its configuration
// and its stored offset over, and both have written into one topic. Threads: one, which spawns
// every process.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "tests/differential/connect.h"
#include "tests/servers/process.h"

namespace tributary::differential {

class Takeover {
  public:
    struct Options {
        std::filesystem::path agent = {};
        std::filesystem::path folder = {};  // created
        std::string bootstrap = {};
        std::string connector = {};
        std::string password = {};  // of its database
    };

    Takeover(Options options, Connect& connect);

    // Whether the offset that the connector stored lies between two transactions.
    [[nodiscard]] bool is_between_transactions();
    // Stops the connector for good, converts what it had, and makes the agent's log begin there.
    void convert();
    void start_agent();
    // What the conversion said.
    [[nodiscard]] std::string notes() const;

  private:
    void save_and_convert();
    [[nodiscard]] std::filesystem::path file(const char* name) const {
        return options_.folder / name;
    }

    Options options_;
    Connect& connect_;
    servers::Process running_;
};

}  // namespace tributary::differential
