// materialise: state equality and duplicate count (reference 7.4, oracles 2 and 4). Both sides are
// brought to one form per column: numbers and booleans as JSON, numeric as the text of its digits,
// jsonb parsed, timestamptz as Debezium writes it, timestamp and date as numbers, everything else
// as text.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "base/base64.h"
#include "format/record_header.h"
#include "tests/consumer/verbs.h"
#include "tests/servers/failure.h"
#include "tests/servers/kafka_reader.h"
#include "tests/servers/sql.h"

namespace tributary::consumer {
namespace {

using nlohmann::json;
using Rows = std::multiset<std::string>;  // each row as canonical JSON

constexpr int kShown = 10;

struct ColumnInfo {
    std::string name;
    std::string type;
    int scale = 0;
};

std::vector<ColumnInfo> columns_of(servers::SqlConnection& sql,
                                   const std::string& schema,
                                   const std::string& table) {
    const auto answer = sql.sql(
        "SELECT column_name, data_type, coalesce(numeric_scale, 0) FROM information_schema.columns "
        "WHERE table_schema = " +
        servers::sql_literal(schema) + " AND table_name = " + servers::sql_literal(table) +
        " ORDER BY ordinal_position");
    std::vector<ColumnInfo> columns;
    for (const auto& row : answer.rows) {
        columns.push_back({row.at(0).value(), row.at(1).value(), std::stoi(row.at(2).value())});
    }
    return columns;
}

std::string canonical_sql(const ColumnInfo& column) {
    const std::string name = servers::sql_identifier(column.name);
    if (column.type == "numeric") {
        return name + "::text";
    }
    if (column.type == "timestamp with time zone") {
        return "to_char(" + name + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
    }
    if (column.type == "timestamp without time zone") {
        return "(extract(epoch from " + name + ") * 1000000)::bigint";
    }
    if (column.type == "date") {
        return "(" + name + " - date '1970-01-01')";
    }
    return name;
}

// Unscaled big-endian two's complement of at most 8 bytes, with `scale` digits after the point.
std::string decimal_text(const std::string& bytes, int scale) {
    if (bytes.empty() || bytes.size() > 8) {
        throw servers::ServerFailure("a decimal of " + std::to_string(bytes.size()) + " bytes");
    }
    std::int64_t value = (static_cast<unsigned char>(bytes.front()) & 0x80U) != 0 ? -1 : 0;
    for (const char byte : bytes) {
        value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << 8U |
                                          static_cast<unsigned char>(byte));
    }
    const bool negative = value < 0;
    std::string digits;
    for (std::int64_t left = negative ? -value : value;
         left > 0 || digits.size() <= static_cast<std::size_t>(scale);
         left /= 10) {
        digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(left % 10)));
    }
    if (scale > 0) {
        digits.insert(digits.size() - static_cast<std::size_t>(scale), ".");
    }
    return (negative ? "-" : "") + digits;
}

json canonical(const ColumnInfo& column, const json& value) {
    if (value.is_null()) {
        return value;
    }
    if (column.type == "numeric") {
        return decimal_text(from_base64(value.get<std::string>()).value(), column.scale);
    }
    if (column.type == "jsonb" || column.type == "json") {
        return json::parse(value.get<std::string>());
    }
    return value;
}

Rows rows_of_table(servers::SqlConnection& sql,
                   const std::string& schema,
                   const std::string& table,
                   const std::vector<ColumnInfo>& columns) {
    std::string list;
    for (const ColumnInfo& column : columns) {
        list += (list.empty() ? "" : ", ") + servers::sql_literal(column.name) + ", " +
                canonical_sql(column);
    }
    const auto answer =
        sql.sql("SELECT jsonb_build_object(" + list + ") FROM " + servers::sql_identifier(schema) +
                "." + servers::sql_identifier(table));
    Rows rows;
    for (const auto& row : answer.rows) {
        rows.insert(json::parse(row.at(0).value()).dump());
    }
    return rows;
}

// Counts identities seen before.
class Identities {
  public:
    void add(const servers::KafkaRecord& record) {
        const auto* header = record.header("tributary");
        if (header == nullptr || !header->value) {
            throw servers::ServerFailure(record.topic + ": a record without tributary header");
        }
        const auto parsed = format::parse_record_header(*header->value);
        if (!parsed) {
            throw servers::ServerFailure(record.topic + ": " + parsed.error().what());
        }
        const auto& id = parsed.value();
        repeated_ +=
            seen_.emplace(
                     std::string(id.source), std::string(id.position), id.ordinal, id.sub_index)
                    .second
                ? 0
                : 1;
    }
    [[nodiscard]] std::size_t repeated() const { return repeated_; }

  private:
    std::set<std::tuple<std::string, std::string, std::uint32_t, std::uint16_t>> seen_;
    std::size_t repeated_ = 0;
};

Rows rows_of_topic(servers::KafkaReader& reader,
                   const std::string& topic,
                   const std::vector<ColumnInfo>& columns,
                   Identities& identities) {
    std::map<std::string, json> by_key;
    for (const servers::KafkaRecord& record : reader.read(topic)) {
        identities.add(record);
        if (!record.value) {
            by_key.erase(record.key.value());
            continue;
        }
        const json value = json::parse(*record.value);
        const json& payload = value.contains("payload") ? value.at("payload") : value;
        const json& after = payload.at("after");
        if (after.is_null()) {
            by_key.erase(record.key.value());
        } else {
            by_key[record.key.value()] = after;
        }
    }
    Rows rows;
    for (const auto& [key, after] : by_key) {
        json row = json::object();
        for (const ColumnInfo& column : columns) {
            // A column that was added later is absent from older events, and null in their rows.
            row[column.name] = canonical(column, after.value(column.name, json()));
        }
        rows.insert(row.dump());
    }
    return rows;
}

int differences(const std::string& table, const Rows& expected, const Rows& found) {
    std::vector<std::string> missing;
    std::vector<std::string> surplus;
    std::set_difference(
        expected.begin(), expected.end(), found.begin(), found.end(), std::back_inserter(missing));
    std::set_difference(
        found.begin(), found.end(), expected.begin(), expected.end(), std::back_inserter(surplus));
    int shown = 0;
    for (const auto& row : missing) {
        if (shown++ < kShown) {
            std::cerr << table << " only in the table:  " << row << '\n';
        }
    }
    for (const auto& row : surplus) {
        if (shown++ < kShown) {
            std::cerr << table << " only in the topics: " << row << '\n';
        }
    }
    return shown;
}

}  // namespace

int materialise(const Materialise& arguments) {
    servers::SqlConnection sql(arguments.conninfo);
    servers::KafkaReader reader({.bootstrap = arguments.bootstrap});
    Identities identities;
    std::size_t in_tables = 0;
    std::size_t in_topics = 0;
    int different = 0;
    for (const std::string& name : arguments.tables) {
        const auto dot = name.find('.');
        const std::string schema = name.substr(0, dot);
        const std::string table = name.substr(dot + 1);
        const auto columns = columns_of(sql, schema, table);
        const Rows expected = rows_of_table(sql, schema, table, columns);
        const Rows found =
            rows_of_topic(reader, arguments.prefix + "." + name, columns, identities);
        in_tables += expected.size();
        in_topics += found.size();
        different += differences(name, expected, found);
    }
    const bool proven = different == 0 && identities.repeated() == 0;
    std::cout << (proven ? "PROVEN" : "FAILED")
              << ": rows in the tables = rows materialised from the topics: " << in_tables << " = "
              << in_topics << ", " << different << " differ, " << identities.repeated()
              << " repeated\n";
    return proven ? 0 : 1;
}

}  // namespace tributary::consumer
