// Masks of MySQL's and MariaDB's pairs: masks.h.
#include <string_view>

#include "tests/differential/masks.h"

namespace tributary::differential {
namespace {

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    for (auto at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
        out.append(text.substr(0, at)).append(to);
        text.remove_prefix(at + from.size());
    }
    return out.append(text);
}

// Both are texts, and Debezium's becomes ours by replacing.
bool is_text_with(const Difference& difference, std::string_view from, std::string_view to) {
    return difference.debezium && difference.tributary && difference.debezium->is_string() &&
           difference.tributary->is_string() &&
           replaced(difference.debezium->get<std::string>(), from, to) == *difference.tributary;
}

bool is_comma_in_label(const Difference& difference, const std::string& /*pair*/) {
    if (difference.path != "key") {
        const Place place = place_of(difference);
        return !place.in_schema && is_text_with(difference, "\\,", ",");
    }
    if (!difference.debezium || !difference.tributary) {
        return false;
    }
    const auto payload = [](const Json& key) {
        const Json parsed = Json::parse(key.get<std::string>());
        return parsed.contains("payload") ? parsed.at("payload").dump() : parsed.dump();
    };
    return replaced(payload(*difference.debezium), "\\\\,", ",") == payload(*difference.tributary);
}

bool is_quote_in_default(const Difference& difference, const std::string& /*pair*/) {
    return difference.path.ends_with(".default") && is_text_with(difference, "''", "'");
}

// A float with one digit more than it needs.
bool is_number_text(const Difference& difference, const std::string& /*pair*/) {
    const std::string column = place_of(difference).column;
    const bool is_float =
        column.find("float_type") != std::string::npos || column.ends_with("real_type");
    return is_float && difference.debezium && difference.tributary &&
           difference.debezium->is_number_float() && difference.tributary->is_number_float() &&
           static_cast<float>(difference.debezium->get<double>()) ==
               static_cast<float>(difference.tributary->get<double>());
}

// What the transaction's commit tells, not its prepare.
bool is_xa(const Difference& difference, const std::string& /*pair*/) {
    const std::string& path = difference.path;
    if (difference.topic == "transaction" && path == "event") {
        const Json& end = difference.debezium ? *difference.debezium : *difference.tributary;
        return end.dump().find("\"shapes.xa\"") != std::string::npos;
    }
    return difference.topic == "shapes.xa" &&
           (path.find("source.ts_") != std::string::npos || path.ends_with("source.gtid") ||
            path.ends_with("source.thread") || path.find(".transaction") != std::string::npos);
}

bool is_truncate_schema(const Difference& difference, const std::string& /*pair*/) {
    return difference.event.starts_with("t at ") && difference.tributary &&
           *difference.tributary == Json::array();
}

bool is_truncate_row(const Difference& difference, const std::string& /*pair*/) {
    return difference.event.starts_with("t at ") && difference.path.ends_with("source.row") &&
           difference.tributary == Json(0);
}

bool is_truncate_block(const Difference& difference, const std::string& pair) {
    return pair.starts_with("ma_") && difference.event.starts_with("t at ") &&
           difference.path.ends_with(".transaction") && difference.tributary == Json(nullptr);
}

bool is_streamed_json(const Difference& difference, const std::string& pair) {
    const Place place = place_of(difference);
    return pair.starts_with("ma_") && place.in_schema && place.column.ends_with("json_type") &&
           (difference.path.ends_with(".name") || difference.path.ends_with(".version")) &&
           !difference.tributary;
}

bool is_empty_transaction(const Difference& difference, const std::string& /*pair*/) {
    if (difference.topic != "transaction" || difference.path != "event" || difference.tributary) {
        return false;
    }
    const Json& end = *difference.debezium;
    const Json& payload = end.contains("payload") ? end.at("payload") : end;
    return payload.at("event_count") == 0 && payload.at("data_collections").empty();
}

bool is_begin_clock(const Difference& difference, const std::string& pair) {
    return pair.starts_with("ma_") && difference.topic == "transaction" &&
           difference.path.ends_with("ts_ms");
}

bool is_real(const Difference& difference, const std::string& /*pair*/) {
    return place_of(difference).column.ends_with("real_type") &&
           (difference.path.ends_with(".type") || is_number_text(difference, ""));
}

bool is_comment(const Difference& difference, const std::string& pair) {
    if (!pair.starts_with("ma_")) {
        return false;
    }
    return difference.topic == "shapes.comments" &&
           (difference.path.ends_with(".doc") || difference.path == "key");
}

}  // namespace

std::vector<Mask> binlog_masks() {
    std::vector<Mask> masks{
        {"MySQL, MariaDB: ENUM label with a comma", is_comma_in_label},
        {"default of MySQL column `d'ef`", is_quote_in_default},
        {"number text in values and keys", is_number_text},
        {"rows of an XA transaction", is_xa},
        {"MySQL, MariaDB: schema of a TRUNCATE", is_truncate_schema},
        {"MySQL, MariaDB: `source.row` of a TRUNCATE", is_truncate_row},
        {"MariaDB: TRUNCATE in transaction metadata", is_truncate_block},
        {"MariaDB: JSON", is_streamed_json},
        {"MySQL, MariaDB: BEGIN and END of a transaction of tables that are not selected",
         is_empty_transaction},
        {"ts_ms of BEGIN and END", is_begin_clock},
        {"MariaDB: comments of columns", is_comment},
        {"MySQL, MariaDB: REAL", is_real},
    };
    for (Mask& mask : masks) {
        mask.scope = Scope::binlog;
    }
    return masks;
}

}  // namespace tributary::differential
