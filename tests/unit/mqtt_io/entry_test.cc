// What intake writes into the log comes back as the message it was, routed and encoded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/arena.h"
#include "connectors/mqtt/codec/codec.h"
#include "connectors/mqtt/decoder.h"
#include "connectors/mqtt/entry_payload.h"
#include "connectors/mqtt/position.h"
#include "encode/json_text.h"
#include "encode/sensor.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

using testing::HasSubstr;

// A message with everything, and the properties it needs kept alive.
struct Sample {
    Sample() {
        append_user_property(list, "traceparent", "00-1");
        append_user_property(list, "unit", "bar");
        append_user_property(list, "unit", "mbar");
        publish.topic = "plant/north/press/7";
        publish.payload = R"({"p": 1.5})";
        publish.qos = Qos::exactly_once;
        publish.retain = true;
        publish.properties.set(PropertyId::content_type).content_type = "application/json";
        publish.properties.set(PropertyId::message_expiry_interval).message_expiry_interval_s = 60;
        publish.properties.set(PropertyId::correlation_data).correlation_data = "\x01\x02";
        publish.properties.set(PropertyId::payload_format_indicator).payload_format_indicator = 1;
        publish.properties.set(PropertyId::user_property).list_view = list;
    }
    std::string list;
    Publish publish;
};

RouteOptions press() {
    RouteOptions out;
    out.match = "plant/{site}/press/{dev}";
    out.topic = "iot.{site}";
    out.topics = {"iot\\.(north|south)"};
    out.key = "{dev}";
    out.user_properties = {"unit"};
    out.headers = {{"site", "{site}"}};
    return out;
}

class FixedClock final : public Clock {
  public:
    SteadyTime now() const override { return {}; }
    std::int64_t wall_time_us() const override { return wall_us; }
    std::int64_t wall_us = 0;
};

class CountingObserver final : public Observer {
  public:
    void log(LogLevel /*level*/,
             std::string_view /*pipeline*/,
             std::string_view /*message*/,
             std::initializer_list<LogField> /*fields*/) override {}
    void error(std::string_view /*pipeline*/, const Error& /*error*/) override {}
    void add(Counter counter, std::string_view /*pipeline*/, std::uint64_t amount) override {
        expired += counter == Counter::messages_expired ? amount : 0;
    }
    void set(Gauge /*gauge*/, std::string_view /*pipeline*/, std::int64_t /*value*/) override {}
    std::uint64_t expired = 0;
};

class Pipeline {
  public:
    explicit Pipeline(const RouteOptions& route) {
        decoder = std::move(make_decoder({.routes = {&route, 1},
                                          .gaps_topic = "iot.gaps",
                                          .pipeline = "sensors",
                                          .clock = clock,
                                          .observer = counters})
                                .value());
        encoder = encode::make_sensor_encoder("sensors");
        append_context(context, {.run = 7, .number = 100});
    }

    Result<Record> record(std::string_view payload, EntryKind kind = EntryKind::message) {
        Change change;
        TRIBUTARY_TRY(some, decoder->decode(entry(payload, kind), scratch, change));
        EXPECT_TRUE(some);
        records.clear();
        TRIBUTARY_TRY_VOID(encoder->encode(change, arena, records));
        EXPECT_EQ(records.size(), 1U);
        // As the delivery stage does: the decoder's memory is used again, records live on.
        scratch.reset();
        std::memset(scratch.allocate(4096), '?', 4096);
        return records.front();
    }

    // False: it is left out.
    bool decodes(std::string_view payload) {
        Change change;
        return decoder->decode(entry(payload, EntryKind::message), scratch, change).value();
    }
    [[nodiscard]] Entry entry(std::string_view payload, EntryKind kind) const {
        Entry entry;
        entry.sequence = Sequence(9);
        entry.kind = kind;
        entry.ordinal = 3;
        entry.intake_time_us = 1'700'000'000'000'000;
        entry.context = context;
        entry.payload = payload;
        return entry;
    }

    static std::string header(const Record& record, std::string_view name) {
        std::string all;
        for (const RecordHeader& each : record.headers) {
            if (each.name == name) {
                all += (all.empty() ? "" : ",") + std::string(each.value);
            }
        }
        return all;
    }

    FixedClock clock;
    CountingObserver counters;
    std::unique_ptr<Decoder> decoder;
    std::unique_ptr<Encoder> encoder;
    std::string context;
    Arena scratch;
    Arena arena;
    std::vector<Record> records;
};

TEST(Entry, gives_the_message_back_as_it_came) {
    const Sample sample;
    std::string payload;
    append_message(payload,
                   {.kind = SensorKind::will, .client = "dev-7", .maybe_duplicate = true},
                   sample.publish);
    SensorMessage message;
    std::vector<NamedText> users;
    ASSERT_TRUE(parse_message(payload, message, users));
    EXPECT_EQ(message.kind, SensorKind::will);
    EXPECT_EQ(message.topic, "plant/north/press/7");
    EXPECT_EQ(message.client, "dev-7");
    EXPECT_EQ(message.payload, R"({"p": 1.5})");
    EXPECT_EQ(message.qos, 2);
    EXPECT_TRUE(message.retain);
    EXPECT_TRUE(message.maybe_duplicate);
    EXPECT_EQ(message.content_type, "application/json");
    EXPECT_EQ(message.expiry_s, 60U);
    EXPECT_EQ(message.correlation_data, "\x01\x02");
    EXPECT_EQ(message.payload_is_text, true);
    ASSERT_EQ(users.size(), 3U);
    EXPECT_EQ(users[2].value, "mbar");
}

TEST(Entry, cut_anywhere_is_an_error_or_a_shorter_payload_never_a_crash) {
    const Sample sample;
    std::string payload;
    append_message(payload, {}, sample.publish);
    const std::size_t head = payload.size() - sample.publish.payload.size();
    for (std::size_t size = 0; size < payload.size(); ++size) {
        SensorMessage message;
        std::vector<NamedText> users;
        EXPECT_EQ(
            parse_message(std::string_view(payload).substr(0, size), message, users).has_value(),
            size >= head)
            << size;
    }
}

TEST(Entry, bytes_do_not_change_between_versions) {
    Publish publish;
    publish.topic = "a/b";
    publish.payload = "21.5";
    publish.qos = Qos::at_least_once;
    std::string payload;
    append_message(payload, {}, publish);
    EXPECT_EQ(payload,
              std::string("\x01\x01\x03"
                          "a/b"
                          "\x00\x00"
                          "21.5",
                          12));
    std::string context;
    append_context(context, {.run = 1, .number = 258});
    EXPECT_EQ(context, std::string("\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x01\x02", 17));
}

TEST(Entry, of_a_context_of_another_size_is_refused) {
    EXPECT_FALSE(parse_context(""));
    EXPECT_FALSE(parse_context("\x01 too short"));
    EXPECT_FALSE(parse_context(std::string(17, '\x02')));
}

TEST(Position, tells_the_run_and_the_number) {
    Position position;
    encode_place_into({.run = 0x0011223344556677, .number = 17}, position);
    EXPECT_EQ(decode_place(position), (Place{0x0011223344556677, 17}));
    EXPECT_EQ(describe(position), "#17 of run 0011223344556677");
    EXPECT_EQ(describe({}), "none");
    EXPECT_FALSE(decode_place(Position{"8 bytes."}));
}

TEST(Raw, carries_the_payload_untouched_and_the_rest_in_headers) {
    const Sample sample;
    std::string payload;
    append_message(payload, {.client = "dev-7"}, sample.publish);
    Pipeline pipeline(press());
    const auto record = pipeline.record(payload);
    ASSERT_TRUE(record) << record.error().what();
    EXPECT_EQ(record.value().topic, "iot.north");
    EXPECT_EQ(record.value().key, "7");
    EXPECT_EQ(record.value().value, R"({"p": 1.5})");
    const auto header = [&](std::string_view name) {
        return Pipeline::header(record.value(), name);
    };
    EXPECT_EQ(header("mqtt.topic"), "plant/north/press/7");
    EXPECT_EQ(header("mqtt.qos"), "2");
    EXPECT_EQ(header("mqtt.retain"), "true");
    EXPECT_EQ(header("mqtt.client"), "dev-7");
    EXPECT_EQ(header("mqtt.received_ms"), "1700000000000");
    EXPECT_EQ(header("mqtt.expires_ms"), "1700000060000");
    EXPECT_EQ(header("content-type"), "application/json");
    EXPECT_EQ(header("site"), "north");
    EXPECT_EQ(header("unit"), "bar,mbar") << "in order, repeats kept";
    EXPECT_EQ(header("traceparent"), "") << "not on the list";
}

TEST(Raw, takes_no_header_that_tributary_writes_from_a_device) {
    std::string list;
    for (const char* name :
         {"tributary", "mqtt.topic", "mqtt.kind", "mqtt.x", "unit", "Tributary"}) {
        append_user_property(list, name, "forged");
    }
    Publish publish;
    publish.topic = "plant/north/press/7";
    publish.properties.set(PropertyId::user_property).list_view = list;
    std::string payload;
    append_message(payload, {.client = "dev-7"}, publish);
    RouteOptions route = press();
    route.user_properties = {"*"};
    Pipeline pipeline(route);
    const auto record = pipeline.record(payload);
    ASSERT_TRUE(record) << record.error().what();
    const auto header = [&](std::string_view name) {
        return Pipeline::header(record.value(), name);
    };
    EXPECT_EQ(header("tributary"), "");
    EXPECT_EQ(header("mqtt.topic"), "plant/north/press/7");
    EXPECT_EQ(header("mqtt.kind"), "");
    EXPECT_EQ(header("mqtt.x"), "");
    EXPECT_EQ(header("unit"), "forged");
    EXPECT_EQ(header("Tributary"), "forged");
}

TEST(Expired, messages_are_kept_unless_their_route_drops_them) {
    const Sample sample;  // expires after a minute
    std::string payload;
    append_message(payload, {.client = "dev-7"}, sample.publish);
    constexpr std::int64_t kExpiry = 1'700'000'060'000'000;
    RouteOptions route = press();
    Pipeline keeps(route);
    keeps.clock.wall_us = kExpiry;
    EXPECT_TRUE(keeps.decodes(payload));
    route.expired = ExpiredChoice::drop;
    Pipeline drops(route);
    drops.clock.wall_us = kExpiry - 1;
    EXPECT_TRUE(drops.decodes(payload));
    EXPECT_EQ(drops.counters.expired, 0U);
    drops.clock.wall_us = kExpiry;
    EXPECT_FALSE(drops.decodes(payload));
    EXPECT_EQ(drops.counters.expired, 1U);
    // One without an expiry interval never does.
    Publish lasting = sample.publish;
    lasting.properties = {};
    payload.clear();
    append_message(payload, {}, lasting);
    EXPECT_TRUE(drops.decodes(payload));
}

TEST(Raw, of_an_empty_retained_payload_is_a_tombstone) {
    Publish publish;
    publish.topic = "plant/north/press/7";
    publish.retain = true;
    std::string payload;
    append_message(payload, {}, publish);
    Pipeline pipeline(press());
    EXPECT_EQ(pipeline.record(payload).value().value, std::nullopt);
    publish.retain = false;
    payload.clear();
    append_message(payload, {}, publish);
    EXPECT_EQ(pipeline.record(payload).value().value, "");
}

TEST(Message, is_json_with_everything) {
    const Sample sample;
    std::string payload;
    append_message(payload, {.client = "dev-7"}, sample.publish);
    RouteOptions route = press();
    route.value = SensorForm::message;
    Pipeline pipeline(route);
    const auto record = pipeline.record(payload);
    ASSERT_TRUE(record) << record.error().what();
    EXPECT_EQ(record.value().value,
              R"({"kind":"message","topic":"plant/north/press/7","captures":{"site":"north",)"
              R"("dev":"7"},"client":"dev-7","qos":2,"retain":true,"received_ms":1700000000000,)"
              R"("properties":{"payload_format":1,"message_expiry_s":60,)"
              R"("content_type":"application/json","correlation_data":"AQI=",)"
              R"("user":[["traceparent","00-1"],["unit","bar"],["unit","mbar"]]},)"
              R"("encoding":"json","payload":{"p": 1.5}})");
}

// catalogue: F66
TEST(Message, whose_payload_is_not_what_the_route_says_is_undecodable) {
    Sample sample;
    RouteOptions route = press();
    route.value = SensorForm::message;
    const auto encode = [&](PayloadForm form, std::string_view bytes) {
        sample.publish.payload = bytes;
        std::string payload;
        append_message(payload, {}, sample.publish);
        route.payload = form;
        Pipeline pipeline(route);
        const auto record = pipeline.record(payload);
        return record ? std::string(*record.value().value) : record.error().kind().name.data();
    };
    EXPECT_EQ(encode(PayloadForm::json, "{\"p\":}"), "value_undecodable");
    EXPECT_EQ(encode(PayloadForm::text, "\xFF"), "value_undecodable");
    EXPECT_THAT(encode(PayloadForm::text, "21.5 \"C\""), HasSubstr(R"("payload":"21.5 \"C\""})"));
    EXPECT_THAT(encode(PayloadForm::base64, "\xFF"), HasSubstr(R"("payload":"/w=="})"));
}

TEST(Decoder, names_a_message_that_no_route_takes_or_whose_topic_is_not_allowed) {
    Publish publish;
    for (const char* topic : {"elsewhere", "plant/mars/press/1"}) {
        publish.topic = topic;
        std::string payload;
        append_message(payload, {}, publish);
        Pipeline pipeline(press());
        const auto record = pipeline.record(payload);
        ASSERT_FALSE(record);
        EXPECT_TRUE(record.error().is(errors::kValueUndecodable));
    }
}

TEST(Decoder, sends_gaps_to_their_topic_and_keeps_positions_to_itself) {
    Pipeline pipeline(press());
    const auto record = pipeline.record("the broker forgot", EntryKind::gap);
    ASSERT_TRUE(record);
    EXPECT_EQ(record.value().topic, "iot.gaps");
    EXPECT_EQ(record.value().value,
              R"({"kind":"gap","source":"sensors","reason":"the broker forgot"})");
    Entry entry;
    entry.kind = EntryKind::position;
    Change change;
    EXPECT_FALSE(pipeline.decoder->decode(entry, pipeline.scratch, change).value());
}

TEST(JsonText, is_one_value_and_nothing_else) {
    for (const char* good : {"1",
                             " -0.5e+3 ",
                             "null",
                             "\"a\\u00e4\\n\"",
                             "[]",
                             "{}",
                             "[1,[2],{}]",
                             "{\"a\":{\"b\":[true,false,null]}}",
                             "\"\xC3\xA4\""}) {
        EXPECT_TRUE(encode::is_json(good)) << good;
    }
    for (const char* bad :
         {"",        " ",           "01",   "1.",       "1e",       "+1",         "NaN",   "\"a",
          "\"\\x\"", "\"\\u12g4\"", "[1,]", "[,1]",     "{\"a\"}",  "{\"a\":1,}", "{1:2}", "[1}",
          "1 2",     "]",           "tru",  "\"\x01\"", "\"\xFF\"", "{\"a\":1"}) {
        EXPECT_FALSE(encode::is_json(bad)) << bad;
    }
    EXPECT_TRUE(encode::is_json(std::string(128, '[') + std::string(128, ']')));
    EXPECT_FALSE(encode::is_json(std::string(129, '[') + std::string(129, ']')));
    EXPECT_FALSE(encode::is_json(std::string(1'000'000, '[')));
}

TEST(Utf8, is_checked_as_rfc_3629_says) {
    EXPECT_TRUE(encode::is_utf8("\xE2\x82\xAC\xF0\x9F\x98\x80"));
    for (const char* bad : {"\xC0\x80",
                            "\xE0\x80\x80",
                            "\xED\xA0\x80",
                            "\xF4\x90\x80\x80",
                            "\x80",
                            "\xE2\x82",
                            "\xF5\x80\x80\x80"}) {
        EXPECT_FALSE(encode::is_utf8(bad));
    }
}

}  // namespace
}  // namespace tributary::mqtt
