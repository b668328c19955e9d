// One log line, as text for people or as a JSON object.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ports/observer.h"

namespace tributary::telemetry {

struct LogLine {
    std::int64_t wall_time_us = 0;
    LogLevel level = LogLevel::info;
    std::string_view pipeline;
    std::string_view message;
    std::span<const LogField> fields;
};

// RFC 3339 in UTC with milliseconds: 2026-11-21T04:49:00.123Z. Years 0 to 9999.
[[nodiscard]] std::string timestamp(std::int64_t wall_time_us);

// Pipeline, message and fields without a line end; control characters are replaced, so that one
// event is one line.
[[nodiscard]] std::string to_message(const LogLine& line);
// The same after time and level.
[[nodiscard]] std::string to_text(const LogLine& line);
// {"time":..,"level":..,"pipeline":..,"message":..,<fields>}; bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string to_json(const LogLine& line);

}  // namespace tributary::telemetry
