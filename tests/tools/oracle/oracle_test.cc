// The judge must be able to say no: each agreement beside the disagreement next to it.
#include <gtest/gtest.h>

#include "format/record_header.h"
#include "tests/tools/oracle/canonical.h"
#include "tests/tools/oracle/materialise.h"
#include "tests/tools/oracle/readings.h"

namespace tributary::oracle {
namespace {

using nlohmann::json;

Column column(const std::string& type, int typmod = -1) {
    Column result{.name = "c"};
    set_type(result, type, typmod, "c");
    return result;
}

void expect_same(const std::string& type, int typmod, const std::string& sql, const json& event) {
    const Column described = column(type, typmod);
    EXPECT_EQ(from_sql(described, sql), from_event(described, event)) << type;
}

void expect_different(const std::string& type,
                      int typmod,
                      const std::string& sql,
                      const json& event) {
    const Column described = column(type, typmod);
    EXPECT_NE(from_sql(described, sql), from_event(described, event)) << type;
}

constexpr int kNumeric10_2 = (10 << 16) + 2 + 4;

TEST(Canonical, means_the_same_on_both_sides) {
    expect_same("int4", -1, "42", 42);
    expect_same("bool", -1, "true", true);
    expect_same("numeric", kNumeric10_2, "5.00", "AfQ=");
    expect_same("numeric", kNumeric10_2, "-1.50", "/2o=");
    expect_same("numeric", -1, "1.10", json{{"scale", 1}, {"value", "Cw=="}});
    expect_same("numeric", -1, "12.5", "12.50");
    expect_same("float8", -1, "1e+20", 1e20);
    expect_same("float4", -1, "0.1", 0.1);
    expect_same("float8", -1, "NaN", "NaN");
    expect_same("bytea", -1, "\\x00ff", "AP8=");
    expect_same("varbit", -1, "101", "BQ==");
    expect_same("bpchar", 9, "ab", "ab   ");
    expect_same("timestamptz", -1, "2016-11-04T11:51:30.120000Z", "2016-11-04T11:51:30.12Z");
    expect_same("text", -1, "", "");
    EXPECT_EQ(from_event(column("text"), nullptr), std::nullopt);
}

TEST(Canonical, tells_neighbours_apart) {
    expect_different("int4", -1, "42", 43);
    expect_different("numeric", kNumeric10_2, "5.01", "AfQ=");
    expect_different("float8", -1, "0.1", 0.10000001);
    expect_different("bytea", -1, "\\x00fe", "AP8=");
    expect_different("text", -1, "a ", "a");
    expect_different("text", -1, "", nullptr);
    expect_different("timestamptz", -1, "2016-11-04T11:51:30.120000Z", "2016-11-04T11:51:30.13Z");
}

TEST(Canonical, compares_arrays_flat_and_by_element) {
    Column array = column("numeric", kNumeric10_2);
    array.array = true;
    EXPECT_EQ(from_sql(array, R"(["5.00", null])"),
              from_event(array, json::array({"AfQ=", nullptr})));
    EXPECT_EQ(from_sql(array, R"(["5", "5"])"),
              from_event(array, json::array({{"AfQ="}, {"AfQ="}})));
    EXPECT_NE(from_sql(array, R"(["5.00"])"), from_event(array, json::array({"AfQ=", nullptr})));
}

TEST(Canonical, prints_decimals_of_any_length) {
    EXPECT_EQ(decimal_text("", 2), "0.00");
    EXPECT_EQ(decimal_text(std::string("\xff", 1), 3), "-0.001");
    EXPECT_EQ(decimal_text(std::string("\x01\x00\x00\x00\x00\x00\x00\x00\x00", 9), 0),
              "18446744073709551616");
    EXPECT_EQ(decimal_text("\x05", -2), "500");
    EXPECT_THROW(static_cast<void>(decode_base64("A?==")), std::runtime_error);
}

// Gives each record the next ordinal, so that only a copied one repeats.
class Topic {
  public:
    TopicTable table;

    void apply(const json& key, const json& event) {
        identity_.clear();
        format::append_record_header(identity_,
                                     {.source = "s",
                                      .position = "p",
                                      .ordinal = ordinal_++,
                                      .sub_index = 0,
                                      .sequence = Sequence{}});
        again(key, event, 1);
    }
    // The last identity again, under another sequence.
    void again(const json& key, const json& event, std::uint64_t sequence) {
        auto parsed = format::parse_record_header(identity_).value();
        parsed.sequence = Sequence(sequence);
        std::string identity;
        format::append_record_header(identity, parsed);
        const std::string key_text = key.dump();
        const std::string value_text = event.dump();
        table.apply(
            {.key = key.is_null() ? std::nullopt : std::optional<std::string_view>(key_text),
             .value = event.is_null() ? std::nullopt : std::optional<std::string_view>(value_text),
             .identity = identity});
    }
    [[nodiscard]] std::vector<CanonicalRow> rows() const {
        Column id = column("int4");
        id.name = "id";
        Column name = column("text");
        name.name = "name";
        name.missing = "default";
        return table.rows({id, name});
    }

  private:
    std::string identity_;
    std::uint32_t ordinal_ = 0;
};

json event(const std::string& op, const json& before, const json& after) {
    return {{"op", op}, {"before", before}, {"after", after}};
}

TEST(TopicTable, follows_inserts_updates_key_changes_deletes_and_truncates) {
    Topic topic;
    topic.apply({{"id", 1}}, event("c", nullptr, {{"id", 1}, {"name", "a"}}));
    topic.apply({{"id", 1}}, event("u", nullptr, {{"id", 1}, {"name", "b"}}));
    EXPECT_EQ(topic.rows(), (std::vector<CanonicalRow>{{{"id", "1"}, {"name", "b"}}}));

    topic.apply({{"id", 1}}, event("d", {{"id", 1}}, nullptr));
    topic.apply({{"id", 1}}, nullptr);
    topic.apply({{"id", 2}}, event("c", nullptr, {{"id", 2}, {"name", kUnavailable}}));
    EXPECT_EQ(topic.rows(), (std::vector<CanonicalRow>{{{"id", "2"}, {"name", "b"}}}));

    topic.apply({{"id", 3}}, event("r", nullptr, {{"id", 3}}));
    EXPECT_EQ(topic.rows().back(), (CanonicalRow{{"id", "3"}, {"name", "default"}}));
    topic.apply(nullptr, event("t", nullptr, nullptr));
    EXPECT_TRUE(topic.rows().empty());
    EXPECT_EQ(topic.table.records(), 7U);
    EXPECT_EQ(topic.table.repeated(), 0U);
    EXPECT_EQ(topic.table.unidentified(), 0U);
}

TEST(TopicTable, takes_the_payload_when_the_schema_is_sent_along) {
    Topic topic;
    topic.apply({{"schema", {}}, {"payload", {{"id", 1}}}},
                {{"schema", {}}, {"payload", event("c", nullptr, {{"id", 1}, {"name", "a"}})}});
    EXPECT_EQ(topic.rows().size(), 1U);
    EXPECT_EQ(topic.table.key_fields(), std::vector<std::string>{"id"});
}

TEST(TopicTable, counts_an_identity_seen_before_whatever_its_sequence) {
    Topic topic;
    topic.apply({{"id", 1}}, event("c", nullptr, {{"id", 1}, {"name", "a"}}));
    topic.again({{"id", 1}}, event("c", nullptr, {{"id", 1}, {"name", "a"}}), 77);
    EXPECT_EQ(topic.table.repeated(), 1U);
}

TEST(TopicTable, counts_records_without_identity) {
    TopicTable table;
    table.apply({.key = R"({"id":1})", .value = std::nullopt, .identity = std::nullopt});
    table.apply({.key = R"({"id":1})", .value = std::nullopt, .identity = "x"});
    EXPECT_EQ(table.unidentified(), 2U);
}

TEST(TopicTable, keeps_equal_rows_of_a_table_without_key) {
    Topic topic;
    const json row = {{"id", 1}, {"name", "a"}};
    topic.apply(nullptr, event("c", nullptr, row));
    topic.apply(nullptr, event("c", nullptr, row));
    topic.apply(nullptr, event("u", row, {{"id", 2}, {"name", "a"}}));
    EXPECT_EQ(topic.rows().size(), 2U);
    topic.apply(nullptr, event("d", row, nullptr));
    EXPECT_EQ(topic.rows(), (std::vector<CanonicalRow>{{{"id", "2"}, {"name", "a"}}}));
}

TEST(Compare, finds_what_is_missing_too_much_and_different) {
    const CanonicalRow one{{"id", "1"}, {"name", "a"}};
    const CanonicalRow other{{"id", "1"}, {"name", std::nullopt}};
    const CanonicalRow two{{"id", "2"}, {"name", "a"}};
    EXPECT_EQ(compare("t", {"id"}, {one, two}, {two, one}, 10).count, 0U);
    EXPECT_EQ(compare("t", {"id"}, {one}, {other}, 10).count, 1U);
    EXPECT_EQ(compare("t", {"id"}, {one}, {}, 10).count, 1U);
    EXPECT_EQ(compare("t", {"id"}, {}, {one}, 10).count, 1U);
    EXPECT_EQ(compare("t", {"id"}, {one}, {one, one}, 10).count, 1U);
    const Differences both = compare("t", {"id"}, {one}, {two}, 1);
    EXPECT_EQ(both.count, 2U);
    EXPECT_EQ(both.examples.size(), 1U);
}

TEST(Readings, are_each_there_once_or_it_is_said) {
    Readings readings;
    for (const char* value :
         {R"({"dev":"a","seq":1})", R"({"dev":"a","seq":2})", R"({"dev":"b","seq":1})"}) {
        readings.add(value);
    }
    EXPECT_EQ(readings.distinct(), 3U);
    EXPECT_EQ(readings.missing(), 0U);
    EXPECT_EQ(readings.repeated(), 0U);
    readings.add(R"({"dev":"b","seq":1})");
    readings.add(R"({"dev":"b","seq":4})");
    EXPECT_EQ(readings.missing(), 2U);
    EXPECT_EQ(readings.repeated(), 1U);
    EXPECT_ANY_THROW(readings.add("tombstone"));
}

}  // namespace
}  // namespace tributary::oracle
