#include "connectors/kafka/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace tributary::kafka {

namespace {

using Reason = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kOrder = "order and deduplication within a partition depend on it";
constexpr std::string_view kReading = "the checkpoint is read by rules of its own";
constexpr std::string_view kInternalUse = "the agent uses it itself";

constexpr std::array kRefused{
    Reason{"transactional.id", "it identifies agent and pipeline and fences a twin"},
    Reason{"transaction.timeout.ms", "use kafka.transaction_timeout"},
    Reason{"bootstrap.servers", "use kafka.bootstrap_servers"},
    Reason{"metadata.broker.list", "use kafka.bootstrap_servers"},
    Reason{"enable.idempotence", kOrder},
    Reason{"enable.gapless.guarantee", kOrder},
    Reason{"acks", "a record counts only once all in-sync replicas have it"},
    Reason{"request.required.acks", "a record counts only once all in-sync replicas have it"},
    Reason{"partitioner", "records of one key must stay in one partition: murmur2_random"},
    Reason{"partitioner_cb", "records of one key must stay in one partition: murmur2_random"},
    Reason{"msg_order_cmp", kOrder},
    Reason{"queuing.strategy", kOrder},
    Reason{"max.in.flight", kOrder},
    Reason{"max.in.flight.requests.per.connection", kOrder},
    Reason{"retries", "a record may only be given up with its transaction"},
    Reason{"message.send.max.retries", "a record may only be given up with its transaction"},
    Reason{"message.timeout.ms", "a record may only be given up with its transaction"},
    Reason{"delivery.timeout.ms", "a record may only be given up with its transaction"},
    Reason{"request.timeout.ms", "a produce request lives as long as its transaction allows"},
    Reason{"isolation.level", kReading},
    Reason{"group.id", kReading},
    Reason{"group.instance.id", kReading},
    Reason{"auto.offset.reset", kReading},
    Reason{"enable.auto.commit", kReading},
    Reason{"enable.auto.offset.store", kReading},
    Reason{"enable.partition.eof", kReading},
    Reason{"allow.auto.create.topics", "topics are created through the admin API: kafka.topics"},
    Reason{"delivery.report.only.error", kInternalUse},
    Reason{"dr_cb", kInternalUse},
    Reason{"dr_msg_cb", kInternalUse},
    Reason{"error_cb", kInternalUse},
    Reason{"log_cb", kInternalUse},
    Reason{"log.queue", kInternalUse},
    Reason{"stats_cb", kInternalUse},
    Reason{"enabled_events", kInternalUse},
    Reason{"opaque", kInternalUse},
    Reason{"interceptors", kInternalUse},
    Reason{"default_topic_conf", kInternalUse},
    Reason{"internal.termination.signal", kInternalUse},
    Reason{"plugin.library.paths", "foreign code could hide requests from the agent"},
    Reason{"test.mock.num.brokers", "it replaces the brokers by a simulation"},
};

// Properties that must keep the one value that verifies the broker.
struct Kept {
    std::string_view name;
    std::string_view value;
    std::string_view why;
};

constexpr std::array kKept{
    Kept{"enable.ssl.certificate.verification",
         "true",
         "without it anyone can pose as a broker: leave it out, and name the authority that signed "
         "the brokers' certificates in ssl.ca.location"},
    Kept{"ssl.endpoint.identification.algorithm",
         "https",
         "without it any certificate of that authority passes for a broker's: leave it out, and "
         "give the brokers certificates for the hosts in bootstrap_servers and "
         "advertised.listeners"},
};

constexpr std::array<std::pair<std::string_view, Delivery>, 2> kDeliveries{{
    {"exactly_once", Delivery::exactly_once},
    {"at_least_once", Delivery::at_least_once},
}};

// librdkafka properties that hold a secret (CONFIGURATION.md of 2.0, "sasl.*" and "ssl.*").
bool is_secret(std::string_view name) {
    constexpr std::array<std::string_view, 5> kSecrets{"sasl.password",
                                                       "sasl.oauthbearer.client.secret",
                                                       "ssl.key.password",
                                                       "ssl.key.pem",
                                                       "ssl.keystore.password"};
    return std::find(kSecrets.begin(), kSecrets.end(), name) != kSecrets.end();
}

void read_topics(config::Reader reader, TopicOptions& out) {
    reader.boolean({.name = "create",
                    .doc = "Create topics that do not exist yet. Without it a missing topic is an "
                           "error that names it."},
                   out.create);
    reader.number({.name = "partitions", .doc = "Partitions of a topic that the agent creates."},
                  out.partitions,
                  {1, 10'000});
    reader.number({.name = "replication",
                   .doc = "Replication factor of a topic that the agent creates; -1 is the "
                          "broker's default."},
                  out.replication,
                  {-1, 100});
    reader.map({.name = "config",
                .doc = "Topic settings of a topic that the agent creates, such as retention.ms."},
               out.config);
}

// host:port, the host perhaps an IPv6 address in brackets; 9092 without a port. librdkafka takes a
// port modulo 65536.
bool is_server(std::string_view text) {
    constexpr std::string_view kDefaultPort = "9092";
    const auto bracket = text.rfind(']');
    const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    const std::string_view host = text.substr(0, colon);
    const std::string_view port =
        colon == std::string_view::npos ? kDefaultPort : text.substr(colon + 1);
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    return !host.empty() && host.find_first_of(", \t/") == std::string_view::npos &&
           error == std::errc() && end == port.data() + port.size() && number != 0;
}

void check_servers(config::Reader& reader, const std::vector<std::string>& servers) {
    for (const std::string& server : servers) {
        if (!is_server(server)) {
            reader.fail("bootstrap_servers",
                        "\"" + server + "\" is no server: each is one list item, as host:port");
        }
    }
}

void check_properties(config::Reader& reader, const Options& options) {
    const auto check = [&reader](const std::string& name, std::string_view value) {
        if (const auto reason = refusal(name, value)) {
            reader.fail("properties", name + ": " + std::string(*reason));
        }
    };
    for (const auto& [name, value] : options.properties) {
        check(name, value);
        if (name.ends_with(".location") && value != "probe") {  // the system's, for ssl.ca.location
            reader.note_file("properties." + name, value);
        }
    }
    for (const auto& [name, value] : options.secret_properties) {
        check(name, value.reveal());
    }
}

}  // namespace

std::optional<std::string_view> refusal(std::string_view name) {
    const auto* const found = std::find_if(
        kRefused.begin(), kRefused.end(), [name](const Reason& row) { return row.first == name; });
    return found == kRefused.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string_view> refusal(std::string_view name, std::string_view value) {
    const auto* const kept = std::find_if(
        kKept.begin(), kKept.end(), [name](const Kept& row) { return row.name == name; });
    if (kept != kKept.end()) {
        return kept->value == value ? std::nullopt : std::optional(kept->why);
    }
    return refusal(name);
}

Result<Options> read_options(config::Reader& reader) {
    Options out;
    reader.texts({.name = "bootstrap_servers",
                  .doc = "Brokers to begin with, as host:port.",
                  .required = true},
                 out.bootstrap_servers);
    reader.choice({.name = "delivery",
                   .doc = "`exactly_once` uses Kafka transactions. `at_least_once` is for brokers "
                          "that have none; duplicates are then possible and can be proven by the "
                          "`tributary` header."},
                  out.delivery,
                  kDeliveries);
    read_topics(reader.section({.name = "topics", .doc = "Topics that the agent creates."}),
                out.topics);
    reader.number({.name = "checkpoint_replication",
                   .doc = "Replication factor of the checkpoint topics; -1 is the broker's "
                          "default. Three in production: the position lives there."},
                  out.checkpoint_replication,
                  {-1, 100});
    reader.duration({.name = "transaction_timeout",
                     .doc = "After this long without an answer the broker aborts an open "
                            "transaction. At most the broker's transaction.max.timeout.ms."},
                    out.transaction_timeout_ms,
                    config::TimeUnit::milliseconds,
                    {10'000, 900'000});
    reader.map({.name = "properties",
                .doc = "Passed to librdkafka. Those that would break exactly-once delivery are "
                       "refused by name. Passwords and keys (sasl.password, ssl.key.password, "
                       "ssl.key.pem, ssl.keystore.password, sasl.oauthbearer.client.secret) must "
                       "be secret references."},
               out.properties,
               out.secret_properties,
               is_secret);
    check_servers(reader, out.bootstrap_servers);
    check_properties(reader, out);
    TRIBUTARY_TRY_VOID(reader.result());
    return out;
}

}  // namespace tributary::kafka
