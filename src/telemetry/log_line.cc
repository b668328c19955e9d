#include "telemetry/log_line.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/assert.h"

namespace tributary::telemetry {

namespace {

std::string_view level_name(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warn:
            return "warn";
        case LogLevel::error:
            return "error";
    }
    TRIBUTARY_ASSERT(false);
}

void append_clean(std::string& out, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte < 0x20U || byte == 0x7FU ? ' ' : c;
    }
}

}  // namespace

std::string timestamp(std::int64_t wall_time_us) {
    constexpr std::int64_t kSecond = 1'000'000;
    std::int64_t seconds = wall_time_us / kSecond;
    std::int64_t rest = wall_time_us % kSecond;
    if (rest < 0) {
        rest += kSecond;
        --seconds;
    }
    const std::time_t time = seconds;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 32> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::array<char, 16> fraction{};
    const int printed =
        std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(rest / 1000));
    TRIBUTARY_ASSERT(printed > 0);
    return std::string(text.data(), length) + fraction.data();
}

std::string to_text(const LogLine& line) {
    std::string level(level_name(line.level));
    level.resize(6, ' ');
    return timestamp(line.wall_time_us) + " " + level + to_message(line);
}

std::string to_message(const LogLine& line) {
    std::string out;
    if (!line.pipeline.empty()) {
        out += "[";
        append_clean(out, line.pipeline);
        out += "] ";
    }
    append_clean(out, line.message);
    for (const LogField& field : line.fields) {
        out += ' ';
        out += field.name;
        out += '=';
        const bool quoted = field.value.empty() || field.value.find(' ') != std::string_view::npos;
        out += quoted ? "\"" : "";
        append_clean(out, field.value);
        out += quoted ? "\"" : "";
    }
    return out;
}

std::string to_json(const LogLine& line) {
    nlohmann::ordered_json object;
    object["time"] = timestamp(line.wall_time_us);
    object["level"] = level_name(line.level);
    if (!line.pipeline.empty()) {
        object["pipeline"] = line.pipeline;
    }
    object["message"] = line.message;
    for (const LogField& field : line.fields) {
        object[std::string(field.name)] = field.value;
    }
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace tributary::telemetry
