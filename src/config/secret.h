// Secret: a password or key in memory. It prints as ***, never compares or hashes, and its bytes
// are overwritten when it dies or moves. Values come only from ${file:..}, ${env:..} or ${cred:..}.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace tributary::config {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string_view value) : value_(value) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
    Secret& operator=(const Secret& other);
    Secret& operator=(Secret&& other) noexcept;
    ~Secret() { wipe(); }

    [[nodiscard]] bool empty() const noexcept { return value_.empty(); }
    // The plain text; valid while this lives. Hand it to a client library and nowhere else.
    [[nodiscard]] const std::string& reveal() const noexcept { return value_; }

    friend std::ostream& operator<<(std::ostream& out, const Secret& secret) {
        return out << (secret.empty() ? "" : "***");
    }

  private:
    void wipe() noexcept;
    std::string value_;
};

}  // namespace tributary::config
