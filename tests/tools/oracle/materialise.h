// Rebuilds a table from its topic, as any consumer of Debezium change events would, and counts
// records whose identity was seen before in the topic. Pure: records in, rows out; one thread.
// Memory: the rows, and one identity per record.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tests/tools/oracle/canonical.h"

namespace tributary::oracle {

// A row: the canonical values of its columns, by name.
using CanonicalRow = std::map<std::string, std::optional<std::string>>;

// The event inside a record's JSON: the `payload` when the schema is sent along, else all of it.
[[nodiscard]] const nlohmann::json& payload_of(const nlohmann::json& document);

// What a change record carries, as views.
struct ChangeRecord {
    std::optional<std::string_view> key;
    std::optional<std::string_view> value;     // none: tombstone
    std::optional<std::string_view> identity;  // the packed `tributary` header
};

class TopicTable {
  public:
    // Throws std::exception when the record is no Debezium change event.
    void apply(const ChangeRecord& record);

    [[nodiscard]] std::size_t records() const noexcept { return records_; }
    [[nodiscard]] std::size_t repeated() const noexcept { return repeated_; }
    [[nodiscard]] std::size_t unidentified() const noexcept { return unidentified_; }
    // Rows, with the columns' canonical values; a column the event does not have takes its
    // `missing`.
    [[nodiscard]] std::vector<CanonicalRow> rows(const std::vector<Column>& columns) const;
    // Names of the key's fields; empty for a table without key.
    [[nodiscard]] const std::vector<std::string>& key_fields() const noexcept {
        return key_fields_;
    }

  private:
    void count_identity(const ChangeRecord& record);
    void change(const std::string& key, const nlohmann::json& event);
    void put(const std::string& key, nlohmann::json row);
    void remove(const std::string& key, const nlohmann::json& before);

    std::multimap<std::string, nlohmann::json> rows_;  // by key; keyless: by the row's own text
    nlohmann::json last_removed_;  // an unchanged value survives a change of key only here
    std::vector<std::string> key_fields_;
    std::unordered_set<std::string> identities_;
    std::size_t records_ = 0;
    std::size_t repeated_ = 0;
    std::size_t unidentified_ = 0;
};

// Differences between two tables in words, at most `limit` of them; `count` is the number of all.
struct Differences {
    std::size_t count = 0;
    std::vector<std::string> examples;
};
[[nodiscard]] Differences compare(const std::string& table,
                                  const std::vector<std::string>& key_fields,
                                  const std::vector<CanonicalRow>& wanted,
                                  const std::vector<CanonicalRow>& found,
                                  std::size_t limit);

}  // namespace tributary::oracle
