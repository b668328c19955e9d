// A TCP proxy before one Kafka broker that can hold requests of one kind back, as a network does
// that delays and then delivers: the client times out and goes elsewhere, and what was held still
// reaches the broker when it is released. It can also cut every connection and refuse new ones.
// Requests: Kafka protocol guide, "Request Header" (int32 size, int16 api key).
// Threads: public methods by any thread; two threads per connection inside.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "tests/servers/places.h"

namespace tributary::servers {

class KafkaProxy {
  public:
    static constexpr std::int16_t kProduce = 0;
    static constexpr std::int16_t kEndTxn = 26;

    // Listens at once; forwards to 127.0.0.1:`target`, which may be set later.
    KafkaProxy();
    ~KafkaProxy();
    KafkaProxy(const KafkaProxy&) = delete;
    KafkaProxy& operator=(const KafkaProxy&) = delete;

    void forward_to(std::uint16_t target) { target_ = target; }
    [[nodiscard]] std::uint16_t port() const noexcept { return lease_.port(); }
    [[nodiscard]] std::string bootstrap() const {
        return "127.0.0.1:" + std::to_string(lease_.port());
    }

    // Holds the next `count` requests with this api key until release().
    void hold(std::int16_t api_key, int count);
    // How many are being held.
    [[nodiscard]] int held() const;
    // Sends what is held on to the broker.
    void release();
    // Cuts every connection; new ones are closed at once until restore().
    void cut();
    void restore() { refusing_ = false; }
    // Connections closed at once since the last cut().
    [[nodiscard]] int refused() const { return refused_; }
    // How many requests of that kind went to the broker.
    [[nodiscard]] int forwarded(std::int16_t api_key) const;

  private:
    struct Link;

    void accept_loop();
    void upstream(Link& link);
    void downstream(Link& link);
    void wait_while_held(std::int16_t api_key);

    PortLease lease_;
    UniqueFd listener_;
    std::atomic<std::uint16_t> target_{0};
    std::atomic<bool> refusing_{false};
    std::atomic<int> refused_{0};
    std::atomic<bool> ending_{false};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::int16_t hold_key_ = -1;
    int hold_count_ = 0;
    int held_ = 0;
    std::uint64_t releases_ = 0;
    int end_txn_forwarded_ = 0;
    int produce_forwarded_ = 0;
    std::list<std::unique_ptr<Link>> links_;
    std::thread acceptor_;
};

}  // namespace tributary::servers
