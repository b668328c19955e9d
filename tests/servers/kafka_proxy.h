// A TCP proxy before one Kafka broker that can hold requests of one kind, or their answers, back,
// as a network does that delays and then delivers: the client times out and goes elsewhere, and
// what was held still reaches its end when it is released. It can cut the connection at such a
// request or answer, and it can cut every connection and refuse new ones.
// Kafka protocol guide, "Request Header" (int32 size, int16 api key, int16 version, int32
// correlation id) and "Response Header" (int32 size, int32 correlation id).
// Threads: public methods by any thread; two threads per connection inside.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <map>
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
    static constexpr std::int16_t kInitProducerId = 22;
    static constexpr std::int16_t kAddPartitionsToTxn = 24;
    static constexpr std::int16_t kEndTxn = 26;
    enum class Side { request, answer };

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

    // Holds the next `count` requests with this api key, or the answers to such, until release().
    void hold(std::int16_t api_key, int count, Side side = Side::request);
    // How many are being held.
    [[nodiscard]] int held() const;
    // Sends what is held on, and forgets a cut_at() that met nothing.
    void release();
    // Cuts the connection of the next request with this api key: before the broker sees it, or when
    // it has answered and the client has not heard.
    void cut_at(std::int16_t api_key, Side side);
    // How often cut_at() met its request or answer.
    [[nodiscard]] int cuts() const;
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
    // False: the connection is to be cut here.
    [[nodiscard]] bool may_pass(std::int16_t api_key, Side side);

    PortLease lease_;
    UniqueFd listener_;
    std::atomic<std::uint16_t> target_{0};
    std::atomic<bool> refusing_{false};
    std::atomic<int> refused_{0};
    std::atomic<bool> ending_{false};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    struct Trap {
        std::int16_t api_key = -1;
        Side side = Side::request;
        int count = 0;
    };
    Trap hold_;
    Trap cut_;
    int held_ = 0;
    int cuts_ = 0;
    std::uint64_t releases_ = 0;
    std::map<std::int16_t, int> forwarded_;
    std::list<std::unique_ptr<Link>> links_;
    std::thread acceptor_;
};

}  // namespace tributary::servers
