// VisibleSet: which transactions a statement's snapshot sees, as pg_current_snapshot() says, asked
// by the 32-bit transaction ids that Begin messages carry. Pure; any thread. PostgreSQL 15 manual
// 9.27.8, "pg_snapshot"; ids are compared modulo 2^32, as the server compares them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tributary::postgresql {

class VisibleSet {
  public:
    // "xmin:xmax:xip,xip", 64-bit numbers; nullopt for anything else.
    [[nodiscard]] static std::optional<VisibleSet> parse(std::string_view text);

    // Whether the transaction had ended: its changes are seen if it committed. Of top-level ids.
    [[nodiscard]] bool sees(std::uint32_t xid) const;

  private:
    std::uint32_t end_ = 0;                   // xmax: it and later ones are not seen
    std::vector<std::uint32_t> in_progress_;  // sorted
};

}  // namespace tributary::postgresql
