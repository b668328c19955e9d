// The comparison itself must be able to fail: one spoiled record of every kind, each beside the
// same capture unspoiled.
#include "tests/differential/compare.h"

#include <gtest/gtest.h>

#include <functional>

namespace tributary::differential {
namespace {

using servers::KafkaRecord;

// An insert, an update of its key (delete, tombstone, create) and an update, as either side would
// write them.
Capture capture(const std::string& prefix, bool schemas) {
    const auto event = [&](const std::string& op, int lsn, int before, int after) {
        const auto row = [](int id) {
            return id == 0 ? Json(nullptr) : Json{{"id", id}, {"v", "text"}};
        };
        Json payload{{"before", row(before)},
                     {"after", row(after)},
                     {"source", {{"name", prefix}, {"lsn", lsn}}},
                     {"op", op},
                     {"ts_ms", 5}};
        if (schemas) {
            const Json field{{"type", "int32"}, {"optional", false}, {"field", "id"}};
            payload = Json{{"schema",
                            {{"type", "struct"},
                             {"fields", Json::array({field})},
                             {"name", prefix + ".s.t.Envelope"}}},
                           {"payload", payload}};
        }
        return payload.dump();
    };
    const auto key = [](int id) { return "{\"id\":" + std::to_string(id) + "}"; };
    Capture out{.prefix = prefix};
    auto& records = out.topics["s.t"];
    const auto add = [&](std::string record_key, std::optional<std::string> value) {
        records.push_back({.topic = prefix + ".s.t",
                           .offset = static_cast<std::int64_t>(records.size()),
                           .key = std::move(record_key),
                           .value = std::move(value),
                           .headers = {}});
    };
    add(key(1), event("c", 10, 0, 1));
    add(key(1), event("d", 20, 1, 0));
    add(key(1), std::nullopt);
    add(key(2), event("c", 20, 0, 2));
    add(key(2), event("u", 30, 2, 2));
    return out;
}

using Spoil = std::function<void(std::vector<KafkaRecord>&)>;

std::vector<std::string> paths(const Spoil& spoil, bool schemas = false) {
    const Capture debezium = capture("dbz", schemas);
    Capture tributary = capture("tri", schemas);
    spoil(tributary.topics["s.t"]);
    std::vector<std::string> out;
    for (const Difference& difference : compare(debezium, tributary, schemas).differences) {
        out.push_back(difference.path);
    }
    return out;
}

void replace(std::optional<std::string>& text, const std::string& from, const std::string& to) {
    text->replace(text->find(from), from.size(), to);
}

using Paths = std::vector<std::string>;

TEST(Compare, two_captures_that_differ_in_their_prefix_only_are_the_same) {
    for (const bool schemas : {false, true}) {
        EXPECT_EQ(paths([](auto&) {}, schemas), Paths{});
        const Comparison whole = compare(capture("dbz", schemas), capture("tri", schemas), schemas);
        EXPECT_EQ(whole.events, 4U);
        EXPECT_EQ(whole.tombstones, 1U);
    }
}

TEST(Compare, a_lost_or_repeated_event_is_seen) {
    EXPECT_EQ(paths([](auto& records) { records.pop_back(); }), Paths{"event"});
    EXPECT_EQ(paths([](auto& records) { records.push_back(records.back()); }), Paths{"event"});
    EXPECT_EQ(paths([](auto& records) { records.erase(records.begin() + 2); }),
              Paths{"tombstones"});
    EXPECT_EQ(paths([](auto& records) { records.clear(); }).size(), 4U);
}

TEST(Compare, events_in_another_order_are_seen) {
    const auto seen = paths([](auto& records) { std::swap(records[3], records[4]); });
    EXPECT_EQ(seen, Paths{"order"});
}

TEST(Compare, another_key_partition_or_header_is_seen) {
    EXPECT_EQ(paths([](auto& records) { records[0].key = "{\"id\": 1}"; }), Paths{"key"});
    EXPECT_EQ(paths([](auto& records) { records[0].key.reset(); }), Paths{"key"});
    EXPECT_EQ(paths([](auto& records) { records[0].partition = 1; }), Paths{"partition"});
    EXPECT_EQ(paths([](auto& records) {
                  records[4].headers.push_back({"h", "1"});
              }),
              Paths{"headers.h"});
}

TEST(Compare, another_value_type_field_or_order_of_fields_is_seen) {
    EXPECT_EQ(paths([](auto& records) { replace(records[0].value, "\"text\"", "\"other\""); }),
              Paths{"value.after.v"});
    EXPECT_EQ(paths([](auto& records) { replace(records[0].value, "\"text\"", "null"); }),
              Paths{"value.after.v"});
    EXPECT_EQ(
        paths([](auto& records) { replace(records[0].value, "\"ts_ms\":5", "\"ts_ms\":5.0"); }),
        Paths{"value.ts_ms"});
    EXPECT_EQ(paths([](auto& records) { replace(records[0].value, ",\"ts_ms\":5", ""); }),
              Paths{"value.ts_ms"});
    EXPECT_EQ(paths([](auto& records) {
                  replace(records[0].value, R"("op":"c","ts_ms":5)", R"("ts_ms":5,"op":"c")");
              }),
              Paths{"value (order of fields)"});
}

TEST(Compare, another_schema_is_seen) {
    EXPECT_EQ(paths([](auto& records) { replace(records[0].value, "int32", "int64"); }, true),
              Paths{"value.schema.fields.id.type"});
    EXPECT_EQ(
        paths([](auto& records) { replace(records[0].value, "tri.s.t.E", "tri.s.u.E"); }, true),
        Paths{"value.schema.name"});
}

TEST(Compare, a_binary_log_is_ordered_by_file_offset_and_row) {
    EXPECT_LT(place_of("binlog.000009", 900, 0), place_of("binlog.000010", 4, 0));
    EXPECT_LT(place_of("binlog.000009", 4, 7), place_of("binlog.000009", 5, 0));
    EXPECT_EQ(number_of_transaction("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-23"), 23U);
    EXPECT_EQ(number_of_transaction("0-1011-5"), 5U);
    EXPECT_EQ(number_of_transaction("571:53195829"), 571U);
}

TEST(Compare, what_lies_before_the_start_is_left_out) {
    Capture debezium = capture("dbz", false);
    Capture tributary = capture("tri", false);
    tributary.topics["s.t"].erase(tributary.topics["s.t"].begin());
    EXPECT_EQ(compare(debezium, tributary, false).differences.size(), 1U);
    debezium.start = tributary.start = {.place = 20};
    EXPECT_TRUE(compare(debezium, tributary, false).differences.empty());
}

TEST(Compare, a_transaction_of_one_side_only_is_told_by_its_end) {
    const auto block = [](const std::string& status) {
        return KafkaRecord{.topic = "dbz.transaction",
                           .key = R"({"id":"0-1-5"})",
                           .value = R"({"status":")" + status + R"(","id":"0-1-5"})",
                           .headers = {}};
    };
    Capture debezium = capture("dbz", false);
    debezium.topics["transaction"] = {block("BEGIN"), block("END")};
    const auto seen = compare(debezium, capture("tri", false), false).differences;
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].event, "END at 5");
}

}  // namespace
}  // namespace tributary::differential
