// Two captures of the same history, Debezium's and ours, compared field by field. Pure.
//
// Events are aligned by their place in the source (LSN; or file, offset and row), rows of a
// snapshot by their order in the topic. Tombstones belong to the delete before them in their
// partition. Without schemas the keys must be the same bytes in the same partition; with schemas a
// key names its topic prefix, so partitions are merged by place, after each was checked to be in
// order of it.
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

// What lies before is not compared.
struct Start {
    std::uint64_t place = 0;
    std::uint64_t transaction = 0;
};

struct Capture {
    std::string prefix;  // of the same length on both sides
    Start start = {};
    std::map<std::string, std::vector<servers::KafkaRecord>> topics = {};  // without prefix and dot
};

struct Difference {
    std::string topic;                   // without the prefix
    std::string event;                   // "u at 24023128"
    std::string path;                    // "value.payload.after.v", "key", "headers.tributary"
    std::optional<Json> debezium = {};   // none: not there
    std::optional<Json> tributary = {};  // none: not there
    // Of a value in a row, where there are schemas: the default that Debezium's has for it.
    std::optional<Json> default_value = {};
};

struct Comparison {
    std::vector<Difference> differences;
    std::size_t events = 0;  // compared, of Debezium's
    std::size_t tombstones = 0;
};

[[nodiscard]] Comparison compare(const Capture& debezium, const Capture& tributary, bool schemas);

// Its number by its id in transaction metadata: the xid of "11062:335865072", the last of
// "3e11fa47-..:23" and "0-1-5".
[[nodiscard]] std::uint64_t number_of_transaction(const std::string& id);

// A place in a binary log, to order by.
[[nodiscard]] std::uint64_t place_of(const std::string& file,
                                     std::uint64_t offset,
                                     std::uint64_t row);

// One line: where, and both values, cut to a readable length.
[[nodiscard]] std::string describe(const Difference& difference);

}  // namespace tributary::differential
