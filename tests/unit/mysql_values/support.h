// Bytes of table maps and rows for tests.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "connectors/mysql/values/table_map.h"

namespace tributary::mysql::test {

inline std::string hex(std::string_view digits) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
        bytes.push_back(
            static_cast<char>(std::stoi(std::string(digits.substr(at, 2)), nullptr, 16)));
    }
    return bytes;
}

// A TABLE_MAP body of up to 250 columns; `optional` is appended as it is.
struct MapSketch {
    std::string database = "shop";
    std::string table = "orders";
    std::string types{};
    std::string metadata{};
    std::string nulls{};
    std::string optional{};
};

inline std::string map_body(const MapSketch& sketch) {
    std::string body;
    append_fixed(body, std::uint32_t{77});
    append_fixed(body, std::uint16_t{0});
    append_fixed(body, std::uint16_t{1});
    for (const std::string& name : {sketch.database, sketch.table}) {
        body.push_back(static_cast<char>(name.size()));
        body += name;
        body.push_back('\0');
    }
    body.push_back(static_cast<char>(sketch.types.size()));
    body += sketch.types;
    body.push_back(static_cast<char>(sketch.metadata.size()));
    body += sketch.metadata;
    body += sketch.nulls;
    return body + sketch.optional;
}

// One field of optional metadata.
inline std::string field(int type, std::string_view bytes) {
    return std::string(1, static_cast<char>(type)) + static_cast<char>(bytes.size()) +
           std::string(bytes);
}

inline std::string names(const std::vector<std::string>& all) {
    std::string bytes;
    for (const std::string& name : all) {
        bytes.push_back(static_cast<char>(name.size()));
        bytes += name;
    }
    return field(4, bytes);
}

}  // namespace tributary::mysql::test
