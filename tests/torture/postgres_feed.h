// PostgreSQL as a feed. Truth: a second slot with test_decoding, read when all is over. Beside it
// the slot's confirmed position is sampled all the time (oracle 5).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "tests/torture/feed.h"

namespace tributary::torture {

struct DatabaseFeedOptions {
    std::filesystem::path folder;  // the server's, made here
    std::uint64_t seed = 1;
    int writers = 4;
};

// Password of every account that the agent uses; the agent gets it as ${env:TORTURE_PASSWORD}.
inline constexpr const char* kFeedPassword = "torture";

// Starts the server.
[[nodiscard]] std::unique_ptr<Feed> make_postgres_feed(const DatabaseFeedOptions& options);

}  // namespace tributary::torture
