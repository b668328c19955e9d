// Every captured binlog gives the entries kept beside it, bytes of images included (README there).
// To write them anew after an intended change: TRIBUTARY_WRITE_GOLDEN=1 mysql_golden.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "connectors/mysql/intake/intake.h"
#include "support.h"

namespace tributary::mysql {
namespace {

struct Capture {
    const char* name;
    ServerKind server;
};

// What the catalogue of the 5.6 server said while capture.sh ran, read by read.
class CatalogueOfThen final : public Catalogue {
  public:
    Result<TableStructure> columns(const std::string& /*database*/,
                                   const std::string& table) override {
        TableStructure out;
        out.exists = true;
        out.primary_key = {"id"};
        out.columns.push_back(column("id", "int", "int(11)"));
        out.columns.back().nullable = false;
        if (table == "hidden") {
            out.columns.push_back(text("secret", "varchar", "varchar(40)"));
            return out;
        }
        out.columns.push_back(text("name", "varchar", "varchar(40)"));
        out.columns.push_back(column("amount", "decimal", "decimal(10,2)"));
        out.columns.push_back(text("note", "text", "text"));
        if (reads_++ > 0) {  // after ALTER TABLE
            out.columns.push_back(column("extra", "int", "int(11)"));
        }
        return out;
    }

  private:
    static CatalogueColumn column(const char* name, const char* type, const char* full) {
        CatalogueColumn out;
        out.name = name;
        out.data_type = type;
        out.column_type = full;
        return out;
    }
    static CatalogueColumn text(const char* name, const char* type, const char* full) {
        CatalogueColumn out = column(name, type, full);
        out.collation = "latin1_swedish_ci";
        out.character_set = "latin1";
        return out;
    }
    int reads_ = 0;
};

std::string entries_of(const Capture& capture) {
    const auto events =
        test::read_binlog(std::string(TRIBUTARY_GOLDEN_DIR "/") + capture.name + ".binlog");
    test::RecordingSink sink;
    sink.now.resume = encode_resume(test::beginning(capture.server, true));
    IntakeOptions options{.server = capture.server, .position_interval_us = 1LL << 60U};
    options.filter.exclude_columns = {R"(shop\.t\.amount)"};
    CatalogueOfThen catalogue;
    const auto done = test::take_in(options, events, sink, &catalogue);
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
                                   Capture{"mysql-5.6", ServerKind::mysql},
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
