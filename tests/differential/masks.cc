// See masks.h. A mask looks at the values too, so that a difference of another kind in the same
// place is still seen.
#include "tests/differential/masks.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>

#include "tests/servers/failure.h"

namespace tributary::differential {
namespace {

bool is_integer(const std::optional<Json>& value) {
    return value && value->is_number_integer();
}

bool is_null(const std::optional<Json>& value) {
    return value && value->is_null();
}

bool any_of(std::string_view text, std::initializer_list<std::string_view> parts) {
    return std::any_of(parts.begin(), parts.end(), [text](std::string_view part) {
        return text.find(part) != std::string_view::npos;
    });
}

// a_ and b_ are the catalogue's arrays, c<n>_arr_ the workload's.
bool is_array_column(const std::string& column) {
    return column.starts_with("a_") || column.starts_with("b_") ||
           column.find("_arr_") != std::string::npos;
}

bool is_clock(const Difference& difference, const std::string& /*pair*/) {
    const std::string& path = difference.path;
    return (path.ends_with(".ts_ms") || path.ends_with(".ts_us") || path.ends_with(".ts_ns")) &&
           path.find("source") == std::string::npos && is_integer(difference.debezium) &&
           is_integer(difference.tributary);
}

bool is_our_header(const Difference& difference, const std::string& /*pair*/) {
    return difference.path.ends_with("headers.tributary") && !difference.debezium;
}

// The pairs named plain have them on.
bool is_context_header(const Difference& difference, const std::string& pair) {
    return difference.path.find("headers.__debezium.context.") != std::string::npos &&
           (!pair.ends_with("plain") || difference.path.ends_with(".runId")) &&
           !difference.tributary;
}

// A decimal of the key is a number there.
bool is_decimal_in_key_header(const Difference& difference, const std::string& /*pair*/) {
    const bool named = difference.path.ends_with("headers.__debezium.newkey") ||
                       difference.path.ends_with("headers.__debezium.oldkey");
    if (!named || !difference.debezium || !difference.tributary) {
        return false;
    }
    Json debezium = Json::parse(difference.debezium->get<std::string>());
    const Json tributary = Json::parse(difference.tributary->get<std::string>());
    for (auto& [name, value] : debezium.items()) {
        if (value.is_number() && tributary.contains(name) && tributary.at(name).is_string()) {
            value = tributary.at(name);
        }
    }
    return debezium == tributary;
}

bool is_default_for_null(const Difference& difference, const std::string& /*pair*/) {
    const Place place = place_of(difference);
    return !place.in_schema && place.column.starts_with("d_") && is_null(difference.tributary) &&
           difference.debezium && !difference.debezium->is_null() &&
           (!difference.default_value || difference.default_value == difference.debezium);
}

bool is_transaction_id(const Difference& difference, const std::string& /*pair*/) {
    const bool metadata = difference.topic == "transaction" &&
                          (difference.path == "key" || difference.path.ends_with("payload.id"));
    if ((!metadata && !difference.path.ends_with("transaction.id")) || !difference.debezium ||
        !difference.tributary) {
        return false;
    }
    const auto xid = [](const Json& value) {
        const std::string text = value.get<std::string>();
        return text.substr(0, text.rfind(':'));
    };
    return xid(*difference.debezium) == xid(*difference.tributary);
}

bool is_order_of_collections(const Difference& difference, const std::string& /*pair*/) {
    if (!difference.path.ends_with("data_collections") || !difference.debezium ||
        !difference.tributary) {
        return false;
    }
    const auto sorted = [](const Json& array) {
        std::vector<std::string> all;
        for (const Json& one : array) {
            all.push_back(one.dump());
        }
        std::sort(all.begin(), all.end());
        return all;
    };
    return sorted(*difference.debezium) == sorted(*difference.tributary);
}

bool is_message_in_metadata(const Difference& difference, const std::string& pair) {
    if (difference.topic == "message" && difference.path.ends_with(".data_collection_order")) {
        return difference.tributary == Json(0);
    }
    if (!difference.path.ends_with("data_collections") || !difference.debezium) {
        return false;
    }
    Difference without = difference;
    Json kept = Json::array();
    for (const Json& one : *difference.debezium) {
        if (one.at("data_collection").get<std::string>().find("LogicalDecodingMessageId@") ==
            std::string::npos) {
            kept.push_back(one);
        }
    }
    const bool some = kept.size() != difference.debezium->size();
    without.debezium = std::move(kept);
    return some && is_order_of_collections(without, pair);
}

bool is_message_clock(const Difference& difference, const std::string& /*pair*/) {
    return difference.topic == "message" &&
           difference.path.find(".source.ts_") != std::string::npos;
}

bool is_sequence_after_message(const Difference& difference, const std::string& /*pair*/) {
    if (!difference.path.ends_with("source.sequence") || !difference.debezium ||
        !difference.tributary) {
        return false;
    }
    const auto debezium = Json::parse(difference.debezium->get<std::string>());
    const auto tributary = Json::parse(difference.tributary->get<std::string>());
    return debezium.at(1) == tributary.at(1);
}

bool is_keyless_tombstone(const Difference& difference, const std::string& /*pair*/) {
    return difference.path == "tombstones" &&
           difference.topic.find("keyless") != std::string::npos &&
           difference.debezium == Json(1) && difference.tributary == Json(0);
}

bool is_loose_unique(const Difference& difference, const std::string& /*pair*/) {
    const bool gone = difference.path == "tombstones" && difference.tributary == Json(0);
    const bool some = difference.topic.find("unique_null") != std::string::npos ||
                      difference.topic == "shapes.unique_partial";
    return some && ((difference.path == "key" && !difference.tributary) || gone);
}

bool is_name(const Difference& difference, const std::string& /*pair*/) {
    const Place place = place_of(difference);
    const bool lost =
        difference.debezium && (difference.debezium->is_null() || *difference.debezium == Json(""));
    return !place.in_schema && !is_array_column(place.column) &&
           place.column.find("name_type") != std::string::npos && lost;
}

bool is_array_left_out(const Difference& difference, const std::string& /*pair*/) {
    const Place place = place_of(difference);
    return is_array_column(place.column) && !difference.debezium &&
           any_of(place.column, {"name_type", "money", "interval", "xml", "point", "domain"});
}

bool is_null_in_array(const Difference& difference, const std::string& /*pair*/) {
    const Place place = place_of(difference);
    if (!is_array_column(place.column) ||
        !any_of(place.column, {"mood", "tsvector", "ltree", "isbn"})) {
        return false;
    }
    return difference.path.ends_with(".items.optional") || is_null(difference.debezium);
}

bool is_time_array(const Difference& difference, const std::string& /*pair*/) {
    const Place place = place_of(difference);
    return !place.in_schema && is_array_column(place.column) &&
           any_of(place.column, {"_time", "timetz"}) && !any_of(place.column, {"timestamp"}) &&
           difference.debezium && difference.tributary;
}

constexpr std::int64_t kGregorianDays = -141'427;  // 1582-10-15

bool is_old_date_in_snapshot(const Difference& difference, const std::string& /*pair*/) {
    const Place place = place_of(difference);
    return in_snapshot(difference) && !place.in_schema && place.column.ends_with("_date") &&
           is_integer(difference.debezium) && is_integer(difference.tributary) &&
           difference.tributary->get<std::int64_t>() < kGregorianDays;
}

bool is_old_date_in_array(const Difference& difference, const std::string& /*pair*/) {
    const Place place = place_of(difference);
    if (place.in_schema || !is_array_column(place.column) ||
        !any_of(place.column, {"date", "timestamp"}) || !difference.debezium ||
        !difference.tributary) {
        return false;
    }
    if (difference.tributary->is_string()) {
        return difference.tributary->get<std::string>().starts_with('-');
    }
    return is_integer(difference.tributary) &&
           difference.tributary->get<std::int64_t>() < kGregorianDays;
}

bool is_infinite_date(const Difference& difference, const std::string& /*pair*/) {
    return place_of(difference).column.find("date") != std::string::npos &&
           difference.tributary == Json(2147483647);
}

bool is_computed_default(const Difference& difference, const std::string& /*pair*/) {
    return any_of(place_of(difference).column, {"d_maybe", "d_text", "d_user"}) &&
           difference.topic == "shapes.serials";
}

bool is_interval_default(const Difference& difference, const std::string& /*pair*/) {
    const bool filled = difference.path.find("before.") != std::string::npos;
    return place_of(difference).column.find("_interval") != std::string::npos &&
           difference.debezium && (filled || difference.path.ends_with(".default"));
}

bool is_unchanged(const Difference& difference, const std::string& /*pair*/) {
    const bool some = difference.topic == "types.extensions" ||
                      (difference.topic == "shapes.toast" &&
                       any_of(place_of(difference).column, {"bp", "ba", "da"}));
    return some && !place_of(difference).in_schema && is_null(difference.debezium) &&
           difference.tributary;
}

bool is_many_dimensions(const Difference& difference, const std::string& /*pair*/) {
    return difference.topic == "shapes.dimensions" && place_of(difference).column == "g" &&
           !difference.tributary;
}

bool is_index_key(const Difference& difference, const std::string& /*pair*/) {
    return difference.topic == "shapes.index_other" &&
           (difference.path == "key" || place_of(difference).column == "id");
}

bool is_hstore_order(const Difference& difference, const std::string& /*pair*/) {
    if (place_of(difference).column.find("hstore") == std::string::npos || !difference.debezium ||
        !difference.tributary || !difference.debezium->is_string() ||
        !difference.tributary->is_string()) {
        return false;
    }
    using Unordered = nlohmann::json;
    const auto debezium = Unordered::parse(difference.debezium->get<std::string>(), nullptr, false);
    const auto tributary =
        Unordered::parse(difference.tributary->get<std::string>(), nullptr, false);
    return debezium.is_object() && debezium == tributary;
}

// Where a row lies and when it was read.
bool is_place_of_row(const Difference& difference, const std::string& /*pair*/) {
    const auto source = difference.path.find("source.");
    if (!in_snapshot(difference) || source == std::string::npos || !difference.debezium ||
        !difference.tributary) {
        return false;
    }
    const std::string field = difference.path.substr(source + std::string_view("source.").size());
    if (field == "txId") {
        return is_null(difference.tributary);
    }
    if (field == "file" || field == "sequence") {
        return difference.tributary->is_string();
    }
    return any_of(field, {"lsn", "pos", "ts_ms", "ts_us", "ts_ns"}) &&
           is_integer(difference.debezium) && is_integer(difference.tributary);
}

bool is_binlog(const std::string& pair) {
    return pair.starts_with("my_") || pair.starts_with("ma_");
}

}  // namespace

Place place_of(const Difference& difference) {
    Place place;
    const std::string& path = difference.path;
    for (const char* const start : {"value.schema.fields.before.fields.",
                                    "value.schema.fields.after.fields.",
                                    "value.payload.before.",
                                    "value.payload.after.",
                                    "value.before.",
                                    "value.after."}) {
        if (path.starts_with(start)) {
            const std::string rest = path.substr(std::string_view(start).size());
            place.column = rest.substr(0, rest.find_first_of(".["));
            place.in_schema = std::string_view(start).find("schema") != std::string_view::npos;
            return place;
        }
    }
    return place;
}

bool in_snapshot(const Difference& difference) {
    return difference.event.starts_with("r at ");
}

Masks::Masks(const std::filesystem::path& document) {
    masks_ = {
        {"`ts_ms`, `ts_us`, `ts_ns` of the envelope", is_clock, Scope::any},
        {"header `tributary` on every record", is_our_header, Scope::any},
        {"context headers", is_context_header, Scope::any},
        {"decimal in the headers `__debezium.newkey` and `.oldkey`",
         is_decimal_in_key_header,
         Scope::any},
        {"rows of a snapshot", is_place_of_row, Scope::any},
        {"`transaction.id`", is_transaction_id},
        {"NULL in a nullable column that has a default", is_default_for_null, Scope::any},
        {"order of `data_collections` in END", is_order_of_collections, Scope::any},
        {"logical message in transaction metadata", is_message_in_metadata},
        {"`source.ts_ms` of a logical message outside a transaction", is_message_clock},
        {"`source.sequence` after a logical message outside a transaction",
         is_sequence_after_message},
        {"delete of a table without key", is_keyless_tombstone, Scope::any},
        {"unique index that is partial, deferrable or has a nullable column, no primary key",
         is_loose_unique,
         Scope::any},
        {"domain over enum, timetz with seconds in its offset, column of type `name`", is_name},
        {"array of name, money, interval, xml, point or a domain", is_array_left_out},
        {"null in an array of an enum, tsvector, ltree or isbn", is_null_in_array},
        {"time[], timetz[]", is_time_array},
        {"date[], timestamp[] before 1582-10-15, timestamptz[] before year 1",
         is_old_date_in_array},
        {"dates before 1582-10-15 in a snapshot", is_old_date_in_snapshot},
        {"date `infinity`", is_infinite_date},
        {"default that the server computes", is_computed_default},
        {"default of an interval", is_interval_default},
        {"unchanged (TOAST) value of a type whose schema is not text or bytes", is_unchanged},
        {"column declared with several array dimensions", is_many_dimensions},
        {"order of keys in the JSON of an hstore", is_hstore_order},
        {"REPLICA IDENTITY USING INDEX that does not cover the primary key", is_index_key},
    };
    for (Mask& mask : binlog_masks()) {
        masks_.push_back(std::move(mask));
    }
    std::ifstream in(document);
    std::stringstream text;
    text << in.rdbuf();
    for (const Mask& mask : masks_) {
        if (text.str().find("\n| " + mask.row + " |") == std::string::npos) {
            throw servers::ServerFailure(document.string() + " has no row \"" + mask.row + "\"");
        }
    }
}

const std::string* Masks::row_of(const Difference& difference, const std::string& pair) const {
    const auto found = std::find_if(masks_.begin(), masks_.end(), [&](const Mask& mask) {
        const bool in_scope =
            mask.scope == Scope::any || (mask.scope == Scope::binlog) == is_binlog(pair);
        return in_scope && mask.applies(difference, pair);
    });
    return found == masks_.end() ? nullptr : &found->row;
}

}  // namespace tributary::differential
