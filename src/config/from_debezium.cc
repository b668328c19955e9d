#include "config/from_debezium.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/quoted_by.h"
#include "model/errors.h"

namespace tributary::config {
namespace {

using Json = nlohmann::json;

// Properties that need no counterpart, by the start of their names: they tune a JVM's queues or say
// what Kafka Connect itself does.
constexpr std::array<std::string_view, 30> kNeedless{"connector.class",
                                                     "tasks.max",
                                                     "name",
                                                     "max.batch.size",
                                                     "max.queue.size",
                                                     "poll.interval.ms",
                                                     "database.server.id.offset",
                                                     "connect.keep.alive",
                                                     "schema.history.",
                                                     "database.history",
                                                     "status.update.interval.ms",
                                                     "snapshot.mode",
                                                     "snapshot.delay.ms",
                                                     "snapshot.fetch.size",
                                                     "snapshot.max.threads",
                                                     "snapshot.lock",
                                                     "snapshot.isolation.mode",
                                                     "snapshot.query.mode",
                                                     "snapshot.tables.order.by.row.count",
                                                     "snapshot.new.tables",
                                                     "slot.drop.on.stop",
                                                     "slot.max.retries",
                                                     "slot.retry.delay.ms",
                                                     "heartbeat.",
                                                     "database.tcpKeepAlive",
                                                     "converters.",
                                                     "include.schema.changes",
                                                     "database.connectionTimeZone",
                                                     "retriable.restart.connector.wait.ms",
                                                     "topic.creation.enable"};

struct Choice {
    std::string_view theirs;
    std::string_view ours;
};

std::string name_of(std::string_view text) {
    std::string name;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || c == '-';
        name += plain ? c : '_';
    }
    return name.substr(0, 64);
}

// "a,b" at commas that no backslash precedes, without blanks around.
std::vector<std::string> list_of(std::string_view text) {
    std::vector<std::string> items(1);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == ',' && (at == 0 || text[at - 1] != '\\')) {
            items.emplace_back();
        } else if (text[at] != ' ' || !items.back().empty()) {
            items.back() += text[at];
        }
    }
    for (std::string& item : items) {
        item.erase(item.find_last_not_of(' ') + 1);
    }
    std::erase(items, "");
    return items;
}

// "table:a,b;table:c" as expressions over the columns' full names.
std::vector<std::string> key_columns(std::string_view text) {
    std::vector<std::string> patterns;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(';'), text.size());
        const std::string_view table = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t begin = std::min(table.find_first_not_of(' '), table.size());
        const std::size_t colon = table.rfind(':');
        if (colon == std::string_view::npos || colon <= begin) {
            continue;
        }
        for (const std::string& column : list_of(table.substr(colon + 1))) {
            patterns.push_back(std::string(table.substr(begin, colon - begin)) + "\\." + column);
        }
    }
    return patterns;
}

// One expression that matches every name that none of `patterns` matches.
std::string all_but(const std::vector<std::string>& patterns) {
    std::string out;
    for (const std::string& pattern : patterns) {
        out += (out.empty() ? "(?!(?:" : "|") + pattern;
    }
    return out + ")$).*";
}

class Converter {
  public:
    explicit Converter(std::map<std::string, std::string> properties)
        : properties_(std::move(properties)) {}

    Result<Conversion> run(const DebeziumFiles& files);

  private:
    enum class Kind { postgresql, mysql, mariadb };

    [[nodiscard]] std::optional<Kind> kind() const;
    [[nodiscard]] bool is_postgresql() const { return kind_ == Kind::postgresql; }

    // A property's value, and that it was seen.
    std::optional<std::string> take(const std::string& name);
    std::string take_or(const std::string& name, std::string_view otherwise);
    void note(std::string text) { out_.notes.push_back(std::move(text)); }

    void line(int depth, std::string_view text);
    void text(int depth, std::string_view key, const std::optional<std::string>& value);
    void list(int depth, std::string_view key, const std::vector<std::string>& values);
    // A property whose value is one of a few words; ours are written, others noted.
    void word(int depth,
              std::string_view key,
              const std::string& property,
              std::span<const Choice> choices);
    void boolean(int depth, std::string_view key, const std::string& property);

    void connection();
    void patterns(std::string_view key, std::vector<std::string> expressions);
    void tables();
    void topics();
    void snapshot(bool taken_over);
    void postgresql_stream();
    void mysql_stream();
    void converters();
    void leftovers();
    Result<void> offset(std::string_view text);

    std::map<std::string, std::string> properties_;
    std::set<std::string> seen_;
    Kind kind_ = Kind::postgresql;
    Conversion out_;
};

std::optional<Converter::Kind> Converter::kind() const {
    const auto found = properties_.find("connector.class");
    if (found == properties_.end()) {
        return std::nullopt;
    }
    constexpr std::array<std::pair<std::string_view, Kind>, 3> kClasses{
        {{"PostgresConnector", Kind::postgresql},
         {"MySqlConnector", Kind::mysql},
         {"MariaDbConnector", Kind::mariadb}}};
    for (const auto& [end, kind] : kClasses) {
        if (found->second.ends_with(end)) {
            return kind;
        }
    }
    return std::nullopt;
}

std::optional<std::string> Converter::take(const std::string& name) {
    seen_.insert(name);
    const auto found = properties_.find(name);
    return found != properties_.end() ? std::optional(found->second) : std::nullopt;
}

std::string Converter::take_or(const std::string& name, std::string_view otherwise) {
    return take(name).value_or(std::string(otherwise));
}

void Converter::line(int depth, std::string_view text) {
    out_.yaml.append(static_cast<std::size_t>(depth) * 2, ' ').append(text) += '\n';
}

void Converter::text(int depth, std::string_view key, const std::optional<std::string>& value) {
    if (value) {
        line(depth, std::string(key) + ": " + quoted_by(*value, '\''));
    }
}

void Converter::list(int depth, std::string_view key, const std::vector<std::string>& values) {
    if (values.empty()) {
        return;
    }
    std::string items;
    for (const std::string& value : values) {
        items += (items.empty() ? "" : ", ") + quoted_by(value, '\'');
    }
    line(depth, std::string(key) + ": [" + items + "]");
}

void Converter::word(int depth,
                     std::string_view key,
                     const std::string& property,
                     std::span<const Choice> choices) {
    const auto value = take(property);
    if (!value) {
        return;
    }
    const auto found = std::find_if(choices.begin(), choices.end(), [&](const Choice& choice) {
        return choice.theirs == *value;
    });
    if (found == choices.end()) {
        note(property + "=" + *value + ": there is no such " + std::string(key) + " here");
        return;
    }
    line(depth, std::string(key) + ": " + std::string(found->ours));
}

void Converter::boolean(int depth, std::string_view key, const std::string& property) {
    if (const auto value = take(property)) {
        line(depth, std::string(key) + ": " + (*value == "true" ? "true" : "false"));
    }
}

void Converter::connection() {
    line(2, "connection:");
    text(3, "host", take("database.hostname"));
    if (const auto port = take("database.port")) {
        line(3, "port: " + *port);
    }
    if (is_postgresql()) {
        text(3, "dbname", take("database.dbname"));
    }
    text(3, "user", take("database.user"));
    if (take("database.password")) {
        const std::string file = "/etc/tributary/" + out_.source + ".password";
        line(3, "password: '${file:" + file + "}'");
        note("write the password of " + take_or("database.user", "the user") + " into " + file +
             " (root:tributary, mode 0640)");
    }
    constexpr std::array kPostgresql{Choice{"disable", "disable"},
                                     Choice{"allow", "allow"},
                                     Choice{"prefer", "prefer"},
                                     Choice{"require", "require"},
                                     Choice{"verify-ca", "verify-ca"},
                                     Choice{"verify-full", "verify-full"}};
    constexpr std::array kMysql{Choice{"disabled", "disable"},
                                Choice{"required", "require"},
                                Choice{"verify_ca", "verify-full"},
                                Choice{"verify_identity", "verify-full"}};
    const std::string property = is_postgresql() ? "database.sslmode" : "database.ssl.mode";
    if (!properties_.contains(property)) {
        line(3, is_postgresql() ? "sslmode: prefer" : "sslmode: disable");
        note("the connector has no " + property +
             ", so its connection need not be encrypted: sslmode: verify-full is better");
    }
    word(3, "sslmode", property, is_postgresql() ? std::span<const Choice>(kPostgresql) : kMysql);
    text(3, "sslrootcert", take("database.sslrootcert"));
    text(3, "sslcert", take("database.sslcert"));
    text(3, "sslkey", take("database.sslkey"));
}

// Expressions of java.util.regex, which Debezium matches without regard to case.
void Converter::patterns(std::string_view key, std::vector<std::string> expressions) {
    for (std::string& expression : expressions) {
        if (expression.find("&&") != std::string::npos) {
            note("only Java knows intersections of character classes: write '" + expression +
                 "' without &&");
        }
        expression.insert(0, "(?i)");
    }
    list(3, key, expressions);
}

void Converter::tables() {
    const std::string outer = is_postgresql() ? "schema" : "database";
    const auto of_all = [&](const std::string& property) {
        std::vector<std::string> patterns;
        for (const std::string& name : list_of(take_or(property, ""))) {
            patterns.push_back(name + "\\..*");
        }
        return patterns;
    };
    std::vector<std::string> include = list_of(take_or("table.include.list", ""));
    const std::vector<std::string> outer_include = of_all(outer + ".include.list");
    if (include.empty()) {
        include = outer_include;
    } else if (!outer_include.empty()) {
        note(outer + ".include.list is left out: table.include.list says more");
    }
    std::vector<std::string> exclude = list_of(take_or("table.exclude.list", ""));
    for (std::string& pattern : of_all(outer + ".exclude.list")) {
        exclude.push_back(std::move(pattern));
    }
    std::vector<std::string> columns = list_of(take_or("column.exclude.list", ""));
    const std::vector<std::string> only = list_of(take_or("column.include.list", ""));
    if (!only.empty()) {
        columns.push_back(all_but(only));
        note("column.include.list is written as what it leaves out: columns of keys must be in it");
    }
    const std::vector<std::string> key = key_columns(take_or("message.key.columns", ""));
    if (include.empty() && exclude.empty() && columns.empty() && key.empty()) {
        return;
    }
    line(2, "tables:");
    patterns("include", include);
    patterns("exclude", exclude);
    patterns("exclude_columns", columns);
    patterns("key_columns", key);
}

void Converter::topics() {
    line(2, "topics:");
    text(3, "prefix", take_or("topic.prefix", take_or("database.server.name", out_.source)));
    boolean(3, "tombstones", "tombstones.on.delete");
    boolean(3, "transaction_metadata", "provide.transaction.metadata");
    constexpr std::array kDecimal{
        Choice{"precise", "precise"}, Choice{"double", "double"}, Choice{"string", "string"}};
    word(3, "decimal", "decimal.handling.mode", kDecimal);
    constexpr std::array kTime{Choice{"adaptive", "adaptive"},
                               Choice{"adaptive_time_microseconds", "adaptive_time_microseconds"},
                               Choice{"connect", "connect"},
                               Choice{"isostring", "isostring"},
                               Choice{"microseconds", "microseconds"},
                               Choice{"nanoseconds", "nanoseconds"}};
    word(3, "time_precision", "time.precision.mode", kTime);
    if (!is_postgresql()) {
        constexpr std::array kUnsigned{Choice{"long", "long"}, Choice{"precise", "precise"}};
        word(3, "bigint_unsigned", "bigint.unsigned.handling.mode", kUnsigned);
    }
    constexpr std::array kInterval{Choice{"numeric", "numeric"}, Choice{"string", "string"}};
    word(3, "interval", "interval.handling.mode", kInterval);
    constexpr std::array kBinary{Choice{"bytes", "bytes"},
                                 Choice{"base64", "base64"},
                                 Choice{"base64-url-safe", "base64-url-safe"},
                                 Choice{"hex", "hex"}};
    word(3, "binary", "binary.handling.mode", kBinary);
    if (const auto skipped = take("skipped.operations")) {
        std::vector<std::string> operations = list_of(*skipped);
        std::erase(operations, "none");
        if (operations.empty()) {
            line(3, "skipped_operations: []");
        }
        list(3, "skipped_operations", operations);
    }
    converters();
}

// Kafka Connect's JsonConverter writes schemas unless it is told not to.
void Converter::converters() {
    const auto converter = take("value.converter");
    const auto key_converter = take("key.converter");
    if (key_converter && !key_converter->ends_with("JsonConverter")) {
        note("key.converter=" + *key_converter + ": Tributary writes keys as JSON");
    }
    const auto schemas = take("value.converter.schemas.enable");
    const auto key_schemas = take("key.converter.schemas.enable");
    if (converter && !converter->ends_with("JsonConverter")) {
        note("value.converter=" + *converter + ": Tributary writes JSON");
        return;
    }
    if (!converter && !schemas) {
        note(
            "the connector has no converter of its own: look whether its worker writes schemas "
            "(value.converter.schemas.enable) and set topics.schemas");
        return;
    }
    line(3, schemas.value_or("true") == "true" ? "schemas: true" : "schemas: false");
    if (key_schemas && key_schemas != schemas) {
        note(
            "key.converter.schemas.enable differs from the value's; here topics.schemas is for "
            "both");
    }
}

void Converter::postgresql_stream() {
    text(2, "slot", take_or("slot.name", "debezium"));
    text(2, "publication", take_or("publication.name", "dbz_publication"));
    const std::string autocreate = take_or("publication.autocreate.mode", "all_tables");
    line(2, autocreate == "disabled" ? "create_publication: false" : "create_publication: true");
    if (take_or("slot.failover", "false") == "true") {
        line(2, "failover_slot: true");
    }
    const std::string plugin = take_or("plugin.name", "decoderbufs");
    if (plugin != "pgoutput") {
        note("plugin.name=" + plugin +
             ": the slot cannot be taken over, because it does not speak pgoutput; choose another "
             "name for `slot`, and expect a gap unless writers stop during the change");
    }
    static_cast<void>(take("database.server.id"));
}

void Converter::mysql_stream() {
    const auto id = take("database.server.id");
    line(2, "server_id: " + id.value_or("0"));
    if (!id) {
        note(
            "the connector chose its server id at random: set server_id to a number that no "
            "server or replica has");
    }
    boolean(2, "schema_changes", "include.schema.changes");
}

// With the connector's offset its rows are in Kafka already; without it the pipeline is new and
// does what the connector would do.
void Converter::snapshot(bool taken_over) {
    const std::string mode = take_or("snapshot.mode", "initial");
    line(2, "snapshot:");
    if (taken_over) {
        line(3, "mode: no_data");
        return;
    }
    constexpr std::array kModes{Choice{"initial", "initial"},
                                Choice{"initial_only", "initial_only"},
                                Choice{"always", "always"},
                                Choice{"when_needed", "when_needed"},
                                Choice{"no_data", "no_data"},
                                Choice{"never", "no_data"},
                                Choice{"schema_only", "no_data"}};
    const auto found = std::find_if(
        kModes.begin(), kModes.end(), [&](const Choice& one) { return one.theirs == mode; });
    if (found == kModes.end()) {
        note("snapshot.mode=" + mode + " has no counterpart; written as no_data");
        line(3, "mode: no_data");
        return;
    }
    line(3, "mode: " + std::string(found->ours));
    if (found->ours != "no_data") {
        note("without --offset the pipeline is new: snapshot.mode " + std::string(found->ours) +
             " delivers the rows that the tables hold, again where the connector has done so");
    }
}

bool needless(std::string_view property) {
    return std::any_of(kNeedless.begin(), kNeedless.end(), [&](std::string_view start) {
        return property.starts_with(start);
    });
}

// Properties that hand whatever a plugin or a client library knows: any of them may be a secret.
constexpr std::array<std::string_view, 12> kFree{"transforms.",
                                                 "predicates.",
                                                 "driver.",
                                                 "database.",
                                                 "producer.",
                                                 "consumer.",
                                                 "admin.",
                                                 "key.converter.",
                                                 "value.converter.",
                                                 "header.converter.",
                                                 "signal.",
                                                 "notification."};
constexpr std::array<std::string_view, 17> kSecrets{"pass",
                                                    "pwd",
                                                    "secret",
                                                    "token",
                                                    "key",
                                                    "credential",
                                                    "user.info",
                                                    "userinfo",
                                                    "jaas",
                                                    "auth",
                                                    "store",
                                                    "cert",
                                                    "private",
                                                    "sign",
                                                    "cookie",
                                                    "session",
                                                    "header"};

// Whether a value had better not be printed: by its name, or for a user in a URL.
bool may_be_secret(std::string_view property, std::string_view value) {
    std::string name(property);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    const bool named = std::any_of(kSecrets.begin(), kSecrets.end(), [&](std::string_view part) {
        return name.find(part) != std::string::npos;
    });
    const bool is_free = std::any_of(kFree.begin(), kFree.end(), [&](std::string_view start) {
        return name.starts_with(start);
    });
    const bool names_a_class = name.ends_with(".type") || name.ends_with(".class");
    const std::size_t host = value.find("://");
    const bool has_user =
        host != std::string_view::npos && value.find('@', host) != std::string_view::npos;
    return named || has_user || (is_free && !names_a_class);
}

// What somebody has to do by hand about properties that change what is delivered.
struct ByHand {
    std::string_view start;
    std::string_view advice;
};
constexpr std::array<ByHand, 3> kByHand{
    ByHand{"snapshot.select.statement.overrides",
           "a snapshot reads every row here; set snapshot.mode: no_data and take the rows with "
           "`tributary snapshot start --where`"},
    ByHand{"snapshot.include.collection.list",
           "a snapshot reads every table of `tables` here; set snapshot.mode: no_data and take "
           "these with `tributary snapshot start --table`"},
    ByHand{"topic.creation.",
           "topics are made with kafka.topics.partitions and kafka.topics.replication, all alike; "
           "make a topic that differs before the start"}};

void Converter::leftovers() {
    for (const auto& [name, value] : properties_) {
        if (seen_.contains(name) || needless(name)) {
            continue;
        }
        const std::string& property = name;
        const auto* const advice =
            std::find_if(kByHand.begin(), kByHand.end(), [&](const ByHand& each) {
                return property.starts_with(each.start);
            });
        // The statements themselves may be long, and hold values of rows.
        const bool statement = name.starts_with("snapshot.select.statement.overrides.");
        note("not converted: " + name + "=" +
             (statement || may_be_secret(name, value) ? "***" : value) +
             (advice == kByHand.end() ? "" : ": " + std::string(advice->advice)));
    }
}

// An LSN as PostgreSQL writes it, from Debezium's number.
std::string lsn_text(std::uint64_t lsn) {
    std::array<char, 24> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "%X/%X",
                  static_cast<unsigned>(lsn >> 32U),
                  static_cast<unsigned>(lsn & 0xFFFFFFFFU));
    return text.data();
}

Result<void> Converter::offset(std::string_view stored) {
    const Json parsed = Json::parse(stored, nullptr, false);
    const auto refuse = [](const std::string& why) {
        return Error(errors::kConfigInvalid, "the offset file: " + why);
    };
    if (!parsed.is_object()) {
        return refuse("it is not a JSON object");
    }
    Json offset = parsed;
    if (parsed.contains("offsets")) {
        const Json& all = parsed.at("offsets");
        if (!all.is_array() || all.size() != 1 || !all.at(0).contains("offset")) {
            return refuse("it must hold the offset of exactly one source partition");
        }
        offset = all.at(0).at("offset");
    }
    if (!offset.is_object()) {
        return refuse("the offset is not an object");
    }
    const auto number = [&](const char* name) {
        const auto found = offset.find(name);
        return found != offset.end() && found->is_number_unsigned()
                   ? std::optional(found->get<std::uint64_t>())
                   : std::nullopt;
    };
    if (offset.value("snapshot", Json()).is_boolean() || offset.contains("snapshot_completed")) {
        const Json completed = offset.value("snapshot_completed", Json(true));
        if (completed == Json(false)) {
            return refuse("the connector's snapshot was not complete; let it finish first");
        }
    }
    if (is_postgresql()) {
        const auto commit = number("lsn_commit");
        if (!commit) {
            return refuse(
                "it has no lsn_commit, so it is not of a PostgreSQL connector that "
                "streamed");
        }
        out_.position = lsn_text(*commit);
        if (number("lsn_proc").value_or(*commit) > *commit) {
            note(
                "the connector stopped inside a transaction (lsn_proc is beyond lsn_commit): the "
                "events of that one transaction that it had sent already come again. Start and "
                "stop it once more while the source is quiet to avoid that");
        }
        return success();
    }
    const Json gtids = offset.value("gtids", Json());
    if (gtids.is_string() && !gtids.get<std::string>().empty()) {
        out_.position = gtids.get<std::string>();
    } else if (offset.value("file", Json()).is_string() && number("pos")) {
        out_.position = offset.at("file").get<std::string>() + ":" + std::to_string(*number("pos"));
    } else {
        return refuse("it has neither gtids nor file and pos");
    }
    if (number("event").value_or(0) > 0 || number("row").value_or(0) > 0) {
        note(
            "the connector stopped inside a transaction: the events of that one transaction that "
            "it had sent already come again. Start and stop it once more while the source is "
            "quiet to avoid that");
    }
    return success();
}

Result<Conversion> Converter::run(const DebeziumFiles& files) {
    const auto found = kind();
    if (!found) {
        return Error(errors::kConfigInvalid,
                     "connector.class names no connector that Tributary replaces: they are "
                     "PostgresConnector, MySqlConnector and MariaDbConnector");
    }
    kind_ = *found;
    out_.source = name_of(take_or("name", take_or("topic.prefix", "source")));
    line(0, "agent:");
    line(1, "id: " + quoted_by(out_.source, '\''));
    line(0, "kafka:");
    line(1, "bootstrap_servers:");
    const auto servers = list_of(files.bootstrap_servers);
    for (const std::string& server : servers) {
        line(2, "- " + quoted_by(server, '\''));
    }
    if (servers.empty()) {
        line(2, "- 'kafka.example:9092'");
        note(
            "Kafka's addresses and credentials are the Connect worker's: set "
            "kafka.bootstrap_servers and kafka.properties");
    }
    line(0, "sources:");
    line(1, "- name: " + quoted_by(out_.source, '\''));
    line(2,
         is_postgresql()          ? "type: postgresql"
         : kind_ == Kind::mariadb ? "type: mariadb"
                                  : "type: mysql");
    connection();
    if (is_postgresql()) {
        postgresql_stream();
    } else {
        mysql_stream();
    }
    tables();
    snapshot(!files.offset.empty());
    topics();
    leftovers();
    if (!files.offset.empty()) {
        TRIBUTARY_TRY_VOID(offset(files.offset));
    }
    return std::move(out_);
}

}  // namespace

Result<Conversion> from_debezium(const DebeziumFiles& files) {
    const Json parsed = Json::parse(files.connector, nullptr, false);
    if (!parsed.is_object()) {
        return Error(errors::kConfigInvalid, "the connector's file is not a JSON object");
    }
    const bool wrapped = parsed.contains("config") && parsed.at("config").is_object();
    const Json& config = wrapped ? parsed.at("config") : parsed;
    std::map<std::string, std::string> properties;
    for (const auto& [name, value] : config.items()) {
        properties[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    if (wrapped && parsed.contains("name") && parsed.at("name").is_string()) {
        properties["name"] = parsed.at("name").get<std::string>();
    }
    return Converter(std::move(properties)).run(files);
}

}  // namespace tributary::config
