// Client: one rd_kafka_t with everything that its callbacks touch, ended within a bound.
// Threads: an object belongs to one thread. librdkafka's own threads call the log callback and the
// interceptors; error and delivery callbacks run inside serve(), on the owning thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/kafka/handles.h"
#include "connectors/kafka/wire_watch.h"
#include "ports/observer.h"

namespace tributary::kafka {

// A record that was handed over and not delivered.
struct FailedRecord {
    std::uint64_t tag = 0;  // what produce was given
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    std::string topic;
    std::size_t bytes = 0;  // key and value
    bool keyed = false;
};

class Client {
  public:
    // kKafkaConfig when librdkafka refuses the combination. `observer` gets librdkafka's log lines
    // and must outlive end().
    [[nodiscard]] static Result<std::unique_ptr<Client>> make(rd_kafka_type_t type,
                                                              ConfHandle conf,
                                                              std::string_view pipeline,
                                                              Observer& observer);
    ~Client();  // end() with kEndLimit
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    static constexpr std::chrono::milliseconds kEndLimit{5000};
    // Failed records kept for inspection; the rest are only counted.
    static constexpr std::size_t kFailedKept = 10000;

    [[nodiscard]] rd_kafka_t* get() const noexcept;
    [[nodiscard]] WireWatch& watch() noexcept;

    // Runs error and delivery callbacks that are due, waiting up to `wait` for the first.
    void serve(std::chrono::milliseconds wait);

    // The newest error of the connection; and the newest that retrying does not mend (kKafkaAuth,
    // kKafkaTls, kKafkaDenied) since clear_errors(). librdkafka tells the same error once in 30 s.
    [[nodiscard]] const std::optional<Error>& last_error() const noexcept;
    [[nodiscard]] const std::optional<Error>& lasting_error() const noexcept;
    void clear_errors();
    // Before another try with the same client: what librdkafka told once stays the cause.
    void clear_lasting_error();

    [[nodiscard]] const std::vector<FailedRecord>& failed() const noexcept;
    [[nodiscard]] std::uint64_t failed_count() const noexcept;
    // Records that the brokers acknowledged.
    [[nodiscard]] std::uint64_t acknowledged_count() const noexcept;

    // Aborts an open transaction, so that committed readers need not wait for its time-out, drops
    // every queued record, so that nothing refers to its memory any more, and destroys the client
    // (farewell.h). librdkafka's destroy waits for its threads, and one of those may sit in a name
    // lookup: past `limit` the rest happens on a thread of its own and false is returned. Topic
    // handles must be gone.
    bool end(std::chrono::milliseconds limit);

  private:
    struct Body;
    explicit Client(std::unique_ptr<Body> body);
    void let_go_of_records(std::chrono::steady_clock::time_point deadline);
    std::unique_ptr<Body> body_;
};

}  // namespace tributary::kafka
