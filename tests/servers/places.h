// Where a test server lives: a temporary directory that removes itself, and a loopback port that
// stays ours. Ports come from below the kernel's ephemeral range, so that no outgoing connection
// takes one while its server is down, and are leased by a lock file, so that two test programs
// never share one. Threads: free functions are safe to call from any thread; objects belong to one
// thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/unique_fd.h"

namespace tributary::servers {

class TemporaryDirectory {
  public:
    // Created under $TMPDIR or /tmp, mode 0755 so that the service user can pass through it.
    explicit TemporaryDirectory(const std::string& name = "tributary");
    ~TemporaryDirectory();  // removed with its contents, unless TRIBUTARY_KEEP is set
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

class PortLease {
  public:
    PortLease();  // throws ServerFailure when no port is free

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  private:
    std::uint16_t port_ = 0;
    UniqueFd lock_;
};

// A loopback port that nobody listens on now; nothing keeps it so. Prefer PortLease.
[[nodiscard]] std::uint16_t free_port();

// The cache of downloads: $TRIBUTARY_CACHE, else /var/cache/tributary for root (the service user
// cannot enter root's home), else ~/.cache/tributary. tests/servers/kafka/fetch uses the same rule.
[[nodiscard]] std::filesystem::path cache_directory();

}  // namespace tributary::servers
