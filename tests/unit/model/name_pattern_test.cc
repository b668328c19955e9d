// Regular expressions over names.
#include "model/name_pattern.h"

#include <gtest/gtest.h>

#include "model/errors.h"

namespace tributary {
namespace {

bool matches(std::string_view expression, std::string_view name) {
    return NamePattern::compile(expression).value().matches(name);
}

std::string refusal(std::string_view expression) {
    const auto compiled = NamePattern::compile(expression);
    return compiled ? "taken" : compiled.error().what();
}

TEST(NamePatternTest, is_matched_against_the_whole_name) {
    EXPECT_TRUE(matches("a|ab", "ab"));
    EXPECT_FALSE(matches("a", "ab"));
    EXPECT_FALSE(matches("b", "ab"));
    EXPECT_FALSE(matches("a", "a\n"));
    EXPECT_FALSE(matches("a$", "a\n"));
    EXPECT_TRUE(matches("", ""));
    EXPECT_FALSE(matches("", "a"));
}

TEST(NamePatternTest, regards_case_unless_told_otherwise) {
    EXPECT_FALSE(matches(R"(shop\.orders)", "Shop.Orders"));
    EXPECT_TRUE(matches(R"((?i)shop\.orders|x)", "Shop.Orders"));
    EXPECT_TRUE(matches(R"((?i)shop\.orders|x)", "X"));
    EXPECT_TRUE(matches("(?i)grün", "GRÜN"));
}

// What Debezium's users write, java.util.regex.Pattern.
TEST(NamePatternTest, knows_what_java_knows) {
    EXPECT_TRUE(matches(R"(public\.(?!tmp_).*)", "public.orders"));
    EXPECT_FALSE(matches(R"(public\.(?!tmp_).*)", "public.tmp_1"));
    EXPECT_TRUE(matches(R"(public\..*(?<!_old))", "public.orders"));
    EXPECT_FALSE(matches(R"(public\..*(?<!_old))", "public.orders_old"));
    EXPECT_TRUE(matches(R"(\Qa.b\E\..*+)", "a.b.c"));
    EXPECT_TRUE(matches(R"(s\.(?<n>x)\k<n>)", "s.xx"));
    EXPECT_TRUE(matches(R"(s\.\p{Lu}\d{2,})", "s.Ä12"));
}

TEST(NamePatternTest, dots_match_characters_not_bytes) {
    EXPECT_TRUE(matches("s.t", "sät"));
    EXPECT_FALSE(matches("s..t", "sät"));
    EXPECT_FALSE(matches("s.t", "s\xfft"));
    EXPECT_FALSE(matches("s.t", std::string_view("s\xc3", 2)));
}

TEST(NamePatternTest, names_what_is_wrong_and_where) {
    EXPECT_EQ(
        refusal("a(b"),
        R"("a(b" is not a regular expression: missing closing parenthesis (after 3 bytes of it))");
    EXPECT_EQ(
        refusal("*"),
        R"("*" is not a regular expression: quantifier does not follow a repeatable item (after 0 bytes of it))");
    EXPECT_NE(refusal("\xff"), "taken");
    EXPECT_NE(refusal(std::string(NamePattern::kBytesMax + 1, 'a')).find("at most 1000 bytes"),
              std::string::npos);
    EXPECT_EQ(refusal(std::string(NamePattern::kBytesMax, 'a')), "taken");
    EXPECT_TRUE(NamePattern::compile("(").error().is(errors::kConfigInvalid));
}

// Numbers and repetitions that do not fit anywhere are errors, not memory.
TEST(NamePatternTest, refuses_what_does_not_fit) {
    EXPECT_NE(refusal("a{8888888888888888888}"), "taken");
    EXPECT_NE(refusal("((((a{1,65535}){1,65535}){1,65535}){1,65535})"), "taken");
    EXPECT_NE(refusal(std::string(900, '(')), "taken");
    EXPECT_NE(refusal(R"(\C)"), "taken");
}

// The test's own limit ends what does not end.
TEST(NamePatternTest, does_not_explode) {
    const std::string name(4000, 'a');
    EXPECT_FALSE(matches("(a+)+b", name));
    EXPECT_FALSE(matches("(a|aa)+b", name));
    EXPECT_FALSE(matches("(.*)*(.*)*(.*)*b", name));
    // No one letter that it must have tells PCRE2 that it cannot match.
    EXPECT_FALSE(matches("(a+)+[bc]", name));
    EXPECT_FALSE(matches("(a|aa)+[bc]", name));
}

TEST(NamePatternTest, one_of_several_is_enough) {
    const auto patterns = NamePattern::compile_all({"a", "b"}).value();
    EXPECT_TRUE(matches_any(patterns, "b"));
    EXPECT_FALSE(matches_any(patterns, "c"));
    EXPECT_FALSE(matches_any({}, "a"));
    EXPECT_NE(NamePattern::compile_all({"a", "("}).error().what().find("\"(\""), std::string::npos);
}

}  // namespace
}  // namespace tributary
