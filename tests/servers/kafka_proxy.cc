#include "tests/servers/kafka_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "tests/servers/failure.h"

namespace tributary::servers {

namespace {

constexpr std::uint32_t kFrameMax = 256U << 20U;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool send_all(int fd, const char* data, std::size_t size) {
    while (size > 0) {
        const auto sent = ::send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

bool receive_all(int fd, char* data, std::size_t size) {
    while (size > 0) {
        const auto got = ::recv(fd, data, size, 0);
        if (got <= 0) {
            return false;
        }
        data += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

}  // namespace

struct KafkaProxy::Link {
    UniqueFd client;
    UniqueFd broker;
    std::thread up;
    std::thread down;
    void cut() const {
        ::shutdown(client.get(), SHUT_RDWR);
        ::shutdown(broker.get(), SHUT_RDWR);
    }
};

KafkaProxy::KafkaProxy() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    const sockaddr_in address = loopback(lease_.port());
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
            0 ||
        ::listen(listener_.get(), 64) != 0) {
        throw ServerFailure(std::string("proxy: ") + std::strerror(errno));
    }
    acceptor_ = std::thread([this] { accept_loop(); });
}

KafkaProxy::~KafkaProxy() {
    ending_ = true;
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    release();
    for (const auto& link : links_) {
        link->cut();
    }
    for (const auto& link : links_) {
        link->up.join();
        link->down.join();
    }
}

void KafkaProxy::accept_loop() {
    while (!ending_) {
        UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client || refusing_) {
            refused_ += client ? 1 : 0;
            continue;
        }
        UniqueFd broker(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in address = loopback(target_);
        if (::connect(broker.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
            0) {
            continue;
        }
        const int yes = 1;
        ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        ::setsockopt(broker.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        auto link = std::make_unique<Link>();
        link->client = std::move(client);
        link->broker = std::move(broker);
        const std::scoped_lock lock(mutex_);
        Link& kept = *links_.emplace_back(std::move(link));
        kept.up = std::thread([this, &kept] { upstream(kept); });
        kept.down = std::thread([this, &kept] { downstream(kept); });
    }
}

// Whole requests, so that one can be held. A client that went away does not stop what is held from
// reaching the broker.
void KafkaProxy::upstream(Link& link) {
    std::array<char, 4> size_bytes{};
    std::vector<char> frame;
    while (receive_all(link.client.get(), size_bytes.data(), size_bytes.size())) {
        const auto size = load<std::uint32_t>(size_bytes.data(), Endian::big);
        if (size < 2 || size > kFrameMax) {
            break;
        }
        frame.resize(size_bytes.size() + size);
        std::memcpy(frame.data(), size_bytes.data(), size_bytes.size());
        if (!receive_all(link.client.get(), frame.data() + size_bytes.size(), size)) {
            break;
        }
        const auto api_key = static_cast<std::int16_t>(
            load<std::uint16_t>(frame.data() + size_bytes.size(), Endian::big));
        wait_while_held(api_key);
        if (!send_all(link.broker.get(), frame.data(), frame.size())) {
            break;
        }
        const std::scoped_lock lock(mutex_);
        end_txn_forwarded_ += api_key == kEndTxn ? 1 : 0;
        produce_forwarded_ += api_key == kProduce ? 1 : 0;
        changed_.notify_all();
    }
    ::shutdown(link.broker.get(), SHUT_WR);
}

void KafkaProxy::downstream(Link& link) {
    std::array<char, 65536> bytes{};
    while (true) {
        const auto got = ::recv(link.broker.get(), bytes.data(), bytes.size(), 0);
        if (got <= 0) {
            break;
        }
        // A client that left is no reason to stop reading: the broker's answer goes nowhere.
        static_cast<void>(send_all(link.client.get(), bytes.data(), static_cast<std::size_t>(got)));
    }
    ::shutdown(link.client.get(), SHUT_RDWR);
}

void KafkaProxy::wait_while_held(std::int16_t api_key) {
    std::unique_lock lock(mutex_);
    if (api_key != hold_key_ || hold_count_ == 0) {
        return;
    }
    --hold_count_;
    ++held_;
    const std::uint64_t release = releases_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return releases_ != release || ending_; });
    --held_;
}

void KafkaProxy::hold(std::int16_t api_key, int count) {
    const std::scoped_lock lock(mutex_);
    hold_key_ = api_key;
    hold_count_ = count;
}

int KafkaProxy::held() const {
    const std::scoped_lock lock(mutex_);
    return held_;
}

void KafkaProxy::release() {
    const std::scoped_lock lock(mutex_);
    ++releases_;
    hold_count_ = 0;
    changed_.notify_all();
}

void KafkaProxy::cut() {
    refused_ = 0;
    refusing_ = true;
    const std::scoped_lock lock(mutex_);
    for (const auto& link : links_) {
        link->cut();
    }
}

int KafkaProxy::forwarded(std::int16_t api_key) const {
    const std::scoped_lock lock(mutex_);
    return api_key == kEndTxn ? end_txn_forwarded_ : produce_forwarded_;
}

}  // namespace tributary::servers
