#include "config/loaded.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "config/yaml.h"
#include "model/errors.h"

namespace tributary::config {

namespace {

template <typename Enum, std::size_t count>
using Table = std::array<std::pair<std::string_view, Enum>, count>;

constexpr Table<Durability, 2> kDurabilities{{
    {"power", Durability::power},
    {"process", Durability::process},
}};
constexpr Table<LogLevel, 4> kLevels{{
    {"debug", LogLevel::debug},
    {"info", LogLevel::info},
    {"warn", LogLevel::warn},
    {"error", LogLevel::error},
}};
constexpr Table<LogFormat, 4> kFormats{{
    {"auto", LogFormat::automatic},
    {"text", LogFormat::text},
    {"json", LogFormat::json},
    {"journal", LogFormat::journal},
}};
constexpr Table<Ack, 3> kAcks{{
    {"auto", Ack::automatic},
    {"buffered", Ack::buffered},
    {"delivered", Ack::delivered},
}};
constexpr Table<Poison, 2> kPoisons{{
    {"halt", Poison::halt},
    {"dead_letter", Poison::dead_letter},
}};
constexpr Table<SnapshotMode, 5> kSnapshotModes{{
    {"no_data", SnapshotMode::no_data},
    {"initial", SnapshotMode::initial},
    {"initial_only", SnapshotMode::initial_only},
    {"always", SnapshotMode::always},
    {"when_needed", SnapshotMode::when_needed},
}};
constexpr Table<Decimal, 3> kDecimals{{
    {"precise", Decimal::precise},
    {"string", Decimal::string},
    {"double", Decimal::real},
}};
constexpr Table<TimePrecision, 6> kTimePrecisions{{
    {"adaptive", TimePrecision::adaptive},
    {"adaptive_time_microseconds", TimePrecision::adaptive_time_microseconds},
    {"connect", TimePrecision::connect},
    {"isostring", TimePrecision::isostring},
    {"microseconds", TimePrecision::microseconds},
    {"nanoseconds", TimePrecision::nanoseconds},
}};
constexpr Table<BigintUnsigned, 2> kBigintUnsigned{{
    {"long", BigintUnsigned::long_},
    {"precise", BigintUnsigned::precise},
}};
constexpr Table<Interval, 2> kIntervals{{
    {"numeric", Interval::numeric},
    {"string", Interval::string},
}};
constexpr Table<Binary, 4> kBinaries{{
    {"bytes", Binary::bytes},
    {"base64", Binary::base64},
    {"base64-url-safe", Binary::base64_url_safe},
    {"hex", Binary::hex},
}};

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kTopicPrefixBytesMax = 100;

bool is_name(std::string_view text, std::string_view further) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               further.find(c) != std::string_view::npos;
    });
}

// agent.id and source names become parts of Kafka names joined by dots, so they hold none.
void check_name(Reader& reader, std::string_view key, const std::string& name) {
    if (reader.given(key) && (!is_name(name, "_-") || name.size() > kNameBytesMax)) {
        reader.fail(key, "\"" + name + "\" is not a name: letters, digits, _ and -, at most 64");
    }
}

void read_identity(Reader reader, AgentIdentity& out) {
    reader.text({.name = "id",
                 .doc = "Name of this agent, unique among all that write to the cluster. Part of "
                        "transactional ids and of the checkpoint topics' names.",
                 .required = true},
                out.id);
    check_name(reader, "id", out.id);
    reader.text({.name = "state_dir", .doc = "Directory of the local log."}, out.state_dir);
    if (!out.state_dir.starts_with('/')) {
        reader.fail("state_dir", "must be an absolute path");
    }
}

void read_buffer(Reader reader, Buffer& out) {
    constexpr std::uint64_t kMib = 1ULL << 20U;
    reader.size({.name = "max_bytes",
                 .doc = "Bound of the local log per pipeline. When it is full, reading from the "
                        "source pauses."},
                out.max_bytes,
                {16 * kMib, 1ULL << 50U});
    reader.size({.name = "min_free_disk",
                 .doc = "Reading pauses when the file system has less than this left."},
                out.min_free_disk,
                {16 * kMib, 1ULL << 50U});
    reader.choice({.name = "durability",
                   .doc = "`power`: every append is fsynced before it counts. `process`: it "
                          "survives a crash of the agent, not of the machine."},
                  out.durability,
                  kDurabilities);
    reader.size(
        {.name = "write_budget_per_day",
         .doc = "How much this agent may write to the disk in 24 hours before it says so (a "
                "warning and a metric; nothing stops). 0: any amount. Spares flash: a card "
                "of 32 GB that bears 1000 full writes lasts nine years at 10GB a day."},
        out.write_budget_per_day,
        {0, 1ULL << 50U});
}

bool is_loopback(std::string_view address) {
    return address.starts_with("127.") || address.starts_with("[::1]:");
}

// unix:/path, address:port or [address]:port.
bool is_listen_address(std::string_view address) {
    if (address.starts_with("unix:")) {
        return address.substr(5).starts_with('/');
    }
    const std::size_t colon = address.rfind(':');
    const std::string_view host = address.substr(0, std::min(colon, address.size()));
    const std::string_view port =
        colon == std::string_view::npos ? std::string_view() : address.substr(colon + 1);
    const bool numeric = host.starts_with('[')
                             ? host.ends_with(']')
                             : host.find_first_not_of("0123456789.") == std::string_view::npos;
    return !host.empty() && numeric && !port.empty() && port.size() <= 5 &&
           std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void read_admin_tls(Reader reader, Admin& out) {
    reader.file({.name = "cert", .doc = "File with the certificate and its chain."}, out.tls_cert);
    reader.file({.name = "key", .doc = "File with the key of `cert`."}, out.tls_key);
    if (out.tls_cert.empty() != out.tls_key.empty()) {
        reader.fail("key", "cert and key go together");
    }
}

void read_admin(Reader reader, Admin& out) {
    reader.texts({.name = "listen",
                  .doc = "Where the admin API listens: `unix:/path` (the only place that takes "
                         "changing requests) and `address:port` for metrics and health; an address "
                         "that is no loopback needs `tls` and `token`."},
                 out.listen);
    read_admin_tls(reader.section({.name = "tls", .doc = "TLS beyond loopback."}), out);
    reader.secret({.name = "token",
                   .doc = "What a request from beyond loopback must carry: `Authorization: Bearer "
                          "TOKEN`."},
                  out.token);
    for (const std::string& address : out.listen) {
        if (!is_listen_address(address)) {
            reader.fail("listen",
                        "\"" + address +
                            "\" is not unix:/path, 127.0.0.1:port, [::1]:port or another "
                            "address:port of this machine");
        } else if (!address.starts_with("unix:") && !is_loopback(address) &&
                   (out.tls_cert.empty() || !reader.given("token"))) {
            reader.fail("listen",
                        "\"" + address +
                            "\" is no loopback: it needs admin.tls (cert, key) and admin.token");
        }
    }
}

void read_logging(Reader reader, Logging& out) {
    reader.choice(
        {.name = "level", .doc = "Least level that is logged.", .live = true}, out.level, kLevels);
    reader.choice(
        {.name = "format",
         .doc = "`text` for people, `json` one object per line, `journal` entries of "
                "systemd's journal with fields (`TRIBUTARY_PIPELINE`, `TRIBUTARY_ERROR`); "
                "`auto` is text on a terminal, journal where that reads standard error, "
                "and json elsewhere."},
        out.format,
        kFormats);
}

bool is_mysql(std::string_view type) {
    return type == "mysql" || type == "mariadb";
}

void read_topics(Reader reader, std::string_view type, Topics& out) {
    reader.text({.name = "prefix",
                 .doc = "First part of every topic's name: `<prefix>.<schema>.<table>`.",
                 .required = true},
                out.prefix);
    if (reader.given("prefix") &&
        (!is_name(out.prefix, "._-") || out.prefix.size() > kTopicPrefixBytesMax)) {
        reader.fail("prefix",
                    "\"" + out.prefix +
                        "\" is no part of a topic name: letters, digits, ., _ and -, at most 100");
    }
    const bool internal = out.prefix.starts_with("__") || out.prefix == "_tributary" ||
                          out.prefix.starts_with("_tributary.");
    if (reader.given("prefix") && internal) {
        reader.fail("prefix",
                    "\"" + out.prefix +
                        "\" makes names of internal topics: __ is Kafka's, _tributary ours");
    }
    reader.boolean({.name = "transaction_metadata",
                    .doc = "Write BEGIN and END of each source transaction to "
                           "`<prefix>.transaction` and a `transaction` block into each event."},
                   out.transaction_metadata);
    reader.boolean({.name = "tombstones",
                    .doc = "After a delete event also send a null value, so that compacted "
                           "topics forget the key."},
                   out.tombstones);
    reader.boolean({.name = "schemas",
                    .doc = "Put Kafka Connect's JSON schema beside each payload "
                           "(JsonConverter's schemas.enable)."},
                   out.schemas);
    reader.boolean({.name = "context_headers", .doc = "Add Debezium's context headers."},
                   out.context_headers);
    reader.choice(
        {.name = "decimal", .doc = "Debezium's decimal.handling.mode."}, out.decimal, kDecimals);
    if (is_mysql(type)) {
        out.time_precision = TimePrecision::adaptive_time_microseconds;
    }
    reader.choice({.name = "time_precision", .doc = "Debezium's time.precision.mode."},
                  out.time_precision,
                  kTimePrecisions);
    if (is_mysql(type)) {
        reader.choice({.name = "bigint_unsigned",
                       .doc = "Debezium's bigint.unsigned.handling.mode: `long` wraps values from "
                              "2^63 on to negative numbers, `precise` is a decimal."},
                      out.bigint_unsigned,
                      kBigintUnsigned);
    }
    reader.choice({.name = "interval", .doc = "Debezium's interval.handling.mode."},
                  out.interval,
                  kIntervals);
    reader.choice(
        {.name = "binary", .doc = "Debezium's binary.handling.mode."}, out.binary, kBinaries);
    reader.texts(
        {.name = "skipped_operations",
         .doc = "Operations that give no event, as Debezium's skipped.operations: any of c "
                "(create), u (update), d (delete), t (truncate). [] delivers all."},
        out.skipped_operations);
    for (const std::string& operation : out.skipped_operations) {
        if (operation.size() != 1 ||
            std::string_view("cudt").find(operation) == std::string_view::npos) {
            reader.fail("skipped_operations", "must be a list of c, u, d and t");
        }
    }
}

void read_cut(Reader reader, Cut& out) {
    reader.number(
        {.name = "transaction_rows", .doc = "At most this many events."}, out.rows, {1, 1'000'000});
    reader.size({.name = "transaction_bytes", .doc = "At most about this many bytes."},
                out.bytes,
                {64U << 10U, 64U << 20U});
    reader.duration({.name = "transaction_age",
                     .doc = "At most this long after the first event of the transaction."},
                    out.age_ms,
                    TimeUnit::milliseconds,
                    {1, 10'000});
}

void read_snapshot(Reader reader, SourceConfig& out) {
    reader.choice(
        {.name = "mode",
         .doc = "Which rows that are already there are delivered too, as Debezium has it. "
                "`no_data`: none. `initial`: all of them, once, when the pipeline is "
                "new. `initial_only`: the same, and then the pipeline is complete. `always`: all "
                "of them at every start of the agent. `when_needed`: as `initial`, and again when "
                "the server no longer has the changes since the last position."},
        out.snapshot,
        kSnapshotModes);
    reader.number({.name = "chunk_rows",
                   .doc = "At most this many rows are read at once; fewer where they are large."},
                  out.snapshot_chunk_rows,
                  {1, 1'000'000});
    reader.duration(
        {.name = "delay_max",
         .doc = "How long a change may have to wait for rows of a snapshot in front of it, about, "
                "while Kafka takes records: rows are read no faster. 0 sets no bound."},
        out.snapshot_delay_ms,
        TimeUnit::milliseconds,
        {0, 3'600'000});
    reader.size({.name = "keyless_max",
                 .doc = "How many bytes of rows a table without a key may have: they are kept in "
                        "the local log until all of them are read."},
                out.snapshot_keyless_bytes,
                {1ULL << 20U, 1ULL << 40U});
}

SourceConfig read_source(Reader& reader,
                         const std::vector<std::string_view>& types,
                         std::string_view type,
                         const SourceDeclaration& declaration) {
    SourceConfig out;
    out.ack = declaration.ack;
    out.poison = declaration.poison;
    reader.text({.name = "name",
                 .doc = "Name of the source and its pipeline, unique in this agent.",
                 .required = true},
                out.name);
    check_name(reader, "name", out.name);
    out.type = types.front();
    reader.word({.name = "type", .doc = "Kind of the source.", .required = true}, out.type, types);
    if (declaration.has_tables) {
        read_topics(
            reader.section(
                {.name = "topics", .doc = "What the events look like in Kafka.", .required = true}),
            type,
            out.topics);
    }
    reader.choice(
        {.name = "ack",
         .doc = "When the source may forget a change. `delivered`: when it is in Kafka, so "
                "losing the edge disk loses nothing. `buffered`: when it is in the local "
                "log. `auto`: `delivered`, until the server holds back too much."},
        out.ack,
        kAcks);
    reader.choice({.name = "poison",
                   .doc = "What to do with an event that can never be delivered: `halt` stops the "
                          "pipeline; `dead_letter` stores it aside and goes on."},
                  out.poison,
                  kPoisons);
    if (declaration.has_tables) {
        read_snapshot(reader.section({.name = "snapshot", .doc = "Rows that are already there."}),
                      out);
    }
    read_cut(reader.section({.name = "delivery",
                             .doc = "Where a Kafka transaction is cut; the first bound reached "
                                    "counts."}),
             out.cut);
    return out;
}

Reader kafka_of(Reader root) {
    return root.section({.name = "kafka", .doc = "The Kafka cluster.", .required = true});
}

std::vector<Reader> sources_of(Reader root) {
    return root.items(
        {.name = "sources", .doc = "The sources; each is one pipeline.", .required = true});
}

AgentConfig read_common(Reader root) {
    AgentConfig out;
    read_identity(root.section({.name = "agent", .doc = "The agent itself.", .required = true}),
                  out.agent);
    read_buffer(root.section({.name = "buffer", .doc = "The local log."}), out.buffer);
    read_admin(root.section({.name = "admin", .doc = "The admin API."}), out.admin);
    read_logging(root.section({.name = "logging", .doc = "Log lines, on standard error."}),
                 out.logging);
    return out;
}

std::vector<std::string_view> types_of(const Connectors& connectors) {
    std::vector<std::string_view> types;
    for (const auto& [type, declaration] : connectors.sources) {
        types.push_back(type);
    }
    return types;
}

Result<Loaded> load_tree(Node tree, const Connectors& connectors, const Surroundings& around) {
    Document document(std::move(tree), around);
    Reader root = document.root();
    AgentConfig config = read_common(root);
    Reader kafka = kafka_of(root);
    connectors.kafka(kafka);
    for (Reader& reader : sources_of(root)) {
        const auto connector = connectors.sources.find(reader.peek("type"));
        const bool known = connector != connectors.sources.end();
        SourceConfig source = read_source(reader,
                                          types_of(connectors),
                                          reader.peek("type"),
                                          known ? connector->second : SourceDeclaration{});
        const bool again =
            std::any_of(config.sources.begin(), config.sources.end(), [&](const SourceConfig& s) {
                return s.name == source.name;
            });
        if (again && !source.name.empty()) {
            reader.fail("name", "\"" + source.name + "\" names another source already");
        }
        if (known) {
            connector->second.read(reader);
        } else {
            reader.accept_unknown();  // which keys it has is not known without its type
        }
        config.sources.push_back(std::move(source));
    }
    if (root.given("sources") && config.sources.empty()) {
        root.fail("sources", "names no source");
    }
    TRIBUTARY_TRY_VOID(document.result());
    return Loaded(std::move(config), std::move(document));
}

Result<Node> read_file(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        return Error(errors::kConfigInvalid, path + ": is a directory, not a file");
    }
    std::ifstream in(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in.is_open() || in.bad()) {
        return Error(errors::kConfigInvalid, path + ": the file cannot be read");
    }
    return parse_yaml(text, path);
}

}  // namespace

Reader Loaded::kafka() const {
    return kafka_of(document_.root());
}

Reader Loaded::source(std::size_t index) const {
    return sources_of(document_.root()).at(index);
}

std::string restart_needed(const Loaded& running, const Loaded& fresh) {
    const auto before = running.values();
    const auto after = fresh.values();
    std::string names;
    std::set<std::string> noted;
    const auto note = [&](const std::string& name) {
        if (noted.insert(name).second) {
            names += (names.empty() ? "" : ", ") + name;
        }
    };
    for (const auto& [name, value] : before) {
        const auto found = after.find(name);
        if (!value.live && (found == after.end() || found->second.text != value.text)) {
            note(name);
        }
    }
    for (const auto& [name, value] : after) {
        if (!value.live && before.find(name) == before.end()) {
            note(name);
        }
    }
    // A reference may stay as it is while what it stands for changes.
    for (const auto& [name, secret] : running.secrets()) {
        const auto found = fresh.secrets().find(name);
        if (found != fresh.secrets().end() && found->second.reveal() != secret.reveal()) {
            note(name);
        }
    }
    return names;
}

Result<Loaded> load_text(std::string_view text,
                         std::string_view file,
                         const Connectors& connectors,
                         const Surroundings& surroundings) {
    TRIBUTARY_TRY(tree, parse_yaml(text, file));
    return load_tree(std::move(tree), connectors, surroundings);
}

Result<Loaded> load(const std::string& file,
                    const Connectors& connectors,
                    const Surroundings& surroundings) {
    TRIBUTARY_TRY(tree, read_file(file));
    const auto folder = std::filesystem::path(file).parent_path() / "conf.d";
    std::error_code error;
    std::vector<std::string> parts;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
        if (at->path().extension() == ".yaml") {
            parts.push_back(at->path().string());
        } else if (at->path().extension() == ".yml") {
            return Error(errors::kConfigInvalid,
                         at->path().string() + ": is not read; name it .yaml");
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return Error(errors::kConfigInvalid,
                     folder.string() + ": the directory cannot be read: " + error.message());
    }
    std::sort(parts.begin(), parts.end());
    for (const std::string& part : parts) {
        TRIBUTARY_TRY(more, read_file(part));
        TRIBUTARY_TRY_VOID(merge(tree, std::move(more)));
    }
    return load_tree(std::move(tree), connectors, surroundings);
}

Description describe(const Connectors& connectors) {
    Description out;
    Document whole;
    read_common(whole.root());
    Reader kafka = kafka_of(whole.root());
    connectors.kafka(kafka);
    static_cast<void>(sources_of(whole.root()));
    out.root = whole.description();
    for (const auto& [type, declaration] : connectors.sources) {
        Document one;
        Reader reader = one.root();
        static_cast<void>(read_source(reader, types_of(connectors), type, declaration));
        declaration.read(reader);
        out.sources[type] = one.description();
    }
    return out;
}

}  // namespace tributary::config
