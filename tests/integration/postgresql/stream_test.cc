// What a real PostgreSQL streams arrives once, in order, and goes on exactly after a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "connectors/postgresql/position.h"
#include "tests/integration/postgresql/rig.h"

namespace tributary::postgresql::testing {
namespace {

class PostgresqlStream : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        server_ = std::make_unique<Server>();
        server_->sql("CREATE TABLE t (id int PRIMARY KEY, v text)");
        server_->sql("CREATE PUBLICATION plant FOR TABLE t");
    }
    static void TearDownTestSuite() { server_.reset(); }
    void SetUp() override { server_->sql("TRUNCATE t"); }

    // A slot of its own, so that each test begins at now.
    static Options options() {
        static int number = 0;
        return server_->options("slot_" + std::to_string(++number));
    }
    static servers::SqlRows sql(const std::string& text) { return server_->sql(text); }
    static std::string confirmed(const std::string& slot) {
        return sql("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '" +
                   slot + "'")
            .value();
    }

    static std::unique_ptr<Server> server_;
};

std::unique_ptr<Server> PostgresqlStream::server_;

TEST_F(PostgresqlStream, inserts_updates_deletes_and_messages_arrive_with_their_ordinals) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open()) << pipeline.open().error().message();
    sql("BEGIN; INSERT INTO t VALUES (1, 'a'), (2, 'b'); UPDATE t SET v = 'c' WHERE id = 1;"
        "SELECT pg_logical_emit_message(true, 'note', 'hello'); DELETE FROM t WHERE id = 2; "
        "COMMIT");
    sql("TRUNCATE t");
    // pgoutput gives messages from version 14 on.
    const bool messages = std::stoi(sql("SHOW server_version_num").value()) >= 140000;
    Texts expected{"create t id=1 v=a", "create t id=2 v=b", "update t id=1 v=c"};
    if (messages) {
        expected.emplace_back("message note hello");
    }
    const std::uint32_t rows = messages ? 5 : 4;
    for (const std::string& text : {std::string("delete t id=2"),
                                    "end " + std::to_string(rows),
                                    std::string("truncate t"),
                                    std::string("end 1")}) {
        expected.push_back(text);
    }
    const auto polled = pipeline.poll_until_count(expected.size());
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts(), expected);
    for (std::uint32_t ordinal = 0; ordinal < rows; ++ordinal) {
        EXPECT_EQ(pipeline.events()[ordinal].ordinal, ordinal);
    }
    EXPECT_EQ(pipeline.source->identity().substr(0, 11), "postgresql ");
}

TEST_F(PostgresqlStream, goes_on_after_a_kill_between_transactions_without_repeat_or_gap) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    Texts expected;
    for (int id = 1; id <= 20; ++id) {
        sql("INSERT INTO t VALUES (" + std::to_string(id) + ", 'x')");
        expected.push_back("create t id=" + std::to_string(id) + " v=x");
        expected.emplace_back("end 1");
        if (id % 5 == 0) {
            ASSERT_TRUE(pipeline.poll_until_count(expected.size() - 4));
            pipeline.restart();
            const auto opened = pipeline.open();
            ASSERT_TRUE(opened) << opened.error().message();
        }
    }
    ASSERT_TRUE(pipeline.poll_until_count(expected.size()));
    EXPECT_EQ(pipeline.texts(), expected);
}

// catalogue: F1
TEST_F(PostgresqlStream, goes_on_after_a_kill_in_the_middle_of_a_transaction) {
    // So little room that a poll ends within the transaction.
    Pipeline pipeline(options(), 64U << 10U);
    ASSERT_TRUE(pipeline.open());
    sql("INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 1000) g");
    std::size_t restarts = 0;
    std::size_t seen = 0;
    while (pipeline.texts().size() < 1001) {
        const auto polled = pipeline.poll_until_count(seen + 1);
        ASSERT_TRUE(polled) << polled.error().message();
        seen = pipeline.texts().size();
        if (seen < 1001 && restarts < 4) {
            ++restarts;
            pipeline.restart();
            ASSERT_TRUE(pipeline.open());
        }
    }
    EXPECT_EQ(restarts, 4U) << "the rig did not stop within the transaction";
    const Texts texts = pipeline.texts();
    const std::vector<Taken> events = pipeline.events();
    ASSERT_EQ(texts.size(), 1001U);
    for (std::uint32_t row = 0; row < 1000; ++row) {
        ASSERT_EQ(texts[row].substr(0, texts[row].find(" v=")),
                  "create t id=" + std::to_string(row + 1));
        ASSERT_EQ(events[row].ordinal, row);
    }
    EXPECT_EQ(texts.back(), "end 1000");
}

// catalogue: F44
TEST_F(PostgresqlStream, goes_on_after_the_server_itself_was_killed) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    sql("INSERT INTO t VALUES (1, 'a')");
    ASSERT_TRUE(pipeline.poll_until_count(2));
    pipeline.source->confirm(pipeline.assembler->position().resume);
    server_->postgres->kill9();
    const auto lost = pipeline.poll_until([] { return false; });
    ASSERT_FALSE(lost);
    EXPECT_TRUE(lost.error().is(errors::kSourceUnreachable)) << lost.error().message();
    const auto refused = pipeline.open();
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kSourceUnreachable)) << refused.error().message();
    server_->postgres->start();
    sql("INSERT INTO t VALUES (2, 'b')");
    const auto opened = pipeline.open();
    ASSERT_TRUE(opened) << opened.error().message();
    ASSERT_TRUE(pipeline.poll_until_count(4));
    EXPECT_EQ(pipeline.texts(),
              (Texts{"create t id=1 v=a", "end 1", "create t id=2 v=b", "end 1"}));
}

TEST_F(PostgresqlStream, confirms_nothing_until_told_and_then_exactly_that) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    const std::string before = confirmed(pipeline.options.slot);
    sql("INSERT INTO t VALUES (1, 'a')");
    ASSERT_TRUE(pipeline.poll_until_count(2));
    const Position held = pipeline.assembler->position().resume;
    sql("INSERT INTO t VALUES (2, 'b')");
    ASSERT_TRUE(pipeline.poll_until_count(4));
    EXPECT_EQ(confirmed(pipeline.options.slot), before);
    pipeline.source->confirm(held);
    ASSERT_TRUE(pipeline.poll_until([&] { return confirmed(pipeline.options.slot) != before; }));
    EXPECT_EQ(confirmed(pipeline.options.slot), pipeline.source->describe(held));
}

TEST_F(PostgresqlStream, an_idle_source_gives_a_position_to_hold_while_its_neighbours_write) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    sql("CREATE TABLE IF NOT EXISTS elsewhere (id int)");
    sql("INSERT INTO elsewhere SELECT generate_series(1, 1000)");
    const std::string now = sql("SELECT pg_current_wal_lsn()").value();
    const auto reached = parse_lsn(now);
    ASSERT_TRUE(reached);
    ASSERT_TRUE(pipeline.poll_until([&] {
        const auto resume = decode_resume(pipeline.assembler->position().resume);
        return resume && *resume >= *reached;
    }));
    EXPECT_TRUE(pipeline.texts().empty());
}

TEST_F(PostgresqlStream, the_pressure_is_what_the_server_keeps_for_us) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    sql("INSERT INTO t SELECT g, repeat('y', 1000) FROM generate_series(1, 500) g");
    const auto pressure = pipeline.source->pressure();
    ASSERT_TRUE(pressure) << pressure.error().message();
    ASSERT_TRUE(pressure.value());
    EXPECT_GT(pressure.value()->held_bytes, 500'000U);
    EXPECT_EQ(pressure.value()->limit_bytes, 1ULL << 30U);
    ASSERT_TRUE(pipeline.poll_until_count(501));
    pipeline.source->confirm(pipeline.assembler->position().resume);
    ASSERT_TRUE(pipeline.poll_until(
        [&] { return pipeline.source->pressure().value()->held_bytes < 100'000U; }));
}

// catalogue: F51
TEST_F(PostgresqlStream, a_change_of_structure_in_the_stream_is_described_by_the_catalogue) {
    sql("DROP TABLE IF EXISTS shaped; DROP TYPE IF EXISTS mood;"
        "CREATE TYPE mood AS ENUM ('sad', 'glad');"
        "CREATE TABLE shaped (b int, a int NOT NULL DEFAULT 7, m mood, ms mood[], i int2vector, "
        "PRIMARY KEY (a, b));"
        "ALTER PUBLICATION plant ADD TABLE shaped");
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    sql("INSERT INTO shaped VALUES (1, 2, 'glad', '{sad}', '1 2')");
    ASSERT_TRUE(pipeline.poll_until_count(2));
    sql("ALTER TABLE shaped ADD COLUMN price numeric(10,2)");
    sql("INSERT INTO shaped VALUES (3, 4, 'sad', NULL, NULL, 1.50)");
    ASSERT_TRUE(pipeline.poll_until_count(4));
    const auto before = pipeline.events()[0].schema;
    ASSERT_TRUE(before);
    ASSERT_EQ(before->columns.size(), 5U);
    EXPECT_EQ(before->columns[0].key_index, 2U);
    EXPECT_EQ(before->columns[1].key_index, 1U);
    EXPECT_EQ(before->columns[1].default_expression, "7");
    EXPECT_FALSE(before->columns[1].nullable);
    EXPECT_EQ(before->columns[2].type.kind, TypeKind::enumeration);
    EXPECT_EQ(before->columns[2].type.labels, (Texts{"sad", "glad"}));
    EXPECT_EQ(before->columns[3].type.kind, TypeKind::array);
    EXPECT_EQ(before->columns[4].type.kind, TypeKind::unsupported) << "its text is no array's";
    const Texts texts = pipeline.texts();
    EXPECT_THAT(texts[2], ::testing::StartsWith("create shaped b=3 a=4 m=sad"));
    EXPECT_THAT(texts[2], ::testing::EndsWith("price=1.50"));
    std::shared_ptr<const TableSchema> after;
    for (const Taken& entry : pipeline.entries) {
        after = entry.schema ? entry.schema : after;
    }
    ASSERT_EQ(after->columns.size(), 6U);
    EXPECT_EQ(after->columns[5].source_type, "numeric(10,2)");
    EXPECT_EQ(after->columns[5].type.scale, 2);
}

// The session's lock_timeout is for tables that somebody has locked, not for this.
TEST_F(PostgresqlStream, a_slot_is_created_when_the_transactions_that_are_open_have_ended) {
    servers::SqlConnection writer(server_->postgres->conninfo("plant"));
    writer.sql("BEGIN; INSERT INTO t VALUES (1, 'open')");
    Pipeline pipeline(options());
    std::optional<Result<void>> opened;
    std::thread opening([&] { opened = pipeline.open(); });
    constexpr auto kMoreThanLockTimeout =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = "
        "'transactionid' AND backend_type = 'walsender' AND "
        "state_change < now() - interval '3.5 s'";
    EXPECT_TRUE(servers::poll_until(std::chrono::seconds(20), [&] {
        return opened || sql(kMoreThanLockTimeout).value() != "0";
    }));
    writer.sql("COMMIT");
    opening.join();
    ASSERT_TRUE(*opened) << opened->error().message();
    sql("INSERT INTO t VALUES (2, 'after')");
    ASSERT_TRUE(pipeline.poll_until_count(2));
    EXPECT_EQ(pipeline.texts(), (Texts{"create t id=2 v=after", "end 1"}));
}

TEST_F(PostgresqlStream, a_slow_poll_can_be_interrupted) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    ASSERT_TRUE(pipeline.poll_until([&] { return !pipeline.entries.empty(); }));
    pipeline.source->interrupt();
    const auto before = std::chrono::steady_clock::now();
    ASSERT_TRUE(pipeline.source->poll(*pipeline.assembler, std::chrono::seconds(10)));
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

// With synchronous replication a commit is streamed at once and seen by other sessions only when
// the standby has it. The type of the column is known to the catalogue only then.
TEST_F(PostgresqlStream, a_structure_is_read_when_its_transaction_is_visible) {
    sql("CREATE TABLE late (id int PRIMARY KEY); CREATE PUBLICATION late FOR TABLE late");
    Options late = options();
    late.publication = "late";
    Pipeline pipeline(late);
    ASSERT_TRUE(pipeline.open());
    const auto set = [](const std::string& setting) {
        servers::SqlConnection connection(server_->postgres->conninfo("plant"));
        connection.sql("SET synchronous_commit = local");
        connection.sql("ALTER SYSTEM " + setting);
        connection.sql("SELECT pg_reload_conf()");
    };
    set("SET synchronous_standby_names = 'nobody'");
    ASSERT_TRUE(servers::poll_until(std::chrono::seconds(20), [] {
        return sql("SHOW synchronous_standby_names").value() == "nobody";
    }));
    servers::SqlConnection writer(server_->postgres->conninfo("plant"));
    ASSERT_EQ(
        PQsendQuery(writer.handle(),
                    "BEGIN; CREATE TYPE lately AS ENUM ('ok'); ALTER TABLE late ADD m lately; "
                    "INSERT INTO late VALUES (1, 'ok'); COMMIT"),
        1);
    bool asked = false;
    std::thread standby([&] {
        const std::string asks =
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_visible_in_snapshot%' "
            "AND pid <> pg_backend_pid()";
        servers::SqlConnection connection(server_->postgres->conninfo("plant"));
        asked = servers::poll_until(std::chrono::seconds(8),
                                    [&] { return connection.sql(asks).value() != "0"; });
        set("RESET synchronous_standby_names");
    });
    const auto polled = pipeline.poll_until_count(2);
    standby.join();
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_TRUE(asked);
    EXPECT_EQ(pipeline.texts(), (Texts{"create late id=1 m=ok", "end 1"}));
}

}  // namespace
}  // namespace tributary::postgresql::testing
