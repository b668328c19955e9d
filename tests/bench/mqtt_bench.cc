// mqtt_bench floor <directory> <connections> <window> <seconds>
// mqtt_bench load <port> <topic> <connections> <window> <seconds>
// mqtt_bench idle <port> <connections>
// mqtt_bench subscribe <port> <client id> <filter>
// mqtt_bench drain <port> <client id> <file>
// PUBLISHes of QoS 1, 300 bytes, as fast as PUBACKs allow: messages a second and the latency of a
// PUBACK. `load` against a listener (the agent's); `floor` against a bare loop of this program's
// own second thread that reads, appends the same bytes to one file, fdatasyncs and acknowledges:
// what the machine gives at most. `idle` opens connections, says so, and holds them until its
// input ends. `subscribe` begins a session at a broker, which stays; `drain` takes its messages,
// until none has come for two seconds, appends each read to the file, fdatasyncs and acknowledges:
// what a broker hands to any durable subscriber at most (/dev/null: to any subscriber). Prints one
// line; judges nothing.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "connectors/mqtt/codec/codec.h"

namespace {

using namespace std::chrono;  // NOLINT: a program of one file
using namespace tributary;    // NOLINT
using Time = steady_clock::time_point;

constexpr std::size_t kPayloadBytes = 300;
constexpr int kEvents = 256;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

const sockaddr* generic(const sockaddr_in& address) {
    return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

void watch(int epoll, int fd, std::uint64_t data) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = data;
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

// The bare loop: one thread, one file, one fdatasync for everything that was read together.
class Floor {
  public:
    explicit Floor(const std::string& directory)
        : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
          file_(::open((directory + "/floor.bin").c_str(),
                       O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC,
                       0600)) {
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        if (!file_ || ::bind(listener_.get(), generic(address), size) != 0 ||
            ::listen(listener_.get(), 1024) != 0 ||
            ::getsockname(listener_.get(),
                          static_cast<sockaddr*>(static_cast<void*>(&address)),
                          &size) != 0) {
            fail("floor");
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~Floor() {
        stop_ = true;
        thread_.join();
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    struct Client {
        UniqueFd fd;
        mqtt::FrameReader frames{1U << 20U};
        std::string out;
    };

    void run() {
        const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
        watch(epoll.get(), listener_.get(), 0);
        std::vector<std::unique_ptr<Client>> clients(1);
        epoll_event events[kEvents];
        std::vector<char> buffer(64U << 10U);
        std::string batch;
        while (!stop_) {
            const int count = ::epoll_wait(epoll.get(), events, kEvents, 100);
            batch.clear();
            for (int at = 0; at < count; ++at) {
                const std::uint64_t index = events[at].data.u64;
                if (index == 0) {
                    clients.push_back(std::make_unique<Client>());
                    clients.back()->fd =
                        UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
                    const int on = 1;
                    ::setsockopt(
                        clients.back()->fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    watch(epoll.get(), clients.back()->fd.get(), clients.size() - 1);
                    continue;
                }
                read(*clients[index], buffer, batch);
            }
            if (!batch.empty()) {
                if (::write(file_.get(), batch.data(), batch.size()) < 0 ||
                    ::fdatasync(file_.get()) != 0) {
                    fail("fdatasync");
                }
            }
            for (const auto& client : clients) {
                if (client && !client->out.empty()) {
                    send_all(client->fd.get(), client->out);
                    client->out.clear();
                }
            }
        }
    }

    static void read(Client& client, std::vector<char>& buffer, std::string& batch) {
        const ssize_t got = ::recv(client.fd.get(), buffer.data(), buffer.size(), 0);
        if (got <= 0) {
            client.fd = UniqueFd();
            return;
        }
        batch.append(buffer.data(), static_cast<std::size_t>(got));
        client.frames.feed({buffer.data(), static_cast<std::size_t>(got)});
        for (auto frame = client.frames.next(); frame && frame.value();
             frame = client.frames.next()) {
            if (frame.value()->type() == mqtt::PacketType::connect) {
                mqtt::encode(mqtt::Connack{}, mqtt::Version::v3_1_1, client.out);
            } else if (const auto publish =
                           mqtt::decode_publish(*frame.value(), mqtt::Version::v3_1_1)) {
                mqtt::encode(mqtt::Ack{.packet_id = publish.value().packet_id, .properties = {}},
                             mqtt::Version::v3_1_1,
                             client.out);
            }
        }
    }

    UniqueFd listener_;
    UniqueFd file_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

struct Load {
    std::uint16_t port = 0;
    std::string topic;
    std::size_t connections = 1;
    std::size_t window = 1;
    int seconds_long = 5;
};

class Device {
  public:
    Device(const Load& load, std::size_t index)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
          topic_(load.topic),
          payload_(kPayloadBytes, '.') {
        const sockaddr_in address = loopback(load.port);
        const int on = 1;
        if (::connect(fd_.get(), generic(address), sizeof address) != 0) {
            fail("connect");
        }
        ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const std::string id = "bench-" + std::to_string(::getpid()) + "-" + std::to_string(index);
        std::string out;
        mqtt::Connect packet;
        packet.version = mqtt::Version::v3_1_1;
        packet.clean_start = true;
        packet.client_id = id;
        mqtt::encode(packet, out);
        send_all(fd_.get(), out);
        char connack[4];
        if (::recv(fd_.get(), connack, sizeof connack, MSG_WAITALL) != 4 || connack[3] != 0) {
            fail("CONNACK");
        }
    }

    void publish(std::size_t count) {
        out_.clear();
        sent_.resize(65'536);
        mqtt::Publish packet;
        packet.topic = topic_;
        packet.qos = mqtt::Qos::at_least_once;
        const Time now = steady_clock::now();
        for (; count > 0; --count) {
            id_ = static_cast<std::uint16_t>(id_ % 60'000 + 1);
            sent_[id_] = now;
            // Bytes that differ, so that no two messages look alike.
            const std::string number = std::to_string(++number_);
            payload_.replace(0, number.size(), number);
            packet.payload = payload_;
            packet.packet_id = id_;
            mqtt::encode(packet, mqtt::Version::v3_1_1, out_);
        }
        send_all(fd_.get(), out_);
    }
    // PUBACKs that came; their latencies in us go to `latencies`.
    std::size_t receive(std::vector<std::uint32_t>& latencies) {
        char buffer[16'384];
        const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
        if (got <= 0) {
            fail("the listener closed the connection");
        }
        in_.append(buffer, static_cast<std::size_t>(got));
        const Time now = steady_clock::now();
        std::size_t acks = 0;
        for (; in_.size() - acks * 4 >= 4; ++acks) {
            const auto high = static_cast<unsigned char>(in_[acks * 4 + 2]);
            const auto low = static_cast<unsigned char>(in_[acks * 4 + 3]);
            latencies.push_back(static_cast<std::uint32_t>(
                duration_cast<microseconds>(now - sent_[high * 256U + low]).count()));
        }
        in_.erase(0, acks * 4);
        return acks;
    }
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    UniqueFd fd_;
    std::string topic_;
    std::string payload_;
    std::string out_;
    std::string in_;
    std::uint16_t id_ = 0;
    std::uint64_t number_ = 0;
    std::vector<Time> sent_;  // by identifier; an idle device has none
};

void run(const Load& load, const char* name) {
    const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    std::vector<std::unique_ptr<Device>> devices;
    for (std::size_t index = 0; index < load.connections; ++index) {
        devices.push_back(std::make_unique<Device>(load, index));
        watch(epoll.get(), devices.back()->fd(), index);
    }
    std::vector<std::uint32_t> latencies;
    latencies.reserve(8'000'000);
    const Time start = steady_clock::now();
    const Time end = start + seconds(load.seconds_long);
    for (const auto& device : devices) {
        device->publish(load.window);
    }
    std::size_t flying = load.connections * load.window;
    epoll_event events[kEvents];
    while (flying > 0) {
        const int count = ::epoll_wait(epoll.get(), events, kEvents, 10'000);
        if (count <= 0) {
            fail("no PUBACK for 10 s");
        }
        const bool more = steady_clock::now() < end;
        for (int at = 0; at < count; ++at) {
            Device& device = *devices[events[at].data.u64];
            const std::size_t acks = device.receive(latencies);
            flying -= acks;
            if (more && acks > 0) {
                device.publish(acks);
                flying += acks;
            }
        }
    }
    const double took = duration<double>(steady_clock::now() - start).count();
    std::sort(latencies.begin(), latencies.end());
    const auto at = [&](double part) {
        const auto index = static_cast<std::size_t>(static_cast<double>(latencies.size()) * part);
        return latencies[std::min(index, latencies.size() - 1)] / 1000.0;
    };
    std::printf("%s %zux%zu: %.0f msg/s, PUBACK p50 %.2f ms, p99 %.2f ms\n",
                name,
                load.connections,
                load.window,
                static_cast<double>(latencies.size()) / took,
                at(0.5),
                at(0.99));
}

// Bytes of one packet at a time from a broker.
class Subscriber {
  public:
    Subscriber(std::uint16_t port, std::string_view client_id)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const sockaddr_in address = loopback(port);
        if (::connect(fd_.get(), generic(address), sizeof address) != 0) {
            fail("connect");
        }
        mqtt::Connect packet;
        packet.version = mqtt::Version::v3_1_1;
        packet.clean_start = false;
        packet.client_id = client_id;
        mqtt::encode(packet, out_);
    }
    void subscribe(std::string_view filter) {
        std::string list;
        mqtt::append_subscription(
            list, {.filter = filter, .qos = mqtt::Qos::at_least_once}, mqtt::Version::v3_1_1);
        mqtt::Subscribe packet;
        packet.packet_id = 1;
        packet.subscriptions_view = list;
        mqtt::encode(packet, mqtt::Version::v3_1_1, out_);
    }
    // Everything is written there and synced before it is acknowledged, if that can be.
    void keep_in(const char* file) {
        file_ = UniqueFd(::open(file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
        if (!file_) {
            fail(file);
        }
    }
    // One read, its messages acknowledged. False: nothing came for two seconds.
    bool take() {
        send_all(fd_.get(), out_);
        out_.clear();
        pollfd socket{.fd = fd_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&socket, 1, 2'000) == 0) {
            return false;
        }
        const ssize_t got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), 0);
        if (got <= 0) {
            fail("the broker closed the connection");
        }
        keep({buffer_.data(), static_cast<std::size_t>(got)});
        frames_.feed({buffer_.data(), static_cast<std::size_t>(got)});
        for (auto frame = frames_.next(); frame && frame.value(); frame = frames_.next()) {
            subscribed_ = subscribed_ || frame.value()->type() == mqtt::PacketType::suback;
            if (frame.value()->type() != mqtt::PacketType::publish) {
                continue;
            }
            const auto publish = mqtt::decode_publish(*frame.value(), mqtt::Version::v3_1_1);
            mqtt::encode(mqtt::Ack{.packet_id = publish.value().packet_id, .properties = {}},
                         mqtt::Version::v3_1_1,
                         out_);
            last_ = steady_clock::now();
            first_ = messages_++ == 0 ? last_ : first_;
        }
        return true;
    }
    [[nodiscard]] bool subscribed() const { return subscribed_; }
    [[nodiscard]] std::size_t messages() const { return messages_; }
    [[nodiscard]] double took() const { return duration<double>(last_ - first_).count(); }

  private:
    void keep(std::string_view bytes) const {
        if (file_ && (::write(file_.get(), bytes.data(), bytes.size()) < 0 ||
                      (::fdatasync(file_.get()) != 0 && errno != EINVAL))) {
            fail("fdatasync");
        }
    }

    std::vector<char> buffer_ = std::vector<char>(64U << 10U);
    UniqueFd file_;
    bool subscribed_ = false;
    std::size_t messages_ = 0;
    Time first_{};
    Time last_{};
    UniqueFd fd_;
    std::string out_;
    mqtt::FrameReader frames_{1U << 20U};
};

void subscribe(Subscriber& subscriber, std::string_view filter) {
    subscriber.subscribe(filter);
    while (!subscriber.subscribed() && subscriber.take()) {
    }
}

void drain(Subscriber& subscriber) {
    while (subscriber.take() || subscriber.messages() == 0) {
    }
    std::printf("%.0f msg/s of %zu\n",
                static_cast<double>(subscriber.messages()) / subscriber.took(),
                subscriber.messages());
}

}  // namespace

int main(int argc, char** argv) {
    const std::string verb = argc > 1 ? argv[1] : "";
    if (verb == "floor" && argc == 6) {
        const Floor floor(argv[2]);
        run({.port = floor.port(),
             .topic = "plant/north/press/1/telemetry",
             .connections = std::strtoul(argv[3], nullptr, 10),
             .window = std::strtoul(argv[4], nullptr, 10),
             .seconds_long = std::atoi(argv[5])},
            "floor");
        return 0;
    }
    if (verb == "load" && argc == 7) {
        run({.port = static_cast<std::uint16_t>(std::atoi(argv[2])),
             .topic = argv[3],
             .connections = std::strtoul(argv[4], nullptr, 10),
             .window = std::strtoul(argv[5], nullptr, 10),
             .seconds_long = std::atoi(argv[6])},
            "listener");
        return 0;
    }
    if (verb == "idle" && argc == 4) {
        std::vector<std::unique_ptr<Device>> devices;
        const std::size_t count = std::strtoul(argv[3], nullptr, 10);
        const Load load{.port = static_cast<std::uint16_t>(std::atoi(argv[2])), .topic = {}};
        for (std::size_t index = 0; index < count; ++index) {
            devices.push_back(std::make_unique<Device>(load, index));
        }
        std::printf("%zu connections\n", count);
        std::fflush(stdout);
        while (std::getchar() != EOF) {
        }
        return 0;
    }
    if ((verb == "subscribe" && argc == 5) || (verb == "drain" && argc == 5)) {
        Subscriber subscriber(static_cast<std::uint16_t>(std::atoi(argv[2])), argv[3]);
        if (verb == "subscribe") {
            subscribe(subscriber, argv[4]);
        } else {
            subscriber.keep_in(argv[4]);
            drain(subscriber);
        }
        return 0;
    }
    std::fprintf(stderr,
                 "usage: mqtt_bench floor <directory> <connections> <window> <seconds>\n"
                 "       mqtt_bench load <port> <topic> <connections> <window> <seconds>\n"
                 "       mqtt_bench idle <port> <connections>\n"
                 "       mqtt_bench subscribe <port> <client id> <filter>\n"
                 "       mqtt_bench drain <port> <client id> <file>\n");
    return 2;
}
