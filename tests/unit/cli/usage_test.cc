// What the command says about words that it does not know.
#include "cli/usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string said(const std::string& line) {
    CLI::App app("test", "tributary");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_subcommand("status");
    auto* buffer = app.add_subcommand("buffer");
    buffer->require_subcommand(1);
    auto* peek = buffer->add_subcommand("peek");
    std::string source;
    std::uint32_t limit = 0;
    std::string at;
    peek->add_option("source", source)->required();
    peek->add_option("-n,--limit", limit)->check(whole_number(1, 1000));
    peek->add_option("--at", at)->check(CLI::IsMember({"log", "kafka"}));
    std::uint64_t from = 0;
    peek->add_option("--from", from)->check(whole_number());
    buffer->add_subcommand("ls");
    try {
        app.parse(line);
    } catch (const CLI::ParseError& error) {
        return explain_usage(&app, error);
    }
    return "";
}

TEST(Usage, an_unknown_word_is_named_with_the_nearest_and_all_that_there_are) {
    EXPECT_THAT(said("statsu"), StartsWith("tributary does not know \"statsu\"; \"status\" is"));
    EXPECT_THAT(said("frobnicate"), HasSubstr("There are: status, buffer\n"));
    EXPECT_THAT(said("frobnicate"), Not(HasSubstr("is near")));
    EXPECT_THAT(said("buffer lss"), StartsWith("tributary buffer does not know \"lss\"; \"ls\""));
    EXPECT_THAT(said("buffer lss"), HasSubstr("There are: peek, ls\n"));
}

TEST(Usage, what_is_missing_or_too_much_is_said_of_the_command_that_was_meant) {
    EXPECT_THAT(said("buffer"), StartsWith("tributary buffer needs one more word"));
    EXPECT_THAT(said("buffer peek"), StartsWith("tributary buffer peek: source is required"));
    EXPECT_THAT(said("status now"),
                StartsWith("tributary status takes no further word, and \"now\" is one\n"
                           "`tributary status --help` says more"));
    EXPECT_EQ(said("status"), "");
}

TEST(Usage, a_value_that_is_not_taken_is_named_with_those_that_are) {
    EXPECT_THAT(said("buffer peek plant --from abc"),
                StartsWith("tributary buffer peek: --from: takes a whole number from 0 on, not "
                           "\"abc\"\n`tributary buffer peek --help` says more"));
    EXPECT_THAT(said("buffer peek plant --from -3"), HasSubstr("from 0 on, not \"-3\""));
    EXPECT_THAT(said("buffer peek plant -n 1001"), HasSubstr("from 1 to 1000, not \"1001\""));
    EXPECT_THAT(said("buffer peek plant --at disk"), HasSubstr("disk not in {log,kafka}"));
    EXPECT_EQ(said("buffer peek plant --at log --from 3 -n 1000"), "");
}

TEST(Usage, an_unknown_option_is_named_with_the_nearest_and_all_that_there_are) {
    EXPECT_THAT(said("buffer peek plant --form 3"),
                StartsWith("tributary buffer peek does not know \"--form\"; \"--from\" is near. "
                           "There are: --help, --limit, --at, --from\n"));
    EXPECT_THAT(said("status --frobnicate"), Not(HasSubstr("is near")));
}

}  // namespace
}  // namespace tributary::cli
