// See compare.h.
#include "tests/differential/compare.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <tuple>

namespace tributary::differential {
namespace {

using servers::KafkaHeader;
using servers::KafkaRecord;

struct Event {
    std::uint64_t place = 0;  // in the source's order
    std::string operation;
    std::string statement;  // of a schema change: a list of tables has several at one place
    std::string key;        // as bytes; "" when it has none
    bool has_key = false;
    std::int32_t partition = 0;
    const KafkaRecord* record = nullptr;
    Json value;
    std::vector<const KafkaRecord*> tombstones;
};

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

// An LSN, or file, offset and row of a binary log.
std::uint64_t place_of_source(const Json& source) {
    if (source.contains("lsn")) {
        return source.at("lsn").get<std::uint64_t>();
    }
    return place_of(source.at("file"), source.at("pos"), source.at("row"));
}

class Comparer {
  public:
    Comparer(const Capture& debezium, const Capture& tributary, bool schemas)
        : debezium_(debezium), tributary_(tributary), schemas_(schemas) {}

    Comparison run() {
        std::set<std::string> names;
        for (const auto* side : {&debezium_, &tributary_}) {
            for (const auto& [name, records] : side->topics) {
                if (!records.empty()) {
                    names.insert(name);
                }
            }
        }
        for (const std::string& name : names) {
            compare_topic(name);
        }
        return std::move(result_);
    }

  private:
    void add(std::string path, std::optional<Json> debezium, std::optional<Json> tributary) {
        result_.differences.push_back({.topic = topic_,
                                       .event = event_,
                                       .path = std::move(path),
                                       .debezium = std::move(debezium),
                                       .tributary = std::move(tributary)});
        Difference& added = result_.differences.back();
        const auto known = defaults_.find(added.path);
        if (known != defaults_.end()) {
            added.default_value = known->second;
        }
    }

    // By the path of the value.
    void note_defaults(const Json& value) {
        defaults_.clear();
        if (!schemas_ || !value.is_object() || !value.contains("schema")) {
            return;
        }
        for (const Json& part : value.at("schema").at("fields")) {
            const std::string row = text_of(part.at("field"));
            for (const Json& column : part.value("fields", Json::array())) {
                if (column.contains("default")) {
                    defaults_["value.payload." + row + "." + text_of(column.at("field"))] =
                        column.at("default");
                }
            }
        }
    }

    [[nodiscard]] const Json& payload(const Json& value) const {
        return schemas_ && value.is_object() && value.contains("payload") ? value.at("payload")
                                                                          : value;
    }

    Event parse(const Capture& side, const KafkaRecord& record) {
        Event event;
        event.record = &record;
        event.partition = record.partition;
        event.has_key = record.key.has_value();
        event.key = replace_all(record.key.value_or(""), side.prefix, "P");
        event.value = Json::parse(replace_all(*record.value, side.prefix, "P"), nullptr, false);
        if (event.value.is_discarded()) {
            add("value is not JSON", Json(side.prefix), std::nullopt);
            return event;
        }
        const Json& body = payload(event.value);
        if (body.contains("op")) {
            event.operation = body.at("op");
            event.place = place_of_source(body.at("source"));
            if (event.operation == "t" && !body.at("source").contains("lsn")) {
                event.place -= body.at("source").at("row").get<std::uint64_t>();  // it has none
            }
        } else if (body.contains("status")) {
            event.operation = body.at("status");
            event.place = number_of_transaction(body.at("id"));
        } else if (body.contains("ddl")) {
            event.operation = "ddl";
            event.statement = text_of(body.at("ddl"));
            event.place = place_of_source(body.at("source"));
            event.place -= body.at("source").at("row").get<std::uint64_t>();  // it has none
        }
        return event;
    }

    std::vector<Event> events_of(const Capture& side) {
        std::vector<Event> out;
        const auto found = side.topics.find(topic_);
        if (found == side.topics.end()) {
            return out;
        }
        std::map<std::int32_t, std::size_t> last;
        for (const KafkaRecord& record : found->second) {
            const auto before = last.find(record.partition);
            if (!record.value) {
                const bool follows =
                    before != last.end() && out[before->second].record->key == record.key;
                event_ = "tombstone at offset " + std::to_string(record.offset);
                if (follows) {
                    out[before->second].tombstones.push_back(&record);
                } else {
                    add("tombstone without a delete", Json(side.prefix), std::nullopt);
                }
                continue;
            }
            Event event = parse(side, record);
            if (event.operation == "r") {
                event.place = out.size();
                out.push_back(std::move(event));
                continue;
            }
            const bool metadata = event.operation == "BEGIN" || event.operation == "END";
            if (event.place < (metadata ? side.start.transaction : side.start.place)) {
                continue;
            }
            if (before != last.end() && out[before->second].place > event.place) {
                event_ = event.operation + " at " + std::to_string(event.place);
                add("order", Json(side.prefix), Json(out[before->second].place));
            }
            last[record.partition] = out.size();
            out.push_back(std::move(event));
        }
        std::stable_sort(out.begin(), out.end(), [](const Event& left, const Event& right) {
            return std::tie(left.place, left.partition, left.statement) <
                   std::tie(right.place, right.partition, right.statement);
        });
        if (schemas_) {  // a delete and the create of its key change are in partitions of their own
            std::stable_sort(out.begin(), out.end(), [](const Event& left, const Event& right) {
                const int left_rank = left.operation == "d" ? 0 : 1;
                const int right_rank = right.operation == "d" ? 0 : 1;
                return std::tie(left.place, left_rank) < std::tie(right.place, right_rank);
            });
        }
        return out;
    }

    // BEGIN of a transaction that the other side does not have at all: its END tells that.
    static void drop_begins_without(std::vector<Event>& events, const std::vector<Event>& other) {
        std::set<std::uint64_t> known;
        for (const Event& event : other) {
            known.insert(event.place);
        }
        events.erase(std::remove_if(events.begin(),
                                    events.end(),
                                    [&known](const Event& event) {
                                        return event.operation == "BEGIN" &&
                                               !known.contains(event.place);
                                    }),
                     events.end());
    }

    void compare_topic(const std::string& name) {
        topic_ = name;
        std::vector<Event> debezium = events_of(debezium_);
        std::vector<Event> tributary = events_of(tributary_);
        drop_begins_without(debezium, tributary);
        drop_begins_without(tributary, debezium);
        std::size_t left = 0;
        std::size_t right = 0;
        while (left < debezium.size() || right < tributary.size()) {
            const bool only_left =
                right == tributary.size() ||
                (left < debezium.size() && debezium[left].place < tributary[right].place);
            const bool only_right =
                left == debezium.size() ||
                (right < tributary.size() && tributary[right].place < debezium[left].place);
            const Event& event = only_right ? tributary[right] : debezium[left];
            event_ = event.operation + " at " + std::to_string(event.place);
            if (only_left) {
                add("event", debezium[left++].value, std::nullopt);
            } else if (only_right) {
                add("event", std::nullopt, tributary[right++].value);
            } else {
                compare_event(debezium[left++], tributary[right++]);
            }
        }
    }

    void compare_event(const Event& debezium, const Event& tributary) {
        ++result_.events;
        note_defaults(debezium.value);
        result_.tombstones += debezium.tombstones.size();
        if (!schemas_ && debezium.has_key && tributary.has_key &&
            debezium.partition != tributary.partition) {
            add("partition", debezium.partition, tributary.partition);
        }
        if (debezium.key != tributary.key || debezium.has_key != tributary.has_key) {
            const auto key = [](const Event& event) {
                return event.has_key ? std::optional<Json>(event.key) : std::nullopt;
            };
            add("key", key(debezium), key(tributary));
        }
        compare_headers("headers", *debezium.record, *tributary.record);
        compare_json("value", debezium.value, tributary.value);
        if (debezium.tombstones.size() != tributary.tombstones.size()) {
            add("tombstones", debezium.tombstones.size(), tributary.tombstones.size());
            return;
        }
        for (std::size_t index = 0; index < debezium.tombstones.size(); ++index) {
            compare_headers(
                "tombstone.headers", *debezium.tombstones[index], *tributary.tombstones[index]);
        }
    }

    void compare_headers(const std::string& path,
                         const KafkaRecord& debezium,
                         const KafkaRecord& tributary) {
        std::map<std::string, std::pair<std::optional<Json>, std::optional<Json>>> all;
        for (const KafkaHeader& header : debezium.headers) {
            all[header.name].first =
                replace_all(header.value.value_or("NULL"), debezium_.prefix, "P");
        }
        for (const KafkaHeader& header : tributary.headers) {
            all[header.name].second =
                replace_all(header.value.value_or("NULL"), tributary_.prefix, "P");
        }
        for (const auto& [name, values] : all) {
            if (values.first != values.second) {
                add(path + "." + name, values.first, values.second);
            }
        }
    }

    void compare_json(const std::string& path, const Json& debezium, const Json& tributary) {
        if (debezium.is_object() && tributary.is_object()) {
            compare_objects(path, debezium, tributary);
        } else if (debezium.is_array() && tributary.is_array() &&
                   !path.ends_with("data_collections")) {  // that one as a whole
            compare_arrays(path, debezium, tributary);
        } else if (debezium != tributary || debezium.type() != tributary.type()) {
            const bool numbers = debezium.is_number_integer() && tributary.is_number_integer();
            if (debezium != tributary || !numbers) {
                add(path, debezium, tributary);
            }
        }
    }

    void compare_objects(const std::string& path, const Json& debezium, const Json& tributary) {
        std::string debezium_order;  // of the fields that both have
        std::string tributary_order;
        for (const auto& [name, value] : debezium.items()) {
            const auto other = tributary.find(name);
            if (other == tributary.end()) {
                add(path + "." + name, value, std::nullopt);
            } else {
                debezium_order += name + ",";
                compare_json(path + "." + name, value, *other);
            }
        }
        for (const auto& [name, value] : tributary.items()) {
            if (debezium.contains(name)) {
                tributary_order += name + ",";
            } else {
                add(path + "." + name, std::nullopt, value);
            }
        }
        if (debezium_order != tributary_order) {
            add(path + " (order of fields)", debezium_order, tributary_order);
        }
    }

    // Fields of a struct's schema are told apart by their names, other elements by their place.
    void compare_arrays(const std::string& path, const Json& debezium, const Json& tributary) {
        const auto named = [](const Json& array) {
            return !array.empty() && std::all_of(array.begin(), array.end(), [](const Json& one) {
                return one.is_object() && one.contains("field");
            });
        };
        if (!named(debezium) || !named(tributary)) {
            if (debezium.size() != tributary.size()) {
                add(path, debezium, tributary);
                return;
            }
            for (std::size_t index = 0; index < debezium.size(); ++index) {
                compare_json(
                    path + "[" + std::to_string(index) + "]", debezium[index], tributary[index]);
            }
            return;
        }
        Json left = Json::object();
        Json right = Json::object();
        for (const Json& field : debezium) {
            left[text_of(field.at("field"))] = field;
        }
        for (const Json& field : tributary) {
            right[text_of(field.at("field"))] = field;
        }
        compare_objects(path, left, right);
    }

    const Capture& debezium_;
    const Capture& tributary_;
    const bool schemas_;
    Comparison result_;
    std::map<std::string, Json> defaults_;  // of the event under way
    std::string topic_;
    std::string event_;
};

std::string cut(const std::optional<Json>& value) {
    constexpr std::size_t kLengthMax = 300;
    std::string text =
        value ? value->dump(-1, ' ', false, Json::error_handler_t::replace) : "(nothing)";
    return text.size() > kLengthMax ? text.substr(0, kLengthMax) + ".." : text;
}

}  // namespace

Comparison compare(const Capture& debezium, const Capture& tributary, bool schemas) {
    return Comparer(debezium, tributary, schemas).run();
}

std::uint64_t number_of_transaction(const std::string& id) {
    const bool gtid = id.find('-') != std::string::npos;
    const std::string number = gtid ? id.substr(id.find_last_of(":-") + 1) : id;
    return std::strtoull(number.c_str(), nullptr, 10);  // NOLINT: ends at a colon
}

std::uint64_t place_of(const std::string& file, std::uint64_t offset, std::uint64_t row) {
    const std::string number = file.substr(file.rfind('.') + 1);
    return std::strtoull(number.c_str(), nullptr, 10) << 48U | offset << 16U | row;  // NOLINT
}

std::string describe(const Difference& difference) {
    return difference.topic + ", " + difference.event + ", " + difference.path + ": Debezium " +
           cut(difference.debezium) + ", Tributary " + cut(difference.tributary);
}

}  // namespace tributary::differential
