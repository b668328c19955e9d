// See kafka.h. Properties: Apache Kafka documentation, Broker Configs.
// broker.session.timeout.ms: a restart waits for the old registration to expire, 9 s by default.
// log.cleaner.dedupe.buffer.size: the default of 128 MiB does not fit the heap.
#include "tests/servers/kafka.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>

#include "tests/servers/failure.h"
#include "tests/servers/kafka_handle.h"

namespace tributary::servers {
namespace {

constexpr int kAdminLimitMs = 30000;
constexpr int kProbeLimitMs = 1000;

// 16 random bytes in unpadded URL-safe base64, as kafka.tools.StorageTool random-uuid prints them;
// the first letter is never '-', which would look like an option.
std::string random_cluster_id() {
    static constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::random_device random;
    std::string id(1, kLetters[random() % 52U]);
    while (id.size() < 21) {
        id += kLetters[random() % 62U];
    }
    return id +
           kLetters[(random() % 4U) * 16U];  // 22 letters hold 132 bits: the last four are zero
}

std::string java_binary() {
    const char* home = std::getenv("JAVA_HOME");  // NOLINT(concurrency-mt-unsafe)
    return home == nullptr || *home == '\0' ? "java" : std::string(home) + "/bin/java";
}

std::string listener(const std::string& name, std::uint16_t port) {
    return name + "://127.0.0.1:" + std::to_string(port);
}

void check_topic_results(const rd_kafka_topic_result_t** results, std::size_t count) {
    for (std::size_t index = 0; index < count; ++index) {
        if (rd_kafka_topic_result_error(results[index]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            const char* text = rd_kafka_topic_result_error_string(results[index]);
            throw ServerFailure(std::string(rd_kafka_topic_result_name(results[index])) + ": " +
                                (text == nullptr ? "error" : text));
        }
    }
}

EventHandle await_event(rd_kafka_queue_t* queue, const std::string& what) {
    EventHandle event(rd_kafka_queue_poll(queue, kAdminLimitMs + 1000));
    if (!event) {
        throw ServerFailure(what + ": no answer");
    }
    if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        throw ServerFailure(what + ": " + rd_kafka_event_error_string(event.get()));
    }
    return event;
}

// A topic that was made is known to the broker a moment later, on a busy machine seconds.
void await_topic(rd_kafka_t* client, const std::string& name) {
    const TopicHandle topic(rd_kafka_topic_new(client, name.c_str(), nullptr));
    const bool known = poll_until(std::chrono::milliseconds(kAdminLimitMs), [&] {
        const rd_kafka_metadata_t* metadata = nullptr;
        if (rd_kafka_metadata(client, 0, topic.get(), &metadata, kAdminLimitMs) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            return false;
        }
        const bool there = metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR;
        rd_kafka_metadata_destroy(metadata);
        return there;
    });
    if (!known) {
        throw ServerFailure("create topic " + name + ": the broker does not know it");
    }
}

AdminOptionsHandle admin_options(rd_kafka_t* client, rd_kafka_admin_op_t operation) {
    AdminOptionsHandle options(rd_kafka_AdminOptions_new(client, operation));
    std::array<char, 256> error{};
    rd_kafka_AdminOptions_set_request_timeout(
        options.get(), kAdminLimitMs, error.data(), error.size());
    rd_kafka_AdminOptions_set_operation_timeout(
        options.get(), kAdminLimitMs, error.data(), error.size());
    return options;
}

}  // namespace

Kafka::Kafka(KafkaOptions options) : options_(std::move(options)) {
    libraries_ = cache_directory() / ("kafka-" + options_.version) / "libs";
    if (!std::filesystem::is_directory(libraries_)) {
        throw ServerFailure("no Kafka " + options_.version + " in " + cache_directory().string() +
                            ": run tests/servers/kafka/fetch");
    }
    std::filesystem::create_directories(options_.directory);
    options_.directory = std::filesystem::canonical(options_.directory);
    give_to_service_user(options_.directory);
    leases_.resize(2 + options_.further_listeners.size());
    port_ = options_.port != 0 ? options_.port : leases_[0].port();
    const std::filesystem::path id_file = options_.directory / "cluster.id";
    std::ifstream(id_file) >> cluster_id_;
    const bool fresh = cluster_id_.empty();
    if (fresh) {
        const bool given = options_.seat && !options_.seat->cluster_id.empty();
        cluster_id_ = given ? options_.seat->cluster_id : random_cluster_id();
    }
    write_properties();
    if (fresh) {
        format();
        std::ofstream(id_file) << cluster_id_ << '\n';
    }
    launch();
    if (!options_.seat) {
        await_ready();
    }
}

Kafka::~Kafka() {
    process_.kill();
}

std::vector<std::string> Kafka::java(const std::string& main_class) const {
    const std::string log4j =
        "-Dlog4j.configuration=file:" + (options_.directory / "log4j.properties").string();
    return {java_binary(),
            "-Xms64m",
            "-Xmx" + options_.heap,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xss512k",
            "-XX:MaxDirectMemorySize=128m",
            "-XX:-UsePerfData",
            "-Xshare:auto",
            log4j,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Djava.net.preferIPv4Stack=true",
            "-cp",
            (libraries_ / "*").string(),
            main_class};
}

std::map<std::string, std::string> Kafka::all_properties() const {
    const KafkaSeat seat = options_.seat.value_or(KafkaSeat{});
    const std::string copies = std::to_string(std::min(seat.nodes, 3));
    const std::string in_sync = seat.nodes > 2 ? "2" : "1";
    const std::uint16_t controller = controller_port();
    const std::uint16_t advertised =
        options_.advertised_port != 0 ? options_.advertised_port : port_;
    std::string listeners = listener("PLAINTEXT", port_) + "," + listener("CONTROLLER", controller);
    std::string advertised_listeners = listener("PLAINTEXT", advertised);
    for (std::size_t index = 0; index < options_.further_listeners.size(); ++index) {
        const std::string entry =
            listener(options_.further_listeners[index], leases_[2 + index].port());
        listeners += "," + entry;
        advertised_listeners += "," + entry;
    }
    std::map<std::string, std::string> properties = {
        {"process.roles", "broker,controller"},
        {"node.id", std::to_string(seat.node)},
        {"controller.quorum.voters",
         seat.voters.empty() ? "1@127.0.0.1:" + std::to_string(controller) : seat.voters},
        {"controller.listener.names", "CONTROLLER"},
        {"inter.broker.listener.name", "PLAINTEXT"},
        {"listeners", listeners},
        {"advertised.listeners", advertised_listeners},
        {"listener.security.protocol.map",
         "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:"
         "SASL_SSL"},
        {"log.dirs", (options_.directory / "data").string()},
        {"num.partitions", "1"},
        {"auto.create.topics.enable", "false"},
        {"default.replication.factor", copies},
        {"min.insync.replicas", in_sync},
        {"offsets.topic.replication.factor", copies},
        {"offsets.topic.num.partitions", "1"},
        {"transaction.state.log.replication.factor", copies},
        {"transaction.state.log.min.isr", in_sync},
        {"transaction.state.log.num.partitions", "1"},
        {"group.initial.rebalance.delay.ms", "0"},
        {"broker.session.timeout.ms", "1000"},
        {"broker.heartbeat.interval.ms", "100"},
        {"controlled.shutdown.enable", "true"},
        {"log.cleaner.dedupe.buffer.size", "8388608"},
        {"num.network.threads", "2"},
        {"num.io.threads", "2"},
    };
    if (options_.version.starts_with("4")) {
        properties.insert({"share.coordinator.state.topic.replication.factor", copies});
        properties.insert({"share.coordinator.state.topic.min.isr", in_sync});
    }
    for (const auto& [name, value] : options_.properties) {
        properties[name] = value;
    }
    return properties;
}

void Kafka::write_properties() const {
    std::ofstream file(options_.directory / "server.properties", std::ios::trunc);
    for (const auto& [name, value] : all_properties()) {
        file << name << '=' << value << '\n';
    }
    std::ofstream log4j(options_.directory / "log4j.properties", std::ios::trunc);
    log4j << "log4j.rootLogger=WARN, out\n"
             "log4j.appender.out=org.apache.log4j.ConsoleAppender\n"
             "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
             "log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n\n";
    file.close();
    log4j.close();
    if (!file || !log4j) {
        throw ServerFailure("cannot write into " + options_.directory.string());
    }
}

void Kafka::format() {
    std::vector<std::string> command = java("kafka.tools.StorageTool");
    command.insert(command.end(),
                   {"format",
                    "-t",
                    cluster_id_,
                    "-c",
                    (options_.directory / "server.properties").string(),
                    "--ignore-formatted"});
    command.insert(
        command.end(), options_.format_arguments.begin(), options_.format_arguments.end());
    run_to_end({.command = command,
                .working_directory = options_.directory,
                .output_file = log_file(),
                .user = service_user()},
               kFormatLimit);
}

std::uint16_t Kafka::controller_port() const noexcept {
    return options_.seat && options_.seat->controller_port != 0 ? options_.seat->controller_port
                                                                : leases_[1].port();
}

void Kafka::start() {
    launch();
    await_ready();
}

void Kafka::launch() {
    std::vector<std::string> command = java("kafka.Kafka");
    command.push_back((options_.directory / "server.properties").string());
    process_ = Process::spawn({.command = command,
                               .working_directory = options_.directory,
                               .output_file = log_file(),
                               .user = service_user()});
}

void Kafka::await_ready() {
    const bool ready =
        poll_until(kStartLimit, [this] { return !process_.running() || answers_as_ours(); });
    if (!ready || !process_.running()) {
        throw ServerFailure("Kafka " + options_.version + " did not start; its log ends:\n" +
                            tail_of_file(log_file()));
    }
}

// One probe: a new client, so that no back-off of an earlier one delays the answer. Metadata comes
// from the listener itself, so an advertised proxy that does not run yet does no harm.
bool Kafka::answers_as_ours() const {
    try {
        const ClientHandle client = make_client(
            RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap()}, {"log_level", "0"}});
        const rd_kafka_metadata_t* metadata = nullptr;
        if (rd_kafka_metadata(client.get(), 0, nullptr, &metadata, kProbeLimitMs) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            return false;
        }
        const int brokers = metadata->broker_cnt;
        rd_kafka_metadata_destroy(metadata);
        const std::unique_ptr<char, decltype(&std::free)> id(rd_kafka_clusterid(client.get(), 0),
                                                             &std::free);
        return brokers > 0 && id != nullptr && cluster_id_ == id.get();
    } catch (const ServerFailure&) {
        return false;
    }
}

void Kafka::stop() {
    process_.signal(SIGTERM);
    if (process_.pid() > 0 && !process_.wait(kStopLimit)) {
        throw ServerFailure("Kafka still runs " + std::to_string(kStopLimit.count()) +
                            " s after SIGTERM; its log ends:\n" + tail_of_file(log_file()));
    }
}

void Kafka::kill9() {
    process_.kill();
}

void Kafka::restart() {
    stop();
    start();
}

void Kafka::create_topic(const std::string& name,
                         int partitions,
                         const std::map<std::string, std::string>& settings) {
    const ClientHandle client =
        make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap()}});
    std::array<char, 256> error{};
    NewTopicHandle topic(
        rd_kafka_NewTopic_new(name.c_str(), partitions, 1, error.data(), error.size()));
    if (!topic) {
        throw ServerFailure(name + ": " + error.data());
    }
    for (const auto& [key, value] : settings) {
        rd_kafka_NewTopic_set_config(topic.get(), key.c_str(), value.c_str());
    }
    const QueueHandle queue(rd_kafka_queue_new(client.get()));
    const AdminOptionsHandle options = admin_options(client.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS);
    std::array<rd_kafka_NewTopic_t*, 1> topics{topic.get()};
    rd_kafka_CreateTopics(client.get(), topics.data(), topics.size(), options.get(), queue.get());
    const EventHandle event = await_event(queue.get(), "create topic " + name);
    std::size_t count = 0;
    const auto* result = rd_kafka_event_CreateTopics_result(event.get());
    const auto** topic_results = rd_kafka_CreateTopics_result_topics(result, &count);
    check_topic_results(topic_results, count);
    await_topic(client.get(), name);
}

void Kafka::delete_topic(const std::string& name) {
    const ClientHandle client =
        make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap()}});
    DeleteTopicHandle topic(rd_kafka_DeleteTopic_new(name.c_str()));
    const QueueHandle queue(rd_kafka_queue_new(client.get()));
    const AdminOptionsHandle options = admin_options(client.get(), RD_KAFKA_ADMIN_OP_DELETETOPICS);
    std::array<rd_kafka_DeleteTopic_t*, 1> topics{topic.get()};
    rd_kafka_DeleteTopics(client.get(), topics.data(), topics.size(), options.get(), queue.get());
    const EventHandle event = await_event(queue.get(), "delete topic " + name);
    std::size_t count = 0;
    const auto* result = rd_kafka_event_DeleteTopics_result(event.get());
    const auto** topic_results = rd_kafka_DeleteTopics_result_topics(result, &count);
    check_topic_results(topic_results, count);
}

std::string Kafka::bootstrap() const {
    return "127.0.0.1:" + std::to_string(port_);
}

std::string Kafka::bootstrap_of(const std::string& further_listener) const {
    for (std::size_t index = 0; index < options_.further_listeners.size(); ++index) {
        if (options_.further_listeners[index] == further_listener) {
            return "127.0.0.1:" + std::to_string(leases_[2 + index].port());
        }
    }
    throw ServerFailure("no listener " + further_listener);
}

}  // namespace tributary::servers
