// UTF-8, topic names and topic filters.
#include <gtest/gtest.h>

#include <string>

#include "connectors/mqtt/codec/codec.h"

namespace tributary::mqtt::test {
namespace {

// Puts `text` at every distance from the start, so that words of eight bytes and single bytes see
// it.
bool valid_everywhere(const std::string& text) {
    for (std::size_t before = 0; before < 9; ++before) {
        if (!valid_utf8(std::string(before, 'a') + text + std::string(8 - before % 8, 'b'))) {
            return false;
        }
    }
    return true;
}

bool invalid_everywhere(const std::string& text) {
    for (std::size_t before = 0; before < 9; ++before) {
        if (valid_utf8(std::string(before, 'a') + text + std::string(8 - before % 8, 'b'))) {
            return false;
        }
    }
    return true;
}

TEST(Text, takes_every_code_point_but_zero_and_surrogates) {
    for (unsigned point = 1; point <= 0x10FFFF; point += point < 0x1000 ? 1 : 61) {
        std::string text;
        const auto put = [&](unsigned byte) { text.push_back(static_cast<char>(byte)); };
        if (point < 0x80) {
            put(point);
        } else if (point < 0x800) {
            put(0xC0U | point >> 6U);
            put(0x80U | (point & 0x3FU));
        } else if (point < 0x10000) {
            put(0xE0U | point >> 12U);
            put(0x80U | (point >> 6U & 0x3FU));
            put(0x80U | (point & 0x3FU));
        } else {
            put(0xF0U | point >> 18U);
            put(0x80U | (point >> 12U & 0x3FU));
            put(0x80U | (point >> 6U & 0x3FU));
            put(0x80U | (point & 0x3FU));
        }
        const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        ASSERT_EQ(valid_utf8(text), !surrogate) << point;
    }
    EXPECT_TRUE(valid_everywhere("\xEF\xBB\xBF"));  // 1.5.4-3: U+FEFF is kept
    EXPECT_TRUE(valid_utf8(""));
}

TEST(Text, refuses_what_is_not_utf8) {
    const std::string bad[] = {std::string(1, '\0'),
                               "\x80",
                               "\xBF",
                               "\xC0\xAF",          // overlong
                               "\xC1\xBF",          // overlong
                               "\xE0\x9F\xBF",      // overlong
                               "\xF0\x8F\xBF\xBF",  // overlong
                               "\xC3",
                               "\xC3\x28",
                               "\xE2\x82",
                               "\xE2\x28\xA1",
                               "\xED\xA0\x80",  // surrogate
                               "\xED\xBF\xBF",  // surrogate
                               "\xF0\x9F\x98",
                               "\xF4\x90\x80\x80",  // above U+10FFFF
                               "\xF5\x80\x80\x80",
                               "\xFE",
                               "\xFF"};
    for (const std::string& text : bad) {
        EXPECT_TRUE(invalid_everywhere(text)) << testing::PrintToString(text);
        EXPECT_FALSE(valid_utf8(text));
    }
}

TEST(Text, knows_topic_names) {
    for (const char* good : {"a", "/", "a/b", "a//b", " ", "$SYS/x", "\xE2\x82\xAC/\xC3\xA9"}) {
        EXPECT_TRUE(valid_topic(good)) << good;
    }
    for (const char* bad : {"", "#", "a/#", "+", "a+b", "\xFF"}) {
        EXPECT_FALSE(valid_topic(bad)) << bad;
    }
    EXPECT_TRUE(valid_topic(std::string(65'535, 'x')));
    EXPECT_FALSE(valid_topic(std::string(65'536, 'x')));
    EXPECT_FALSE(valid_topic(std::string("a\0b", 3)));
}

TEST(Text, knows_topic_filters) {
    for (const char* good : {"#",
                             "+",
                             "a/#",
                             "+/+",
                             "/+",
                             "+/",
                             "a/+/b/#",
                             "/#",
                             "$share/g/a",
                             "$share/g/#",
                             "$share/g//",
                             "$share",
                             "$SYS/#",
                             "a b"}) {
        EXPECT_TRUE(valid_filter(good)) << good;
    }
    for (const char* bad : {"",
                            "a#",
                            "#a",
                            "a/#/b",
                            "##",
                            "+a",
                            "a+",
                            "a/b+",
                            "$share/",
                            "$share/g",
                            "$share//a",
                            "$share/+/a",
                            "$share/g#/a",
                            "$share/g/",
                            "\xC0"}) {
        EXPECT_FALSE(valid_filter(bad)) << bad;
    }
}

TEST(Text, matches_topics_to_filters) {
    struct Case {
        const char* filter;
        const char* topic;
        bool match;
    };
    const Case cases[] = {
        {"a/b", "a/b", true},   {"a/b", "a/c", false},    {"a/b", "a", false},
        {"a", "a/b", false},    {"a/#", "a", true},       {"a/#", "a/b/c", true},
        {"a/#", "ab", false},   {"#", "a/b", true},       {"#", "/", true},
        {"#", "$SYS/a", false}, {"+/a", "$SYS/a", false}, {"$SYS/#", "$SYS/a", true},
        {"+", "a", true},       {"+", "a/b", false},      {"+", "/a", false},
        {"+/+", "/a", true},    {"/+", "/a", true},       {"a/+", "a/", true},
        {"a/+", "a", false},    {"a/+/c", "a//c", true},  {"a/+/#", "a", false},
        {"a/+/#", "a/b", true}, {"a/", "a", false},       {"a", "a/", false},
        {"A", "a", false}};
    for (const Case& one : cases) {
        EXPECT_EQ(matches(one.filter, one.topic), one.match) << one.filter << " " << one.topic;
    }
}

TEST(Text, takes_ten_thousand_levels_in_its_stride) {
    std::string topic = "a";
    std::string filter = "+";
    for (int level = 1; level < 10'000; ++level) {
        topic += "/a";
        filter += "/+";
    }
    EXPECT_TRUE(valid_topic(topic));
    EXPECT_TRUE(valid_filter(filter));
    EXPECT_TRUE(matches(filter, topic));
    EXPECT_TRUE(matches(filter + "/#", topic));
    EXPECT_FALSE(matches(filter + "/+", topic));
}

}  // namespace
}  // namespace tributary::mqtt::test
