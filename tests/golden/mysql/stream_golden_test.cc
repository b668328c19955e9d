// Every captured binlog gives the entries kept beside it, bytes of images included (README there).
// To write them anew after an intended change: TRIBUTARY_WRITE_GOLDEN=1 mysql_golden.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "connectors/mysql/intake.h"
#include "support.h"

namespace tributary::mysql {
namespace {

struct Capture {
    const char* name;
    ServerKind server;
};

std::string entries_of(const Capture& capture) {
    const auto events =
        test::read_binlog(std::string(TRIBUTARY_GOLDEN_DIR "/") + capture.name + ".binlog");
    test::RecordingSink sink;
    sink.now.resume = encode_resume(test::beginning(capture.server, true));
    IntakeOptions options{.server = capture.server, .position_interval_us = 1LL << 60U};
    options.filter.exclude_columns = {R"(shop\.t\.amount)"};
    const auto done = test::take_in(options, events, sink);
    std::string out;
    for (const auto& entry : sink.entries) {
        out += describe(sink, entry) + "\n";
    }
    if (!done) {
        out +=
            "stops: " + std::string(done.error().kind().name) + ": " + done.error().what() + "\n";
    }
    return out + "resume " + describe(sink.now.resume) + "\n";
}

TEST(MysqlGolden, captured_binlogs_give_the_entries_kept_beside_them) {
    for (const Capture& capture : {Capture{"mysql-9.7", ServerKind::mysql},
                                   Capture{"mysql-9.7-statement", ServerKind::mysql},
                                   Capture{"mariadb-10.11", ServerKind::mariadb},
                                   Capture{"mariadb-10.11-statement", ServerKind::mariadb},
                                   Capture{"mariadb-11.8", ServerKind::mariadb}}) {
        SCOPED_TRACE(capture.name);
        const std::string path = std::string(TRIBUTARY_GOLDEN_DIR "/") + capture.name + ".entries";
        const std::string entries = entries_of(capture);
        if (std::getenv("TRIBUTARY_WRITE_GOLDEN") != nullptr) {
            std::ofstream(path) << entries;
        }
        std::ifstream file(path);
        EXPECT_EQ(
            entries,
            std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>()));
    }
}

}  // namespace
}  // namespace tributary::mysql
