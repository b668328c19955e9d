// What a publication or a key makes of the tables of a real server: what `check` says about it, and
// whether the server does what is said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "base/interrupter.h"
#include "connectors/postgresql/server/connection.h"
#include "model/errors.h"
#include "tests/integration/postgresql/rig.h"
#include "tests/servers/failure.h"

namespace tributary::postgresql::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PostgresqlChecks : public ::testing::Test {
  protected:
    servers::SqlRows sql(const std::string& text) { return server_.sql(text); }
    [[nodiscard]] int version() { return std::stoi(sql("SHOW server_version_num").value()); }
    [[nodiscard]] Options options() const { return server_.options("mine"); }

    // Of one table, "what -> remedy", those that are not fine.
    std::vector<std::string> findings(const std::string& table) {
        std::vector<std::string> out;
        for (const Finding& finding : check(options()).findings) {
            if (finding.subject == "table " + table && finding.severity != Severity::ok) {
                out.push_back(finding.what + " -> " + finding.remedy);
            }
        }
        return out;
    }
    bool accepted(const std::string& statement) {
        try {
            sql(statement);
            return true;
        } catch (const servers::ServerFailure&) {
            return false;
        }
    }
    // The statements of a remedy: what stands before " and " or "; or ".
    static std::string statements(const std::string& finding) {
        std::string remedy = finding.substr(finding.find(" -> ") + 4);
        for (const char* end : {" and tables", "; or "}) {
            remedy = remedy.substr(0, remedy.find(end));
        }
        return remedy;
    }
    // `check` has one thing to say of it, the server does so, and the remedy mends both.
    void expect_refused(const std::string& table,
                        const std::string& update,
                        const std::string& what,
                        const std::string& remedy) {
        EXPECT_FALSE(accepted(update)) << update;
        std::vector<std::string> found = findings(table);
        std::erase_if(found, [](const std::string& finding) {
            return finding.find("is published with a row filter") != std::string::npos;
        });
        ASSERT_EQ(found.size(), 1U) << table;
        EXPECT_THAT(found[0], AllOf(HasSubstr(what), HasSubstr(remedy)));
        sql(statements(found[0]));
        EXPECT_TRUE(accepted(update)) << statements(found[0]);
        EXPECT_THAT(findings(table), Not(Contains(HasSubstr("refuses")))) << table;
    }

    Server server_;
};

TEST_F(PostgresqlChecks, name_what_lists_and_filters_make_the_server_refuse_to_the_application) {
    if (version() < 150000) {
        sql("CREATE TABLE fine (id int PRIMARY KEY); CREATE PUBLICATION plant FOR TABLE fine");
        EXPECT_THAT(findings("public.fine"), IsEmpty()) << "there are no lists and filters yet";
        return;
    }
    for (const char* const table : {"fine", "listed", "whole", "filtered", "mixed"}) {
        sql("CREATE TABLE " + std::string(table) +
            " (id int PRIMARY KEY, a int, \"B\" int); INSERT INTO " + table + " VALUES (1, 1, 1)");
    }
    sql("ALTER TABLE whole REPLICA IDENTITY FULL;"
        "CREATE TABLE part (id int, region int, v int, PRIMARY KEY (id, region))"
        "  PARTITION BY LIST (region);"
        "CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);"
        "CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);"
        "INSERT INTO part VALUES (1, 1, 1), (1, 2, 1); ALTER TABLE part_2 REPLICA IDENTITY FULL");
    sql("CREATE PUBLICATION plant FOR TABLE fine (id, a) WHERE (id > 0), listed (a, \"B\"),"
        " whole (id, a), filtered WHERE (a > 0 AND id > 0), mixed (id, a) WHERE (a > 0),"
        " part WHERE (v > 0) WITH (publish_via_partition_root = true)");
    EXPECT_TRUE(accepted("UPDATE fine SET a = 2"));
    EXPECT_THAT(findings("public.fine"), Not(Contains(HasSubstr("refuses"))));
    expect_refused("public.listed",
                   "UPDATE listed SET a = 2",
                   "the server refuses UPDATE and DELETE on it to everybody: its column list in "
                   "the publication leaves out id",
                   "ADD TABLE \"public\".\"listed\" (a, \"B\", id); COMMIT;");
    expect_refused("public.whole",
                   "UPDATE whole SET a = 2",
                   "REPLICA IDENTITY FULL, and is published with a column list",
                   "tables.exclude_columns");
    expect_refused("public.filtered",
                   "DELETE FROM filtered",
                   "its row filter in the publication asks for a, which",
                   "ALTER TABLE \"public\".\"filtered\" REPLICA IDENTITY FULL;");
    expect_refused("public.mixed",
                   "UPDATE mixed SET a = 2",
                   "its row filter in the publication asks for a, which",
                   "ADD TABLE \"public\".\"mixed\" (id, a); COMMIT;");
    EXPECT_TRUE(accepted("UPDATE part SET v = 2 WHERE region = 2"));
    expect_refused("public.part",
                   "UPDATE part SET v = 2 WHERE region = 1",
                   "on its partition public.part_1 to everybody: its row filter",
                   "ALTER TABLE public.part_1 REPLICA IDENTITY FULL;");
}

TEST_F(PostgresqlChecks, name_generated_columns_of_old_rows_that_are_not_published) {
    sql("CREATE TABLE made (id int PRIMARY KEY, v int GENERATED ALWAYS AS (id + 1) STORED);"
        "INSERT INTO made VALUES (1); ALTER TABLE made REPLICA IDENTITY FULL;"
        "CREATE PUBLICATION plant FOR TABLE made");
    if (version() < 180000) {
        EXPECT_TRUE(accepted("UPDATE made SET id = 2"));
        EXPECT_THAT(findings("public.made"), IsEmpty());
        return;
    }
    expect_refused("public.made",
                   "UPDATE made SET id = 2",
                   "the publication leaves out the generated column v of its replica identity",
                   "ALTER PUBLICATION \"plant\" SET (publish_generated_columns = stored);");
}

TEST_F(PostgresqlChecks, name_keys_of_types_that_are_not_carried_and_so_does_the_log) {
    sql("CREATE TYPE pair AS (a int, b int); CREATE DOMAIN name_of AS text;"
        "CREATE TABLE t (id xid8 PRIMARY KEY, v text);"
        "CREATE TABLE two (a int, b pair, PRIMARY KEY (a, b));"
        "CREATE TABLE fine (id name_of PRIMARY KEY, x pg_lsn);"
        "CREATE TABLE other (id int PRIMARY KEY, x pg_lsn UNIQUE);"
        "CREATE TABLE chosen (id pg_lsn PRIMARY KEY, n int NOT NULL);"
        "ALTER TABLE chosen REPLICA IDENTITY FULL;"
        "CREATE PUBLICATION plant FOR TABLE t, two, fine, other, chosen");
    Options options = this->options();
    options.tables.key_columns = {"public\\.chosen\\.n"};
    std::vector<std::string> uncarried;
    for (const Finding& finding : check(options).findings) {
        if (finding.what.find("is not carried") != std::string::npos) {
            EXPECT_THAT(finding.remedy, HasSubstr("tables.key_columns"));
            uncarried.push_back(finding.subject + " " + finding.what);
        }
    }
    EXPECT_THAT(uncarried,
                ::testing::ElementsAre(
                    AllOf(HasSubstr("table public.t "), HasSubstr("its key has id of type xid8")),
                    AllOf(HasSubstr("public.two "), HasSubstr("b of type public.pair"))));

    Pipeline pipeline(options);
    ASSERT_TRUE(pipeline.open());
    for (int round = 1; round < 3; ++round) {
        const std::string n = std::to_string(round);
        sql("INSERT INTO t VALUES ('" + n + "', 'v'); INSERT INTO two VALUES (1, (1," + n +
            ")); INSERT INTO fine VALUES ('" + n + "'); INSERT INTO chosen VALUES ('0/" + n +
            "', 1); ANALYZE t");
    }
    ASSERT_TRUE(pipeline.poll_until_count(8));
    std::vector<std::string> warned;
    std::istringstream lines(pipeline.observer.lines);
    for (std::string line; std::getline(lines, line);) {
        if (line.find("tables.key_columns") != std::string::npos) {
            warned.push_back(line);
        }
    }
    EXPECT_THAT(
        warned,
        ::testing::ElementsAre(AllOf(HasSubstr("public.t"), HasSubstr("id of type xid8")),
                               AllOf(HasSubstr("public.two"), HasSubstr("b of type public.pair"))));
}

// A row filter is computed for each row, and may fail at one.
TEST_F(PostgresqlChecks, do_not_keep_a_row_filter_from_failing_which_is_told_by_its_table) {
    if (version() < 150000) {
        sql("CREATE TABLE t (v text); CREATE PUBLICATION plant FOR TABLE t");
        return;
    }
    sql("CREATE TABLE t (id int PRIMARY KEY, v int); ALTER TABLE t REPLICA IDENTITY FULL;"
        "CREATE TABLE u (id int PRIMARY KEY);"
        "GRANT SELECT ON t, u TO tributary;"
        "CREATE PUBLICATION plant FOR TABLE u, t WHERE (10 / v > 0);"
        "INSERT INTO t VALUES (1, 0)");
    Options taking = options();
    taking.snapshot = SnapshotMode::initial;
    {
        Pipeline pipeline(taking);
        ASSERT_TRUE(pipeline.open());
        const auto polled = pipeline.poll_until([] { return false; });
        ASSERT_FALSE(polled);
        EXPECT_TRUE(polled.error().is(errors::kPublicationUnsuitable)) << polled.error().message();
        EXPECT_THAT(polled.error().what(),
                    AllOf(HasSubstr("snapshot of public.t"),
                          HasSubstr("WHERE ((10 / v) > 0)"),
                          HasSubstr("division by zero (SQLSTATE 22012)")));
    }
    Options streaming = server_.options("other");
    Pipeline pipeline(streaming);
    ASSERT_TRUE(pipeline.open());
    sql("INSERT INTO t VALUES (2, 0)");
    const auto polled = pipeline.poll_until([] { return false; });
    ASSERT_FALSE(polled);
    EXPECT_TRUE(polled.error().is(errors::kValueUndecodable)) << polled.error().message();
    EXPECT_THAT(polled.error().what(), AllOf(HasSubstr("SQLSTATE 22012"), HasSubstr("LSN ")));
    // The way out that the error's advice names.
    const auto behind = resolve_position(streaming, sql("SELECT pg_current_wal_lsn()").value());
    ASSERT_TRUE(behind) << behind.error().message();
    Pipeline again(streaming);
    const auto opened = again.source->open({behind.value(), {}}, again.side);
    ASSERT_TRUE(opened) << opened.error().message();
    sql("INSERT INTO u VALUES (9)");
    EXPECT_TRUE(again.poll_until([&again] {
        const auto texts = again.texts();
        return std::find(texts.begin(), texts.end(), "create u id=9") != texts.end();
    }));
}

// What the server says of a row that it cannot compute with quotes the row.
TEST_F(PostgresqlChecks, errors_about_rows_have_no_values_of_theirs) {
    sql("CREATE TABLE t (v text); INSERT INTO t VALUES ('secret-word');"
        "GRANT SELECT ON t TO tributary");
    const Interrupter interrupter;
    auto session = Session::open(options().connection, Purpose::sql, interrupter);
    ASSERT_TRUE(session) << session.error().message();
    const auto failed =
        session.value().query("SELECT (v::int) FROM public.t", std::chrono::seconds(10));
    ASSERT_FALSE(failed);
    EXPECT_TRUE(failed.error().is(errors::kValueUndecodable));
    EXPECT_THAT(failed.error().what(), HasSubstr("invalid text representation (SQLSTATE 22P02)"));
    EXPECT_THAT(failed.error().what(), Not(HasSubstr("secret-word")));
}

}  // namespace
}  // namespace tributary::postgresql::testing
