// docs/mqtt-conformance.md names only tests that exist.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace {

std::string read(const std::string& path) {
    std::ifstream in(std::string(TRIBUTARY_SOURCE_DIR) + "/" + path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The names in backticks that look like tests: lower case, digits and at least two underscores.
std::set<std::string> named_tests(const std::string& page) {
    std::set<std::string> names;
    for (std::size_t at = page.find('`'); at != std::string::npos; at = page.find('`', at + 1)) {
        const auto end = page.find('`', at + 1);
        if (end == std::string::npos) {
            break;
        }
        const std::string name = page.substr(at + 1, end - at - 1);
        std::size_t underscores = 0;
        bool plain = !name.empty();
        for (const char c : name) {
            underscores += c == '_' ? 1 : 0;
            plain = plain && (std::islower(static_cast<unsigned char>(c)) != 0 ||
                              std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_');
        }
        if (plain && underscores >= 2) {
            names.insert(name);
        }
        at = end;
    }
    return names;
}

TEST(Conformance, names_only_tests_that_exist) {
    std::string tests = read("tests/model/mqtt/session_model.cc");
    tests += read("tests/unit/mqtt_io/entry_test.cc");
    for (const char* file :
         {"codec", "text", "frame", "dedupe", "subscriber_session", "listener_session"}) {
        tests += read("tests/unit/mqtt_session/" + std::string(file) + "_test.cc");
    }
    const auto names = named_tests(read("docs/mqtt-conformance.md"));
    ASSERT_GT(names.size(), 40U);
    for (const std::string& name : names) {
        EXPECT_NE(tests.find(", " + name + ")"), std::string::npos) << name;
    }
}

}  // namespace
