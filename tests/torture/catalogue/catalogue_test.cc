// docs/failure-catalogue.md is made from failures.txt and the tags beside the tests; this fails
// when it is not, when a failure has neither a test nor a reason, or when a tag names no failure.
// TRIBUTARY_WRITE_CATALOGUE=1 writes the page.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace tributary::torture {
namespace {

namespace fs = std::filesystem;

struct Failure {
    std::string section;
    std::string number;
    std::string what;
    std::string outcome;
    std::string reason;  // why no test
};

struct Tagged {
    std::vector<std::string> failures;
    std::string test;
    std::string file;
};

fs::path root() {
    return TRIBUTARY_SOURCE_DIR;
}

std::string trimmed(const std::string& text) {
    const auto begin = text.find_first_not_of(' ');
    const auto end = text.find_last_not_of(' ');
    return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

std::vector<std::string> lines_of(const fs::path& file) {
    std::ifstream in(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

std::vector<Failure> read_failures() {
    std::vector<Failure> failures;
    std::string section;
    for (const std::string& line : lines_of(root() / "tests/torture/catalogue/failures.txt")) {
        if (line.empty() || line[0] == '#') {
            continue;
        }
        if (line.starts_with("== ")) {
            section = line.substr(3);
            continue;
        }
        std::vector<std::string> cells;
        std::istringstream in(line);
        for (std::string cell; std::getline(in, cell, '|');) {
            cells.push_back(trimmed(cell));
        }
        cells.resize(4);
        failures.push_back({section, cells[0], cells[1], cells[2], cells[3]});
    }
    return failures;
}

// "Suite.name" of the test that begins within the next lines, or the name of a ctest entry.
std::optional<std::string> next_test(const std::vector<std::string>& lines, std::size_t at) {
    constexpr std::size_t kNear = 12;  // further comment lines stand between
    static const std::regex kTest(R"(^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+))");
    static const std::regex kEntry(R"(add_test\(NAME (\w+))");
    for (std::size_t index = at; index < std::min(lines.size(), at + kNear); ++index) {
        const std::string two =
            lines[index] + (index + 1 < lines.size() ? lines[index + 1] : std::string());
        std::smatch found;
        if (std::regex_search(two, found, kTest)) {
            return found.str(1) + "." + found.str(2);
        }
        if (std::regex_search(lines[index], found, kEntry)) {
            return found.str(1);
        }
    }
    return std::nullopt;
}

void read_tags(const fs::path& file, std::vector<Tagged>& tags) {
    static const std::regex kTag(R"((//|#) catalogue:((?: F\d+)+)$)");
    static const std::regex kQuoted("\"(\\w+)\"");
    const auto lines = lines_of(file);
    for (std::size_t index = 0; index < lines.size(); ++index) {
        std::smatch found;
        if (!std::regex_search(lines[index], found, kTag)) {
            continue;
        }
        Tagged tag;
        tag.file = fs::relative(file, root()).string();
        std::istringstream numbers(found.str(2));
        for (std::string number; numbers >> number;) {
            tag.failures.push_back(number);
        }
        const std::string before = found.prefix();
        std::smatch quoted;
        if (std::regex_search(before, quoted, kQuoted)) {
            tag.test = "torture_short: " + quoted.str(1);
        } else if (const auto test = next_test(lines, index + 1)) {
            tag.test = *test;
        } else {
            ADD_FAILURE() << tag.file << ":" << index + 1 << ": a tag beside no test";
        }
        tags.push_back(std::move(tag));
    }
}

std::vector<Tagged> read_all_tags() {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(root() / "tests")) {
        const std::string name = entry.path().filename().string();
        if (entry.is_regular_file() && name != "catalogue_test.cc" &&
            (name.ends_with(".cc") || name == "CMakeLists.txt")) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<Tagged> tags;
    for (const fs::path& file : files) {
        read_tags(file, tags);
    }
    return tags;
}

std::string tests_of(const Failure& failure, const std::vector<Tagged>& tags) {
    std::set<std::string> tests;
    for (const Tagged& tag : tags) {
        if (std::count(tag.failures.begin(), tag.failures.end(), failure.number) > 0) {
            tests.insert("`" + tag.test + "`");
        }
    }
    std::string text;
    for (const std::string& test : tests) {
        text += (text.empty() ? "" : ", ") + test;
    }
    return text;
}

std::string page(const std::vector<Failure>& failures, const std::vector<Tagged>& tags) {
    std::ostringstream out;
    out << "# Failure catalogue\n\n"
           "What can go wrong, what must come of it, and the test that shows it. Made from "
           "`tests/torture/catalogue/failures.txt` and the\ntags beside the tests "
           "(`// catalogue: F1`) by `failure_catalogue_test` "
           "(`TRIBUTARY_WRITE_CATALOGUE=1`), which also checks it.\n"
           "`torture_short: x` is a kind of fault in the torture run, whose oracles judge all of "
           "them together ([guarantees.md](guarantees.md)).\n";
    std::string section;
    for (const Failure& failure : failures) {
        if (failure.section != section) {
            section = failure.section;
            out << "\n## " << section << "\n| | what fails | what comes of it | shown by |\n"
                << "|---|---|---|---|\n";
        }
        const std::string tests = tests_of(failure, tags);
        out << "| " << failure.number << " | " << failure.what << " | " << failure.outcome << " | "
            << tests << (tests.empty() || failure.reason.empty() ? "" : "; ")
            << (failure.reason.empty() ? "" : "not tested: " + failure.reason) << " |\n";
    }
    return out.str();
}

TEST(FailureCatalogue, has_a_test_or_a_reason_for_every_failure) {
    const auto failures = read_failures();
    const auto tags = read_all_tags();
    ASSERT_GE(failures.size(), 60U);
    for (const Failure& failure : failures) {
        EXPECT_FALSE(failure.outcome.empty()) << failure.number;
        EXPECT_FALSE(failure.reason.empty() && tests_of(failure, tags).empty())
            << failure.number << " has neither a test nor a reason";
    }
}

TEST(FailureCatalogue, knows_every_tag) {
    std::set<std::string> known;
    for (const Failure& failure : read_failures()) {
        EXPECT_TRUE(known.insert(failure.number).second) << failure.number << " stands twice";
    }
    for (const Tagged& tag : read_all_tags()) {
        for (const std::string& number : tag.failures) {
            EXPECT_TRUE(known.contains(number)) << tag.file << ": " << number;
        }
    }
}

TEST(FailureCatalogue, is_the_page_in_docs) {
    const fs::path file = root() / "docs/failure-catalogue.md";
    const std::string expected = page(read_failures(), read_all_tags());
    if (std::getenv("TRIBUTARY_WRITE_CATALOGUE") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
        std::ofstream(file) << expected;
    }
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    EXPECT_EQ(text.str(), expected) << "write it: TRIBUTARY_WRITE_CATALOGUE=1";
}

}  // namespace
}  // namespace tributary::torture
