// What committed readers see of the cluster's topics from now on, for `tributary tap --at kafka`.
// Joins no group and commits no offset. One thread; blocks until `stop` says so.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/kafka/options.h"
#include "ports/clock.h"

namespace tributary::kafka {

// Views are valid inside the call.
struct TappedRecord {
    std::string_view topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::int64_t time_ms = 0;  // the record's timestamp; -1: none
    std::optional<std::string_view> key;
    std::optional<std::string_view> value;
};

struct TapCalls {
    std::function<void(const TappedRecord&)> record;
    std::function<void(std::size_t)> topics;  // how many topics match, whenever that changed
    std::function<bool()> stop;               // asked every 100 ms at least
};

// Records of topics that match `pattern` (base/glob.h), those made later included. Kafka's own
// topics (`__..`) are left out. kKafka.. when the cluster cannot be reached within 10 s, or denies.
[[nodiscard]] Result<void> tap(const Options& options,
                               const std::string& pattern,
                               const Clock& clock,
                               const TapCalls& calls);

}  // namespace tributary::kafka
