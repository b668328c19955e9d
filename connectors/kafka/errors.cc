#include "connectors/kafka/errors.h"

#include "model/errors.h"

namespace tributary::kafka {

namespace {

bool mentions(std::string_view text, std::string_view word) {
    return text.find(word) != std::string_view::npos;
}

// A transport error is TLS's when the text says so. "Disconnected" in a handshake is the network's.
bool about_tls(std::string_view text) {
    const bool handshake = mentions(text, "SSL handshake failed") &&
                           !mentions(text, "SSL handshake failed: Disconnected");
    return handshake || mentions(text, "ssl3_read_bytes") ||
           mentions(text, "alert bad certificate") || mentions(text, "alert certificate") ||
           mentions(text, "SSL routines");
}

}  // namespace

const ErrorKind& kind_of(rd_kafka_resp_err_t code, std::string_view text) {
// librdkafka has about 180 codes; those that need no row of their own share the last one.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
    switch (code) {
        case RD_KAFKA_RESP_ERR__SSL:
            return errors::kKafkaTls;
        case RD_KAFKA_RESP_ERR__AUTHENTICATION:
        case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
        case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
            return errors::kKafkaAuth;
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            return errors::kKafkaDenied;
        case RD_KAFKA_RESP_ERR__TRANSPORT:
        case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        case RD_KAFKA_RESP_ERR__TIMED_OUT:
        case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        case RD_KAFKA_RESP_ERR__RESOLVE:
        case RD_KAFKA_RESP_ERR__WAIT_COORD:
        case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
        case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
        case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
        case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
        case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
            return about_tls(text) ? errors::kKafkaTls : errors::kKafkaUnreachable;
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
        case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            return errors::kTopicMissing;
        case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
            return errors::kKafkaClock;
        case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
        case RD_KAFKA_RESP_ERR__INVALID_ARG:
        case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
            return errors::kKafkaConfig;
        default:
            return errors::kKafkaTransaction;
    }
#pragma GCC diagnostic pop
}

Error to_error(rd_kafka_resp_err_t code, std::string_view text, std::string_view doing) {
    std::string what(doing);
    what += ": ";
    what += text.empty() ? std::string_view(rd_kafka_err2str(code)) : text;
    what += " (";
    what += rd_kafka_err2name(code);
    what += ')';
    return {kind_of(code, text), std::move(what)};
}

Error to_error(const rd_kafka_error_t& error, std::string_view doing) {
    return to_error(rd_kafka_error_code(&error), rd_kafka_error_string(&error), doing);
}

bool needs_a_person(const Error& error) {
    return error.is(errors::kKafkaAuth) || error.is(errors::kKafkaTls) ||
           error.is(errors::kKafkaDenied);
}

// INVALID_TIMESTAMP is not among them: the timestamp is this host's clock, not the record's, and
// the same record is taken once the clock is right.
bool refuses_record(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
           code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
           code == RD_KAFKA_RESP_ERR_INVALID_RECORD || code == RD_KAFKA_RESP_ERR_INVALID_MSG ||
           code == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE;
}

Error without_coordinator(const std::string& transactional_id, const std::optional<Error>& last) {
    std::string what =
        "the brokers answer, but not for transactional id " + transactional_id + ": ";
    if (last && last->is(errors::kKafkaUnreachable)) {
        what += "a connection failed (" + last->what() +
                "): if that address is one that a broker advertises, correct its "
                "advertised.listeners or open the way to it. Otherwise ";
    }
    what +=
        "they still end its last transaction (a partition of it has no leader), or have "
        "no transaction coordinator (transaction.state.log.replication.factor is more than "
        "there are brokers)";
    return {errors::kKafkaTransaction, std::move(what)};
}

}  // namespace tributary::kafka
