// tributary-oracle: the judge of the quickstart and of the torture tests.
//   materialise  rebuilds every published table from its topic and compares; exit code 1 on a
//   difference tail         prints change events as a read_committed consumer sees them
//   readings     counts what tributary-sim sent; exit code 1 when one is missing or repeated
// Threads: one.
#include <CLI/CLI.hpp>

#include <chrono>
#include <iostream>
#include <set>

#include "tests/servers/kafka_reader.h"
#include "tests/servers/process.h"
#include "tests/tools/oracle/materialise.h"
#include "tests/tools/oracle/readings.h"
#include "tests/tools/oracle/tables.h"

namespace {

using nlohmann::json;
using tributary::servers::KafkaReader;
using tributary::servers::KafkaRecord;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): literals only

constexpr std::size_t kExamplesMax = 10;

struct Options {
    std::string bootstrap;
    std::string conninfo;  // empty: libpq's own environment
    std::string prefix;
    std::string publication;
    std::string topic;
    std::size_t count = 0;
    int settle_s = 0;
    int for_s = 10;
    int until_idle_s = 0;
    std::size_t limit = 0;
};

struct Verdict {
    std::size_t rows_in_tables = 0;
    std::size_t rows_in_topics = 0;
    std::size_t records = 0;
    std::size_t repeated = 0;
    std::size_t unidentified = 0;
    tributary::oracle::Differences differences;

    [[nodiscard]] bool equal() const { return differences.count == 0 && unidentified == 0; }
    [[nodiscard]] bool good() const { return equal() && repeated == 0; }
};

std::optional<std::string_view> view(const std::optional<std::string>& text) {
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

// Partitions are merged by the source's LSN, so that a TRUNCATE, which has no key, takes its place.
// Within a partition the order stays: a record without LSN, or with a smaller one, counts as the
// one before it.
void order_by_source(std::vector<KafkaRecord>& records) {
    std::map<int, std::int64_t> reached;
    std::vector<std::pair<std::int64_t, std::size_t>> order;
    for (std::size_t index = 0; index < records.size(); ++index) {
        std::int64_t& lsn = reached[records[index].partition];
        if (records[index].value) {
            const json document = json::parse(*records[index].value);
            const json& event = tributary::oracle::payload_of(document);
            const json source = event.value("source", json::object());
            lsn = std::max(lsn,
                           source.contains("lsn") && source["lsn"].is_number()
                               ? source["lsn"].get<std::int64_t>()
                               : std::int64_t{0});
        }
        order.emplace_back(lsn, index);
    }
    std::stable_sort(order.begin(), order.end(), [](const auto& left, const auto& right) {
        return left.first < right.first;
    });
    std::vector<KafkaRecord> sorted;
    sorted.reserve(records.size());
    for (const auto& [lsn, index] : order) {
        sorted.push_back(std::move(records[index]));
    }
    records = std::move(sorted);
}

tributary::oracle::TopicTable materialise_topic(KafkaReader& reader, const std::string& topic) {
    tributary::oracle::TopicTable table;
    std::vector<KafkaRecord> records = reader.read(topic);
    if (!records.empty() && records.front().partition != records.back().partition) {
        order_by_source(records);
    }
    for (const KafkaRecord& record : records) {
        const auto* header = record.header("tributary");
        try {
            table.apply({.key = view(record.key),
                         .value = view(record.value),
                         .identity = header == nullptr ? std::nullopt : view(header->value)});
        } catch (const std::exception& error) {
            throw tributary::servers::ServerFailure(
                topic + " partition " + std::to_string(record.partition) + " offset " +
                std::to_string(record.offset) + ": " + error.what());
        }
    }
    return table;
}

Verdict judge(const Options& options) {
    Verdict verdict;
    tributary::servers::SqlConnection connection(options.conninfo);
    const auto tables = tributary::oracle::read_tables(connection, options.publication);
    if (tables.empty()) {
        throw tributary::servers::ServerFailure("no table is published: nothing to compare");
    }
    KafkaReader reader({.bootstrap = options.bootstrap});
    const std::vector<std::string> names = reader.topics();
    const std::set<std::string> topics(names.begin(), names.end());
    for (const auto& table : tables) {
        const std::string topic = options.prefix + "." + table.schema + "." + table.name;
        const auto found = topics.contains(topic) ? materialise_topic(reader, topic)
                                                  : tributary::oracle::TopicTable{};
        const auto rows = found.rows(table.columns);
        verdict.rows_in_tables += table.rows.size();
        verdict.rows_in_topics += rows.size();
        verdict.records += found.records();
        verdict.repeated += found.repeated();
        verdict.unidentified += found.unidentified();
        auto differences = tributary::oracle::compare(
            table.schema + "." + table.name, found.key_fields(), table.rows, rows, kExamplesMax);
        verdict.differences.count += differences.count;
        for (std::string& example : differences.examples) {
            verdict.differences.examples.push_back(std::move(example));
        }
    }
    return verdict;
}

int print(const Verdict& verdict) {
    std::size_t shown = 0;
    for (const std::string& example : verdict.differences.examples) {
        if (++shown <= kExamplesMax) {
            std::cout << "difference: " << example << '\n';
        }
    }
    if (verdict.unidentified > 0) {
        std::cout << verdict.unidentified << " records carry no readable tributary header\n";
    }
    if (verdict.differences.count > 0) {
        std::cout << verdict.differences.count << " differences\n";
    }
    std::cout << "rows in the tables = rows materialised from the topics: "
              << verdict.rows_in_tables << (verdict.equal() ? " = " : " <> ")
              << verdict.rows_in_topics << ", " << verdict.repeated << " repeated (of "
              << verdict.records << " records)" << std::endl;
    return verdict.good() ? 0 : 1;
}

// Compares until both sides agree or the time to settle has passed: the agent may still be
// delivering.
int materialise(const Options& options) {
    Verdict verdict;
    static_cast<void>(tributary::servers::poll_until(std::chrono::seconds(options.settle_s), [&] {
        verdict = judge(options);
        return verdict.equal();
    }));
    return print(verdict);
}

int count_readings(const Options& options) {
    tributary::oracle::Readings readings;
    static_cast<void>(tributary::servers::poll_until(std::chrono::seconds(options.settle_s), [&] {
        readings = {};
        KafkaReader reader({.bootstrap = options.bootstrap});
        const auto names = reader.topics();
        if (std::find(names.begin(), names.end(), options.topic) != names.end()) {
            for (const KafkaRecord& record : reader.read(options.topic)) {
                readings.add(record.value.value_or("tombstone"));
            }
        }
        return readings.distinct() >= options.count;
    }));
    const bool good =
        readings.distinct() == options.count && readings.missing() == 0 && readings.repeated() == 0;
    std::cout << "readings acknowledged = readings in the topic: " << options.count
              << (readings.distinct() == options.count ? " = " : " <> ") << readings.distinct()
              << ", " << readings.missing() << " missing, " << readings.repeated() << " repeated"
              << std::endl;
    return good ? 0 : 1;
}

std::string compact(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void print_event(const KafkaRecord& record) {
    std::string line = record.topic;
    if (record.key) {
        const json key = json::parse(*record.key);
        line += " " + compact(tributary::oracle::payload_of(key));
    }
    if (!record.value) {
        std::cout << "tombstone " << line << std::endl;
        return;
    }
    const json document = json::parse(*record.value);
    const json& event = tributary::oracle::payload_of(document);
    const std::string operation = event.value("op", "?");
    for (const char* side : {"before", "after"}) {
        if (event.contains(side) && !event.at(side).is_null()) {
            line += " " + std::string(side) + " " + compact(event.at(side));
        }
    }
    std::cout << operation << " " << line << std::endl;
}

void follow_topics(KafkaReader& reader, const std::string& prefix) {
    for (const std::string& topic : reader.topics()) {
        if (topic.starts_with(prefix + ".")) {
            reader.follow(topic);
        }
    }
}

int tail(const Options& options) {
    KafkaReader reader({.bootstrap = options.bootstrap});
    const auto start = std::chrono::steady_clock::now();
    auto last_event = start;
    auto next_look = start;
    std::size_t printed = 0;
    for (;;) {
        const auto now = std::chrono::steady_clock::now();
        const bool idle = options.until_idle_s > 0 &&
                          now - last_event > std::chrono::seconds(options.until_idle_s);
        const bool over = now - start > std::chrono::seconds(options.for_s);
        if (idle || over || (options.limit > 0 && printed == options.limit)) {
            return 0;
        }
        if (now >= next_look) {
            follow_topics(reader, options.prefix);
            next_look = now + 1s;
        }
        if (const auto record = reader.next(200ms)) {
            print_event(*record);
            last_event = std::chrono::steady_clock::now();
            ++printed;
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Compares tables with their topics, and shows change events", "tributary-oracle"};
    app.require_subcommand(1);
    Options options;
    auto* compare =
        app.add_subcommand("materialise", "Compare the published tables with their topics");
    auto* show = app.add_subcommand("tail", "Print change events, from the beginning");
    auto* readings = app.add_subcommand("readings", "Count the readings of tributary-sim");
    for (CLI::App* command : {compare, show, readings}) {
        command->add_option("--kafka", options.bootstrap, "host:port")
            ->envname("KAFKA_BOOTSTRAP")
            ->required();
    }
    readings->add_option("--topic", options.topic, "Their topic")->required();
    readings->add_option("--count", options.count, "How many there are")->required();
    for (CLI::App* command : {compare, show}) {
        command->add_option("--prefix", options.prefix, "Topic prefix")->required();
    }
    compare->add_option(
        "--postgres", options.conninfo, "libpq connection string; else PGHOST, PGPORT ..");
    compare->add_option(
        "--publication", options.publication, "Only its tables; else of all publications");
    for (CLI::App* command : {compare, readings}) {
        command->add_option("--settle", options.settle_s, "Seconds to wait for both sides to agree")
            ->check(CLI::Range(0, 3600));
    }
    show->add_option("--for", options.for_s, "Seconds, at most")
        ->check(CLI::Range(0, 86400))
        ->capture_default_str();
    show->add_option(
            "--until-idle", options.until_idle_s, "End after so many seconds without an event")
        ->check(CLI::Range(0, 86400));
    show->add_option("--limit", options.limit, "End after so many events");
    CLI11_PARSE(app, argc, argv);
    try {
        return compare->parsed()    ? materialise(options)
               : readings->parsed() ? count_readings(options)
                                    : tail(options);
    } catch (const std::exception& error) {
        std::cerr << "oracle: " << error.what() << '\n';
        return 2;
    }
}
