// Reading a log without disturbing it: what `buffer peek` and `buffer verify` print. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ports/event_log.h"

namespace tributary::runtime {

// Entries of the live stream of `pipeline` from sequence `from` on, at most `limit`, one JSON
// object a line: sequence, kind, schema, ordinal, intake_time_us, bytes; with `values` context and
// payload in base64 too.
[[nodiscard]] Result<std::string> peek_log(
    EventLog& log, std::string_view pipeline, std::uint64_t from, std::size_t limit, bool values);

// One such line.
[[nodiscard]] Result<std::string> entry_line(EventLog& log,
                                             StreamId stream,
                                             const Entry& entry,
                                             bool values);

// Reads and checks every entry of every stream that is not set aside; how many there were.
[[nodiscard]] Result<std::uint64_t> verify_log(EventLog& log);

}  // namespace tributary::runtime
