// Prints the change events of one captured file: the expected text for golden_test, to be read
// before it is committed.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "rows_text.h"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: golden_mysql_values_print <file.rows>\n", stderr);
        return 2;
    }
    std::ifstream in(argv[1]);
    const std::string rows((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const bool mariadb = std::string(argv[1]).find("mariadb") != std::string::npos;
    using tributary::mysql::ServerKind;
    const auto kind = mariadb ? ServerKind::mariadb : ServerKind::mysql;
    std::fputs(tributary::mysql::test::rows_text(rows, kind).c_str(), stdout);
    return rows.empty() ? 1 : 0;
}
