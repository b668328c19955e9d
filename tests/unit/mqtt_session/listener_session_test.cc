// The listener, packet by packet; the devices are these tests.
#include "connectors/mqtt/session/listener_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/mqtt_session/fake_log.h"
#include "tests/unit/mqtt_session/support.h"

namespace tributary::mqtt::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kSecond = std::chrono::seconds(1);
using Strings = std::vector<std::string>;

constexpr Version k3 = Version::v3_1_1;
constexpr Version k5 = Version::v5;

class Policy final : public ListenerPolicy {
  public:
    ReasonCode authenticate(const Connect& connect,
                            std::string_view peer,
                            std::string& user) override {
        seen_peer = std::string(peer);
        user = std::string(connect.user_name.value_or("anyone"));
        return user == "mallory" ? ReasonCode::bad_user_name_or_password : ReasonCode::success;
    }
    bool may_publish(std::string_view user,
                     std::string_view /*client_id*/,
                     std::string_view topic) override {
        ++asked;
        return !topic.starts_with("secret") || user == "alice";
    }
    std::string seen_peer;
    int asked = 0;
};

class ListenerTest : public testing::TestWithParam<Version> {
  protected:
    ListenerTest() { start(); }

    static ListenerOptions options() {
        ListenerOptions options;
        options.receive_maximum = 10;
        options.packet_bytes_max = 4096;
        options.topic_bytes_max = 40;
        options.topic_levels_max = 5;
        options.connections_max = 20;
        options.sessions_max = 30;
        return options;
    }
    void start(const ListenerOptions& with = options()) {
        step.clear();
        listener = std::make_unique<Listener>(with, policy);
        ASSERT_TRUE(listener->restore(log, log.durable(), log.durable(), now).has_value());
    }
    void crash() {
        log.crash();
        start();
    }
    // Hands the step to the log and keeps what each connection is sent.
    void work() {
        log.take(step);
        for (const Send& send : step.sends) {
            for (const auto& packet : split(step.bytes(send))) {
                outbox[send.connection].push_back(packet);
            }
            if (send.close_after) {
                closing.insert(send.connection);
                why = send.why;
            }
        }
        for (const ConnectionId id : step.resumed) {
            resumed.push_back(id);
        }
        step.clear();
    }
    std::vector<std::string> mail(ConnectionId id) { return std::exchange(outbox[id], {}); }

    ConnectionId accept() {
        const auto id = listener->accept(now, "10.0.0.1");
        TRIBUTARY_ASSERT(id.has_value());
        return *id;
    }
    std::vector<std::string> give(ConnectionId id, std::string_view wire) {
        listener->received(now, id, wire, step);
        work();
        return mail(id);
    }
    void sync(std::size_t count = SIZE_MAX) {
        listener->durable(now, log.sync(count), step);
        work();
    }
    void tick(std::chrono::milliseconds later) {
        now += later;
        listener->tick(now, step);
        work();
    }
    void drop(ConnectionId id) {
        listener->closed(now, id, step);
        work();
        closing.erase(id);
        outbox.erase(id);
    }
    [[nodiscard]] Connect hello(std::string_view client_id, bool clean = false) const {
        Connect connect;
        connect.version = GetParam();
        connect.client_id = client_id;
        connect.clean_start = clean;
        connect.keep_alive_s = 20;
        if (v5() && !clean) {
            connect.properties.session_expiry_interval_s = 100;
            connect.properties.set(PropertyId::session_expiry_interval);
        }
        return connect;
    }
    ConnectionId open(const Connect& connect) {
        const ConnectionId id = accept();
        last_connack = give_and_sync(id, encoded(connect, connect.version));
        return id;
    }
    ConnectionId open(std::string_view client_id, bool clean = false) {
        return open(hello(client_id, clean));
    }
    [[nodiscard]] bool session_present() const {
        return !last_connack.empty() && last_connack[0].substr(4, 2) == "01";
    }
    std::vector<std::string> give_and_sync(ConnectionId id, std::string_view wire) {
        auto packets = give(id, wire);
        sync();
        const auto later = mail(id);
        packets.insert(packets.end(), later.begin(), later.end());
        return packets;
    }
    [[nodiscard]] std::string publish(Qos qos,
                                      std::uint16_t id,
                                      std::string_view payload,
                                      bool dup = false,
                                      std::string_view topic = "a/b") const {
        Publish packet;
        packet.topic = topic;
        packet.payload = payload;
        packet.qos = qos;
        packet.packet_id = id;
        packet.dup = dup;
        return encoded(packet, GetParam());
    }
    [[nodiscard]] std::string qos1(std::uint16_t id,
                                   std::string_view text,
                                   bool dup = false) const {
        return publish(Qos::at_least_once, id, text, dup);
    }
    [[nodiscard]] std::string qos2(std::uint16_t id,
                                   std::string_view text,
                                   bool dup = false) const {
        return publish(Qos::exactly_once, id, text, dup);
    }
    [[nodiscard]] bool v5() const { return GetParam() == k5; }

    SteadyTime now{std::chrono::hours(1)};
    Policy policy;
    FakeLog log;
    Step step;
    std::unique_ptr<Listener> listener;
    std::map<ConnectionId, std::vector<std::string>> outbox;
    std::set<ConnectionId> closing;
    std::vector<ConnectionId> resumed;
    std::vector<std::string> last_connack;
    std::string why;
};

INSTANTIATE_TEST_SUITE_P(Versions, ListenerTest, testing::Values(k3, k5), [](const auto& tested) {
    return tested.param == k5 ? "v5" : "v3_1_1";
});

TEST_P(ListenerTest, welcomes_a_device_once_its_session_is_durable) {
    const auto id = accept();
    EXPECT_THAT(give(id, encoded(hello("dev"), GetParam())), IsEmpty());
    EXPECT_EQ(log.pending(), 1U);
    sync();
    const auto packets = mail(id);
    ASSERT_EQ(packets.size(), 1U);
    EXPECT_EQ(packets[0].substr(0, 2), "20");
    EXPECT_EQ(packets[0].substr(4, 4), "0000");
    EXPECT_EQ(policy.seen_peer, "10.0.0.1");
}

TEST_P(ListenerTest, welcomes_a_device_without_a_session_at_once) {
    const auto id = accept();
    EXPECT_EQ(give(id, encoded(hello("dev", true), GetParam())).size(), 1U);
    EXPECT_EQ(log.pending(), 0U);
}

TEST_P(ListenerTest, says_what_it_allows) {
    const auto id = accept();
    const auto packets = give(id, encoded(hello("dev", true), GetParam()));
    ASSERT_EQ(packets.size(), 1U);
    const std::string wire = bytes(packets[0]);
    const auto packet = decode_one(wire, GetParam());
    ASSERT_TRUE(packet.has_value());
    const auto& connack = std::get<Connack>(packet.value());
    EXPECT_EQ(connack.reason, ReasonCode::success);
    if (v5()) {
        EXPECT_EQ(connack.properties.receive_maximum, 10);
        EXPECT_EQ(connack.properties.maximum_packet_size, 4096U);
        EXPECT_EQ(connack.properties.topic_alias_maximum, 16);
        EXPECT_EQ(connack.properties.wildcard_subscription_available, 0);
        EXPECT_FALSE(connack.properties.has(PropertyId::server_keep_alive));
        EXPECT_FALSE(connack.properties.has(PropertyId::assigned_client_identifier));
    }
}

TEST_P(ListenerTest, acknowledges_only_what_is_durable_and_in_order) {
    const auto id = open("dev");
    EXPECT_THAT(give(id, qos1(1, "x") + qos2(2, "y") + qos1(3, "z")), IsEmpty());
    sync(1);
    EXPECT_THAT(mail(id), ElementsAre("40020001"));
    sync();
    EXPECT_THAT(mail(id), ElementsAre("50020002", "40020003"));
    EXPECT_THAT(log.payloads(), ElementsAre("x", "y", "z"));
    EXPECT_EQ(log.entries().back().client_id, "dev");
}

TEST_P(ListenerTest, acknowledges_what_was_sent_before_connack_after_it) {
    const auto id = accept();
    EXPECT_THAT(give(id, encoded(hello("dev"), GetParam()) + qos1(1, "x")), IsEmpty());
    sync();
    const auto packets = mail(id);
    ASSERT_EQ(packets.size(), 2U);
    EXPECT_EQ(packets[0].substr(0, 2), "20");
    EXPECT_EQ(packets[1], "40020001");
}

TEST_P(ListenerTest, releases_a_qos_2_identifier_before_pubcomp) {
    const auto id = open("dev");
    EXPECT_THAT(give_and_sync(id, qos2(7, "x")), ElementsAre("50020007"));
    const auto side = log.side_size();
    EXPECT_THAT(give(id, bytes("62 02 0007")), IsEmpty());
    sync();
    EXPECT_EQ(log.side_size(), side - 1);
    EXPECT_THAT(mail(id), ElementsAre("70020007"));
    EXPECT_THAT(give(id, bytes("62 02 0007")), ElementsAre(v5() ? "7003000792" : "70020007"));
}

TEST_P(ListenerTest, suppresses_what_is_sent_again_after_a_lost_connection) {
    const auto id = open("dev");
    give(id, qos1(1, "x") + qos2(2, "y"));
    log.sync();
    drop(id);
    sync();
    const auto again = open("dev");
    EXPECT_TRUE(session_present());
    EXPECT_THAT(give(again, qos1(1, "x", true) + qos2(2, "y", true)),
                ElementsAre("40020001", "50020002"));
    EXPECT_THAT(log.payloads(), ElementsAre("x", "y"));
    EXPECT_EQ(listener->counters().redeliveries, 2U);
}

TEST_P(ListenerTest, suppresses_what_is_sent_again_after_a_crash) {
    const auto id = open("dev");
    give(id, qos1(1, "x") + qos2(2, "y"));
    log.sync();
    crash();
    const auto again = open("dev");
    EXPECT_TRUE(session_present());
    EXPECT_THAT(give(again, qos1(1, "x", true) + qos2(2, "y", true)),
                ElementsAre("40020001", "50020002"));
    EXPECT_THAT(log.payloads(), ElementsAre("x", "y"));
}

TEST_P(ListenerTest, takes_again_what_a_crash_took) {
    const auto id = open("dev");
    give(id, qos1(1, "x") + qos1(2, "y") + qos2(3, "z"));
    log.sync(1);
    crash();
    const auto again = open("dev");
    EXPECT_THAT(give_and_sync(again, qos1(1, "x", true) + qos1(2, "y", true) + qos2(3, "z", true)),
                ElementsAre("40020001", "40020002", "50020003"));
    EXPECT_THAT(log.payloads(), ElementsAre("x", "y", "z"));
}

// Devices that always use identifier 1, or lost their memory: dup = 0 is a new message.
TEST_P(ListenerTest, takes_an_identifier_used_anew) {
    const auto id = open("dev");
    give_and_sync(id, qos1(1, "21.5"));
    give_and_sync(id, qos1(1, "21.5"));
    drop(id);
    const auto again = open("dev");
    give_and_sync(again, qos1(1, "21.5"));
    EXPECT_THAT(log.payloads(), ElementsAre("21.5", "21.5", "21.5"));
}

TEST_P(ListenerTest, forgets_a_session_on_clean_start) {
    const auto id = open("dev");
    give_and_sync(id, qos1(1, "x") + qos2(2, "y"));
    drop(id);
    const auto again = accept();
    EXPECT_THAT(give(again, encoded(hello("dev", true), GetParam())), IsEmpty());
    sync();  // the erasure is durable before CONNACK
    EXPECT_EQ(mail(again).size(), 1U);
    EXPECT_EQ(log.side_size(), 0U);
    EXPECT_THAT(give_and_sync(again, qos1(1, "x", true) + qos2(2, "y", true)),
                ElementsAre("40020001", "50020002"));
    EXPECT_THAT(log.payloads(), ElementsAre("x", "y", "x", "y"));
    drop(again);
    open("dev");
    EXPECT_FALSE(session_present());
}

TEST_P(ListenerTest, takes_a_session_over) {
    const auto first = open("dev");
    give(first, qos1(1, "x"));
    const auto second = accept();
    give(second, encoded(hello("dev"), GetParam()));
    EXPECT_TRUE(closing.contains(first));
    EXPECT_EQ(mail(first), v5() ? Strings{"e0018e"} : Strings{});
    give(second, qos1(1, "x", true));
    sync();
    EXPECT_THAT(mail(first), IsEmpty());
    EXPECT_THAT(mail(second).back(), "40020001");
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
    drop(first);
    EXPECT_EQ(listener->counters().taken_over, 1U);
    EXPECT_THAT(give_and_sync(second, qos1(2, "y")), ElementsAre("40020002"));
}

TEST_P(ListenerTest, turns_devices_away_when_the_log_is_full) {
    const auto id = open("dev");
    give(id, qos1(1, "x"));
    listener->set_full(now, true, step);
    work();
    EXPECT_TRUE(closing.contains(id));
    EXPECT_EQ(mail(id), v5() ? Strings{"e00197"} : Strings{});
    drop(id);
    const auto refused = accept();
    EXPECT_THAT(give(refused, encoded(hello("dev"), GetParam())),
                ElementsAre(v5() ? "2003009700" : "20020003"));
    EXPECT_TRUE(closing.contains(refused));
    drop(refused);
    sync();
    listener->set_full(now, false, step);
    work();
    const auto again = open("dev");
    EXPECT_TRUE(session_present());
    EXPECT_THAT(give(again, qos1(1, "x", true)), ElementsAre("40020001"));
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
}

// MQTT 5.0 3.14.0-1.
TEST_P(ListenerTest, turns_a_device_away_without_a_word_before_its_connack) {
    const auto id = accept();
    EXPECT_THAT(give(id, encoded(hello("dev"), GetParam())), IsEmpty());
    listener->set_full(now, true, step);
    work();
    EXPECT_TRUE(closing.contains(id));
    EXPECT_THAT(mail(id), IsEmpty());
}

TEST_P(ListenerTest, refuses_a_subscription_in_so_many_words) {
    const auto id = open("dev");
    const auto packets = give(id,
                              bytes(v5() ? "82 0C 0001 00 0001 'a' 01 0002 'b' 'c' 00"
                                         : "82 0B 0001 0001 'a' 01 0002 'b' 'c' 00"));
    ASSERT_EQ(packets.size(), 1U);
    const std::string wire = bytes(packets[0]);
    const auto packet = decode_one(wire, GetParam());
    ASSERT_TRUE(packet.has_value());
    const auto& suback = std::get<Suback>(packet.value());
    EXPECT_EQ(suback.codes_view, v5() ? "\x87\x87" : "\x80\x80");
    EXPECT_FALSE(closing.contains(id));
    EXPECT_EQ(give(id, bytes(v5() ? "A2 06 0002 00 0001 'a'" : "A2 05 0002 0001 'a'")).size(), 1U);
    if (v5()) {
        EXPECT_THAT(suback.properties.reason_string, HasSubstr("sends none"));
    }
}

TEST_P(ListenerTest, refuses_who_may_not_come_in) {
    auto connect = hello("dev");
    connect.user_name = "mallory";
    const auto id = accept();
    EXPECT_THAT(give(id, encoded(connect, GetParam())),
                ElementsAre(v5() ? "2003008600" : "20020004"));
    EXPECT_TRUE(closing.contains(id));
    EXPECT_EQ(listener->last_refused(), "dev: CONNECT is refused: bad user name or password");
    EXPECT_EQ(listener->counters().sessions, 0U);
}

TEST_P(ListenerTest, refuses_topics_that_the_device_may_not_publish) {
    const auto id = open("dev");
    const std::string wire = publish(Qos::at_least_once, 1, "x", false, "secret/1");
    if (v5()) {
        EXPECT_THAT(
            give_and_sync(
                id, qos1(9, "ok") + wire + publish(Qos::exactly_once, 2, "x", false, "secret/1")),
            ElementsAre("40020009", "4003000187", "5003000287"));
        EXPECT_FALSE(closing.contains(id));
    } else {
        give(id, wire);
        EXPECT_TRUE(closing.contains(id));
    }
    const auto other = open("other");
    give(other, publish(Qos::at_most_once, 0, "x", false, "secret/1"));
    EXPECT_FALSE(closing.contains(other));
    sync();
    EXPECT_EQ(log.payloads(), v5() ? Strings{"ok"} : Strings{});
    EXPECT_GT(listener->counters().refused_publishes, 0U);
    auto alice = hello("alice");
    alice.user_name = "alice";
    const auto allowed = open(alice);
    EXPECT_THAT(give_and_sync(allowed, wire), ElementsAre("40020001"));
}

TEST_P(ListenerTest, asks_about_a_topic_once_while_it_stays_the_same) {
    const auto id = open("dev");
    give(id, qos1(1, "x") + qos1(2, "y") + qos1(3, "z"));
    EXPECT_EQ(policy.asked, 1);
}

TEST_P(ListenerTest, refuses_topics_that_are_too_long_or_too_deep) {
    for (const char* topic : {"a/b/c/d/e/f", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddx"}) {
        const auto id = open("dev");
        const auto packets = give_and_sync(id, publish(Qos::at_least_once, 1, "x", false, topic));
        EXPECT_EQ(closing.contains(id), !v5());
        EXPECT_EQ(packets, v5() ? Strings{"4003000190"} : Strings{});
        drop(id);
    }
    const auto id = open("dev");
    EXPECT_THAT(give_and_sync(id, publish(Qos::at_least_once, 1, "x", false, "a/b/c/d/e")),
                ElementsAre("40020001"));
}

TEST_P(ListenerTest, closes_on_a_violation_and_keeps_what_came_before) {
    const std::string wrong[] = {bytes("C1 00"),
                                 bytes("00 00"),
                                 bytes("20 02 00 00"),
                                 bytes("40 02 0001"),
                                 bytes("D0 00"),
                                 bytes("32 05 0001 'a' 0000"),
                                 bytes("30 03 0001 FF"),
                                 bytes("36 05 0001 'a' 0001"),
                                 bytes("30 FF FF FF 7F"),
                                 encoded(hello("dev"), GetParam())};
    std::size_t taken = 0;
    for (const std::string& wire : wrong) {
        const auto id = open("dev");
        const auto packets = give(id, qos1(1, "x") + wire + qos1(2, "y"));
        EXPECT_TRUE(closing.contains(id)) << hex(wire);
        EXPECT_EQ(packets.size(), v5() ? 1U : 0U);
        EXPECT_FALSE(listener->wants_read(id));
        EXPECT_THAT(give(id, qos1(3, "z")), IsEmpty());
        sync();
        EXPECT_THAT(mail(id), IsEmpty());
        EXPECT_EQ(log.payloads().size(), ++taken);
        drop(id);
    }
    EXPECT_EQ(listener->counters().protocol_errors, std::size(wrong));
}

TEST_P(ListenerTest, wants_connect_first_and_soon) {
    const auto id = accept();
    EXPECT_THAT(give(id, qos1(1, "x")), IsEmpty());
    EXPECT_TRUE(closing.contains(id));
    EXPECT_EQ(log.pending(), 0U);
    const auto silent = accept();
    EXPECT_EQ(listener->due(), now + 10 * kSecond);
    tick(9 * kSecond);
    EXPECT_FALSE(closing.contains(silent));
    tick(kSecond);
    EXPECT_TRUE(closing.contains(silent));
}

TEST_P(ListenerTest, bounds_what_devices_have_not_finished_saying) {
    auto with = options();
    with.unfinished_bytes_max = 100;
    start(with);
    const auto first = open("a");
    const auto second = open("b");
    const std::string whole = publish(Qos::at_most_once, 0, std::string(95, 'x'));
    const std::string half = whole.substr(0, 65);
    give(first, half);
    EXPECT_FALSE(closing.contains(first));
    give(second, half);
    EXPECT_TRUE(closing.contains(second));
    give(first, whole.substr(65));
    EXPECT_EQ(log.pending(), 1U);
    const auto third = open("c");
    give(third, half);
    EXPECT_FALSE(closing.contains(third));
}

// One byte per second is not silence, but CONNECT has to be there in time.
TEST_P(ListenerTest, does_not_wait_for_a_connect_that_trickles) {
    const auto id = accept();
    const std::string wire = encoded(hello("dev"), GetParam());
    for (std::size_t at = 0; at < 11; ++at) {
        give(id, wire.substr(at, 1));
        tick(kSecond);
    }
    EXPECT_TRUE(closing.contains(id));
}

TEST_P(ListenerTest, closes_a_device_that_is_silent_for_too_long) {
    const auto id = open("dev");
    tick(29 * kSecond);
    EXPECT_THAT(give(id, bytes("C0 00")), ElementsAre("d000"));
    tick(29 * kSecond);
    EXPECT_FALSE(closing.contains(id));
    tick(2 * kSecond);
    EXPECT_TRUE(closing.contains(id));
    EXPECT_EQ(mail(id), v5() ? Strings{"e0018d"} : Strings{});
    EXPECT_EQ(listener->counters().timeouts, 1U);
}

// Neither is one byte per second a sign of life, but a large packet on a slow link is.
TEST_P(ListenerTest, does_not_wait_for_a_packet_that_trickles) {
    const auto trickling = open("trickling");
    const auto slow = open("slow");
    const std::string wire = publish(Qos::at_most_once, 0, std::string(3000, 'x'));
    const std::size_t part = 60;
    std::size_t at = 0;
    for (; at < 29; ++at) {
        give(trickling, wire.substr(at, 1));
        give(slow, wire.substr(at * part, part));
        tick(kSecond);
        EXPECT_FALSE(closing.contains(trickling)) << at;
    }
    tick(2 * kSecond);
    EXPECT_TRUE(closing.contains(trickling));
    for (; at * part < wire.size(); ++at) {
        give(slow, wire.substr(at * part, part));
        tick(kSecond);
    }
    EXPECT_FALSE(closing.contains(slow));
    EXPECT_EQ(log.pending(), 1U);
}

TEST_P(ListenerTest, does_not_wait_for_ever_for_the_rest_of_a_packet) {
    auto connect = hello("quiet");
    connect.keep_alive_s = 0;
    const auto quiet = open(connect);
    connect.client_id = "half";
    const auto half = open(connect);
    give(half, qos1(1, "x").substr(0, 5));
    tick(899 * kSecond);
    EXPECT_FALSE(closing.contains(half));
    tick(2 * kSecond);
    EXPECT_TRUE(closing.contains(half));
    EXPECT_EQ(closing.contains(quiet), v5()) << "3.1.1 lets a device be silent";
}

TEST_P(ListenerTest, writes_the_will_of_a_device_that_is_gone) {
    auto connect = hello("dev");
    connect.will.emplace();
    connect.will->topic = "state/dev";
    connect.will->payload = "offline";
    connect.will->qos = Qos::at_least_once;
    connect.will->retain = true;
    const auto id = open(connect);
    drop(id);
    sync();
    ASSERT_EQ(log.count(IntakeKind::will), 1U);
    const auto& will = log.entries().back();
    EXPECT_EQ(will.topic, "state/dev");
    EXPECT_EQ(will.payload, "offline");
    EXPECT_EQ(will.client_id, "dev");
    EXPECT_EQ(will.qos, Qos::at_least_once);
    EXPECT_TRUE(will.retain);
    // One that says goodbye has none.
    const auto polite = open(connect);
    give(polite, bytes("E0 00"));
    EXPECT_TRUE(closing.contains(polite));
    drop(polite);
    tick(200 * kSecond);
    sync();
    EXPECT_EQ(log.count(IntakeKind::will), 1U);
}

TEST_P(ListenerTest, says_the_will_of_a_device_that_does_not_come_back_after_a_crash) {
    auto connect = hello("dev");
    connect.will.emplace();
    connect.will->topic = "state/dev";
    connect.will->payload = "offline";
    auto brief = connect;
    brief.client_id = "brief";
    brief.clean_start = true;
    brief.properties = {};
    open(connect);
    open(brief);
    crash();
    tick(59 * kSecond);
    EXPECT_EQ(listener->counters().wills, 0U);
    tick(2 * kSecond);
    EXPECT_EQ(listener->counters().wills, 2U);
    EXPECT_EQ(listener->counters().sessions, 1U) << "the other ended with its connection";
    crash();  // before they were durable
    tick(61 * kSecond);
    sync();
    EXPECT_EQ(log.count(IntakeKind::will), 2U);
    EXPECT_EQ(log.entries().back().payload, "offline");
    crash();
    tick(61 * kSecond);
    EXPECT_EQ(listener->counters().wills, 0U) << "they were said already";
}

TEST_P(ListenerTest, drops_the_will_of_a_device_that_comes_back_after_a_crash) {
    auto connect = hello("dev");
    connect.will.emplace();
    connect.will->topic = "state/dev";
    auto brief = connect;
    brief.client_id = "brief";
    brief.clean_start = true;
    brief.properties = {};
    open(connect);
    open(brief);
    crash();
    const auto first = open(connect);
    EXPECT_TRUE(session_present());
    brief.clean_start = false;
    const auto second = open(brief);
    EXPECT_FALSE(session_present());
    EXPECT_EQ(listener->counters().wills, 0U);
    // One that says goodbye has none after a crash either, one whose link breaks has.
    give(first, bytes("E0 00"));
    drop(first);
    drop(second);
    sync();
    crash();
    tick(61 * kSecond);
    sync();
    ASSERT_EQ(log.count(IntakeKind::will), 1U);
    const auto will = std::find_if(log.entries().begin(), log.entries().end(), [](const auto& one) {
        return one.kind == IntakeKind::will;
    });
    EXPECT_EQ(will->client_id, "brief");
}

TEST_P(ListenerTest, refuses_a_will_that_the_device_may_not_publish) {
    auto connect = hello("dev");
    connect.will.emplace();
    connect.will->topic = "secret/1";
    const auto id = accept();
    EXPECT_THAT(give(id, encoded(connect, GetParam())),
                ElementsAre(v5() ? "2003008700" : "20020005"));
}

TEST_P(ListenerTest, ends_a_session_when_its_time_is_over) {
    const auto id = open("dev");
    give_and_sync(id, qos2(2, "y"));
    drop(id);
    const auto kept = v5() ? 99 * kSecond : 7 * 24 * 3600 * kSecond - kSecond;
    tick(kept);
    const auto again = open("dev");
    EXPECT_TRUE(session_present());
    drop(again);
    tick(kept + kSecond);
    sync();
    EXPECT_EQ(log.side_size(), 0U);
    EXPECT_EQ(listener->counters().sessions, 0U);
    open("dev");
    EXPECT_FALSE(session_present());
}

TEST_P(ListenerTest, bounds_connections_and_sessions) {
    std::vector<ConnectionId> ids;
    for (int count = 0; count < 20; ++count) {
        ids.push_back(open("dev" + std::to_string(count)));
    }
    EXPECT_FALSE(listener->accept(now, "").has_value());
    for (const auto id : ids) {
        drop(id);
    }
    for (int count = 20; count < 30; ++count) {
        drop(open("dev" + std::to_string(count)));
    }
    const auto refused = accept();
    EXPECT_THAT(give(refused, encoded(hello("one more"), GetParam())),
                ElementsAre(v5() ? "2003009700" : "20020003"));
    drop(refused);
    open("dev0");
    EXPECT_TRUE(session_present());
}

TEST_P(ListenerTest, refuses_client_identifiers_that_it_cannot_keep) {
    const std::string name(257, 'x');
    const auto id = accept();
    EXPECT_THAT(give(id, encoded(hello(name), GetParam())),
                ElementsAre(v5() ? "2003008500" : "20020002"));
    const auto nameless = accept();
    const auto packets = give(nameless, encoded(hello(""), GetParam()));
    if (v5()) {
        sync();
        const auto welcome = mail(nameless);
        ASSERT_EQ(welcome.size(), 1U);
        EXPECT_THAT(bytes(welcome[0]), HasSubstr("tributary-1"));
    } else {
        EXPECT_THAT(packets, ElementsAre("20020002"));
        EXPECT_EQ(open(hello("", true)), ConnectionId{2});
        EXPECT_THAT(last_connack, ElementsAre("20020000"));
        EXPECT_FALSE(closing.contains(2));
    }
}

TEST_P(ListenerTest, stops_reading_or_closes_when_the_window_is_passed) {
    const auto id = open("dev");
    std::string wire;
    for (std::uint16_t packet = 1; packet <= 10; ++packet) {
        wire += qos1(packet, "x");
    }
    give(id, wire);
    EXPECT_EQ(listener->wants_read(id), v5());
    if (v5()) {
        EXPECT_THAT(give(id, qos1(11, "x")), ElementsAre("e00193"));
        return;
    }
    sync(1);
    EXPECT_THAT(resumed, ElementsAre(id));
    EXPECT_TRUE(listener->wants_read(id));
    sync();
    EXPECT_THAT(resumed, ElementsAre(id));
}

// It may have sent its ping; what is acknowledged late is not its fault.
TEST_P(ListenerTest, does_not_hold_a_device_to_be_silent_that_it_does_not_read) {
    const auto id = open("dev");
    for (std::uint16_t packet = 1; packet <= 10; ++packet) {
        give(id, qos1(packet, "x"));
    }
    ASSERT_EQ(listener->wants_read(id), v5());
    tick(100 * kSecond);
    EXPECT_EQ(closing.contains(id), v5());
    sync();
    EXPECT_EQ(resumed.size(), v5() ? 0U : 1U);
    tick(29 * kSecond);
    EXPECT_EQ(closing.contains(id), v5());
    tick(2 * kSecond);
    EXPECT_TRUE(closing.contains(id));
}

TEST_P(ListenerTest, gives_a_qos_2_message_its_place_in_the_window_back_at_pubcomp) {
    const auto id = open("dev");
    for (std::uint16_t round = 1; round <= 30; ++round) {
        EXPECT_EQ(give_and_sync(id, qos2(round, "x")).size(), 1U);
        Ack pubrel;
        pubrel.type = PacketType::pubrel;
        pubrel.packet_id = round;
        EXPECT_EQ(give_and_sync(id, encoded(pubrel, GetParam())).size(), 1U);
    }
    EXPECT_FALSE(closing.contains(id));
}

TEST_P(ListenerTest, sends_every_device_away_when_the_agent_stops) {
    const auto first = open("a");
    const auto second = open("b");
    listener->shut_down(now, step);
    work();
    EXPECT_THAT(closing, ElementsAre(first, second));
    EXPECT_EQ(mail(first), v5() ? Strings{"e0018b"} : Strings{});
}

TEST_P(ListenerTest, gives_each_of_many_devices_its_own_acknowledgements) {
    std::vector<ConnectionId> ids;
    for (int count = 0; count < 15; ++count) {
        ids.push_back(open("dev" + std::to_string(count)));
    }
    for (std::size_t index = 0; index < ids.size(); ++index) {
        give(ids[index], qos1(static_cast<std::uint16_t>(index + 1), "x"));
    }
    drop(ids[3]);
    sync();
    for (std::size_t index = 0; index < ids.size(); ++index) {
        if (index != 3) {
            ASSERT_EQ(mail(ids[index]).size(), 1U) << index;
        }
    }
    EXPECT_EQ(log.payloads().size(), 15U);
}

// What one crash left of one device's group must not be taken for another device's numbers.
TEST_P(ListenerTest, mends_groups_before_numbers_are_given_anew) {
    const auto first = open("a");
    const auto second = open("b");
    give(first, qos1(1, "1") + qos1(2, "2") + qos1(3, "3"));
    log.sync(1);
    crash();
    const auto other = open("b");
    give_and_sync(other, qos1(1, "b1") + qos1(2, "b2") + qos1(3, "b3") + qos1(4, "b4"));
    crash();
    const auto again = open("a");
    EXPECT_THAT(give_and_sync(again, qos1(2, "2", true) + qos1(3, "3", true)),
                ElementsAre("40020002", "40020003"));
    EXPECT_THAT(log.payloads(), ElementsAre("1", "b1", "b2", "b3", "b4", "2", "3"));
    static_cast<void>(second);
}

using Listener5 = ListenerTest;
INSTANTIATE_TEST_SUITE_P(Only5, Listener5, testing::Values(k5));

TEST_P(Listener5, delays_a_will_and_drops_it_when_the_device_is_back) {
    auto connect = hello("dev");
    connect.will.emplace();
    connect.will->topic = "state/dev";
    connect.will->payload = "offline";
    connect.will->properties.will_delay_interval_s = 10;
    connect.will->properties.set(PropertyId::will_delay_interval);
    drop(open(connect));
    tick(9 * kSecond);
    const auto id = open(connect);
    drop(id);
    tick(9 * kSecond);
    EXPECT_EQ(listener->counters().wills, 0U);
    tick(2 * kSecond);
    EXPECT_EQ(listener->counters().wills, 1U);
    // The session's end comes before the delay's.
    connect.properties.session_expiry_interval_s = 5;
    drop(open(connect));
    tick(6 * kSecond);
    EXPECT_EQ(listener->counters().wills, 2U);
}

TEST_P(Listener5, writes_the_will_on_a_disconnect_that_asks_for_it) {
    auto connect = hello("dev");
    connect.will.emplace();
    connect.will->topic = "state/dev";
    const auto id = open(connect);
    give(id, bytes("E0 01 04"));
    EXPECT_EQ(listener->counters().wills, 1U);
}

TEST_P(Listener5, lets_a_device_change_its_session_expiry_when_it_leaves) {
    const auto id = open("dev");
    give(id, bytes("E0 07 00 05 11 00000000"));
    drop(id);
    EXPECT_EQ(listener->counters().sessions, 0U);
    const auto clean = open("other", true);
    EXPECT_THAT(give(clean, bytes("E0 07 00 05 11 00000005")), ElementsAre("e00182"));
}

TEST_P(Listener5, caps_keep_alive_and_session_expiry) {
    auto connect = hello("dev");
    connect.keep_alive_s = 0;
    connect.properties.session_expiry_interval_s = 0xFFFFFFFF;
    open(connect);
    ASSERT_EQ(last_connack.size(), 1U);
    const std::string wire = bytes(last_connack[0]);
    const auto packet = decode_one(wire, k5);
    const auto& properties = std::get<Connack>(packet.value()).properties;
    EXPECT_EQ(properties.server_keep_alive_s, 600);
    EXPECT_EQ(properties.session_expiry_interval_s, 7U * 24 * 3600);
}

TEST_P(Listener5, resolves_topic_aliases_per_connection) {
    const auto id = open("dev");
    give(id, bytes("30 09 0003 'a/1' 03 23 0001 30 07 0000 03 23 0001 'y'"));
    sync();
    EXPECT_EQ(log.entries().back().topic, "a/1");
    drop(id);
    const auto again = open("dev");
    EXPECT_THAT(give(again, bytes("30 07 0000 03 23 0001 'y'")), ElementsAre("e00194"));
    const auto above = open("dev");
    EXPECT_THAT(give(above, bytes("30 09 0003 'a/1' 03 23 0011")), ElementsAre("e00194"));
}

TEST_P(Listener5, refuses_extended_authentication) {
    auto connect = hello("dev");
    connect.properties.authentication_method = "SCRAM";
    connect.properties.set(PropertyId::authentication_method);
    const auto id = accept();
    EXPECT_THAT(give(id, encoded(connect, k5)), ElementsAre("2003008c00"));
}

TEST_P(Listener5, never_sends_more_than_the_device_takes) {
    auto connect = hello("dev", true);
    connect.properties.maximum_packet_size = 10;
    connect.properties.set(PropertyId::maximum_packet_size);
    const auto id = open(connect);
    EXPECT_THAT(give(id, bytes("82 07 0001 00 0001 'a' 01")), IsEmpty());
    EXPECT_FALSE(closing.contains(id));
}

TEST_P(Listener5, answers_an_unknown_protocol_version_in_its_own_form) {
    const auto old = accept();
    EXPECT_THAT(give(old, bytes("10 0F 0006 'MQIsdp' 03 02 003C 0001 'a'")),
                ElementsAre("20020001"));
    EXPECT_TRUE(closing.contains(old));
    const auto later = accept();
    EXPECT_THAT(give(later, bytes("10 0E 0004 'MQTT' 06 02 003C 00 0001 'a'")),
                ElementsAre("2003008400"));
    const auto bridge = accept();
    EXPECT_THAT(give(bridge, bytes("10 0E 0004 'MQTT' 84 02 003C 0002 'ab'")),
                ElementsAre("20020001"));
}

// Wills wait while the log is full, and a device that was turned away and is back has none.
TEST_P(Listener5, holds_wills_back_while_the_log_is_full) {
    auto connect = hello("dev");
    connect.will.emplace();
    connect.will->topic = "state/dev";
    auto other = connect;
    other.client_id = "other";
    other.properties.session_expiry_interval_s = 0;
    const auto first = open(connect);
    const auto second = open(other);
    listener->set_full(now, true, step);
    work();
    drop(first);
    drop(second);
    tick(2 * kSecond);
    EXPECT_EQ(listener->counters().wills, 0U);
    EXPECT_EQ(log.pending(), 0U);
    listener->set_full(now, false, step);
    work();
    EXPECT_EQ(listener->counters().wills, 2U);
    EXPECT_EQ(listener->counters().sessions, 1U);
}

// Of the 8 KiB that an idle connection may cost, the session takes a small part.
TEST_P(ListenerTest, reads_a_device_that_sends_too_much_more_slowly) {
    auto bounded = options();
    bounded.messages_per_second_max = 4;
    start(bounded);
    const auto fast = open("fast");
    const auto slow = open("slow");
    give_and_sync(slow, publish(Qos::at_least_once, 1, "x"));
    for (std::uint16_t id = 1; id <= 8; ++id) {
        give_and_sync(fast, publish(Qos::at_least_once, id, "x"));
    }
    EXPECT_FALSE(listener->wants_read(fast)) << "two seconds' worth in no time";
    EXPECT_TRUE(listener->wants_read(slow));
    tick(std::chrono::milliseconds(900));
    EXPECT_FALSE(listener->wants_read(fast));
    tick(std::chrono::milliseconds(100));
    EXPECT_TRUE(listener->wants_read(fast));
    EXPECT_THAT(resumed, ElementsAre(fast));
    EXPECT_EQ(log.count(IntakeKind::message), 9U) << "nothing is lost";
    // It is not silent for as long as it is not read.
    for (std::uint16_t id = 0; id < 200; ++id) {
        give_and_sync(fast, publish(Qos::at_most_once, 0, "x"));
    }
    tick(35 * kSecond);
    EXPECT_FALSE(closing.contains(fast));
    drop(fast);
    tick(35 * kSecond);
}

TEST(ListenerMemory, costs_two_kibibytes_a_connection_at_most) {
    constexpr std::size_t kConnections = 1000;
    Policy policy;
    Listener listener({.sessions_max = kConnections}, policy);
    Step step;
    const SteadyTime now{};
    std::string wire;
    std::vector<std::string> hellos;
    for (std::size_t count = 0; count < kConnections; ++count) {
        const std::string client_id = "press-line-4-sensor-" + std::to_string(count);
        Connect connect;
        connect.client_id = client_id;
        connect.properties.session_expiry_interval_s = 3600;
        connect.properties.set(PropertyId::session_expiry_interval);
        hellos.push_back(encoded(connect, k5));
    }
    const std::size_t before = mallinfo2().uordblks;
    for (const std::string& hello : hellos) {
        const auto id = listener.accept(now, "10.0.0.1");
        ASSERT_TRUE(id.has_value());
        listener.received(now, *id, hello, step);
        step.clear();
        listener.durable(now, listener.last_number(), step);
        step.clear();
    }
    const std::size_t each = (mallinfo2().uordblks - before) / kConnections;
    std::printf("%zu bytes each\n", each);
    EXPECT_LE(each, 2048U);
}

}  // namespace
}  // namespace tributary::mqtt::test
