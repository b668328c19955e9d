// Two captures of the same history, Debezium's and ours, compared field by field. Pure.
//
// Events are aligned by their LSN and operation, tombstones belong to the delete before them in
// their partition. Without schemas the keys must be the same bytes in the same partition; with
// schemas a key names its topic prefix, so partitions are merged by LSN, after each was checked to
// be in order of it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/servers/kafka_reader.h"

namespace tributary::differential {

// Order of fields counts, in schemas as in rows.
using Json = nlohmann::ordered_json;

struct Capture {
    std::string prefix;  // of the same length on both sides
    std::map<std::string, std::vector<servers::KafkaRecord>> topics = {};  // without the prefix
};

struct Difference {
    std::string topic;                   // without the prefix
    std::string event;                   // "u at 24023128"
    std::string path;                    // "value.payload.after.v", "key", "headers.tributary"
    std::optional<Json> debezium = {};   // none: not there
    std::optional<Json> tributary = {};  // none: not there
};

struct Comparison {
    std::vector<Difference> differences;
    std::size_t events = 0;  // compared, of Debezium's
    std::size_t tombstones = 0;
};

[[nodiscard]] Comparison compare(const Capture& debezium, const Capture& tributary, bool schemas);

// One line: where, and both values, cut to a readable length.
[[nodiscard]] std::string describe(const Difference& difference);

}  // namespace tributary::differential
