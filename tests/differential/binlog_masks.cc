// Masks of MySQL's and MariaDB's pairs: masks.h.
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

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

// A float of six digits.
bool is_short_float(const Difference& difference, const std::string& /*pair*/) {
    constexpr double kSixDigits = 1e-5;
    if (!in_snapshot(difference) ||
        place_of(difference).column.find("float_type") == std::string::npos ||
        !difference.debezium || !difference.tributary || !difference.debezium->is_number_float() ||
        !difference.tributary->is_number_float()) {
        return false;
    }
    const double ours = difference.tributary->get<double>();
    return std::abs(difference.debezium->get<double>() - ours) < std::abs(ours) * kSixDigits;
}

// A moment without the zeros at the end of its fraction.
bool is_short_moment(const Difference& difference, const std::string& /*pair*/) {
    if (!in_snapshot(difference) ||
        place_of(difference).column.find("timestamp") == std::string::npos ||
        !difference.debezium || !difference.tributary || !difference.debezium->is_string() ||
        !difference.tributary->is_string()) {
        return false;
    }
    std::string ours = difference.tributary->get<std::string>();
    if (!ours.ends_with('Z') || ours.find('.') == std::string::npos) {
        return false;
    }
    ours.erase(ours.find_last_not_of("0Z") + 1);
    ours.erase(ours.find_last_not_of('.') + 1);
    return *difference.debezium == ours + "Z";
}

// A document as the server prints it.
bool is_printed_json(const Difference& difference, const std::string& /*pair*/) {
    if (!in_snapshot(difference) || place_of(difference).column.find("json") == std::string::npos ||
        !difference.debezium || !difference.tributary || !difference.debezium->is_string() ||
        !difference.tributary->is_string()) {
        return false;
    }
    const Json debezium = Json::parse(difference.debezium->get<std::string>(), nullptr, false);
    return !debezium.is_discarded() &&
           debezium == Json::parse(difference.tributary->get<std::string>(), nullptr, false);
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

bool is_real(const Difference& difference, const std::string& pair) {
    if (!place_of(difference).column.ends_with("real_type")) {
        return false;
    }
    return is_number_text(difference, pair) ||
           (difference.path.ends_with(".type") && difference.debezium == Json("float") &&
            difference.tributary == Json("double"));
}

bool is_streamed_boolean(const Difference& difference, const std::string& /*pair*/) {
    const bool named = place_of(difference).column.ends_with("bool_type");
    return named && difference.debezium && difference.tributary &&
           ((difference.debezium == Json("boolean") && difference.tributary == Json("int16")) ||
            (difference.debezium->is_boolean() &&
             difference.tributary == Json(difference.debezium->get<bool>() ? 1 : 0)));
}

bool is_streamed_binary(const Difference& difference, const std::string& /*pair*/) {
    const bool named = place_of(difference).column.ends_with("char_binary");
    return named && ((difference.path.ends_with(".type") && difference.debezium == Json("string") &&
                      difference.tributary == Json("bytes")) ||
                     (difference.debezium == Json(std::string("M\0", 2)) &&
                      difference.tributary == Json("TQA=")));
}

// Records of the topic that is the prefix itself.
bool is_schema_change(const Difference& difference) {
    return difference.topic.empty();
}

bool is_schema_change_unselected(const Difference& difference, const std::string& /*pair*/) {
    if (!is_schema_change(difference) || difference.path != "event" || difference.tributary) {
        return false;
    }
    const Json& event = *difference.debezium;
    const Json& payload = event.contains("payload") ? event.at("payload") : event;
    return payload.at("source").at("db") == "hidden";
}

bool is_schema_change_source(const Difference& difference, const std::string& /*pair*/) {
    const std::string& path = difference.path;
    if (!is_schema_change(difference) || !difference.debezium) {
        return false;
    }
    const bool list = path.ends_with("source.table") && difference.debezium->is_string() &&
                      difference.debezium->get<std::string>().find(',') != std::string::npos;
    return list || (path.ends_with("source.row") && difference.tributary == Json(0)) ||
           (path.ends_with("source.thread") && difference.tributary == Json(nullptr));
}

// Debezium says nothing of the table.
bool is_schema_change_without_table(const Difference& difference, const std::string& /*pair*/) {
    return is_schema_change(difference) &&
           ((difference.path.ends_with("tableChanges") && difference.debezium == Json::array()) ||
            (difference.path.ends_with("source.table") && difference.debezium == Json("")));
}

bool is_schema_change_hurried(const Difference& difference, const std::string& /*pair*/) {
    constexpr std::array kHurried{"hurried", "selected", "other"};
    return is_schema_change(difference) && difference.path.ends_with("tableChanges") &&
           difference.tributary == Json::array() &&
           std::any_of(std::begin(kHurried), std::end(kHurried), [&](const char* table) {
               return difference.debezium->dump().find(table) != std::string::npos;
           });
}

// What the statement says and what the server makes of it.
bool is_schema_change_type(const Difference& difference, const std::string& pair) {
    if (!is_schema_change(difference) || !difference.debezium || !difference.tributary) {
        return false;
    }
    struct Stored {
        std::string_view field;
        Json written;
        Json stored;
        bool mariadb = false;
    };
    static const std::vector<Stored> all{
        {"jdbcType", 16, 5},
        {"jdbcType", 7, 8},
        {"jdbcType", 6, 8},
        {"jdbcType", 2, 3},
        {"jdbcType", -15, 1},
        {"jdbcType", -9, 12},
        {"jdbcType", 12, -3},
        {"jdbcType", 1111, 12, true},
        {"length", nullptr, 1},
        {"length", 53, nullptr},
        {"length", nullptr, 3, true},
        {"length", nullptr, 4, true},
        {"length", nullptr, 5, true},
        {"length", nullptr, 6, true},
        {"length", nullptr, 8, true},
        {"length", nullptr, 9, true},
        {"length", nullptr, 10, true},
        {"length", nullptr, 11, true},
        {"length", nullptr, 20, true},
        {"charsetName", "utf8", "utf8mb3"},
        {"charsetName", "binary", nullptr},
        {"charsetName", nullptr, "utf8mb4", true},
        {"Name", "BOOLEAN", "TINYINT"},
        {"Name", "REAL", "DOUBLE"},
        {"Name", "FLOAT", "DOUBLE"},
        {"Name", "NUMERIC", "DECIMAL"},
        {"Name", "NCHAR", "CHAR"},
        {"Name", "NVARCHAR", "VARCHAR"},
        {"Name", "VARCHAR", "VARBINARY"},
        {"Name", "JSON", "LONGTEXT", true},
    };
    return std::any_of(all.begin(), all.end(), [&](const Stored& each) {
        const bool named = each.field == "Name" ? difference.path.ends_with("].typeName") ||
                                                      difference.path.ends_with("].typeExpression")
                                                : difference.path.ends_with(each.field);
        return named && difference.debezium == each.written &&
               difference.tributary == each.stored && (!each.mariadb || pair.starts_with("ma_"));
    });
}

// A default as written and as the server keeps it: true and 1, 1 and 1.000.
bool is_schema_change_default(const Difference& difference, const std::string& /*pair*/) {
    if (!is_schema_change(difference) || !difference.path.ends_with("defaultValueExpression") ||
        !difference.tributary || !difference.tributary->is_string()) {
        return false;
    }
    const auto stored = difference.tributary->get<std::string>();
    if (!difference.debezium->is_string()) {  // an expression
        return stored.find('+') != std::string::npos;
    }
    const auto written = difference.debezium->get<std::string>();
    if (written == "1970-01-01 00:00:00") {
        return stored.starts_with("CURRENT_TIMESTAMP") || stored.starts_with("current_timestamp");
    }
    const auto without_zeros = [](std::string text) {
        if (text.find('.') != std::string::npos) {
            text.erase(text.find_last_not_of('0') + 1);
            text.erase(text.ends_with('.') ? text.size() - 1 : text.size());
        }
        return text;
    };
    return (written == "true" && stored == "1") || replaced(written, "''", "'") == stored ||
           without_zeros(written) == without_zeros(stored) || stored == "0000" + written ||
           (written == "ab" && stored == "0x6162");
}

bool is_schema_change_generated(const Difference& difference, const std::string& /*pair*/) {
    return is_schema_change(difference) && difference.tributary == Json(true) &&
           (difference.path.ends_with("].generated") ||
            difference.path.ends_with("].autoIncremented"));
}

// Rows between two statements that followed at once.
bool is_hurried_default(const Difference& difference, const std::string& /*pair*/) {
    return difference.topic == "ddl.hurried" && difference.path.ends_with(".default") &&
           !difference.tributary;
}

bool is_comment(const Difference& difference, const std::string& pair) {
    if (!pair.starts_with("ma_")) {
        return false;
    }
    if (is_schema_change(difference)) {
        return difference.path.ends_with(".comment") && difference.tributary == Json(nullptr);
    }
    const bool commented =
        difference.topic == "shapes.comments" || difference.topic.starts_with("ddl.plain_");
    return commented && (difference.path.ends_with(".doc") || difference.path == "key");
}

}  // namespace

std::vector<Mask> binlog_masks() {
    std::vector<Mask> masks{
        {"MySQL, MariaDB: ENUM label with a comma", is_comma_in_label},
        {"default of MySQL column `d'ef`", is_quote_in_default},
        {"number text in values and keys", is_number_text},
        {"MySQL, MariaDB: FLOAT in a snapshot", is_short_float},
        {"MySQL, MariaDB: TIMESTAMP in a snapshot", is_short_moment},
        {"MySQL: JSON in a snapshot", is_printed_json},
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
        {"MySQL, MariaDB: BOOLEAN", is_streamed_boolean},
        {"MySQL, MariaDB: CHAR and VARCHAR of CHARACTER SET binary", is_streamed_binary},
        {"schema changes: what is not selected", is_schema_change_unselected},
        {"schema changes: `source.table`, `row` and `thread`", is_schema_change_source},
        {"schema changes: CREATE INDEX, DROP INDEX, CREATE of a table that exists",
         is_schema_change_without_table},
        {"schema changes: a table that another statement changed at once",
         is_schema_change_hurried},
        {"schema changes: types", is_schema_change_type},
        {"schema changes: defaults", is_schema_change_default},
        {"schema changes: `generated`", is_schema_change_generated},
        {"MySQL, MariaDB: defaults between two changes of structure", is_hurried_default},
    };
    for (Mask& mask : masks) {
        mask.scope = Scope::binlog;
    }
    return masks;
}

}  // namespace tributary::differential
