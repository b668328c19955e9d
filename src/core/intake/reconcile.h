// What the log and Kafka's checkpoint say about each other (ports/source.h, Source::reconcile()),
// for sources whose positions have an order that only their connector knows. Pure; any thread.
#pragma once

#include <compare>
#include <functional>
#include <string_view>

#include "model/checkpoint.h"
#include "ports/source.h"

namespace tributary::core {

// `identity`: of the server; empty when none was reached yet. `readable`: the checkpoint's
// positions are of this connector. `order`: the checkpoint's position against the log's, called
// only when both can be compared; unordered: they are of different histories.
[[nodiscard]] Verdict reconcile(const LogExtent& log,
                                const Checkpoint& checkpoint,
                                std::string_view identity,
                                bool readable,
                                const std::function<std::partial_ordering()>& order);

}  // namespace tributary::core
