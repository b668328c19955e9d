// Every captured file gives the change events kept beside it, per server version.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "rows_text.h"

namespace tributary::mysql::test {
namespace {

std::string read_all(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {(std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>()};
}

TEST(MysqlValuesGolden, captured_rows_give_the_events_kept_beside_them) {
    for (const auto& [name, kind] : {std::pair("mariadb_10_11", ServerKind::mariadb),
                                     std::pair("mysql_9_7", ServerKind::mysql)}) {
        SCOPED_TRACE(name);
        const auto base = std::filesystem::path(GOLDEN_DIRECTORY) / name;
        const std::string rows = read_all(base.string() + ".rows");
        ASSERT_FALSE(rows.empty());
        EXPECT_EQ(rows_text(rows, kind), read_all(base.string() + ".events"));
    }
}

}  // namespace
}  // namespace tributary::mysql::test
