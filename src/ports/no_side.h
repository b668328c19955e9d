// A SideReader of an empty side keyspace, for sources that are opened without a log: tests, checks.
// Any thread.
#pragma once

#include "ports/side.h"

namespace tributary {

class NoSide final : public SideReader {
  public:
    [[nodiscard]] Result<std::optional<std::string>> get(std::string_view /*key*/) const override {
        return std::optional<std::string>();
    }
    [[nodiscard]] Result<std::vector<SideEntry>> scan(std::string_view /*prefix*/,
                                                      std::string_view /*after*/,
                                                      std::size_t /*limit*/) const override {
        return std::vector<SideEntry>();
    }
};

}  // namespace tributary
