#include "tests/integration/agent/snapshot_replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "tests/integration/agent/rig.h"

namespace tributary::agent_testing {
namespace {

using nlohmann::json;

constexpr const char* kPlaceholder = "__debezium_unavailable_value";
constexpr std::size_t kExamples = 5;
constexpr int kPageRows = 100'000;

// An event that leaves out a TOASTed value says of it what is known already.
void fill(json& row, const json& known) {
    for (auto& [column, value] : row.items()) {
        if (value == kPlaceholder && known.contains(column)) {
            value = known.at(column);
        }
    }
}

// An event without most of its source block, which is most of its text.
struct Event {
    std::string op;
    std::string marker = {};  // source.snapshot
    bool postgresql = false;
    json before = {};
    json after = {};
};

// The word behind `name`, which is not of a row: quotes in what rows hold are escaped.
std::string word_behind(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    if (at == std::string_view::npos) {
        return {};
    }
    text.remove_prefix(at + name.size());
    return std::string(text.substr(0, text.find('"')));
}

Event parse(const std::string& text) {
    constexpr std::string_view kSource = R"(,"source":{)";
    const auto at = text.find(kSource);
    if (at == std::string::npos) {
        return {.op = json::parse(text).at("op")};
    }
    json rows = json::parse(text.substr(0, at) + "}");
    const std::string_view rest = std::string_view(text).substr(at);
    return {.op = word_behind(rest, R"("op":")"),
            .marker = word_behind(rest, R"("snapshot":")"),
            .postgresql = word_behind(rest, R"("connector":")") == "postgresql",
            .before = std::move(rows.at("before")),
            .after = std::move(rows.at("after"))};
}

class Replayer {
  public:
    explicit Replayer(Replay& out) : out_(out) {}

    void apply(const std::string& key, const std::string& text) {
        Event event = parse(text);
        if (event.op == "r") {
            if (out_.reads == 0) {
                out_.first_source = json::parse(text).at("source");
            }
            read(key, event);
            return;
        }
        ++out_.changes;
        if (event.op == "c") {
            expect(!out_.rows.contains(key), "created while it was there", key, event);
            gone_.erase(key);
            out_.rows[key] = event.after.dump();
        } else if (event.op == "u" || event.op == "d") {
            change(key, event);
        } else {
            out_.rows.clear();
            gone_.clear();
        }
    }

  private:
    void read(const std::string& key, const Event& event) {
        ++out_.reads;
        if (out_.markers.empty() || out_.markers.back() != event.marker) {
            out_.markers.push_back(event.marker);
        }
        expect(!gone_.contains(key), "read after its delete", key, event);
        expect(holds(key, event.after), "read differs", key, event);
        out_.rows[key] = event.after.dump();
    }

    void change(const std::string& key, Event& event) {
        // PostgreSQL does not say what the whole row was.
        expect(event.postgresql || holds(key, event.before), "before differs", key, event);
        if (event.op == "d") {
            out_.rows.erase(key);
            gone_.insert(key);
            return;
        }
        std::string text = event.after.dump();
        const auto known = out_.rows.find(key);
        if (known != out_.rows.end() && text.find(kPlaceholder) != std::string::npos) {
            fill(event.after, json::parse(known->second));
            text = event.after.dump();
        }
        out_.rows[key] = std::move(text);
    }

    // Whether the row is this one, or is not known.
    [[nodiscard]] bool holds(const std::string& key, const json& row) const {
        const auto known = out_.rows.find(key);
        if (known == out_.rows.end() || known->second == row.dump()) {
            return true;
        }
        json filled = json::parse(known->second);
        fill(filled, row);
        return filled == row;
    }

    void expect(bool holds, const std::string& what, const std::string& key, const Event& event) {
        if (!holds && out_.wrong.size() < kExamples) {
            const auto known = out_.rows.find(key);
            out_.wrong.push_back(what + " " + key + ": " + event.op + " " + event.before.dump() +
                                 " to " + event.after.dump() + ", known " +
                                 (known == out_.rows.end() ? "nothing" : known->second));
        }
    }

    Replay& out_;
    std::unordered_set<std::string> gone_;  // deleted in the stream
};

std::string text_of(const json& value) {
    if (value.is_null()) {
        return "NULL";
    }
    return value.is_string() ? value.get<std::string>() : value.dump();
}

// How many of these rows the topic says otherwise.
std::size_t count_wrong(const servers::SqlRows& page,
                        const Replay& found,
                        const std::vector<std::string>& columns) {
    return static_cast<std::size_t>(
        std::count_if(page.rows.begin(), page.rows.end(), [&](const auto& row) {
            const std::string key = "{\"id\":" + row[0].value() + "}";
            if (!found.rows.contains(key)) {
                return true;
            }
            const json said = found.row(key);
            for (std::size_t column = 0; column < columns.size(); ++column) {
                if (row[column].value_or("NULL") != text_of(said.at(columns[column]))) {
                    return true;
                }
            }
            return false;
        }));
}

}  // namespace

Replay replay(const std::string& topic) {
    Replay out;
    Replayer replayer(out);
    servers::KafkaReader reader({.bootstrap = uplink().bootstrap(), .limit = seconds(900)});
    const auto names = reader.topics();
    if (std::find(names.begin(), names.end(), topic) == names.end()) {
        return out;
    }
    std::vector<std::uint64_t> identities;
    reader.visit(topic, [&](const servers::KafkaRecord& record) {
        const auto* header = record.header("tributary");
        if (header == nullptr || !header->value) {
            ++out.repeated;
        } else {
            identities.push_back(std::hash<std::string>()(*header->value));
        }
        if (record.value) {
            replayer.apply(record.key.value_or(""), *record.value);
        }
    });
    std::sort(identities.begin(), identities.end());
    const auto distinct = std::unique(identities.begin(), identities.end());
    out.repeated += static_cast<std::size_t>(identities.end() - distinct);
    return out;
}

void expect_table(const Query& query,
                  const std::string& table,
                  const Replay& found,
                  const std::vector<std::string>& columns) {
    std::string list;
    for (const std::string& column : columns) {
        list += (list.empty() ? "" : ", ") + column;
    }
    std::size_t count = 0;
    std::size_t differ = 0;
    for (std::string last = "-2147483648";;) {
        const auto page = query("SELECT " + list + " FROM " + table + " WHERE id > " + last +
                                " ORDER BY id LIMIT " + std::to_string(kPageRows));
        count += page.rows.size();
        differ += count_wrong(page, found, columns);
        if (page.rows.empty()) {
            break;
        }
        last = page.rows.back()[0].value();
    }
    EXPECT_EQ(differ, 0U);
    EXPECT_EQ(found.rows.size(), count);
    EXPECT_GT(count, 0U);
    EXPECT_EQ(found.repeated, 0U);
    EXPECT_TRUE(found.wrong.empty()) << testing::PrintToString(found.wrong);
}

}  // namespace tributary::agent_testing
