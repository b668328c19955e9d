// From MQTT topics to Kafka topics: patterns, templates, what is let out and what is not.
#include "connectors/mqtt/routes/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/errors.h"

namespace tributary::mqtt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> captured(std::string_view pattern, std::string_view topic) {
    const auto parsed = Pattern::parse(pattern);
    EXPECT_TRUE(parsed) << pattern;
    std::vector<std::string_view> captures;
    if (!parsed || !parsed.value().match(topic, captures)) {
        return {"no match"};
    }
    return {captures.begin(), captures.end()};
}

TEST(Pattern, captures_levels_by_name) {
    EXPECT_THAT(captured("plant/{site}/press/{dev}/telemetry", "plant/n/press/7/telemetry"),
                ElementsAre("n", "7"));
    EXPECT_THAT(captured("plant/{site}/press/{dev}/telemetry", "plant/n/press/7/state"),
                ElementsAre("no match"));
    EXPECT_THAT(captured("a/{rest#}", "a/b/c"), ElementsAre("b/c"));
    EXPECT_THAT(captured("a/{rest#}", "a"), ElementsAre(""));
    EXPECT_THAT(captured("a/+/c", "a/b/c"), IsEmpty());
    EXPECT_THAT(captured("a/+/c", "a/b/c/d"), ElementsAre("no match"));
    EXPECT_THAT(captured("a/{x}", "a/"), ElementsAre(""));
}

TEST(Pattern, with_a_leading_wildcard_leaves_topics_of_the_broker_alone) {
    EXPECT_THAT(captured("#", "$SYS/uptime"), ElementsAre("no match"));
    EXPECT_THAT(captured("{x}/uptime", "$SYS/uptime"), ElementsAre("no match"));
    EXPECT_THAT(captured("$SYS/{x}", "$SYS/uptime"), ElementsAre("uptime"));
}

TEST(Pattern, refuses_what_is_no_filter) {
    for (const char* text : {"",
                             "a/#/b",
                             "a/b#",
                             "a/{x",
                             "a/x{y}",
                             "a/{x}/{x}",
                             "a/{x#}/b",
                             "{}",
                             "a/{x-y}",
                             "$share/g/a",
                             "a+b"}) {
        EXPECT_FALSE(Pattern::parse(text)) << text;
    }
}

TEST(Pattern, names_its_filter_as_a_broker_knows_it) {
    EXPECT_EQ(Pattern::parse("plant/{site}/{rest#}").value().filter(), "plant/+/#");
}

TEST(Filters, cover_and_overlap) {
    EXPECT_TRUE(covers("a/#", "a/b/+"));
    EXPECT_TRUE(covers("a/#", "a"));
    EXPECT_TRUE(covers("a/+", "a/b"));
    EXPECT_FALSE(covers("a/b", "a/+"));
    EXPECT_FALSE(covers("a/+", "a/#"));
    EXPECT_FALSE(covers("#", "$SYS/a"));
    EXPECT_TRUE(overlap("a/+", "+/b"));
    EXPECT_FALSE(overlap("a/+", "b/+"));
    EXPECT_FALSE(overlap("a/+", "a/b/c"));
    EXPECT_TRUE(overlap("a/#", "a"));
}

RouteOptions route(std::string match, std::string topic) {
    RouteOptions out;
    out.match = std::move(match);
    out.topic = std::move(topic);
    return out;
}

TEST(Routes, give_the_first_that_matches_its_topic_key_and_headers) {
    RouteOptions first = route("plant/{site}/press/{dev}", "iot.{site}.press");
    first.topics = {R"(iot\.(north|south)\.press)"};
    first.key = "{site}/{dev}";
    first.headers = {{"line", "A-{dev}"}};
    auto routes = Routes::make(std::vector{first, route("#", "iot.rest")});
    ASSERT_TRUE(routes);
    const Routed& found = routes.value().find("plant/north/press/7", "");
    EXPECT_TRUE(found.good());
    EXPECT_EQ(found.kafka_topic, "iot.north.press");
    EXPECT_EQ(found.key, "north/7");
    EXPECT_THAT(found.headers, ElementsAre(testing::Pair("line", "A-7")));
    EXPECT_EQ(routes.value().find("other", "").kafka_topic, "iot.rest");
    EXPECT_EQ(routes.value().find("other", "").key, "other");
}

TEST(Routes, let_no_hostile_topic_make_a_kafka_topic) {
    RouteOptions open = route("plant/{site}", "iot.{site}");
    open.topics = {"iot\\.[a-z]{1,8}"};
    auto routes = Routes::make(std::vector{open});
    ASSERT_TRUE(routes);
    EXPECT_TRUE(routes.value().find("plant/north", "").good());
    for (const std::string& hostile : {std::string("plant/.."),
                                       std::string("plant/a b"),
                                       std::string("plant/north2"),
                                       std::string("plant/\xC3\xA4"),
                                       std::string("plant/") + std::string(60'000, 'a')}) {
        EXPECT_FALSE(routes.value().find(hostile, "").good()) << hostile.size();
    }
    EXPECT_EQ(routes.value().find("elsewhere", "").route, nullptr);
}

TEST(Routes, whose_topic_depends_on_the_message_need_a_list_of_topics) {
    const auto made = Route::make(route("plant/{site}", "iot.{site}"));
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().what(), HasSubstr("`topics`"));
    EXPECT_FALSE(Route::make(route("plant/{site}", "iot.{line}")));
    EXPECT_FALSE(Route::make(route("plant", "not a topic")));
    EXPECT_FALSE(Route::make(route("plant", "a{b")));
    EXPECT_TRUE(Route::make(route("plant/{site}", "iot.press")));
}

TEST(Routes, make_no_internal_topic_of_kafka_or_of_ours) {
    for (const char* topic :
         {"__transaction_state", "__x", "_tributary.checkpoints", "_tributary"}) {
        const auto made = Route::make(route("plant", topic));
        ASSERT_FALSE(made) << topic;
        EXPECT_THAT(made.error().what(), HasSubstr(topic));
        EXPECT_THAT(made.error().what(), HasSubstr("internal"));
    }
    EXPECT_TRUE(Route::make(route("plant", "_x.__y")));
    RouteOptions open = route("evil/{t}", "{t}");
    open.topics = {".*"};
    auto routes = Routes::make(std::vector{open});
    ASSERT_TRUE(routes);
    EXPECT_TRUE(routes.value().find("evil/x", "").good());
    for (const char* topic : {"__consumer_offsets", "_tributary.x", "_tributary"}) {
        EXPECT_THAT(routes.value().find(std::string("evil/") + topic, "").refusal,
                    testing::AllOf(HasSubstr(topic), HasSubstr("internal")));
    }
}

TEST(Routes, name_the_topic_that_they_refuse_and_why) {
    RouteOptions open = route("evil/{t}", "{t}");
    open.topics = {"iot.*"};
    auto routes = Routes::make(std::vector{open});
    ASSERT_TRUE(routes);
    EXPECT_EQ(routes.value().find("evil/elsewhere", "").refusal,
              "the Kafka topic \"elsewhere\" is not among `topics`");
    EXPECT_EQ(routes.value().find("evil/a\nb", "").refusal,
              "\"a?b\" is no Kafka topic: letters, digits, ., _ and -, at most 249");
    EXPECT_LT(routes.value().find("evil/" + std::string(60'000, 'a'), "").refusal.size(), 200U);
}

TEST(Routes, take_no_header_name_that_tributary_writes) {
    for (const char* name : {"tributary", "mqtt.topic", "mqtt.x"}) {
        RouteOptions headers = route("a", "t");
        headers.headers = {{name, "x"}};
        ASSERT_FALSE(Route::make(headers)) << name;
        EXPECT_THAT(Route::make(headers).error().what(), HasSubstr(name));
        RouteOptions properties = route("a", "t");
        properties.user_properties = {name};
        ASSERT_FALSE(Route::make(properties)) << name;
    }
    RouteOptions plain = route("a", "t");
    plain.headers = {{"Tributary", "x"}, {"mqtt", "y"}};
    plain.user_properties = {"*"};
    EXPECT_TRUE(Route::make(plain));
}

TEST(Routes, remember_no_more_than_their_bound) {
    auto routes = Routes::make(std::vector{route("#", "iot")});
    ASSERT_TRUE(routes);
    for (std::size_t at = 0; at < 3 * Routes::kRememberedMax; ++at) {
        ASSERT_EQ(routes.value().find("t/" + std::to_string(at), "").kafka_topic, "iot");
    }
}

TEST(Subscriptions, bring_each_message_once) {
    const auto least =
        subscriptions(std::vector{route("a/{x}/b", "t1"), route("a/#", "t2"), route("c", "t3")});
    ASSERT_TRUE(least);
    ASSERT_EQ(least.value().size(), 2U);
    EXPECT_EQ(least.value()[0].filter, "a/#");
    EXPECT_EQ(least.value()[1].filter, "c");
    EXPECT_EQ(subscriptions(std::vector{route("a", "t"), route("a", "u")}).value().size(), 1U);
    const auto crossing = subscriptions(std::vector{route("a/+", "t"), route("+/b", "u")});
    ASSERT_FALSE(crossing);
    EXPECT_THAT(crossing.error().what(), HasSubstr("twice"));
}

TEST(Subscriptions, take_the_highest_qos_of_what_they_stand_for) {
    RouteOptions narrow = route("a/b", "t");
    narrow.qos = 2;
    const auto least = subscriptions(std::vector{narrow, route("a/#", "u")});
    ASSERT_TRUE(least);
    ASSERT_EQ(least.value().size(), 1U);
    EXPECT_EQ(least.value()[0].qos, 2);
}

}  // namespace
}  // namespace tributary::mqtt
