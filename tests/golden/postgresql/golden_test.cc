// Every captured file gives the events kept beside it, per server version.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "events_text.h"

namespace tributary::postgresql::test {
namespace {

std::string read_all(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {(std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>()};
}

TEST(PostgresqlGolden, captured_bytes_give_the_events_kept_beside_them) {
    constexpr int kScenarios = 8;
    int files = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(GOLDEN_DIRECTORY)) {
        if (file.path().extension() != ".wire") {
            continue;
        }
        SCOPED_TRACE(file.path().filename().string());
        auto expected = file.path();
        expected.replace_extension(".events");
        EXPECT_EQ(events_text(read_all(file.path())), read_all(expected));
        ++files;
    }
    EXPECT_GE(files, kScenarios);
}

}  // namespace
}  // namespace tributary::postgresql::test
