// See materialise.h.
#include "tests/tools/oracle/materialise.h"

#include <algorithm>
#include <stdexcept>

#include "format/record_header.h"

namespace tributary::oracle {
namespace {

using nlohmann::json;

std::string cell_text(const std::optional<std::string>& cell) {
    if (!cell) {
        return "NULL";
    }
    return cell->size() > 60 ? cell->substr(0, 60) + ".." : *cell;
}

// The key's columns, or all of them, as one text.
std::string key_text(const CanonicalRow& row, const std::vector<std::string>& fields) {
    json text = json::array();
    for (const auto& [name, cell] : row) {
        if (fields.empty() || std::find(fields.begin(), fields.end(), name) != fields.end()) {
            text.push_back(cell ? json(name + "=" + *cell) : json(name + " NULL"));
        }
    }
    return text.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::multimap<std::string, const CanonicalRow*> by_key(const std::vector<CanonicalRow>& rows,
                                                       const std::vector<std::string>& fields) {
    std::multimap<std::string, const CanonicalRow*> index;
    for (const CanonicalRow& row : rows) {
        index.emplace(key_text(row, fields), &row);
    }
    return index;
}

std::string difference_of(const CanonicalRow& wanted, const CanonicalRow& found) {
    std::string text;
    for (const auto& [name, cell] : wanted) {
        const auto other = found.find(name);
        if (other == found.end()) {
            text += " " + name + ": not in the topic;";
        } else if (other->second != cell) {
            text += " " + name + ": table " + cell_text(cell) + ", topic " +
                    cell_text(other->second) + ";";
        }
    }
    return text;
}

}  // namespace

const json& payload_of(const json& document) {
    const bool with_schema = document.is_object() && document.size() == 2 &&
                             document.contains("schema") && document.contains("payload");
    return with_schema ? document.at("payload") : document;
}

void TopicTable::count_identity(const ChangeRecord& record) {
    if (!record.identity) {
        ++unidentified_;
        return;
    }
    const auto identity = format::parse_record_header(*record.identity);
    if (!identity) {
        ++unidentified_;
        return;
    }
    // Without the sequence: a new log gives the same event another one.
    format::RecordIdentity lasting = identity.value();
    lasting.sequence = Sequence{};
    std::string bytes;
    format::append_record_header(bytes, lasting);
    if (!identities_.insert(std::move(bytes)).second) {
        ++repeated_;
    }
}

void TopicTable::apply(const ChangeRecord& record) {
    ++records_;
    count_identity(record);
    std::string key;
    if (record.key) {
        const json document = json::parse(*record.key);
        const json& fields = payload_of(document);
        key = fields.dump();
        key_fields_.clear();
        for (const auto& [name, value] : fields.items()) {
            key_fields_.push_back(name);
        }
    }
    if (!record.value) {  // tombstone
        rows_.erase(key);
        return;
    }
    const json document = json::parse(*record.value);
    change(key, payload_of(document));
}

void TopicTable::change(const std::string& key, const json& event) {
    const std::string operation = event.at("op").get<std::string>();
    if (operation == "c" || operation == "r") {
        put(key, event.at("after"));
    } else if (operation == "u") {
        if (key.empty()) {
            remove(key, event.at("before"));
        }
        put(key, event.at("after"));
    } else if (operation == "d") {
        remove(key, event.at("before"));
    } else if (operation == "t") {
        rows_.clear();
    } else if (operation != "m") {
        throw std::runtime_error("unknown op " + operation);
    }
}

void TopicTable::put(const std::string& key, json row) {
    const auto old = key.empty() ? rows_.end() : rows_.find(key);
    const json& source = old != rows_.end() ? old->second : last_removed_;
    for (auto& [name, value] : row.items()) {
        if (is_unavailable(value) && source.is_object() && source.contains(name)) {
            value = source.at(name);
        }
    }
    if (old != rows_.end()) {
        old->second = std::move(row);
        return;
    }
    const std::string place = key.empty() ? row.dump() : key;
    rows_.emplace(place, std::move(row));
}

void TopicTable::remove(const std::string& key, const json& before) {
    const auto found = rows_.find(key.empty() ? before.dump() : key);
    if (found != rows_.end()) {
        last_removed_ = found->second;
        rows_.erase(found);
    }
}

std::vector<CanonicalRow> TopicTable::rows(const std::vector<Column>& columns) const {
    std::vector<CanonicalRow> result;
    result.reserve(rows_.size());
    for (const auto& [key, row] : rows_) {
        CanonicalRow canonical;
        for (const Column& column : columns) {
            const auto value = row.find(column.name);
            canonical[column.name] =
                value == row.end() ? column.missing : from_event(column, *value);
        }
        result.push_back(std::move(canonical));
    }
    return result;
}

Differences compare(const std::string& table,
                    const std::vector<std::string>& key_fields,
                    const std::vector<CanonicalRow>& wanted,
                    const std::vector<CanonicalRow>& found,
                    std::size_t limit) {
    Differences result;
    const auto note = [&](const std::string& text) {
        ++result.count;
        if (result.examples.size() < limit) {
            result.examples.push_back(table + " " + text);
        }
    };
    auto remaining = by_key(found, key_fields);
    for (const auto& [key, row] : by_key(wanted, key_fields)) {
        const auto match = remaining.find(key);
        if (match == remaining.end()) {
            note(key + ": in the table, not in the topic");
            continue;
        }
        const std::string text = difference_of(*row, *match->second);
        remaining.erase(match);
        if (!text.empty()) {
            note(key + ":" + text);
        }
    }
    for (const auto& [key, row] : remaining) {
        note(key + ": in the topic, not in the table");
    }
    return result;
}

}  // namespace tributary::oracle
