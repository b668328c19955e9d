// A session stays alive while nobody reads it, and never holds up a server that shuts down.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/integration/postgresql/rig.h"

namespace tributary::postgresql::testing {
namespace {

// catalogue: F13 F45
TEST(PostgresqlLiveness, a_session_that_is_not_read_outlives_wal_sender_timeout) {
    Server server(Settings{{"wal_sender_timeout", "2s"}});
    server.sql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE PUBLICATION plant FOR TABLE t");
    Pipeline pipeline(server.options("mine"));
    ASSERT_TRUE(pipeline.open());
    const auto walsender = [&server] {
        return server.sql("SELECT active_pid FROM pg_replication_slots").value();
    };
    const std::string pid = walsender();
    // More than the sockets hold, so that the server waits in a send.
    server.sql("INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 30000) g");
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(6);
    while (std::chrono::steady_clock::now() < end) {
        const auto idled = pipeline.source->idle(std::chrono::milliseconds(100));
        ASSERT_TRUE(idled) << idled.error().message();
    }
    EXPECT_EQ(walsender(), pid);
    const auto polled = pipeline.poll_until_count(30001);
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts().back(), "end 30000");
    EXPECT_EQ(walsender(), pid);
}

// Runs a fast shutdown beside a pipeline that is polled, or left idle, and confirms no more. The
// first transaction is confirmed: of a reader that never confirmed anything the server does not
// expect it.
void expect_shutdown_within(std::chrono::seconds limit, bool reading) {
    Server server;
    server.sql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE PUBLICATION plant FOR TABLE t");
    Pipeline pipeline(server.options("mine"));
    ASSERT_TRUE(pipeline.open());
    server.sql("INSERT INTO t VALUES (1, 'a')");
    ASSERT_TRUE(pipeline.poll_until_count(2));
    pipeline.source->confirm(pipeline.assembler->position().resume);
    const std::string held = pipeline.source->describe(pipeline.assembler->position().resume);
    ASSERT_TRUE(pipeline.poll_until([&] {
        return server.sql("SELECT confirmed_flush_lsn FROM pg_replication_slots").value() == held;
    }));
    server.sql("INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(2, 20000) g");
    std::atomic<bool> stop{false};
    std::string left;
    std::thread agent([&] {
        while (!stop) {
            const auto result =
                reading ? pipeline.source->poll(*pipeline.assembler, std::chrono::milliseconds(50))
                        : pipeline.source->idle(std::chrono::milliseconds(50));
            if (!result) {
                left = result.error().message();
                pipeline.source->close(std::chrono::milliseconds(0));
                return;
            }
            [[maybe_unused]] const auto taken = pipeline.assembler->take();
        }
    });
    const auto before = std::chrono::steady_clock::now();
    EXPECT_NO_THROW(server.postgres->stop(servers::PostgresStop::fast, limit));
    const auto took = std::chrono::steady_clock::now() - before;
    stop = true;
    agent.join();
    EXPECT_GT(took, std::chrono::seconds(10)) << "nothing was waited for: the test proves nothing";
    EXPECT_NE(left.find("shutting down"), std::string::npos) << left;
}

// catalogue: F50
TEST(PostgresqlLiveness, a_fast_shutdown_is_not_held_up_by_a_reader_that_cannot_confirm) {
    expect_shutdown_within(std::chrono::seconds(30), true);
}

// catalogue: F50
TEST(PostgresqlLiveness, a_fast_shutdown_is_not_held_up_by_a_reader_that_is_paused) {
    expect_shutdown_within(std::chrono::seconds(30), false);
}

TEST(PostgresqlLiveness, a_fast_shutdown_ends_at_once_when_everything_is_confirmed) {
    Server server;
    server.sql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE PUBLICATION plant FOR TABLE t");
    Pipeline pipeline(server.options("mine"));
    ASSERT_TRUE(pipeline.open());
    server.sql("INSERT INTO t VALUES (1, 'a')");
    ASSERT_TRUE(pipeline.poll_until_count(2));
    std::atomic<bool> stop{false};
    std::thread agent([&] {
        while (!stop) {
            const auto polled =
                pipeline.source->poll(*pipeline.assembler, std::chrono::milliseconds(50));
            [[maybe_unused]] const auto taken = pipeline.assembler->take();
            pipeline.source->confirm(pipeline.assembler->position().resume);
            if (!polled) {
                pipeline.source->close(std::chrono::milliseconds(0));
                return;
            }
        }
    });
    EXPECT_NO_THROW(server.postgres->stop(servers::PostgresStop::fast, std::chrono::seconds(12)));
    stop = true;
    agent.join();
}

}  // namespace
}  // namespace tributary::postgresql::testing
