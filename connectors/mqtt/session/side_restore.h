// Reading the side keyspace back at start, page by page.
#pragma once

#include <string>

#include "connectors/mqtt/session/dedupe.h"
#include "ports/side.h"

namespace tributary::mqtt {

// Calls `take(entry, owner) -> Result<void>` for each entry of `kind`, in the order of keys.
// kLogIo, kLogCorrupt.
template <typename Take>
[[nodiscard]] Result<void> restore_all(const SideReader& side, char kind, Take take) {
    constexpr std::size_t kPage = 256;
    std::string after;
    for (;;) {
        TRIBUTARY_TRY(page, side.scan(std::string(1, kind), after, kPage));
        for (const SideEntry& entry : page) {
            TRIBUTARY_TRY(owner, side_owner(entry.key));
            TRIBUTARY_TRY_VOID(take(entry, owner));
        }
        if (page.size() < kPage) {
            return success();
        }
        after = page.back().key;
    }
}

}  // namespace tributary::mqtt
