#include "tests/integration/agent/rig.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "admin/client.h"
#include "format/record_header.h"
#include "tests/servers/failure.h"

namespace tributary::agent_testing {
namespace {

namespace fs = std::filesystem;
using servers::poll_until;

struct Servers {
    servers::TemporaryDirectory directory{"tributary-agent"};
    std::unique_ptr<servers::Postgres> postgres;
    servers::PortLease broker_port;
    std::unique_ptr<servers::KafkaProxy> uplink;
    std::unique_ptr<servers::Kafka> kafka;
};

std::unique_ptr<Servers>& all() {
    static std::unique_ptr<Servers> servers = std::make_unique<Servers>();
    return servers;
}

class StopServers final : public testing::Environment {
  public:
    void TearDown() override { all().reset(); }
};

const auto* const kStop = testing::AddGlobalTestEnvironment(new StopServers);

std::string next_name() {
    static std::atomic<int> number{0};
    return "site" + std::to_string(++number) + "_" + std::to_string(::getpid());
}

std::string source_yaml(const Site& site, const SourceFile& source, std::uint16_t port) {
    const auto or_else = [](const std::string& text, const std::string& otherwise) {
        return text.empty() ? otherwise : text;
    };
    std::ostringstream out;
    out << "  - name: " << source.name << "\n    type: postgresql\n    connection:\n"
        << "      host: 127.0.0.1\n      port: " << (source.port == 0 ? port : source.port) << "\n"
        << "      dbname: " << or_else(source.dbname, site.name) << "\n      user: tributary\n"
        << "      password: \"${file:"
        << or_else(source.password_file, site.path("password").string()) << "}\"\n"
        << "      sslmode: " << source.sslmode << "\n"
        << "    slot: " << or_else(source.slot, site.slot(source.name)) << "\n"
        << "    publication: " << source.publication << "\n"
        << "    status_interval: 500ms\n    position_interval: 500ms\n"
        << "    topics: {prefix: " << or_else(source.prefix, site.name + "." + source.name)
        << (source.topics.empty() ? "" : ", ") << source.topics << "}\n";
    const bool chosen =
        std::any_of(source.lines.begin(), source.lines.end(), [](const std::string& line) {
            return line.starts_with("snapshot:");
        });
    // Most tests are about changes, and their role may read nothing.
    out << (chosen ? "" : "    snapshot: {mode: no_data}\n");
    for (const std::string& line : source.lines) {
        out << "    " << line << "\n";
    }
    return out.str();
}

std::map<std::string, std::string> second_listener() {
    return {{"authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"},
            {"super.users", "User:ANONYMOUS"},
            {"allow.everyone.if.no.acl.found", "true"},
            {"listener.name.sasl_plaintext.sasl.enabled.mechanisms", "PLAIN"},
            {"listener.name.sasl_plaintext.plain.sasl.jaas.config",
             "org.apache.kafka.common.security.plain.PlainLoginModule required user_plant=\"" +
                 std::string(kPassword) + "\";"}};
}

}  // namespace

std::optional<int> asked_for(const char* name) {
    const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? std::nullopt : std::optional(std::atoi(text));
}

std::string kafka_version() {
    const char* chosen = std::getenv("TRIBUTARY_TEST_KAFKA");  // NOLINT(concurrency-mt-unsafe)
    return chosen == nullptr ? servers::kKafka4 : chosen;
}

servers::Postgres& postgres() {
    auto& server = all()->postgres;
    if (!server) {
        server = std::make_unique<servers::Postgres>(servers::PostgresOptions{
            .directory = all()->directory.path() / "pg",
            .settings = {{"max_replication_slots", "60"}, {"max_wal_senders", "60"}}});
        server->create_user("tributary", kPassword, "REPLICATION");
    }
    return *server;
}

servers::Kafka& kafka() {
    auto& server = all()->kafka;
    if (!server) {
        all()->uplink = std::make_unique<servers::KafkaProxy>();
        all()->uplink->forward_to(all()->broker_port.port());
        server = std::make_unique<servers::Kafka>(
            servers::KafkaOptions{.directory = all()->directory.path() / "kafka",
                                  .version = kafka_version(),
                                  .properties = second_listener(),
                                  .further_listeners = {"SASL_PLAINTEXT"},
                                  .advertised_port = all()->uplink->port(),
                                  .port = all()->broker_port.port()});
    }
    return *server;
}

servers::KafkaProxy& uplink() {
    kafka();
    return *all()->uplink;
}

void write_file(const fs::path& file, const std::string& text) {
    std::ofstream out(file, std::ios::trunc);
    out << text;
    out.close();
    ASSERT_TRUE(out.good()) << file;
}

std::string read_file(const fs::path& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

Site::Site(servers::Postgres& server, std::string bootstrap_servers)
    : name(next_name()), id(name), bootstrap(std::move(bootstrap_servers)), server_(server) {
    state_dir = path("state");
    server_.sql("CREATE DATABASE " + name);
    sql("CREATE TABLE t (id int PRIMARY KEY, v text);"
        "CREATE PUBLICATION tributary FOR TABLE t");
    write_file(path("password"), std::string(kPassword) + "\n");
}

// A shared server must not run out of slots; those of a test's agents are free once it was killed.
Site::~Site() {
    try {
        const bool freed = poll_until(seconds(10), [this] {
            return server_
                       .sql(
                           "SELECT count(*) FROM pg_replication_slots WHERE active AND "
                           "database = '" +
                           name + "'")
                       .value() == "0";
        });
        if (freed) {
            server_.sql(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                "WHERE database = '" +
                name + "'");
        }
    } catch (const servers::ServerFailure&) {
        // a test that stopped its own server for good
    }
}

void Site::write() const {
    std::ostringstream out;
    out << "agent:\n  id: " << id << "\n  state_dir: " << state_dir.string() << "\n"
        << "buffer:\n  max_bytes: " << max_bytes << "\n  min_free_disk: 16MiB\n"
        << "logging: {level: " << level << ", format: json}\n"
        << "kafka:\n  bootstrap_servers: [" << bootstrap << "]\n";
    for (const std::string& line : kafka_lines) {
        out << "  " << line << "\n";
    }
    out << "admin:\n  listen:\n    - \"unix:" << path(socket).string() << "\"\n";
    for (const std::string& address : listen) {
        out << "    - \"" << address << "\"\n";
    }
    out << "sources:\n";
    for (const SourceFile& source : sources) {
        out << source_yaml(*this, source, server_.port());
    }
    for (const std::string& source : other_sources) {
        out << source;
    }
    write_file(path("tributary.yaml"), out.str());
}

Ran Site::run(const std::vector<std::string>& verb) const {
    static std::atomic<int> number{0};
    const fs::path output = path("verb" + std::to_string(++number));
    std::vector<std::string> command{TRIBUTARY_COMMAND, "-c", path("tributary.yaml").string()};
    command.insert(command.end(), verb.begin(), verb.end());
    auto process = servers::Process::spawn({.command = command, .output_file = output});
    const auto ended = process.wait(kPatience);
    return {ended && ended->signal == 0 ? ended->code : -1, read_file(output)};
}

void Site::insert(int first, int last) {
    sql("INSERT INTO t SELECT g, 'row ' || g FROM generate_series(" + std::to_string(first) + ", " +
        std::to_string(last) + ") g");
}

Agent::Agent(const Site& site, AgentOptions options) : socket_(site.path(site.socket)) {
    static std::atomic<int> number{0};
    log_file_ = site.path("agent" + std::to_string(++number) + ".log");
    site.write();
    std::vector<std::string> command{
        options.program.string(), "-c", site.path("tributary.yaml").string(), "run"};
    command.insert(command.end(), options.arguments.begin(), options.arguments.end());
    process_ = servers::Process::spawn({.command = command,
                                        .environment = options.environment,
                                        .output_file = log_file_,
                                        .user = options.user});
}

int Agent::stop(milliseconds limit) {
    process_.signal(SIGTERM);
    return wait(limit);
}

int Agent::wait(milliseconds limit) {
    const auto ended = process_.wait(limit);
    return ended && ended->signal == 0 ? ended->code : -1;
}

nlohmann::json Agent::status() const {
    const auto answer = admin::request(socket_.string(), "GET", "/v1/status");
    return answer ? nlohmann::json::parse(answer.value(), nullptr, false) : nlohmann::json();
}

nlohmann::json Agent::pipeline(const std::string& name) const {
    const auto whole = status();
    if (whole.is_object()) {
        for (const auto& one : whole.at("pipelines")) {
            if (one.at("name") == name) {
                return one;
            }
        }
    }
    return {};
}

bool Agent::poll(const std::function<bool(const nlohmann::json&)>& done,
                 milliseconds limit,
                 const std::string& name) const {
    nlohmann::json last;
    const bool reached = poll_until(limit, [&] {
        last = pipeline(name);
        return last.is_object() && done(last);
    });
    if (!reached) {
        ADD_FAILURE() << "not reached: " << last.dump() << "\n" << log();
    }
    return reached;
}

bool Agent::caught_up(std::uint64_t appended_at_least, const std::string& name) const {
    return poll(
        [&](const nlohmann::json& at) {
            return at.at("intake").at("state") == "running" &&
                   at.at("delivery").at("state") == "running" &&
                   at.at("appended") >= appended_at_least &&
                   at.at("appended") == at.at("delivered");
        },
        kPatience,
        name);
}

std::string Agent::log() const {
    return read_file(log_file_);
}

bool Agent::logs(const std::string& text, milliseconds limit) const {
    const bool found = poll_until(limit, [&] { return log().find(text) != std::string::npos; });
    if (!found) {
        ADD_FAILURE() << "no log line with " << text << ":\n" << log();
    }
    return found;
}

bool Agent::logs_error(const std::string& name, milliseconds limit) const {
    return logs("\"error\":\"" + name + "\"", limit);
}

Seen read_topic(const std::string& topic, const std::string& bootstrap) {
    Seen seen;
    servers::KafkaReader reader({.bootstrap = bootstrap});
    const auto names = reader.topics();
    if (std::find(names.begin(), names.end(), topic) == names.end()) {
        return seen;
    }
    std::set<std::string> identities;
    for (const servers::KafkaRecord& record : reader.read(topic)) {
        const auto* header = record.header("tributary");
        const auto identity = header != nullptr && header->value
                                  ? format::parse_record_header(*header->value)
                                  : Result<format::RecordIdentity>(format::RecordIdentity{});
        if (header == nullptr || !identity) {
            ++seen.nameless;
        } else {
            const auto& known = identity.value();
            const bool fresh =
                identities
                    .insert(std::string(known.source) + '\0' + std::string(known.position) + '\0' +
                            std::to_string(known.ordinal) + '.' + std::to_string(known.sub_index))
                    .second;
            seen.repeated += fresh ? 0 : 1;
        }
        if (!record.value) {
            seen.operations.emplace_back("tombstone");
            continue;
        }
        const auto event = nlohmann::json::parse(*record.value);
        std::string text = event.at("op");
        const auto& row = text == "d" ? event.at("before") : event.at("after");
        if (row.is_object()) {
            text += " " + row.at("id").dump();
        }
        if (event.at("op") == "c") {
            seen.created.insert(row.at("id").get<int>());
        }
        seen.operations.push_back(text);
    }
    return seen;
}

void expect_exactly(const Site& site, int count, const std::string& source) {
    Seen seen;
    const bool there = poll_until(kPatience, [&] {
        seen = read_topic(site.topic(source));
        return seen.operations.size() >= static_cast<std::size_t>(count);
    });
    EXPECT_TRUE(there) << seen.operations.size() << " of " << count;
    std::multiset<int> expected;
    for (int id = 1; id <= count; ++id) {
        expected.insert(id);
    }
    EXPECT_TRUE(seen.created == expected) << seen.created.size() << " created, expected " << count;
    EXPECT_EQ(seen.operations.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(seen.repeated, 0U);
    EXPECT_EQ(seen.nameless, 0U);
}

void set_topic(const std::string& topic,
               const std::vector<std::pair<std::string, std::string>>& settings,
               const std::string& bootstrap) {
    const auto client = servers::make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap}});
    rd_kafka_ConfigResource_t* resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
    for (const auto& [name, value] : settings) {
        rd_kafka_ConfigResource_set_config(resource, name.c_str(), value.c_str());
    }
    const servers::QueueHandle queue(rd_kafka_queue_new(client.get()));
    rd_kafka_AlterConfigs(client.get(), &resource, 1, nullptr, queue.get());
    const servers::EventHandle event(rd_kafka_queue_poll(queue.get(), 20'000));
    rd_kafka_ConfigResource_destroy(resource);
    ASSERT_TRUE(event);
    ASSERT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void deny_topics(const std::string& prefix, bool denied) {
    const auto client =
        servers::make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", uplink().bootstrap()}});
    const auto describe = denied ? rd_kafka_AclBinding_new : rd_kafka_AclBindingFilter_new;
    rd_kafka_AclBinding_t* rule = describe(RD_KAFKA_RESOURCE_TOPIC,
                                           prefix.c_str(),
                                           RD_KAFKA_RESOURCE_PATTERN_PREFIXED,
                                           "User:plant",
                                           "*",
                                           RD_KAFKA_ACL_OPERATION_ALL,
                                           RD_KAFKA_ACL_PERMISSION_TYPE_DENY,
                                           nullptr,
                                           0);
    const servers::QueueHandle queue(rd_kafka_queue_new(client.get()));
    const auto send = denied ? rd_kafka_CreateAcls : rd_kafka_DeleteAcls;
    send(client.get(), &rule, 1, nullptr, queue.get());
    const servers::EventHandle event(rd_kafka_queue_poll(queue.get(), 20'000));
    rd_kafka_AclBinding_destroy(rule);
    ASSERT_TRUE(event);
    ASSERT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void produce(const std::string& topic, const std::string& key, const std::string& value) {
    const auto client = servers::make_client(
        RD_KAFKA_PRODUCER, {{"bootstrap.servers", uplink().bootstrap()}, {"acks", "all"}});
    const servers::TopicHandle handle(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
    std::string copy = value;  // the call takes a mutable pointer
    ASSERT_EQ(rd_kafka_produce(handle.get(),
                               RD_KAFKA_PARTITION_UA,
                               RD_KAFKA_MSG_F_COPY,
                               copy.data(),
                               copy.size(),
                               key.data(),
                               key.size(),
                               nullptr),
              0);
    ASSERT_EQ(rd_kafka_flush(client.get(), 20'000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void expect_refusal(const Site& site, const std::string& error, int exit_code) {
    Agent agent(site);
    EXPECT_EQ(agent.wait(), exit_code) << agent.log();
    EXPECT_TRUE(agent.logs_error(error, milliseconds(0)));
}

}  // namespace tributary::agent_testing
