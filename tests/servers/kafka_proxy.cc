#include "tests/servers/kafka_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "tests/servers/failure.h"

namespace tributary::servers {

namespace {

constexpr std::uint32_t kFrameMax = 256U << 20U;
constexpr std::size_t kSizeBytes = 4;
constexpr std::size_t kApiKeyAt = kSizeBytes;
constexpr std::size_t kRequestCorrelationAt = kSizeBytes + 4;
constexpr std::size_t kAnswerCorrelationAt = kSizeBytes;

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

// A whole frame of at least `least` bytes behind its size; false at the end of the connection.
bool receive_frame(int fd, std::size_t least, std::vector<char>& frame) {
    frame.resize(kSizeBytes);
    if (!receive_all(fd, frame.data(), kSizeBytes)) {
        return false;
    }
    const auto size = load<std::uint32_t>(frame.data(), Endian::big);
    if (size < least || size > kFrameMax) {
        return false;
    }
    frame.resize(kSizeBytes + size);
    return receive_all(fd, frame.data() + kSizeBytes, size);
}

}  // namespace

struct KafkaProxy::Link {
    UniqueFd client;
    UniqueFd broker;
    std::thread up;
    std::thread down;
    std::mutex mutex;
    std::map<std::uint32_t, std::int16_t> waiting;  // correlation ids to api keys
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
    std::vector<char> frame;
    while (receive_frame(link.client.get(), kRequestCorrelationAt, frame)) {
        const auto api_key =
            static_cast<std::int16_t>(load<std::uint16_t>(frame.data() + kApiKeyAt, Endian::big));
        {
            const std::scoped_lock lock(link.mutex);
            link.waiting[load<std::uint32_t>(frame.data() + kRequestCorrelationAt, Endian::big)] =
                api_key;
        }
        if (!may_pass(api_key, Side::request)) {
            link.cut();
            return;
        }
        if (!send_all(link.broker.get(), frame.data(), frame.size())) {
            break;
        }
        const std::scoped_lock lock(mutex_);
        ++forwarded_[api_key];
        changed_.notify_all();
    }
    ::shutdown(link.broker.get(), SHUT_WR);
}

void KafkaProxy::downstream(Link& link) {
    std::vector<char> frame;
    while (receive_frame(link.broker.get(), kAnswerCorrelationAt, frame)) {
        std::int16_t api_key = -1;
        {
            const std::scoped_lock lock(link.mutex);
            const auto request = link.waiting.find(
                load<std::uint32_t>(frame.data() + kAnswerCorrelationAt, Endian::big));
            if (request != link.waiting.end()) {
                api_key = request->second;
                link.waiting.erase(request);
            }
        }
        if (!may_pass(api_key, Side::answer)) {
            link.cut();
            return;
        }
        // A client that left is no reason to stop reading: the broker's answer goes nowhere.
        static_cast<void>(send_all(link.client.get(), frame.data(), frame.size()));
    }
    ::shutdown(link.client.get(), SHUT_RDWR);
}

bool KafkaProxy::may_pass(std::int16_t api_key, Side side) {
    std::unique_lock lock(mutex_);
    const auto meets = [&](Trap& trap) {
        if (api_key != trap.api_key || side != trap.side || trap.count == 0) {
            return false;
        }
        --trap.count;
        return true;
    };
    if (meets(cut_)) {
        ++cuts_;
        return false;
    }
    if (!meets(hold_)) {
        return true;
    }
    ++held_;
    const std::uint64_t release = releases_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return releases_ != release || ending_; });
    --held_;
    return true;
}

void KafkaProxy::hold(std::int16_t api_key, int count, Side side) {
    const std::scoped_lock lock(mutex_);
    hold_ = {.api_key = api_key, .side = side, .count = count};
}

int KafkaProxy::held() const {
    const std::scoped_lock lock(mutex_);
    return held_;
}

void KafkaProxy::release() {
    const std::scoped_lock lock(mutex_);
    ++releases_;
    hold_.count = 0;
    cut_.count = 0;
    changed_.notify_all();
}

void KafkaProxy::cut_at(std::int16_t api_key, Side side) {
    const std::scoped_lock lock(mutex_);
    cut_ = {.api_key = api_key, .side = side, .count = 1};
}

int KafkaProxy::cuts() const {
    const std::scoped_lock lock(mutex_);
    return cuts_;
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
    const auto count = forwarded_.find(api_key);
    return count == forwarded_.end() ? 0 : count->second;
}

}  // namespace tributary::servers
