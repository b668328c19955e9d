// The error table: every row says all that an operator needs, and docs/errors.md is what it says.
// To write the page anew: TRIBUTARY_WRITE_ERRORS_MD=1 errors_test.
#include "model/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "model/ids.h"

namespace tributary {
namespace {

using testing::EndsWith;
using testing::Not;

const std::string kPage = std::string(TRIBUTARY_SOURCE_DIR) + "/docs/errors.md";

// What a supervisor may rely on.
const std::map<int, std::string>& exit_codes() {
    static const std::map<int, std::string> kCodes{
        {errors::kExitConfig, "configuration or settings: correct them and start again"},
        {errors::kExitAuth, "credentials, certificates or rights"},
        {errors::kExitGap, "changes are missing at the source"},
        {errors::kExitDiverged, "another server, history or log than before"},
        {errors::kExitLogRolledBack, "the local log ends before what was once fsynced"},
        {errors::kExitChainBroken, "Kafka's checkpoints are not what this agent wrote"},
        {errors::kExitFenced, "another process holds what is ours"},
        {errors::kExitStorage, "local disk or log"},
        {errors::kExitPoison, "an event that cannot be delivered as it is"},
        {errors::kExitInternal, "an error of the program, or a protocol it does not know"},
        {errors::kExitTransient, "nothing to correct here: try again (one-shot commands only)"},
    };
    return kCodes;
}

std::string capitalised(std::string_view sentence) {
    std::string text(sentence);
    if (!text.empty() && text[0] != '`') {
        text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    }
    return text;
}

std::string page() {
    std::ostringstream out;
    out << "# Errors\n\n"
           "Every error that Tributary names, as logs, metrics and `tributary status` do. This "
           "page "
           "is printed from the\ntable in `src/model/errors.cc` by `errors_test` "
           "(`TRIBUTARY_WRITE_ERRORS_MD=1`), which also checks it.\n\n"
           "| class | what the agent does |\n|---|---|\n"
           "| transient | retries with back-off; nobody needs to act unless it lasts |\n"
           "| definite | parks the pipeline; the others go on |\n"
           "| corrupt | stops, and leaves the stored bytes as they are |\n"
           "| fatal | ends the process |\n\n"
           "The process ends with an error's exit code when it is fatal, when every pipeline is "
           "parked, or when one is and\n`--fail-fast` was given. 0 is a clean stop.\n\n"
           "| exit code | meaning |\n|---|---|\n";
    for (const auto& [code, meaning] : exit_codes()) {
        out << "| " << code << " | " << meaning << " |\n";
    }
    for (const ErrorKind* kind : errors::all()) {
        out << "\n## " << kind->name << "\n"
            << "Class: " << to_string(kind->error_class) << ". Exit code: " << kind->exit_code
            << ".\n\n"
            << "- Safe: " << capitalised(kind->safe) << "\n- Next: " << capitalised(kind->next)
            << "\n";
    }
    return out.str();
}

TEST(Errors, have_names_of_their_own_in_snake_case) {
    std::set<std::string_view> names;
    for (const ErrorKind* kind : errors::all()) {
        EXPECT_TRUE(names.insert(kind->name).second) << kind->name;
        EXPECT_FALSE(kind->name.empty());
        EXPECT_TRUE(std::all_of(kind->name.begin(), kind->name.end(), [](char c) {
            return c == '_' || (c >= 'a' && c <= 'z');
        })) << kind->name;
    }
}

TEST(Errors, say_what_is_safe_and_what_to_do_next) {
    for (const ErrorKind* kind : errors::all()) {
        SCOPED_TRACE(kind->name);
        for (const std::string_view sentence : {kind->safe, kind->next}) {
            EXPECT_GE(sentence.size(), 15U);
            EXPECT_THAT(sentence, EndsWith("."));
            EXPECT_EQ(sentence.find("  "), std::string_view::npos);
            EXPECT_FALSE(std::isspace(static_cast<unsigned char>(sentence.front())));
        }
        EXPECT_NE(kind->safe, kind->next);
    }
}

TEST(Errors, have_an_exit_code_with_a_meaning_and_never_that_of_success) {
    std::set<int> used;
    for (const ErrorKind* kind : errors::all()) {
        EXPECT_TRUE(exit_codes().contains(kind->exit_code)) << kind->name;
        used.insert(kind->exit_code);
    }
    EXPECT_EQ(used.size(), exit_codes().size()) << "a code that no error has";
    EXPECT_FALSE(exit_codes().contains(0));
}

// 75 tells a supervisor to try again, so nothing that needs a person may have it.
TEST(Errors, that_need_a_person_do_not_ask_to_be_tried_again) {
    for (const ErrorKind* kind : errors::all()) {
        if (kind->exit_code == errors::kExitTransient) {
            EXPECT_EQ(kind->error_class, ErrorClass::transient) << kind->name;
        }
        if (kind->error_class == ErrorClass::corrupt) {
            EXPECT_EQ(kind->exit_code, errors::kExitStorage) << kind->name;
        }
    }
}

// The header declares what all() lists: counted from the source, since C++ cannot.
TEST(Errors, are_all_in_the_list) {
    std::ifstream header(std::string(TRIBUTARY_SOURCE_DIR) + "/src/model/errors.h");
    std::size_t declared = 0;
    for (std::string line; std::getline(header, line);) {
        declared += line.starts_with("extern const ErrorKind k") ? 1U : 0U;
    }
    EXPECT_EQ(errors::all().size(), declared);
}

TEST(Errors, page_is_what_the_table_says) {
    if (std::getenv("TRIBUTARY_WRITE_ERRORS_MD") != nullptr) {
        std::ofstream(kPage) << page();
    }
    std::ifstream file(kPage);
    ASSERT_TRUE(file) << kPage;
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str(), page()) << "write it anew: TRIBUTARY_WRITE_ERRORS_MD=1 errors_test";
}

TEST(LogId, is_printed_as_lower_case_hexadecimal) {
    LogId id;
    id.bytes[0] = 0xAB;
    id.bytes[15] = 0x01;
    EXPECT_EQ(to_string(id), "ab000000000000000000000000000001");
}

}  // namespace
}  // namespace tributary
