// The test servers themselves: they start, are ours, survive kill -9 with their data, restart on
// the same port and stop.
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <string>

#include "tests/servers/failure.h"
#include "tests/servers/kafka.h"
#include "tests/servers/kafka_reader.h"
#include "tests/servers/mysqld.h"
#include "tests/servers/postgres.h"

namespace tributary::servers {
namespace {

constexpr int kLimitMs = 60000;

void succeed(rd_kafka_error_t* raw, const char* what) {
    const ErrorHandle error(raw);
    ASSERT_EQ(error, nullptr) << what << ": " << rd_kafka_error_string(error.get());
}

// One transaction of one record; left open when `commit` is false (the client is destroyed with
// it).
void produce(const Kafka& kafka, const std::string& topic, const std::string& value, bool commit) {
    const ClientHandle client = make_client(
        RD_KAFKA_PRODUCER,
        {{"bootstrap.servers", kafka.bootstrap()}, {"transactional.id", "servers-test"}});
    succeed(rd_kafka_init_transactions(client.get(), kLimitMs), "init");
    succeed(rd_kafka_begin_transaction(client.get()), "begin");
    std::array<rd_kafka_vu_t, 4> fields{};
    fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    fields[0].u.cstr = topic.c_str();
    fields[1].vtype = RD_KAFKA_VTYPE_KEY;
    fields[1].u.mem = {.ptr = const_cast<char*>("k"), .size = 1};
    fields[2].vtype = RD_KAFKA_VTYPE_VALUE;
    fields[2].u.mem = {.ptr = const_cast<char*>(value.data()), .size = value.size()};
    fields[3].vtype = RD_KAFKA_VTYPE_HEADER;
    fields[3].u.header = {.name = "tributary", .val = "id", .size = 2};
    succeed(rd_kafka_produceva(client.get(), fields.data(), fields.size()), "produce");
    ASSERT_EQ(rd_kafka_flush(client.get(), kLimitMs), RD_KAFKA_RESP_ERR_NO_ERROR);
    if (commit) {
        succeed(rd_kafka_commit_transaction(client.get(), kLimitMs), "commit");
    }
}

class KafkaServer : public testing::TestWithParam<const char*> {};

TEST_P(KafkaServer, keeps_a_committed_record_over_kill_9_and_restart) {
    const TemporaryDirectory folder;
    Kafka kafka({.directory = folder.path() / "kafka",
                 .version = GetParam(),
                 .properties = {{"message.max.bytes", "2000000"}}});
    const std::uint16_t port = kafka.port();
    kafka.create_topic("plant.public.press", 2, {{"cleanup.policy", "compact"}});
    produce(kafka, "plant.public.press", "one", true);

    {
        // Until its commit marker is written a 4.x broker in combined mode may lose the marker
        // (kafka.h).
        KafkaReader before({.bootstrap = kafka.bootstrap()});
        EXPECT_EQ(before.read("plant.public.press").size(), 1U);
    }

    kafka.kill9();
    EXPECT_FALSE(kafka.running());
    kafka.start();
    EXPECT_EQ(kafka.port(), port);

    // Settled first: a new producer of the same id has the old transaction's markers written.
    produce(kafka, "plant.public.press", "two", true);
    KafkaReader reader({.bootstrap = kafka.bootstrap()});
    EXPECT_EQ(reader.topics(), std::vector<std::string>{"plant.public.press"});
    EXPECT_EQ(reader.partitions_of("plant.public.press"), 2);
    const std::vector<KafkaRecord> records = reader.read("plant.public.press");
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].key, "k");
    EXPECT_EQ(records[0].value, "one");
    EXPECT_GT(records[0].timestamp_ms, 0);
    ASSERT_NE(records[0].header("tributary"), nullptr);
    EXPECT_EQ(records[0].header("tributary")->value, "id");
    EXPECT_EQ(records[0].header("other"), nullptr);
    EXPECT_THROW(static_cast<void>(reader.read("no.such.topic")), ServerFailure);
    kafka.stop();
    EXPECT_FALSE(kafka.running());
}

TEST_P(KafkaServer, shows_an_open_transaction_only_to_a_read_uncommitted_reader) {
    const TemporaryDirectory folder;
    Kafka kafka({.directory = folder.path() / "kafka", .version = GetParam()});
    kafka.create_topic("t");
    produce(kafka, "t", "committed", true);
    produce(kafka, "t", "open", false);

    KafkaReader dirty(
        {.bootstrap = kafka.bootstrap(), .isolation = KafkaIsolation::read_uncommitted});
    EXPECT_EQ(dirty.read("t").size(), 2U);
    KafkaReader impatient({.bootstrap = kafka.bootstrap(), .limit = std::chrono::seconds(2)});
    EXPECT_THROW(static_cast<void>(impatient.read("t")), ServerFailure);

    produce(kafka, "t", "settled", true);  // its init_transactions aborts the open one
    KafkaReader clean({.bootstrap = kafka.bootstrap()});
    const std::vector<KafkaRecord> records = clean.read("t");
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].value, "committed");
    EXPECT_EQ(records[1].value, "settled");

    clean.follow("t");
    EXPECT_EQ(clean.next(std::chrono::seconds(20)).value().value, "committed");
    EXPECT_EQ(clean.next(std::chrono::seconds(20)).value().value, "settled");
    EXPECT_EQ(clean.next(std::chrono::milliseconds(200)), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(EachVersion,
                         KafkaServer,
                         testing::Values(kKafka3, kKafka4),
                         [](const auto& parameter) {
                             return std::string(parameter.param).substr(0, 1) + "_x";
                         });

TEST(PostgresServer, keeps_a_committed_row_over_kill_9_and_restart) {
    const TemporaryDirectory folder;
    Postgres postgres({.directory = folder.path() / "postgres", .fsync = true});
    const std::uint16_t port = postgres.port();
    EXPECT_EQ(postgres.sql("SHOW wal_level").value(), "logical");
    postgres.sql(
        "CREATE TABLE press (id int PRIMARY KEY, name text); INSERT INTO press VALUES (1, NULL)");

    const pid_t killed = postgres.pid();
    postgres.kill9();
    EXPECT_FALSE(process_exists(killed));
    postgres.start();
    EXPECT_EQ(postgres.port(), port);
    const SqlRows rows = postgres.sql("SELECT id, name FROM press");
    ASSERT_EQ(rows.rows.size(), 1U);
    EXPECT_EQ(rows.columns, (std::vector<std::string>{"id", "name"}));
    EXPECT_EQ(rows.rows[0], (std::vector<SqlCell>{"1", std::nullopt}));
    postgres.restart();
    EXPECT_EQ(postgres.sql("SELECT count(*) FROM press").value(), "1");
    postgres.stop();
    EXPECT_FALSE(postgres.running());
}

TEST(PostgresServer, admits_a_tcp_user_only_with_the_password) {
    const TemporaryDirectory folder;
    Postgres postgres({.directory = folder.path() / "postgres"});
    postgres.create_user("tributary", "it's", "REPLICATION");
    const std::string base =
        "host=127.0.0.1 dbname=postgres user=tributary port=" + std::to_string(postgres.port()) +
        " password=";
    EXPECT_EQ(SqlConnection(base + conninfo_value("it's")).sql("SELECT 1").value(), "1");
    EXPECT_NO_THROW(SqlConnection(base + conninfo_value("it's") + " replication=database"));
    EXPECT_THROW(SqlConnection(base + "wrong"), ServerFailure);
    EXPECT_THROW(postgres.sql("SELEKT"), ServerFailure);
}

TEST(PostgresServer, answers_again_after_freeze_and_thaw) {
    const TemporaryDirectory folder;
    Postgres postgres({.directory = folder.path() / "postgres"});
    postgres.freeze();
    postgres.thaw();
    EXPECT_EQ(postgres.sql("SELECT 1").value(), "1");
}

class MysqlServer : public testing::TestWithParam<MysqldKind> {};

TEST_P(MysqlServer, keeps_a_committed_row_over_kill_9_and_restart) {
    const TemporaryDirectory folder;
    Mysqld server({.directory = folder.path() / "mysql", .kind = GetParam(), .fsync = true});
    const std::uint16_t port = server.port();
    EXPECT_EQ(server.sql("SELECT @@binlog_row_metadata").value(), "FULL");
    server.sql(
        "CREATE DATABASE plant; CREATE TABLE plant.press (id int PRIMARY KEY, name text); "
        "INSERT INTO plant.press VALUES (1, NULL)");

    const pid_t killed = server.pid();
    server.kill9();
    EXPECT_FALSE(process_exists(killed));
    server.start();
    EXPECT_EQ(server.port(), port);
    const SqlRows rows = server.sql("SELECT id, name FROM press", "plant");
    ASSERT_EQ(rows.rows.size(), 1U);
    EXPECT_EQ(rows.columns, (std::vector<std::string>{"id", "name"}));
    EXPECT_EQ(rows.rows[0], (std::vector<SqlCell>{"1", std::nullopt}));
    server.restart();
    EXPECT_EQ(server.sql("SELECT count(*) FROM plant.press").value(), "1");
    server.stop();
    EXPECT_FALSE(server.running());
}

TEST_P(MysqlServer, admits_a_tcp_user_only_with_the_password) {
    const TemporaryDirectory folder;
    Mysqld server({.directory = folder.path() / "mysql", .kind = GetParam()});
    server.create_user("tributary", "it's", "REPLICATION SLAVE");
    MysqlConnection::Address address{.socket = {},
                                     .host = "127.0.0.1",
                                     .port = server.port(),
                                     .user = "tributary",
                                     .password = "it's",
                                     .database = {}};
    EXPECT_EQ(MysqlConnection(address).sql("SELECT 1").value(), "1");
    address.password = "wrong";
    EXPECT_THROW(MysqlConnection{address}, ServerFailure);
    address.user = "root";
    address.password = "";
    EXPECT_THROW(MysqlConnection{address}, ServerFailure);
    EXPECT_THROW(server.sql("SELEKT"), ServerFailure);
}

INSTANTIATE_TEST_SUITE_P(EachKind,
                         MysqlServer,
                         testing::Values(MysqldKind::mariadb, MysqldKind::mysql),
                         [](const auto& parameter) {
                             return parameter.param == MysqldKind::mysql ? "mysql" : "mariadb";
                         });

TEST(PortLease, gives_each_holder_another_port) {
    const PortLease first;
    const PortLease second;
    EXPECT_NE(first.port(), second.port());
}

TEST(Process, reports_code_signal_and_a_program_that_is_not_there) {
    const TemporaryDirectory folder;
    const std::chrono::seconds limit(20);
    Process fails = Process::spawn({.command = {"false"}});
    EXPECT_EQ(fails.wait(limit).value().code, 1);
    Process sleeps = Process::spawn({.command = {"sleep", "600"}});
    EXPECT_TRUE(sleeps.running());
    sleeps.signal(SIGTERM);
    EXPECT_EQ(sleeps.wait(limit).value().signal, SIGTERM);
    EXPECT_THROW(static_cast<void>(Process::spawn({.command = {"no-such-program-here"}})),
                 ServerFailure);
    EXPECT_THROW(run_to_end({.command = {"sleep", "600"}}, std::chrono::milliseconds(50)),
                 ServerFailure);
}

}  // namespace
}  // namespace tributary::servers
