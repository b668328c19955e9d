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
    peek->add_option("source", source)->required();
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
    EXPECT_THAT(said("status now"), StartsWith("tributary status: "));
    EXPECT_THAT(said("status now"), HasSubstr("now\n`tributary status --help` says more"));
    EXPECT_EQ(said("status"), "");
}

}  // namespace
}  // namespace tributary::cli
