// Our session at a broker, packet by packet; the broker is these tests.
#include "connectors/mqtt/session/subscriber_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "model/errors.h"
#include "tests/unit/mqtt_session/fake_log.h"
#include "tests/unit/mqtt_session/support.h"

namespace tributary::mqtt::test {
namespace {

using State = SubscriberSession::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto kSecond = std::chrono::seconds(1);

std::string publish(Version version,
                    Qos qos,
                    std::uint16_t id,
                    std::string_view payload,
                    bool dup = false,
                    std::string_view topic = "a/b") {
    Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.qos = qos;
    packet.packet_id = id;
    packet.dup = dup;
    return encoded(packet, version);
}

class Subscriber : public testing::TestWithParam<Version> {
  protected:
    Subscriber() { start(); }

    static SubscriberOptions options() {
        SubscriberOptions options;
        options.version = GetParam();
        options.client_id = "gw";
        options.window = 10;
        options.filters = {{.filter = "a/#"}};
        return options;
    }
    void start(const SubscriberOptions& with = options()) {
        step.clear();
        session = std::make_unique<SubscriberSession>(with);
        ASSERT_TRUE(session->restore(log, log.durable(), log.durable()).has_value());
    }
    // The process dies; what is durable is all that is left.
    void crash(const SubscriberOptions& with = options()) {
        log.crash();
        start(with);
    }
    // What the session sent since the last time, packet by packet.
    std::vector<std::string> sent() {
        log.take(step);
        std::string wire;
        for (const Send& send : step.sends) {
            wire += step.bytes(send);
            closed = closed || send.close_after;
        }
        step.clear();
        return split(wire);
    }
    std::vector<std::string> give(std::string_view wire) {
        session->received(now, wire, step);
        return sent();
    }
    std::vector<std::string> sync(std::size_t count = SIZE_MAX) {
        session->durable(now, log.sync(count), step);
        return sent();
    }
    std::vector<std::string> tick(std::chrono::milliseconds later) {
        now += later;
        session->tick(now, step);
        return sent();
    }
    [[nodiscard]] std::string connack(bool present) const {
        return encoded(Connack{.session_present = present, .properties = {}}, GetParam());
    }
    [[nodiscard]] std::string suback(ReasonCode code = ReasonCode::granted_qos_1,
                                     std::uint16_t id = 1) const {
        const std::string codes(1, static_cast<char>(code));
        Suback packet;
        packet.packet_id = id;
        packet.codes_view = codes;
        return encoded(packet, GetParam());
    }
    void open() {
        closed = false;
        session->opened(now, step);
        sent();
    }
    void open_and_subscribe(bool present) {
        open();
        give(connack(present));
        sync();
        if (session->state() == State::subscribing) {
            give(suback());
        }
        sync();
        ASSERT_EQ(session->state(), State::running);
    }
    void reconnect() {
        session->lost(now);
        open_and_subscribe(true);
    }
    [[nodiscard]] std::string qos1(std::uint16_t id,
                                   std::string_view text,
                                   bool dup = false) const {
        return publish(GetParam(), Qos::at_least_once, id, text, dup);
    }
    [[nodiscard]] std::string qos2(std::uint16_t id,
                                   std::string_view text,
                                   bool dup = false) const {
        return publish(GetParam(), Qos::exactly_once, id, text, dup);
    }
    [[nodiscard]] bool v5() const { return GetParam() == Version::v5; }

    SteadyTime now{std::chrono::hours(1)};
    FakeLog log;
    Step step;
    std::unique_ptr<SubscriberSession> session;
    bool closed = false;
};

INSTANTIATE_TEST_SUITE_P(Versions,
                         Subscriber,
                         testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& tested) {
                             return tested.param == Version::v5 ? "v5" : "v3_1_1";
                         });

TEST_P(Subscriber, connects_to_keep_its_session) {
    session->opened(now, step);
    const auto packets = sent();
    ASSERT_EQ(packets.size(), 1U);
    const std::string wire = bytes(packets[0]);
    const auto packet = decode_one(wire, GetParam());
    ASSERT_TRUE(packet.has_value());
    const auto& connect = std::get<Connect>(packet.value());
    EXPECT_EQ(connect.version, GetParam());
    EXPECT_FALSE(connect.clean_start);
    EXPECT_EQ(connect.client_id, "gw");
    EXPECT_EQ(connect.keep_alive_s, 30);
    if (v5()) {
        EXPECT_EQ(connect.properties.receive_maximum, 10);
        EXPECT_EQ(connect.properties.session_expiry_interval_s, 7U * 24 * 3600);
        EXPECT_EQ(connect.properties.topic_alias_maximum, 64);
    }
}

TEST_P(Subscriber, subscribes_after_connack_and_runs_after_suback) {
    open();
    const auto packets = give(connack(false));
    ASSERT_EQ(packets.size(), 1U);
    EXPECT_EQ(session->state(), State::subscribing);
    const std::string wire = bytes(packets[0]);
    const auto packet = decode_one(wire, GetParam());
    ASSERT_TRUE(packet.has_value());
    SubscriptionReader reader(std::get<Subscribe>(packet.value()));
    Subscription subscription;
    ASSERT_TRUE(reader.next(subscription));
    EXPECT_EQ(subscription.filter, "a/#");
    EXPECT_EQ(subscription.qos, Qos::at_least_once);
    EXPECT_EQ(subscription.retain_handling,
              v5() ? RetainHandling::send_if_new : RetainHandling::send);
    give(suback());
    EXPECT_EQ(session->state(), State::running);
    sync();
    EXPECT_EQ(log.count(IntakeKind::gap), 0U);
    EXPECT_EQ(log.side_size(), 1U);  // the session's record
}

TEST_P(Subscriber, acknowledges_only_what_is_durable) {
    open_and_subscribe(false);
    EXPECT_THAT(give(qos1(1, "x") + qos1(2, "y") + qos1(3, "z")), IsEmpty());
    EXPECT_THAT(sync(1), ElementsAre("40020001"));
    EXPECT_THAT(sync(2), ElementsAre("40020002", "40020003"));
    EXPECT_THAT(log.payloads(), ElementsAre("x", "y", "z"));
}

TEST_P(Subscriber, takes_qos_0_without_a_word) {
    open_and_subscribe(false);
    give(publish(GetParam(), Qos::at_most_once, 0, "x"));
    EXPECT_THAT(sync(), IsEmpty());
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
}

TEST_P(Subscriber, answers_qos_2_step_by_step) {
    open_and_subscribe(false);
    EXPECT_THAT(give(qos2(7, "x")), IsEmpty());
    EXPECT_THAT(sync(), ElementsAre("50020007"));
    EXPECT_THAT(give(bytes("62 02 0007")), IsEmpty());  // the deletion is not durable yet
    EXPECT_EQ(log.pending(), 1U);
    EXPECT_THAT(sync(), ElementsAre("70020007"));
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
    EXPECT_EQ(log.side_size(), 1U);
}

TEST_P(Subscriber, keeps_the_order_of_acknowledgements) {
    open_and_subscribe(false);
    give(qos1(1, "a") + qos2(2, "b") + qos1(3, "c") + qos2(4, "d"));
    EXPECT_THAT(sync(), ElementsAre("40020001", "50020002", "40020003", "50020004"));
}

TEST_P(Subscriber, suppresses_what_is_sent_again_after_a_reconnect) {
    open_and_subscribe(false);
    give(qos1(1, "x"));
    sync();
    reconnect();
    EXPECT_THAT(give(qos1(1, "x", true)), ElementsAre("40020001"));
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
    EXPECT_EQ(session->counters().redeliveries, 1U);
}

TEST_P(Subscriber, suppresses_what_is_sent_again_after_a_crash) {
    open_and_subscribe(false);
    give(qos1(1, "x"));
    log.sync();  // durable, and then we die before the PUBACK
    crash();
    open_and_subscribe(true);
    EXPECT_THAT(give(qos1(1, "x", true)), ElementsAre("40020001"));
    sync();
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
}

TEST_P(Subscriber, takes_again_what_a_crash_took) {
    open_and_subscribe(false);
    sync();
    give(qos1(1, "x"));
    crash();
    open_and_subscribe(true);
    EXPECT_THAT(give(qos1(1, "x", true)), IsEmpty());
    EXPECT_THAT(sync(), ElementsAre("40020001"));
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
    EXPECT_TRUE(log.entries().back().maybe_duplicate);
}

// A PINGRESP to a later PINGREQ proves that the PUBACK arrived; then the identifier is free.
TEST_P(Subscriber, takes_a_dup_of_the_same_bytes_once_the_puback_is_proven) {
    open_and_subscribe(false);
    give(qos1(1, "21.5"));
    sync();
    EXPECT_EQ(session->due(), now + kSecond);
    EXPECT_THAT(tick(kSecond), ElementsAre("c000"));
    give(bytes("D0 00"));
    reconnect();
    EXPECT_THAT(give(qos1(1, "21.5", true)), IsEmpty());
    sync();
    EXPECT_THAT(log.payloads(), ElementsAre("21.5", "21.5"));
}

TEST_P(Subscriber, proves_nothing_by_a_pingresp_to_an_earlier_pingreq) {
    open_and_subscribe(false);
    EXPECT_THAT(tick(30 * kSecond), ElementsAre("c000"));
    give(qos1(1, "x"));
    sync();
    give(bytes("D0 00"));
    reconnect();
    give(qos1(1, "x", true));
    sync();
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
}

TEST_P(Subscriber, takes_everything_when_suppression_is_off) {
    auto with = options();
    with.suppress_redelivered = false;
    start(with);
    open_and_subscribe(false);
    give(qos1(1, "x"));
    sync();
    reconnect();
    give(qos1(1, "x", true));
    sync();
    EXPECT_THAT(log.payloads(), ElementsAre("x", "x"));
    EXPECT_EQ(log.side_size(), 1U);
}

TEST_P(Subscriber, remembers_qos_2_identifiers_over_a_crash) {
    open_and_subscribe(false);
    give(qos2(7, "x"));
    sync();
    crash();
    open_and_subscribe(true);
    EXPECT_THAT(give(qos2(7, "x", true)), ElementsAre("50020007"));
    EXPECT_THAT(give(bytes("62 02 0007")), IsEmpty());
    EXPECT_THAT(sync(), ElementsAre("70020007"));
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
}

TEST_P(Subscriber, answers_a_pubrel_of_an_unknown_identifier) {
    open_and_subscribe(false);
    EXPECT_THAT(give(bytes("62 02 0007")), ElementsAre(v5() ? "7003000792" : "70020007"));
}

TEST_P(Subscriber, marks_a_lost_session_before_it_subscribes_anew) {
    open_and_subscribe(false);
    give(qos1(1, "x") + qos2(2, "y"));
    sync();
    session->lost(now);
    open();
    EXPECT_THAT(give(connack(false)), IsEmpty());
    EXPECT_EQ(session->state(), State::settling);
    EXPECT_EQ(sync().size(), 1U);  // SUBSCRIBE
    EXPECT_EQ(log.count(IntakeKind::gap), 1U);
    EXPECT_EQ(log.side_size(), 0U);
    give(suback());
    // The identifiers of the old session mean nothing in the new one.
    give(qos1(1, "x", true) + qos2(2, "y", true));
    sync();
    EXPECT_THAT(log.payloads(), ElementsAre("x", "y", "x", "y"));
}

TEST_P(Subscriber, settles_a_lost_session_first_even_when_it_reconnects_meanwhile) {
    open_and_subscribe(false);
    sync();
    session->lost(now);
    open();
    give(connack(false));
    session->lost(now);
    open();
    EXPECT_THAT(give(connack(true)), IsEmpty());
    EXPECT_EQ(session->state(), State::settling);
    EXPECT_EQ(sync().size(), 1U);
    EXPECT_EQ(session->state(), State::subscribing);
}

TEST_P(Subscriber, subscribes_once_a_run_while_the_session_lasts) {
    open_and_subscribe(false);
    sync();
    session->lost(now);
    open();
    EXPECT_THAT(give(connack(true)), IsEmpty());
    EXPECT_EQ(session->state(), State::running);
    crash();
    open();
    EXPECT_EQ(give(connack(true)).size(), 1U);
    EXPECT_EQ(session->state(), State::subscribing);
}

// The CONNACK that told of a new session was lost; the next one knows that session.
TEST_P(Subscriber, subscribes_again_after_a_connect_that_was_not_answered) {
    open_and_subscribe(false);
    sync();
    session->lost(now);
    open();
    session->lost(now);
    open();
    EXPECT_EQ(give(connack(true)).size(), 1U);
    EXPECT_EQ(session->state(), State::subscribing);
    give(suback());
    session->lost(now);
    open();
    EXPECT_THAT(give(connack(true)), IsEmpty());
    EXPECT_EQ(session->state(), State::running);
}

TEST_P(Subscriber, unsubscribes_from_filters_that_were_removed) {
    open_and_subscribe(false);
    sync();
    auto with = options();
    with.filters = {{.filter = "b"}};
    crash(with);
    open();
    give(connack(true));
    EXPECT_THAT(give(suback()), ElementsAre(v5() ? "a208ffff000003612f23" : "a207ffff0003612f23"));
}

TEST_P(Subscriber, names_a_filter_that_was_not_granted) {
    open();
    give(connack(false));
    give(suback(v5() ? ReasonCode::not_authorized : ReasonCode::unspecified_error));
    ASSERT_TRUE(session->failure().has_value());
    EXPECT_TRUE(session->failure()->is(errors::kMqttSubscription));
    EXPECT_THAT(session->failure()->what(), HasSubstr("a/#"));
    EXPECT_TRUE(closed);
}

TEST_P(Subscriber, refuses_a_lower_qos_than_it_asked_for) {
    open();
    give(connack(false));
    give(suback(ReasonCode::success));
    ASSERT_TRUE(session->failure().has_value());
    EXPECT_TRUE(session->failure()->is(errors::kMqttSubscription));
    EXPECT_THAT(session->failure()->what(), HasSubstr("QoS 0 only"));
}

TEST_P(Subscriber, names_why_the_broker_refused) {
    struct Case {
        ReasonCode reason;
        const ErrorKind& kind;
    };
    const Case cases[] = {{ReasonCode::bad_user_name_or_password, errors::kMqttAuth},
                          {ReasonCode::not_authorized, errors::kMqttAuth},
                          {ReasonCode::client_identifier_not_valid, errors::kMqttRefused},
                          {ReasonCode::unsupported_protocol_version, errors::kMqttRefused},
                          {ReasonCode::server_unavailable, errors::kSourceUnreachable}};
    for (const Case& one : cases) {
        open();
        give(encoded(Connack{.reason = one.reason, .properties = {}}, GetParam()));
        ASSERT_TRUE(session->failure().has_value());
        EXPECT_TRUE(session->failure()->is(one.kind)) << session->failure()->what();
        EXPECT_EQ(session->state(), State::closed);
        EXPECT_TRUE(closed);
    }
}

// It would come again and again.
TEST_P(Subscriber, stops_at_a_message_that_is_too_large_and_names_the_limit) {
    auto small = options();
    small.packet_bytes_max = 100;
    start(small);
    open_and_subscribe(false);
    give(qos1(1, std::string(200, 'x')));
    ASSERT_TRUE(session->failure().has_value());
    EXPECT_TRUE(session->failure()->is(errors::kMqttRefused));
    EXPECT_THAT(session->failure()->what(), HasSubstr("message_bytes_max is 100"));
}

TEST_P(Subscriber, pings_when_it_has_been_silent_and_gives_up_without_an_answer) {
    open_and_subscribe(false);
    EXPECT_EQ(session->due(), now + 30 * kSecond);
    EXPECT_THAT(tick(29 * kSecond), IsEmpty());
    EXPECT_THAT(tick(kSecond), ElementsAre("c000"));
    EXPECT_THAT(tick(9 * kSecond), IsEmpty());
    EXPECT_FALSE(closed);
    tick(kSecond);
    EXPECT_TRUE(closed);
    EXPECT_TRUE(session->failure()->is(errors::kSourceUnreachable));
}

// The answer stands behind all that the broker had to send before.
TEST_P(Subscriber, waits_for_a_pingresp_as_long_as_the_broker_is_heard) {
    open_and_subscribe(false);
    EXPECT_THAT(tick(30 * kSecond), ElementsAre("c000"));
    now += 9 * kSecond;
    give(qos1(1, "x"));
    tick(9 * kSecond);
    session->heard(now);  // its bytes wait, and nobody reads them
    tick(9 * kSecond);
    EXPECT_FALSE(closed);
    tick(2 * kSecond);
    EXPECT_TRUE(closed);
}

TEST_P(Subscriber, waits_for_a_suback_as_long_as_the_broker_is_heard) {
    open();
    give(connack(true));
    now += 9 * kSecond;
    give(qos1(1, "x"));
    tick(9 * kSecond);
    EXPECT_FALSE(closed);
    tick(2 * kSecond);
    EXPECT_TRUE(closed);
}

// Each had an identifier of its own, and the broker has no more of them.
TEST_P(Subscriber, remembers_no_more_messages_than_there_are_identifiers) {
    open_and_subscribe(false);
    for (int number = 0; number < 65'536; ++number) {
        give(qos1(static_cast<std::uint16_t>(number % 65'535 + 1), "x"));
        if (number % 8 == 0) {
            sync();
        }
    }
    sync();
    EXPECT_EQ(log.count(IntakeKind::message), 65'536U);
    reconnect();
    give(qos1(1, "x", true));
    give(qos1(2, "x", true));
    sync();
    EXPECT_EQ(log.count(IntakeKind::message), 65'536U);
}

TEST_P(Subscriber, gives_up_on_a_broker_that_does_not_answer_connect_or_subscribe) {
    open();
    tick(10 * kSecond);
    EXPECT_TRUE(closed);
    EXPECT_THAT(session->failure()->what(), HasSubstr("CONNACK"));
    open();
    give(connack(false));
    tick(10 * kSecond);
    EXPECT_TRUE(closed);
    EXPECT_THAT(session->failure()->what(), HasSubstr("SUBACK"));
}

TEST_P(Subscriber, refuses_packets_out_of_order) {
    const std::string wrong[] = {qos1(1, "x"), bytes("D0 00"), suback()};
    for (const std::string& wire : wrong) {
        open();
        give(wire);
        EXPECT_TRUE(closed);
        EXPECT_TRUE(session->failure()->is(errors::kProtocolViolation));
        EXPECT_EQ(log.pending(), 0U);
    }
    for (const std::string& wire : {connack(true),
                                    suback(),
                                    bytes("40 02 0001"),
                                    bytes("C0 00"),
                                    bytes("82 06 0001 0001 'a' 00"),
                                    bytes("32 05 0001 'a' 0000")}) {
        open();
        give(connack(true));
        if (session->state() == State::subscribing) {
            give(suback());
        }
        give(wire);
        EXPECT_TRUE(closed) << hex(wire);
        EXPECT_TRUE(session->failure()->is(errors::kProtocolViolation));
    }
}

TEST_P(Subscriber, says_what_an_answer_that_is_no_connack_may_mean) {
    open();
    give("HTTP/1.0 403 Forbidden\r\n");
    ASSERT_TRUE(closed);
    EXPECT_THAT(session->failure()->what(), HasSubstr("WebSocket is not spoken"));
    open();
    tick(10 * kSecond);
    EXPECT_THAT(session->failure()->what(), HasSubstr("no CONNACK from the broker"));
    EXPECT_THAT(session->failure()->what(), HasSubstr("WebSocket is not spoken"));
    open_and_subscribe(false);
    give("HTTP/1.0 403 Forbidden\r\n");
    EXPECT_THAT(session->failure()->what(), Not(HasSubstr("WebSocket")));
}

TEST_P(Subscriber, takes_what_came_before_a_violation) {
    open_and_subscribe(false);
    give(qos1(1, "x") + bytes("C0 00") + qos1(2, "y"));
    EXPECT_TRUE(closed);
    EXPECT_THAT(sync(), IsEmpty());  // nothing is sent on a closed connection
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
    open_and_subscribe(true);
    EXPECT_THAT(give(qos1(1, "x", true)), ElementsAre("40020001"));
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
}

TEST_P(Subscriber, says_goodbye_and_keeps_the_session) {
    open_and_subscribe(false);
    session->close(step);
    EXPECT_THAT(sent(), ElementsAre("e000"));
    EXPECT_TRUE(closed);
}

// What another client identifier left behind goes with the first entry.
TEST_P(Subscriber, erases_what_belongs_to_another_client_identifier) {
    open_and_subscribe(false);
    give(qos1(1, "x") + qos2(2, "y"));
    sync();
    EXPECT_EQ(log.side_size(), 3U);
    auto with = options();
    with.client_id = "other";
    crash(with);
    open_and_subscribe(false);
    sync();
    EXPECT_EQ(log.side_size(), 1U);
    EXPECT_EQ(log.count(IntakeKind::gap), 0U);
}

TEST_P(Subscriber, waits_for_delivery_where_that_is_what_acknowledges) {
    open_and_subscribe(false);
    give(qos1(1, "x"));
    log.sync();
    // A restart: the message is durable, but what may be acknowledged is behind it.
    session = std::make_unique<SubscriberSession>(options());
    ASSERT_TRUE(session->restore(log, log.durable(), 0).has_value());
    open();
    give(connack(true));
    give(suback());
    EXPECT_THAT(give(qos1(1, "x", true)), IsEmpty());
    EXPECT_THAT(sync(), ElementsAre("40020001"));
    EXPECT_THAT(log.payloads(), ElementsAre("x"));
}

TEST_P(Subscriber, takes_what_passes_the_window_and_reads_no_further) {
    open_and_subscribe(false);
    std::string wire;
    for (std::uint16_t id = 1; id <= 10; ++id) {
        wire += qos1(id, "x");
    }
    give(wire);
    EXPECT_EQ(session->wants_read(), v5());
    // A broker of MQTT 5 that does not keep to the receive maximum is not worth losing the stream.
    std::uint16_t taken = 10;
    for (; session->wants_read(); ++taken) {
        ASSERT_LT(taken, 200U);
        give(qos1(static_cast<std::uint16_t>(taken + 1), "x"));
    }
    EXPECT_FALSE(closed);
    EXPECT_EQ(sync().size(), taken);
    EXPECT_TRUE(session->wants_read());
}

// QoS 2: what waits for the broker's PUBREL does not keep us from reading that PUBREL.
TEST_P(Subscriber, reads_on_while_qos_2_waits_for_the_broker) {
    open_and_subscribe(false);
    for (std::uint16_t id = 1; id <= 10; ++id) {
        give(qos2(id, "x"));
    }
    sync();
    EXPECT_TRUE(session->wants_read());
}

using Subscriber5 = Subscriber;
INSTANTIATE_TEST_SUITE_P(Only5, Subscriber5, testing::Values(Version::v5));

std::string with_alias(std::uint16_t alias, std::string_view topic, std::string_view payload) {
    Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.properties.topic_alias = alias;
    packet.properties.set(PropertyId::topic_alias);
    return encoded(packet, Version::v5);
}

TEST_P(Subscriber5, puts_the_topic_where_an_alias_came) {
    open_and_subscribe(false);
    give(with_alias(1, "a/1", "x") + with_alias(1, "", "y") + with_alias(1, "a/2", "z") +
         with_alias(1, "", "w"));
    sync();
    std::vector<std::string> topics;
    for (const auto& entry : log.entries()) {
        if (entry.kind == IntakeKind::message) {
            topics.push_back(entry.topic);
        }
    }
    EXPECT_THAT(topics, ElementsAre("a/1", "a/1", "a/2", "a/2"));
}

// MQTT 3.1.1 3.1.2-2: such a broker answers an unknown level in its own form and closes.
TEST_P(Subscriber5, says_what_to_set_for_a_broker_that_speaks_3_1_1_only) {
    for (const char* answer : {"20 02 00 01", "20 02 00 00"}) {
        open();
        give(bytes(answer));
        ASSERT_TRUE(session->failure().has_value());
        EXPECT_TRUE(session->failure()->is(errors::kMqttRefused)) << session->failure()->what();
        EXPECT_THAT(session->failure()->what(), HasSubstr("protocol: \"3.1.1\""));
    }
}

TEST_P(Subscriber5, refuses_an_alias_that_is_unknown_or_too_large) {
    for (const std::string& wire : {with_alias(2, "", "x"), with_alias(65, "a", "x")}) {
        session->lost(now);
        open_and_subscribe(false);
        EXPECT_THAT(give(wire), ElementsAre("e00194"));
        EXPECT_TRUE(closed);
    }
    // A new connection knows no alias of the old one.
    session->lost(now);
    open_and_subscribe(true);
    give(with_alias(1, "a/1", "x"));
    session->lost(now);
    open_and_subscribe(true);
    EXPECT_THAT(give(with_alias(1, "", "x")), ElementsAre("e00194"));
}

TEST_P(Subscriber5, names_a_takeover_and_another_server) {
    open_and_subscribe(false);
    give(bytes("E0 01 8E"));
    ASSERT_TRUE(session->failure().has_value());
    EXPECT_TRUE(session->failure()->is(errors::kMqttSessionTaken));
    session->lost(now);
    open();
    give(bytes("20 0B 00 9D 08 1C 0005 'b:188'"));
    EXPECT_TRUE(session->failure()->is(errors::kMqttRefused));
    EXPECT_THAT(session->failure()->what(), HasSubstr("b:188"));
    open();
    give(bytes("20 0C 00 87 09 1F 0006 'no' 0A 0D 'ab'"));
    EXPECT_TRUE(session->failure()->is(errors::kMqttAuth));
    EXPECT_THAT(session->failure()->what(), HasSubstr("no??ab"));
}

TEST_P(Subscriber5, pings_as_often_as_the_broker_says) {
    open();
    give(bytes("20 06 00 00 03 13 0005"));
    sync();
    give(suback());
    EXPECT_EQ(session->due(), now + 5 * kSecond);
}

TEST_P(Subscriber5, sends_each_filter_with_its_identifier) {
    auto with = options();
    with.filters = {{.filter = "a", .subscription_identifier = 200},
                    {.filter = "b", .qos = Qos::exactly_once}};
    start(with);
    open();
    EXPECT_THAT(give(connack(false)),
                ElementsAre("820a"
                            "0001"
                            "030bc801"
                            "000161"
                            "19",
                            "8207"
                            "0002"
                            "00"
                            "000162"
                            "1a"));
    give(suback());
    EXPECT_EQ(session->state(), State::subscribing);
    give(suback(ReasonCode::granted_qos_2, 2));
    EXPECT_EQ(session->state(), State::running);
}

TEST_P(Subscriber5, does_not_send_a_filter_that_the_broker_cannot_take) {
    open();
    give(bytes("20 08 00 00 05 27 00000010"));
    ASSERT_TRUE(session->failure().has_value());
    EXPECT_TRUE(session->failure()->is(errors::kMqttRefused));
}

TEST_P(Subscriber5, proves_by_count_when_much_is_acknowledged) {
    open_and_subscribe(false);
    std::vector<std::string> answers;
    for (std::uint16_t id = 1; id <= 1000; ++id) {
        give(qos1(id, "x"));
        answers = sync();
    }
    EXPECT_EQ(answers.back(), "c000");
}

}  // namespace
}  // namespace tributary::mqtt::test
