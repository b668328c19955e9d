// librdkafka's error codes as rows of our error table. Pure; any thread.
#pragma once

#include <librdkafka/rdkafka.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tributary::kafka {

// The row that `code` belongs to; `text` is librdkafka's, which alone tells a failed TLS handshake
// from other broken connections.
[[nodiscard]] const ErrorKind& kind_of(rd_kafka_resp_err_t code, std::string_view text);

// "<doing>: <text> (<name of code>)" of the row above.
[[nodiscard]] Error to_error(rd_kafka_resp_err_t code,
                             std::string_view text,
                             std::string_view doing);
[[nodiscard]] Error to_error(const rd_kafka_error_t& error, std::string_view doing);

// Rows that retrying does not mend and that librdkafka only logs: kKafkaAuth, kKafkaTls,
// kKafkaDenied.
[[nodiscard]] bool needs_a_person(const Error& error);

// The broker refuses the record for its own sake, whatever is done.
[[nodiscard]] bool refuses_record(rd_kafka_resp_err_t code);

// What brokers that answer, but not to init_transactions, suffer from.
// `last` is the newest error of a connection, if one failed.
[[nodiscard]] Error without_coordinator(const std::string& transactional_id,
                                        const std::optional<Error>& last);

}  // namespace tributary::kafka
