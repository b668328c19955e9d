// Every packet of MQTT 3.1.1 and 5.0, byte for byte, beside its refused neighbours.
#include "connectors/mqtt/codec/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/mqtt_session/support.h"

namespace tributary::mqtt::test {
namespace {

using testing::HasSubstr;

constexpr Version k3 = Version::v3_1_1;
constexpr Version k5 = Version::v5;

struct Good {
    const char* name;
    Version version;
    const char* wire;
};

// Written by hand from chapter 3 of either specification; decoding and encoding again gives the
// same bytes.
const Good kGood[] = {
    {"connect_311", k3, "10 0D 0004 'MQTT' 04 02 003C 0001 'a'"},
    {"connect_311_nameless", k3, "10 0C 0004 'MQTT' 04 02 0000 0000"},
    {"connect_311_all",
     k3,
     "10 1B 0004 'MQTT' 04 EE 000A 0001 'a' 0001 'w' 0002 00FF 0001 'u' 0002 'p' 00"},
    {"connect_5", k5, "10 0E 0004 'MQTT' 05 00 003C 00 0001 'a'"},
    {"connect_5_password_only", k5, "10 11 0004 'MQTT' 05 40 003C 00 0001 'a' 0001 'p'"},
    {"connect_5_properties",
     k5,
     "10 31 0004 'MQTT' 05 02 0000 23 11 FFFFFFFF 15 0001 'm' 16 0001 01 17 00 19 01 21 000A 22 "
     "0005"
     " 27 00010000 26 0001 'k' 0001 'v' 0001 'a'"},
    {"connect_5_will",
     k5,
     "10 2B 0004 'MQTT' 05 0C 0000 00 0001 'a' 15 01 01 02 00000005 03 0001 't' 18 00000009"
     " 26 0000 0000 0003 'w/x' 0000"},
    {"connack_311", k3, "20 02 01 00"},
    {"connack_311_refused", k3, "20 02 00 05"},
    {"connack_5", k5, "20 03 00 00 00"},
    {"connack_5_properties",
     k5,
     "20 30 01 00 2D 11 00000001 12 0001 'i' 13 0005 1A 0001 'r' 1C 0001 's' 1F 0001 'x' 21 0001"
     " 22 0002 24 01 25 00 27 00000100 28 00 29 00 2A 00"},
    {"publish_qos_0", k3, "30 05 0003 'a/b'"},
    {"publish_qos_1", k3, "32 08 0003 'a/b' 0007 'x'"},
    {"publish_qos_2_dup_retain", k3, "3D 07 0003 'a/b' FFFF"},
    {"publish_5", k5, "30 06 0003 'a/b' 00"},
    {"publish_5_alias", k5, "32 0A 0000 0001 03 23 0003 'xy'"},
    {"publish_5_properties",
     k5,
     "30 2B 0001 'a' 27 01 01 02 0000000A 03 0001 't' 08 0001 'r' 09 0002 00FF 0B 01 0B 8001"
     " 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v'"},
    {"puback", k3, "40 02 0001"},
    {"pubrec", k3, "50 02 0001"},
    {"pubrel", k3, "62 02 0001"},
    {"pubcomp", k3, "70 02 0001"},
    {"puback_5_bare", k5, "40 02 0001"},
    {"puback_5_reason", k5, "40 03 0001 97"},
    {"pubrec_5_properties", k5, "50 08 0001 80 04 1F 0001 'x'"},
    {"pubrel_5_not_found", k5, "62 03 0001 92"},
    {"pubcomp_5_properties", k5, "70 0B 0001 00 07 26 0001 'k' 0001 'v'"},
    {"subscribe_311", k3, "82 0D 0001 0003 'a/#' 01 0002 '/+' 02"},
    {"subscribe_5", k5, "82 0B 0001 02 0B 05 0003 'a/#' 2D"},
    {"subscribe_5_share", k5, "82 10 0001 00 000A '$share/g/+' 01"},
    {"suback_311", k3, "90 05 0001 00 02 80"},
    {"suback_5", k5, "90 05 0001 00 01 87"},
    {"unsubscribe_311", k3, "A2 06 0001 0002 'a' 'b'"},
    {"unsubscribe_5", k5, "A2 07 0001 00 0002 'ab'"},
    {"unsuback_311", k3, "B0 02 0001"},
    {"unsuback_5", k5, "B0 05 0001 00 00 11"},
    {"pingreq", k3, "C0 00"},
    {"pingresp", k5, "D0 00"},
    {"disconnect_311", k3, "E0 00"},
    {"disconnect_5_bare", k5, "E0 00"},
    {"disconnect_5_reason", k5, "E0 01 97"},
    {"disconnect_5_properties", k5, "E0 0E 9C 0C 11 00000000 1C 0001 's' 1F 0000"},
    {"auth_5_bare", k5, "F0 00"},
    {"auth_5", k5, "F0 0A 18 08 15 0001 'm' 16 0001 02"},
};

TEST(Codec, reads_and_writes_every_packet) {
    for (const Good& good : kGood) {
        SCOPED_TRACE(good.name);
        std::string wire = bytes(good.wire);
        const auto packet = decode_one(wire, good.version);
        ASSERT_TRUE(packet.has_value()) << packet.error().message();
        std::string again;
        encode(packet.value(), good.version, again);
        EXPECT_EQ(hex(again), hex(wire));
    }
}

// Every packet, cut short at every byte, with the length mended: an error, never a read beyond it.
TEST(Codec, refuses_every_packet_cut_short) {
    for (const Good& good : kGood) {
        const std::string wire = bytes(good.wire);
        for (std::size_t size = 2; size < wire.size(); ++size) {
            std::string cut = wire.substr(0, size);
            cut[1] = static_cast<char>(size - 2);
            const auto packet = decode_one(cut, good.version);
            // A PUBLISH may end anywhere in its payload; acknowledgements of MQTT 5 may leave out
            // their end.
            if (packet.has_value()) {
                std::string again;
                encode(packet.value(), good.version, again);
                EXPECT_LE(again.size(), size) << good.name << " cut to " << size;
            } else {
                EXPECT_LE(packet.error().offset, size);
            }
        }
    }
}

struct Bad {
    const char* name;  // and the statement, MQTT 5.0 unless it says 3.1.1
    Version version;
    const char* wire;
    ReasonCode reason;
    std::uint32_t offset;
};

constexpr ReasonCode kMalformed = ReasonCode::malformed_packet;
constexpr ReasonCode kProtocol = ReasonCode::protocol_error;

const Bad kBad[] = {
    {"type 0", k5, "00 00", kMalformed, 0},
    {"reserved flags 2.1.3-1", k5, "C1 00", kMalformed, 0},
    {"subscribe flags 3.8.1-1", k5, "80 06 0001 00 0001 'a' 00", kMalformed, 0},
    {"pubrel flags 3.6.1-1", k3, "60 02 0001", kMalformed, 0},
    {"remaining length of five bytes", k5, "30 FF FF FF FF 01", kMalformed, 4},
    {"remaining length not shortest 1.5.5-1", k5, "C0 80 00", kMalformed, 1},
    {"bytes behind the end", k3, "C0 01 00", kMalformed, 2},
    // CONNECT
    {"protocol name 3.1.2-1",
     k3,
     "10 0D 0004 'MQTX' 04 02 003C 0001 'a'",
     ReasonCode::unsupported_protocol_version,
     2},
    {"protocol level 3.1.2-2",
     k3,
     "10 0D 0004 'MQTT' 06 02 003C 0001 'a'",
     ReasonCode::unsupported_protocol_version,
     2},
    {"reserved connect flag 3.1.2-3", k3, "10 0D 0004 'MQTT' 04 03 003C 0001 'a'", kMalformed, 9},
    {"will QoS without will 3.1.2-11", k3, "10 0D 0004 'MQTT' 04 0A 003C 0001 'a'", kMalformed, 9},
    {"will retain without will 3.1.2-13",
     k3,
     "10 0D 0004 'MQTT' 04 22 003C 0001 'a'",
     kMalformed,
     9},
    {"will QoS 3 3.1.2-12",
     k3,
     "10 13 0004 'MQTT' 04 1E 003C 0001 'a' 0001 'w' 0001 'x'",
     kMalformed,
     9},
    {"password without user, 3.1.1 3.1.2-22",
     k3,
     "10 10 0004 'MQTT' 04 42 003C 0001 'a' 0001 'p'",
     kMalformed,
     9},
    {"client identifier not UTF-8 3.1.3-4",
     k3,
     "10 0D 0004 'MQTT' 04 02 003C 0001 FF",
     kMalformed,
     12},
    {"will topic with wildcard",
     k3,
     "10 12 0004 'MQTT' 04 06 003C 0001 'a' 0001 '#' 0000",
     kMalformed,
     15},
    {"user name not UTF-8 3.1.3-11",
     k3,
     "10 10 0004 'MQTT' 04 82 003C 0001 'a' 0001 C0",
     kMalformed,
     15},
    {"receive maximum 0", k5, "10 11 0004 'MQTT' 05 02 003C 03 21 0000 0001 'a'", kProtocol, 16},
    {"maximum packet size 0",
     k5,
     "10 13 0004 'MQTT' 05 02 003C 05 27 00000000 0001 'a'",
     kProtocol,
     18},
    {"property twice",
     k5,
     "10 14 0004 'MQTT' 05 02 003C 06 22 0001 22 0001 0001 'a'",
     kProtocol,
     16},
    {"property of another packet",
     k5,
     "10 11 0004 'MQTT' 05 02 003C 03 23 0001 0001 'a'",
     kMalformed,
     13},
    {"unknown property", k5, "10 10 0004 'MQTT' 05 02 003C 02 7F 01 0001 'a'", kMalformed, 13},
    {"request problem information 2",
     k5,
     "10 10 0004 'MQTT' 05 02 003C 02 17 02 0001 'a'",
     kProtocol,
     14},
    {"authentication data without method",
     k5,
     "10 11 0004 'MQTT' 05 02 003C 03 16 0000 0001 'a'",
     kProtocol,
     12},
    {"property longer than the properties",
     k5,
     "10 11 0004 'MQTT' 05 02 003C 02 22 0001 0001 'a'",
     kMalformed,
     12},
    {"properties longer than the packet",
     k5,
     "10 0E 0004 'MQTT' 05 02 003C 7F 0001 'a'",
     kMalformed,
     12},
    {"property length of five bytes",
     k5,
     "10 12 0004 'MQTT' 05 02 003C FFFFFFFF01 0001 'a'",
     kMalformed,
     12},
    // CONNACK
    {"reserved acknowledge flag 3.2.2-1", k3, "20 02 02 00", kMalformed, 2},
    {"session present in a refusal 3.2.2-6", k5, "20 03 01 80 00", kProtocol, 2},
    {"unknown return code, 3.1.1", k3, "20 02 00 06", kProtocol, 3},
    {"reason code of another packet", k5, "20 03 00 01 00", kProtocol, 3},
    {"maximum QoS 2", k5, "20 05 00 00 02 24 02", kProtocol, 6},
    // PUBLISH
    {"QoS 3 3.3.1-4", k5, "36 09 0003 'a/b' 0001 00 'x'", kMalformed, 0},
    {"dup on QoS 0 3.3.1-2", k5, "38 06 0003 'a/b' 00", kMalformed, 0},
    {"packet identifier 0 2.2.1-3", k3, "32 07 0003 'a/b' 0000", kProtocol, 7},
    {"topic with wildcard 3.3.2-2", k3, "30 05 0003 'a/+'", kMalformed, 2},
    {"topic not UTF-8 3.3.2-1", k3, "30 03 0001 80", kMalformed, 2},
    {"empty topic, 3.1.1 4.7.3-1", k3, "30 02 0000", kMalformed, 2},
    {"neither topic nor alias", k5, "30 03 0000 00", kProtocol, 2},
    {"topic alias 0 3.3.2-8", k5, "30 06 0000 03 23 0000", ReasonCode::topic_alias_invalid, 8},
    {"topic beyond the packet", k3, "30 03 0003 'a'", kMalformed, 4},
    {"payload format indicator 2", k5, "30 06 0001 'a' 02 01 02", kProtocol, 7},
    {"response topic with wildcard 3.3.2-14", k5, "30 08 0001 'a' 04 08 0001 '#'", kProtocol, 10},
    {"subscription identifier 0", k5, "30 06 0001 'a' 02 0B 00", kProtocol, 8},
    {"user property not UTF-8", k5, "30 0A 0001 'a' 06 26 0001 FF 0000", kMalformed, 7},
    // Acknowledgements
    {"packet identifier 0", k3, "40 02 0000", kProtocol, 2},
    {"reason code in 3.1.1", k3, "40 03 0001 00", kMalformed, 4},
    {"reason code of another packet", k5, "62 03 0001 97", kProtocol, 4},
    {"not a reason code", k5, "40 03 0001 33", kProtocol, 4},
    // SUBSCRIBE, UNSUBSCRIBE and their answers
    {"no filter 3.8.3-2", k5, "82 03 0001 00", kProtocol, 5},
    {"subscription QoS 3", k5, "82 07 0001 00 0001 'a' 03", kMalformed, 8},
    {"reserved option 3.8.3-5", k5, "82 07 0001 00 0001 'a' 40", kMalformed, 8},
    {"reserved option, 3.1.1 3-8.3-4", k3, "82 06 0001 0001 'a' 04", kMalformed, 7},
    {"retain handling 3", k5, "82 07 0001 00 0001 'a' 30", kProtocol, 8},
    {"no local on a share 3.8.3-4", k5, "82 10 0001 00 000A '$share/g/+' 05", kProtocol, 17},
    {"filter with '#' inside 4.7.1-1",
     k3,
     "82 08 0001 0003 '#/a' 00",
     ReasonCode::topic_filter_invalid,
     9},
    {"two subscription identifiers", k5, "82 0B 0001 04 0B 01 0B 01 0001 'a' 00", kProtocol, 7},
    {"no unsubscribe filter 3.10.3-2", k3, "A2 02 0001", kProtocol, 4},
    {"no suback code", k3, "90 02 0001", kProtocol, 4},
    {"suback code, 3.1.1 3.9.3-2", k3, "90 03 0001 87", kProtocol, 4},
    {"unsuback payload, 3.1.1", k3, "B0 03 0001 00", kMalformed, 4},
    // The rest
    {"disconnect payload, 3.1.1 3.14.1-1", k3, "E0 01 00", kMalformed, 2},
    {"disconnect reason", k5, "E0 01 01", kProtocol, 2},
    {"auth in 3.1.1", k3, "F0 00", kMalformed, 0},
    {"auth reason", k5, "F0 01 80", kProtocol, 2},
};

TEST(Codec, refuses_what_is_not_allowed_and_says_where) {
    for (const Bad& bad : kBad) {
        SCOPED_TRACE(bad.name);
        const std::string wire = bytes(bad.wire);
        const auto packet = decode_one(wire, bad.version);
        ASSERT_TRUE(packet.has_error());
        EXPECT_EQ(to_string(packet.error().reason), to_string(bad.reason))
            << packet.error().message();
        EXPECT_EQ(packet.error().offset, bad.offset) << packet.error().message();
    }
}

TEST(Codec, names_packet_offset_and_reason_in_an_error) {
    const std::string wire = bytes("32 07 0003 'a/b' 0000");
    const auto packet = decode_one(wire, k5);
    ASSERT_TRUE(packet.has_error());
    EXPECT_EQ(packet.error().message(),
              "MQTT PUBLISH, byte offset 7: packet identifier 0, protocol error (0x82)");
}

TEST(Codec, gives_every_field_of_a_connect) {
    const std::string wire = bytes(
        "10 3A 0004 'MQTT' 05 F6 001E 05 11 00000E10 0006 'gw-17x' 05 18 00000005 0003 'w/x'"
        " 0004 'gone' 0004 'user' 0003 00FF00 ");
    std::string mended = wire;
    mended[1] = static_cast<char>(wire.size() - 2);
    const auto packet = decode_one(mended, k5);
    ASSERT_TRUE(packet.has_value()) << packet.error().message();
    const auto& connect = std::get<Connect>(packet.value());
    EXPECT_EQ(connect.version, k5);
    EXPECT_TRUE(connect.clean_start);
    EXPECT_EQ(connect.keep_alive_s, 30);
    EXPECT_EQ(connect.client_id, "gw-17x");
    EXPECT_EQ(connect.properties.session_expiry_interval_s, 3600U);
    ASSERT_TRUE(connect.will.has_value());
    EXPECT_EQ(connect.will->topic, "w/x");
    EXPECT_EQ(connect.will->payload, "gone");
    EXPECT_EQ(connect.will->qos, Qos::exactly_once);
    EXPECT_TRUE(connect.will->retain);
    EXPECT_EQ(connect.will->properties.will_delay_interval_s, 5U);
    EXPECT_EQ(connect.user_name, "user");
    EXPECT_EQ(connect.password, std::string_view("\0\xFF\0", 3));
}

TEST(Codec, gives_the_payload_as_a_view_of_the_packet) {
    const std::string wire = bytes("32 09 0003 'a/b' 0007 'xy'");
    const auto packet = decode_one(wire, k3);
    ASSERT_TRUE(packet.has_value());
    const auto& publish = std::get<Publish>(packet.value());
    EXPECT_EQ(publish.payload.data(), wire.data() + 9);
    EXPECT_EQ(publish.payload, "xy");
    EXPECT_EQ(publish.packet_id, 7);
}

TEST(Codec, keeps_user_properties_in_order_with_duplicates) {
    const std::string wire = bytes(
        "30 26 0001 'a' 22 26 0001 'k' 0001 '1' 03 0001 't' 26 0001 'k' 0001 '1' 0B 07 26 0001 'b'"
        " 0000 0B 8001");
    std::string mended = wire;
    mended[1] = static_cast<char>(wire.size() - 2);
    mended[5] = static_cast<char>(wire.size() - 6);
    const auto packet = decode_one(mended, k5);
    ASSERT_TRUE(packet.has_value()) << packet.error().message();
    const auto& properties = std::get<Publish>(packet.value()).properties;
    std::string users;
    UserPropertyReader reader(properties);
    for (UserProperty user; reader.next(user);) {
        users += std::string(user.key) + "=" + std::string(user.value) + ";";
    }
    EXPECT_EQ(users, "k=1;k=1;b=;");
    std::vector<std::uint32_t> identifiers;
    SubscriptionIdentifierReader identifier_reader(properties);
    for (std::uint32_t value = 0; identifier_reader.next(value);) {
        identifiers.push_back(value);
    }
    EXPECT_THAT(identifiers, testing::ElementsAre(7, 128));
    EXPECT_EQ(properties.content_type, "t");
}

TEST(Codec, maps_the_return_codes_of_311) {
    const std::pair<const char*, ReasonCode> kCodes[] = {
        {"20 02 00 01", ReasonCode::unsupported_protocol_version},
        {"20 02 00 02", ReasonCode::client_identifier_not_valid},
        {"20 02 00 03", ReasonCode::server_unavailable},
        {"20 02 00 04", ReasonCode::bad_user_name_or_password},
        {"20 02 00 05", ReasonCode::not_authorized}};
    for (const auto& [text, reason] : kCodes) {
        const std::string wire = bytes(text);
        const auto packet = decode_one(wire, k3);
        ASSERT_TRUE(packet.has_value());
        EXPECT_EQ(std::get<Connack>(packet.value()).reason, reason);
    }
    // What 3.1.1 has no code for.
    EXPECT_EQ(hex(encoded(Connack{.reason = ReasonCode::quota_exceeded, .properties = {}}, k3)),
              "20020003");
    EXPECT_EQ(hex(encoded(Connack{.reason = ReasonCode::banned, .properties = {}}, k3)),
              "20020005");
}

TEST(Codec, writes_lengths_of_one_to_four_bytes) {
    for (const std::size_t size : {0U, 120U, 125U, 16'370U, 16'400U, 2'097'150U, 2'097'200U}) {
        const std::string payload(size, 'x');
        Publish publish;
        publish.topic = "t";
        publish.payload = payload;
        const std::string wire = encoded(publish, k3);
        const auto again = decode_one(wire, k3);
        ASSERT_TRUE(again.has_value()) << size;
        EXPECT_EQ(std::get<Publish>(again.value()).payload.size(), size);
    }
}

}  // namespace
}  // namespace tributary::mqtt::test
