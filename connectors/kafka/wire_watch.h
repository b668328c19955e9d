// WireWatch: counts what a producer really sent, because librdkafka hides it. A lost answer to
// EndTxn is sent again without the application's knowledge, and the late first one can then end the
// next transaction: half of it committed without its checkpoint (DESIGN 3.3; Kafka's protocol
// before KIP-890 part 2, which librdkafka does not speak). Only interceptors see the second
// request.
// Threads: the interceptors run on librdkafka's broker threads and only touch atomics; the rest by
// any thread.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdint>

#include "connectors/kafka/producer_rules.h"

namespace tributary::kafka {

class WireWatch {
  public:
    WireWatch() = default;
    WireWatch(const WireWatch&) = delete;
    WireWatch& operator=(const WireWatch&) = delete;

    // Registers the interceptors on `conf`; the watch must outlive the client made from it.
    void attach(rd_kafka_conf_t* conf);

    // Starts a new count: what was counted before belongs to a transaction that ended spotless.
    void mark() noexcept;
    [[nodiscard]] WireCount since_mark() const noexcept;

    // Produce requests that were sent and neither answered nor given up.
    [[nodiscard]] std::int64_t produces_under_way() const noexcept {
        return produces_under_way_.load();
    }

    // Requests of any kind that the brokers answered.
    [[nodiscard]] std::uint64_t answers() const noexcept { return answers_.load(); }

    // True when any request failed since the flag was last cleared: the brokers may be out of
    // reach.
    [[nodiscard]] bool trouble() const noexcept { return trouble_.load(); }
    void clear_trouble() noexcept { trouble_.store(false); }
    void note_trouble() noexcept { trouble_.store(true); }

  private:
    friend struct WireWatchHooks;

    std::atomic<std::uint64_t> end_txn_sent_{0};
    std::atomic<std::uint64_t> errors_{0};
    std::atomic<std::uint64_t> answers_{0};
    std::atomic<std::int64_t> produces_under_way_{0};
    std::atomic<bool> trouble_{false};
    std::uint64_t end_txn_mark_ = 0;
    std::uint64_t error_mark_ = 0;
};

}  // namespace tributary::kafka
