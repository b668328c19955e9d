// See places.h.
#include "tests/servers/places.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <system_error>

#include "tests/servers/failure.h"

namespace tributary::servers {
namespace {

constexpr std::uint16_t kLowestPort = 15000;
constexpr int kPortAttempts = 500;

std::string environment_or(const char* name, const std::string& fallback) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return value == nullptr || *value == '\0' ? fallback : value;
}

std::uint16_t end_of_port_range() {
    std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
    unsigned first = 0;
    if (!(file >> first) || first < kLowestPort + 1000U || first > 65535U) {
        return 32768;
    }
    return static_cast<std::uint16_t>(first);
}

bool can_listen(std::uint16_t port) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    return fd && ::bind(fd.get(), generic, sizeof address) == 0 && ::listen(fd.get(), 1) == 0;
}

std::uint16_t random_port() {
    static thread_local std::mt19937 random{std::random_device{}()};
    std::uniform_int_distribution<int> distribution(kLowestPort, end_of_port_range() - 1);
    return static_cast<std::uint16_t>(distribution(random));
}

}  // namespace

TemporaryDirectory::TemporaryDirectory(const std::string& name) {
    std::string path = environment_or("TMPDIR", "/tmp") + "/" + name + "-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr || ::chmod(path.c_str(), 0755) != 0) {
        throw ServerFailure("cannot create " + path + ": " + std::strerror(errno));
    }
    path_ = path;
}

TemporaryDirectory::~TemporaryDirectory() {
    if (environment_or("TRIBUTARY_KEEP", "").empty()) {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
}

PortLease::PortLease() {
    const std::filesystem::path locks =
        environment_or("TMPDIR", "/tmp") + "/tributary-ports-" + std::to_string(::geteuid());
    std::filesystem::create_directories(locks);
    for (int attempt = 0; attempt < kPortAttempts; ++attempt) {
        const std::uint16_t port = random_port();
        const std::string file = (locks / std::to_string(port)).string();
        UniqueFd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 && can_listen(port)) {
            port_ = port;
            lock_ = std::move(lock);
            return;
        }
    }
    throw ServerFailure("no free loopback port found");
}

std::uint16_t free_port() {
    for (int attempt = 0; attempt < kPortAttempts; ++attempt) {
        const std::uint16_t port = random_port();
        if (can_listen(port)) {
            return port;
        }
    }
    throw ServerFailure("no free loopback port found");
}

std::filesystem::path cache_directory() {
    const std::string chosen = environment_or("TRIBUTARY_CACHE", "");
    if (!chosen.empty()) {
        return std::filesystem::absolute(chosen);
    }
    if (::geteuid() == 0) {
        return "/var/cache/tributary";
    }
    return std::filesystem::path(environment_or("HOME", "/tmp")) / ".cache/tributary";
}

}  // namespace tributary::servers
