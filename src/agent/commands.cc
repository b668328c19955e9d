// The verbs that run without an agent: check, reset, and a log to look into.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "agent/agent.h"
#include "agent/composition.h"
#include "agent/state_dir.h"
#include "agent/system_clock.h"
#include "connectors/kafka/tap.h"
#include "encode/topic_name.h"
#include "log/rocks_log.h"
#include "model/errors.h"
#include "model/source_errors.h"
#include "ports/quiet_observer.h"
#include "runtime/inspect.h"
#include "runtime/log_view.h"
#include "telemetry/observer.h"

namespace tributary::agent {
namespace {

constexpr std::chrono::seconds kResetBudget(30);

Result<std::size_t> find_source(const config::AgentConfig& config, std::string_view name) {
    std::vector<std::string> known;
    for (std::size_t index = 0; index < config.sources.size(); ++index) {
        if (config.sources[index].name == name) {
            return index;
        }
        known.push_back(config.sources[index].name);
    }
    return unknown_source(name, known);
}

Finding check_state_dir(const config::AgentConfig& config) {
    const auto lock = lock_state_dir(config.agent.state_dir);
    if (lock) {
        return {Severity::ok, config.agent.state_dir, "writable, and no agent uses it", ""};
    }
    if (lock.error().is(errors::kStateDirLocked)) {
        return {Severity::ok, config.agent.state_dir, lock.error().what(), ""};
    }
    return {Severity::error,
            config.agent.state_dir,
            lock.error().what(),
            "install -d -o tributary -m 0700 " + config.agent.state_dir};
}

// As the user that check_state_dir() has become.
std::vector<Finding> check_files(const config::Loaded& loaded) {
    std::vector<Finding> findings;
    for (const auto& [key, named] : loaded.files()) {
        const passwd* const user = ::getpwuid(::geteuid());  // NOLINT(concurrency-mt-unsafe)
        const bool at_home = named.starts_with("~/") && user != nullptr;
        const std::string path = at_home ? user->pw_dir + named.substr(1) : named;
        if (::access(path.c_str(), R_OK) == 0) {
            findings.push_back({Severity::ok, key, path + " can be read", ""});
            continue;
        }
        const std::string why = std::generic_category().message(errno);
        const std::string remedy = at_home
                                       ? key + ": FILE (such as /etc/ssl/certs/ca-certificates.crt)"
                                       : "install -o root -g tributary -m 0640 FILE " + path;
        findings.push_back({Severity::error, key, path + ": " + why, remedy});
    }
    return findings;
}

std::vector<CheckSection> check_here(const config::Loaded& loaded) {
    std::vector<CheckSection> sections{
        {"configuration", {{Severity::ok, "file", "every key is known and in range", ""}}},
        {"state directory", {check_state_dir(loaded.config)}}};
    if (!loaded.files().empty()) {
        sections.push_back({"files", check_files(loaded)});
    }
    return sections;
}

struct TopicOwner {
    std::string topic;
    std::string table;  // "table public.t of source plant"
};
// By what Kafka tells topics apart by: '.' and '_' are the same to it.
using TopicOwners = std::map<std::string, TopicOwner>;

// Tables whose events would be mixed up in one topic, or that Kafka has no topic for. `owners`:
// what was seen so far.
std::vector<Finding> shared_topics(const config::SourceConfig& source,
                                   const std::vector<std::string>& tables,
                                   TopicOwners& owners) {
    std::vector<Finding> findings;
    for (const std::string& table : tables) {
        const std::string owner = "table " + table + " of source " + source.name;
        const std::string topic = encode::sanitize_topic(source.topics.prefix + "." + table);
        std::string name = topic;
        std::replace(name.begin(), name.end(), '.', '_');
        const auto [other, first] = owners.emplace(name, TopicOwner{topic, owner});
        if (first) {
            continue;
        }
        const auto& [theirs, their_table] = other->second;
        const bool same = theirs == topic;
        findings.push_back({same ? Severity::warning : Severity::error,
                            "topic " + topic,
                            same ? "takes the events of both " + their_table + " and " + owner
                                 : "of " + owner + " cannot be beside " + theirs + " of " +
                                       their_table + ": Kafka does not tell . and _ apart",
                            same
                                ? "unless that is wanted: another topics.prefix, or one of them in "
                                  "tables.exclude"
                                : "another topics.prefix, or one of them in tables.exclude"});
    }
    return findings;
}

}  // namespace

std::vector<CheckSection> check_offline(const config::Loaded& loaded) {
    std::vector<CheckSection> sections = check_here(loaded);
    sections.push_back({"kafka", {check_kafka_properties(loaded)}});
    return sections;
}

std::vector<CheckSection> check(const config::Loaded& loaded) {
    std::vector<CheckSection> sections = check_here(loaded);
    TopicOwners owners;
    for (std::size_t index = 0; index < loaded.config.sources.size(); ++index) {
        const auto& source = loaded.config.sources[index];
        auto [findings, tables] = check_source(loaded, index);
        for (Finding& finding : shared_topics(source, tables, owners)) {
            findings.push_back(std::move(finding));
        }
        sections.push_back({"source " + source.name + " (" + source.type + ")", findings});
    }
    sections.push_back({"kafka", check_kafka(loaded)});
    return sections;
}

Result<std::string> reset(const config::Loaded& loaded,
                          std::string_view source,
                          std::string_view from) {
    TRIBUTARY_TRY(index, find_source(loaded.config, source));
    TRIBUTARY_TRY(lock, lock_state_dir(loaded.config.agent.state_dir));
    (void)lock;  // held until this returns
    const SystemClock clock;
    const auto observer = make_observer(loaded.config, clock);
    TRIBUTARY_TRY(position, resolve_position(loaded, index, from));
    TRIBUTARY_TRY(parts, make_pipeline(loaded, index, clock, *observer));
    TRIBUTARY_TRY(log, RocksLog::open(log_options(loaded.config, &clock), observer.get()));
    // Kafka first: its checkpoint is the truth that the new stream must follow.
    TRIBUTARY_TRY(before, parts.sink->recover(kResetBudget));
    TRIBUTARY_TRY(stream, log->find_stream(parts.name));
    std::uint64_t last = before ? before->last.value() : 0;
    if (stream) {
        last = std::max(last, stream->extent.last.value());
    }
    Checkpoint checkpoint;
    checkpoint.pipeline = loaded.config.agent.id + "." + parts.name;
    checkpoint.log_id = log->id();
    checkpoint.agent_version = TRIBUTARY_VERSION;
    checkpoint.resume = position;
    checkpoint.last = Sequence(last);
    checkpoint.previous_last = before ? before->last : Sequence(0);
    checkpoint.chain_crc = before ? before->chain_crc : 0;
    checkpoint.wall_time_us = clock.wall_time_us();
    TRIBUTARY_TRY_VOID(parts.sink->begin());
    TRIBUTARY_TRY(outcome, parts.sink->commit(checkpoint));
    (void)outcome;  // the process ends: the next producer fences this one
    parts.sink->close(std::chrono::seconds(2));
    TRIBUTARY_TRY(fresh,
                  log->create_stream(parts.name,
                                     {.first = next(checkpoint.last),
                                      .predecessor = checkpoint.log_id,
                                      .predecessor_last = checkpoint.last}));
    (void)fresh;
    return parts.source->describe(position);
}

Result<std::unique_ptr<EventLog>> open_log_read_only(const config::Loaded& loaded) {
    TRIBUTARY_TRY(log, RocksLog::open_read_only(log_options(loaded.config, nullptr), nullptr));
    return std::unique_ptr<EventLog>(std::move(log));
}

Result<std::string> peek(
    EventLog& log, std::string_view pipeline, std::uint64_t from, std::size_t limit, bool values) {
    return runtime::peek_log(log, pipeline, from, limit, values);
}

Result<std::uint64_t> verify(EventLog& log) {
    return runtime::verify_log(log);
}

namespace {

class StoppedAgentsEvents final : public StoredEvents {
  public:
    StoppedAgentsEvents(std::unique_ptr<EventLog> log,
                        const config::Loaded& loaded,
                        std::size_t index)
        : log_(std::move(log)),
          source_(loaded.config.sources[index].name),
          view_(source_, view_factory(loaded, index, clock_, observer_)) {}

    [[nodiscard]] Result<EventsPage> page(const EventsQuery& query) override {
        return view_.page(*log_, query);
    }
    [[nodiscard]] Result<std::uint64_t> find_time(std::int64_t time_us) override {
        return runtime::find_time(*log_, source_, time_us);
    }

  private:
    const SystemClock clock_;
    QuietObserver observer_;
    std::unique_ptr<EventLog> log_;
    const std::string source_;
    runtime::LogView view_;
};

}  // namespace

Result<std::unique_ptr<StoredEvents>> open_events(const config::Loaded& loaded,
                                                  const std::string& source) {
    TRIBUTARY_TRY(index, find_source(loaded.config, source));
    TRIBUTARY_TRY(log, open_log_read_only(loaded));
    return std::unique_ptr<StoredEvents>(
        std::make_unique<StoppedAgentsEvents>(std::move(log), loaded, index));
}

Result<DroppedEvents> drop(const config::Loaded& loaded,
                           const std::string& source,
                           std::uint64_t before) {
    TRIBUTARY_TRY(index, find_source(loaded.config, source));
    (void)index;
    TRIBUTARY_TRY(lock, lock_state_dir(loaded.config.agent.state_dir));
    (void)lock;  // held until this returns
    const SystemClock clock;
    const auto observer = make_observer(loaded.config, clock);
    TRIBUTARY_TRY(log, RocksLog::open(log_options(loaded.config, &clock), observer.get()));
    TRIBUTARY_TRY(stream, log->find_stream(source));
    if (!stream) {
        return no_events_of(source);
    }
    TRIBUTARY_TRY_VOID(log->drop(stream->id, Sequence(before)));
    TRIBUTARY_TRY(after, log->find_stream(source));
    return DroppedEvents{after->dropped_from.value(), after->dropped_before.value()};
}

Result<void> tap_kafka(const config::Loaded& loaded,
                       const std::string& pattern,
                       const TapCalls& calls) {
    config::Reader reader = loaded.kafka();
    TRIBUTARY_TRY(options, kafka::read_options(reader));
    const SystemClock clock;
    const auto record = [&](const kafka::TappedRecord& at) {
        calls.record(at.topic, at.offset, at.time_ms, at.key, at.value);
    };
    return kafka::tap(
        options, pattern, clock, {.record = record, .topics = calls.topics, .stop = calls.stop});
}

}  // namespace tributary::agent
