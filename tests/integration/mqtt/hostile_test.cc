// Peers that break every rule against the listener of the real agent: each is cut off, and a good
// device is served all the while.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/unique_fd.h"
#include "connectors/mqtt/codec/codec.h"
#include "tests/integration/mqtt/rig.h"

namespace tributary::mqtt_testing {
namespace {

using namespace std::string_literals;  // NOLINT: byte strings with zeros

class Peer {
  public:
    explicit Peer(const Site& site) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(site.listener_port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        EXPECT_EQ(::connect(fd_.get(), generic, sizeof address), 0);
    }

    void send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    // What comes until the agent closes, or until `limit`.
    std::string rest(milliseconds limit = seconds(20)) {
        std::string all;
        char buffer[4096];
        for (;;) {
            pollfd socket{fd_.get(), POLLIN, 0};
            if (::poll(&socket, 1, static_cast<int>(limit.count())) <= 0) {
                return all;
            }
            const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
            if (got <= 0) {
                closed_ = true;
                return all;
            }
            all.append(buffer, static_cast<std::size_t>(got));
        }
    }
    // Until `count` bytes are there.
    std::string get(std::size_t count) {
        std::string all;
        while (all.size() < count) {
            char byte = 0;
            pollfd socket{fd_.get(), POLLIN, 0};
            if (::poll(&socket, 1, 20'000) <= 0 || ::recv(fd_.get(), &byte, 1, 0) <= 0) {
                ADD_FAILURE() << "only " << all.size() << " bytes";
                return all;
            }
            all.push_back(byte);
        }
        return all;
    }
    // Whether the agent has closed by now; what it sent is dropped.
    bool finds_itself_closed() {
        (void)rest(milliseconds(0));
        return closed_;
    }
    [[nodiscard]] bool closed() const { return closed_; }

  private:
    UniqueFd fd_;
    bool closed_ = false;
};

std::string connect_packet(mqtt::Version version,
                           std::string_view client_id,
                           std::uint16_t keep_alive_s = 60) {
    std::string out;
    mqtt::Connect packet;
    packet.version = version;
    packet.clean_start = true;
    packet.keep_alive_s = keep_alive_s;
    packet.client_id = client_id;
    mqtt::encode(packet, out);
    return out;
}

std::string publish_packet(const std::string& topic,
                           std::uint16_t id,
                           mqtt::Version version,
                           const std::string& payload = "hostile") {
    std::string out;
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.qos = id == 0 ? mqtt::Qos::at_most_once : mqtt::Qos::at_least_once;
    packet.packet_id = id;
    mqtt::encode(packet, version, out);
    return out;
}

// A connected peer of MQTT 5: CONNACK has come.
Peer connected(const Site& site,
               std::string_view client_id = "hostile",
               std::uint16_t keep_alive_s = 60) {
    Peer peer(site);
    peer.send(connect_packet(mqtt::Version::v5, client_id, keep_alive_s));
    const std::string head = peer.get(2);
    const std::string body = peer.get(static_cast<std::size_t>(head.at(1)));
    EXPECT_EQ(head.at(0), 0x20);
    EXPECT_EQ(body.at(1), 0) << "CONNACK refuses";
    return peer;
}

class Hostile : public testing::Test {
  protected:
    explicit Hostile(const std::string& connect_timeout = "2s") {
        site_.listen();
        site_.lines.push_back("connect_timeout: " + connect_timeout);
        agent_ = std::make_unique<Agent>(site_);
        EXPECT_TRUE(agent_->ready());
    }
    // A good device is served.
    void serve() {
        Publisher publisher({.url = site_.listener_url(), .client_id = "good"});
        publisher.send(site_.mqtt_topic(), "v" + std::to_string(served_++));
        EXPECT_TRUE(publisher.settle());
    }
    // It is served after all that, and nothing hostile came through.
    void expect_unharmed() {
        serve();
        expect_once_each(site_.topic(), "v", served_);
        EXPECT_TRUE(agent_->running());
    }

    Site site_;
    int served_ = 0;
    std::unique_ptr<Agent> agent_;
};

TEST_F(Hostile, bytes_before_connect_are_cut_off) {
    for (const std::string& bytes : {"GET / HTTP/1.1\r\n\r\n"s,
                                     "\x00\x00"s,
                                     "\x10\xFF\xFF\xFF\xFF\xFF"s,
                                     "\x30\x00"s,
                                     "\xC0\x00"s,
                                     "\x10\xFF\xFF\xFF\x7F"s,
                                     std::string(1 << 20, '\xFF'),
                                     publish_packet("a", 1, mqtt::Version::v5)}) {
        Peer peer(site_);
        peer.send(bytes);
        (void)peer.rest();
        EXPECT_TRUE(peer.closed()) << bytes.size();
    }
    expect_unharmed();
}

// catalogue: F65
TEST_F(Hostile, packets_that_break_the_rules_end_the_connection) {
    const std::string topic = site_.mqtt_topic();
    const std::string good = publish_packet(topic, 7, mqtt::Version::v5);
    std::string bad_utf8 = good;
    bad_utf8[4] = '\xFF';
    std::string id_zero = good;
    id_zero[2 + 2 + topic.size()] = 0;
    id_zero[2 + 2 + topic.size() + 1] = 0;
    const std::vector<std::string> bad{
        bad_utf8,
        id_zero,
        std::string("\x36") + good.substr(1),          // QoS 3
        connect_packet(mqtt::Version::v5, "hostile"),  // a second one
        "\x32\xFF\xFF\xFF\x7F"s,                       // 256 MiB to come
        "\x20\x03\x00\x00\x00"s,                       // a server's packet
        publish_packet("wild/+/card", 1, mqtt::Version::v5),
    };
    for (std::size_t at = 0; at < bad.size(); ++at) {
        Peer peer = connected(site_);
        peer.send(bad[at]);
        (void)peer.rest();
        EXPECT_TRUE(peer.closed()) << at;
    }
    expect_unharmed();
}

TEST_F(Hostile, truncated_packets_wait_for_their_rest_and_end_with_the_connection) {
    const std::string good = publish_packet(site_.mqtt_topic(), 7, mqtt::Version::v5);
    for (std::size_t size = 1; size < good.size(); ++size) {
        const Peer peer = connected(site_);
        peer.send(std::string_view(good).substr(0, size));
    }
    expect_unharmed();
}

// catalogue: F42
TEST_F(Hostile, a_byte_now_and_then_does_not_hold_a_place) {
    Peer slow(site_);
    const std::string packet = connect_packet(mqtt::Version::v5, "slow");
    slow.send(packet.substr(0, 5));
    (void)slow.rest();
    EXPECT_TRUE(slow.closed());
    expect_unharmed();
}

TEST_F(Hostile, a_subscription_is_refused) {
    Peer peer = connected(site_);
    peer.send("\x82\x0A\x00\x01\x00\x00\x04"s + "a/b#"s + "\x01"s);
    (void)peer.rest();
    EXPECT_TRUE(peer.closed()) << "a filter that is none";
    Peer other = connected(site_);
    other.send(
        "\x82\x07\x00\x01\x00\x00\x01"
        "#"
        "\x01"s);
    const std::string answer = other.get(2);
    EXPECT_TRUE(answer.at(0) == '\x90' || answer.at(0) == '\xE0') << "SUBACK or DISCONNECT";
    expect_unharmed();
}

TEST_F(Hostile, topics_that_no_route_takes_are_refused_one_by_one) {
    std::string levels = site_.name;
    for (int level = 0; level < 10'000; ++level) {
        levels += "/a";
    }
    for (const std::string& topic : {std::string("elsewhere/x"), levels}) {
        Peer peer = connected(site_);
        peer.send(publish_packet(topic, 1, mqtt::Version::v5));
        const std::string ack = peer.get(2);
        EXPECT_EQ(ack.at(0), 0x40);
        const std::string rest = peer.get(static_cast<std::size_t>(ack.at(1)));
        ASSERT_GE(rest.size(), 3U) << topic.size();
        EXPECT_GE(static_cast<unsigned char>(rest.at(2)), 0x80);
    }
    expect_unharmed();
}

// catalogue: F65
TEST_F(Hostile, fifty_thousand_topics_cost_nothing_that_stays) {
    Peer peer = connected(site_, "many");
    std::string batch;
    for (int number = 0; number < 50'000; ++number) {
        batch += publish_packet(site_.name + "/d" + std::to_string(number), 0, mqtt::Version::v5);
    }
    batch += publish_packet(site_.mqtt_topic(), 9, mqtt::Version::v5);
    peer.send(batch);
    EXPECT_EQ(peer.get(4).substr(0, 4), "\x40\x02\x00\x09"s);
    EXPECT_TRUE(servers::poll_until(kPatience,
                                    [&] { return read_topic(site_.topic()).size() == 50'001U; }));
    EXPECT_TRUE(agent_->running());
}

// Peers that have sent half a PUBLISH, and as many that have sent half a CONNECT.
class Halves : public Hostile {
  protected:
    Halves() : Hostile("8s") {}

    void let_in(std::size_t count) {
        constexpr std::uint16_t kKeepAlive = 5;
        for (std::size_t number = 0; number < count / 2; ++number) {
            peers_.push_back(connected(site_, "half-" + std::to_string(number), kKeepAlive));
            peers_.back().send(half_publish_);
        }
        while (peers_.size() < count) {
            peers_.emplace_back(site_);
            peers_.back().send(half_connect_);
        }
    }
    [[nodiscard]] std::size_t connected_peers() {
        std::erase_if(peers_, [](Peer& peer) { return peer.finds_itself_closed(); });
        return peers_.size();
    }
    // Until the agent has closed every one; half of them send a byte every second.
    [[nodiscard]] bool all_closed() {
        auto next_byte = std::chrono::steady_clock::now();
        return servers::poll_until(kPatience, [&] {
            if (std::chrono::steady_clock::now() >= next_byte) {
                next_byte += seconds(1);
                for (std::size_t at = 0; at < peers_.size(); at += 2) {
                    peers_[at].send("x");
                }
            }
            return connected_peers() == 0;
        });
    }

    std::string half_connect_ = connect_packet(mqtt::Version::v5, "half").substr(0, 10);
    std::string half_publish_ =
        publish_packet(site_.mqtt_topic(), 7, mqtt::Version::v5, std::string(4000, 'x'))
            .substr(0, 2000);
    std::vector<Peer> peers_;
};

TEST_F(Halves, of_a_thousand_packets_cost_little_and_are_not_waited_for) {
    constexpr std::size_t kPeers = 1000;
    constexpr std::size_t kAllowedBytes = 8U << 20U;
    const std::size_t before = agent_->own_memory_bytes();
    let_in(kPeers);
    serve();
    EXPECT_LE(agent_->own_memory_bytes(), before + kAllowedBytes);
    EXPECT_EQ(connected_peers(), kPeers);
    EXPECT_TRUE(all_closed()) << peers_.size() << " are still connected";
    expect_unharmed();
    EXPECT_LE(agent_->own_memory_bytes(), before + kAllowedBytes);
}

}  // namespace
}  // namespace tributary::mqtt_testing
