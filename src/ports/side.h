// Side: small values that a source keeps in the log beside its stream because they outlive a
// transaction or a session: packet identifiers not yet released (MQTT), rows of prepared XA
// transactions (MySQL), how far a snapshot is. They are written by EntrySink::put_side() and
// erase_side(), atomically with the entry appended next, and belong to the stream: a new stream
// starts without any. Not trimmed and not counted against the log's bound: each source bounds its
// own.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tributary {

inline constexpr std::size_t kSideKeyBytesMax = 1024;

struct SideEntry {
    std::string key;
    std::string value;
};

// Reads what was written, also what is still on its way to the disk. The intake thread.
// kLogIo, kLogCorrupt.
class SideReader {
  public:
    virtual ~SideReader() = default;

    // nullopt: no such key.
    [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view key) const = 0;

    // The first `limit` entries whose keys begin with `prefix` and are greater than `after`, in
    // byte order of their keys. Go on with the last key as `after`.
    [[nodiscard]] virtual Result<std::vector<SideEntry>> scan(std::string_view prefix,
                                                              std::string_view after,
                                                              std::size_t limit) const = 0;
};

}  // namespace tributary
