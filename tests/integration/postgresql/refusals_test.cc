// What a source refuses to begin with, each by its named error, beside the case that it accepts.
#include <gtest/gtest.h>

#include "base/interrupter.h"
#include "connectors/postgresql/position.h"
#include "connectors/postgresql/server/connection.h"
#include "tests/integration/postgresql/rig.h"

namespace tributary::postgresql::testing {
namespace {

class PostgresqlRefuses : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        server_ = std::make_unique<Server>(
            Settings{{"max_replication_slots", "3"}, {"max_slot_wal_keep_size", "64MB"}});
        server_->sql("CREATE TABLE t (id int PRIMARY KEY, v text)");
        server_->sql("CREATE TABLE u (id int PRIMARY KEY)");
        server_->sql("CREATE PUBLICATION plant FOR TABLE t");
    }
    static void TearDownTestSuite() { server_.reset(); }
    void TearDown() override {
        pipeline_.reset();
        ASSERT_TRUE(servers::poll_until(std::chrono::seconds(20), [] {
            return sql("SELECT count(*) FROM pg_replication_slots WHERE active").value() == "0";
        }));
        sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
    }

    static servers::SqlRows sql(const std::string& text) { return server_->sql(text); }
    static Options options() { return server_->options("mine"); }

    Result<void> open(const Options& options, const StartPoint& start = {}) {
        pipeline_ = std::make_unique<Pipeline>(options);
        return pipeline_->source->open(start, pipeline_->side);
    }
    void expect_refused(const Result<void>& opened, const ErrorKind& kind) {
        ASSERT_FALSE(opened) << "was accepted";
        EXPECT_TRUE(opened.error().is(kind)) << opened.error().message();
        EXPECT_EQ(opened.error().message().find("secret-of-the-test"), std::string::npos);
    }
    static StartPoint at(const std::string& lsn) {
        const Lsn position = *parse_lsn(lsn);
        return {encode_resume(position), encode_done(done_below(position))};
    }

    static std::unique_ptr<Server> server_;
    std::unique_ptr<Pipeline> pipeline_;
};

std::unique_ptr<Server> PostgresqlRefuses::server_;

TEST_F(PostgresqlRefuses, nothing_of_a_server_that_suits) {
    const auto opened = open(options());
    EXPECT_TRUE(opened) << opened.error().message();
}

TEST_F(PostgresqlRefuses, a_wrong_password) {
    Options wrong = options();
    wrong.connection.password = config::Secret("wrong-secret-of-the-test");
    expect_refused(open(wrong), errors::kSourceAuth);
}

TEST_F(PostgresqlRefuses, a_database_that_does_not_exist) {
    Options wrong = options();
    wrong.connection.dbname = "nowhere";
    expect_refused(open(wrong), errors::kConfigInvalid);
}

TEST_F(PostgresqlRefuses, a_server_without_tls_unless_told_otherwise) {
    Options strict = options();
    strict.connection.sslmode = "require";
    expect_refused(open(strict), errors::kSourceTls);
    strict.connection.sslmode = "verify-full";
    strict.connection.sslrootcert = "/nonexistent/root.crt";
    expect_refused(open(strict), errors::kSourceTls);
}

TEST_F(PostgresqlRefuses, a_port_where_nobody_listens) {
    Options wrong = options();
    wrong.connection.port = servers::free_port();
    expect_refused(open(wrong), errors::kSourceUnreachable);
}

TEST_F(PostgresqlRefuses, a_role_that_may_not_replicate) {
    sql("DROP ROLE IF EXISTS plain");
    server_->postgres->create_user("plain", "secret-of-the-test", "");
    Options plain = options();
    plain.connection.user = "plain";
    expect_refused(open(plain), errors::kSourceRights);
}

TEST_F(PostgresqlRefuses, to_begin_when_no_slot_is_free) {
    sql("SELECT pg_create_physical_replication_slot('a' || g) FROM generate_series(1, 3) g");
    expect_refused(open(options()), errors::kSlotLimit);
}

TEST_F(PostgresqlRefuses, a_slot_that_another_reader_holds) {
    Pipeline other(options());
    ASSERT_TRUE(other.open());
    const auto opened = open(options());
    expect_refused(opened, errors::kSlotInUse);
    const std::string pid =
        sql("SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'mine'").value();
    EXPECT_NE(opened.error().what().find(pid), std::string::npos) << opened.error().what();
}

TEST_F(PostgresqlRefuses, a_slot_of_another_plugin_or_database) {
    sql("SELECT pg_create_logical_replication_slot('mine', 'test_decoding')");
    expect_refused(open(options()), errors::kSlotForeign);
    sql("SELECT pg_drop_replication_slot('mine')");
    server_->postgres->sql("SELECT pg_create_logical_replication_slot('mine', 'pgoutput')");
    expect_refused(open(options()), errors::kSlotForeign);
    server_->postgres->sql("SELECT pg_drop_replication_slot('mine')");
    sql("SELECT pg_create_physical_replication_slot('mine')");
    expect_refused(open(options()), errors::kSlotForeign);
}

// catalogue: F47
TEST_F(PostgresqlRefuses, a_slot_that_lost_its_wal) {
    sql("SELECT pg_create_logical_replication_slot('mine', 'pgoutput')");
    for (int segment = 0; segment < 8; ++segment) {
        sql("SELECT pg_logical_emit_message(false, 'fill', repeat('x', 1000)); SELECT "
            "pg_switch_wal()");
    }
    sql("CHECKPOINT");
    ASSERT_EQ(sql("SELECT wal_status FROM pg_replication_slots").value(), "lost");
    expect_refused(open(options()), errors::kSlotLost);
}

// catalogue: F46
TEST_F(PostgresqlRefuses, a_slot_ahead_of_us_but_not_one_behind_us) {
    const std::string early = sql("SELECT pg_current_wal_lsn()").value();
    sql("INSERT INTO t VALUES (1, 'a'); DELETE FROM t");
    sql("SELECT pg_create_logical_replication_slot('mine', 'pgoutput')");
    expect_refused(open(options(), at(early)), errors::kSourceGap);
    const std::string late = sql("SELECT pg_current_wal_flush_lsn()").value();
    const auto opened = open(options(), at(late));
    EXPECT_TRUE(opened) << opened.error().message();
}

// catalogue: F48 F49
TEST_F(PostgresqlRefuses, a_server_that_is_behind_us) {
    sql("SELECT pg_create_logical_replication_slot('mine', 'pgoutput')");
    expect_refused(open(options(), at("FF/0")), errors::kSourceRewound);
}

// catalogue: F46
TEST_F(PostgresqlRefuses, to_go_on_without_the_slot_it_had) {
    const std::string now = sql("SELECT pg_current_wal_flush_lsn()").value();
    expect_refused(open(options(), at(now)), errors::kSlotMissing);
    EXPECT_EQ(sql("SELECT count(*) FROM pg_replication_slots").value(), "0");
}

// It would hold WAL for a pipeline that cannot begin.
TEST_F(PostgresqlRefuses, rows_that_it_may_not_read_before_it_makes_a_slot) {
    sql("REVOKE SELECT ON t FROM tributary");
    Options taking = options();
    taking.snapshot = SnapshotMode::initial;
    expect_refused(open(taking), errors::kSourceRights);
    EXPECT_EQ(sql("SELECT count(*) FROM pg_replication_slots").value(), "0");
    sql("GRANT SELECT ON t TO tributary");
    const auto opened = open(taking);
    EXPECT_TRUE(opened) << opened.error().message();
    EXPECT_EQ(sql("SELECT count(*) FROM pg_replication_slots").value(), "1");
    sql("REVOKE SELECT ON t FROM tributary");
}

TEST_F(PostgresqlRefuses, to_be_reset_to_what_the_server_has_not_written_yet) {
    sql("SELECT pg_create_logical_replication_slot('mine', 'pgoutput')");
    const std::string written = sql("SELECT pg_current_wal_insert_lsn()").value();
    const auto accepted = resolve_position(options(), written);
    ASSERT_TRUE(accepted) << accepted.error().message();
    EXPECT_EQ(accepted.value(), encode_resume(*parse_lsn(written)));
    const auto refused = resolve_position(options(), "FF/0");
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kSourceRewound)) << refused.error().message();
    EXPECT_NE(refused.error().what().find("--from FF/0"), std::string::npos);
    EXPECT_TRUE(resolve_position(options(), "now"));
}

TEST_F(PostgresqlRefuses, to_create_a_slot_when_told_not_to) {
    Options careful = options();
    careful.create_slot = false;
    expect_refused(open(careful), errors::kSlotMissing);
}

// catalogue: F52
TEST_F(PostgresqlRefuses, a_publication_that_is_missing_or_leaves_things_out) {
    Options other = options();
    other.publication = "other";
    expect_refused(open(other), errors::kPublicationMissing);
    sql("CREATE PUBLICATION other FOR TABLE t WITH (publish = 'insert, update')");
    expect_refused(open(other), errors::kPublicationUnsuitable);
    EXPECT_EQ(sql("SELECT count(*) FROM pg_replication_slots").value(), "0");
    sql("ALTER PUBLICATION other SET (publish = 'insert, update, delete, truncate')");
    other.tables.include = {"public\\.u"};
    expect_refused(open(other), errors::kPublicationUnsuitable);
    other.tables.include = {"public\\.t"};
    const auto opened = open(other);
    EXPECT_TRUE(opened) << opened.error().message();
    sql("DROP PUBLICATION other");
}

// catalogue: F52
TEST_F(PostgresqlRefuses, to_stream_on_when_the_publication_is_gone) {
    sql("CREATE PUBLICATION passing FOR TABLE t");
    Options passing = options();
    passing.publication = "passing";
    ASSERT_TRUE(open(passing));
    sql("DROP PUBLICATION passing");
    sql("INSERT INTO t VALUES (5, 'e')");
    const auto polled = pipeline_->poll_until([] { return false; });
    ASSERT_FALSE(polled);
    EXPECT_TRUE(polled.error().is(errors::kPublicationMissing)) << polled.error().message();
    sql("DELETE FROM t");
}

TEST_F(PostgresqlRefuses, nothing_when_the_publication_may_be_created) {
    Options creating = options();
    creating.connection.user = server_->postgres->superuser();
    creating.connection.password = config::Secret(server_->postgres->password());
    creating.publication = "made";
    creating.create_publication = true;
    creating.tables.include = {"public\\.u"};
    const auto opened = open(creating);
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ(sql("SELECT tablename FROM pg_publication_tables WHERE pubname = 'made'").value(),
              "u");
    sql("INSERT INTO u VALUES (9)");
    ASSERT_TRUE(pipeline_->poll_until_count(2));
    EXPECT_EQ(pipeline_->texts().front(), "create u id=9");
    pipeline_.reset();
    sql("DELETE FROM u; DROP PUBLICATION made");
}

// What a role is given would otherwise end a snapshot again and again, or hide rows from it.
TEST_F(PostgresqlRefuses, no_settings_of_a_role_which_do_not_reach_its_sessions) {
    struct Setting {
        int since;
        std::string name;
        std::string theirs;
        std::string ours;
    };
    const std::vector<Setting> settings{
        {130000, "statement_timeout", "100", "0"},
        {130000, "lock_timeout", "100", "3s"},
        {130000, "idle_in_transaction_session_timeout", "100", "0"},
        {130000, "default_transaction_isolation", "serializable", "read committed"},
        {130000, "default_transaction_deferrable", "on", "off"},
        {130000, "default_transaction_read_only", "on", "off"},
        {130000, "row_security", "on", "off"},
        {130000, "role", "other", "none"},
        {140000, "idle_session_timeout", "100", "0"},
        {170000, "transaction_timeout", "100", "0"},
    };
    sql("CREATE ROLE other; GRANT other TO tributary");
    const int version = std::stoi(sql("SHOW server_version_num").value());
    for (const Setting& setting : settings) {
        if (version >= setting.since) {
            sql("ALTER ROLE tributary SET " + setting.name + " = '" + setting.theirs + "'");
        }
    }
    const Interrupter interrupter;
    for (const Purpose purpose : {Purpose::sql, Purpose::replication}) {
        auto session = Session::open(options().connection, purpose, interrupter);
        ASSERT_TRUE(session) << session.error().message();
        for (const Setting& setting : settings) {
            if (version < setting.since) {
                continue;
            }
            const auto shown =
                session.value().query("SHOW " + setting.name, std::chrono::seconds(10));
            ASSERT_TRUE(shown) << shown.error().message();
            EXPECT_EQ(shown.value().at(0, 0), setting.ours) << setting.name;
        }
    }
    sql("ALTER ROLE tributary RESET ALL; DROP ROLE other");
}

TEST_F(PostgresqlRefuses, no_rows_that_were_there_when_it_makes_the_publication) {
    sql("INSERT INTO u VALUES (7)");
    Options creating = options();
    creating.connection.user = server_->postgres->superuser();
    creating.connection.password = config::Secret(server_->postgres->password());
    creating.publication = "made";
    creating.create_publication = true;
    creating.snapshot = SnapshotMode::initial;
    creating.tables.include = {"public\\.u"};
    const auto opened = open(creating);
    ASSERT_TRUE(opened) << opened.error().message();
    const bool came = pipeline_
                          ->poll_until([this] {
                              const auto texts = pipeline_->texts();
                              return std::any_of(texts.begin(), texts.end(), [](const auto& text) {
                                  return text.find("u id=7") != std::string::npos;
                              });
                          })
                          .has_value();
    EXPECT_TRUE(came);
    pipeline_.reset();
    sql("DELETE FROM u; DROP PUBLICATION made");
}

TEST(PostgresqlSettings, refuses_a_server_whose_wal_level_is_replica) {
    Server server(Settings{{"wal_level", "replica"}});
    Pipeline pipeline(server.options("mine"));
    const auto opened = pipeline.open();
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().is(errors::kSourceSettings)) << opened.error().message();
    EXPECT_NE(opened.error().what().find("wal_level"), std::string::npos);
}

const Finding* find(const std::vector<Finding>& findings, const std::string& subject) {
    for (const Finding& finding : findings) {
        if (finding.subject == subject) {
            return &finding;
        }
    }
    return nullptr;
}

TEST_F(PostgresqlRefuses, nothing_in_a_check_but_names_what_is_missing_and_what_is_in_excess) {
    sql("DROP TABLE IF EXISTS keyless; CREATE TABLE keyless (v text)");
    sql("CREATE PUBLICATION partial FOR TABLE keyless");
    sql("DROP ROLE IF EXISTS grand");
    server_->postgres->create_user("grand", "secret-of-the-test", "CREATEDB");
    Options checked = options();
    checked.connection.user = "grand";
    checked.publication = "partial";
    checked.tables.include = {"public\\.(t|keyless)"};
    const auto findings = check(checked).findings;
    const Finding* right = find(findings, "right REPLICATION");
    ASSERT_NE(right, nullptr);
    EXPECT_EQ(right->remedy, "ALTER ROLE \"grand\" REPLICATION;");
    const Finding* excess = find(findings, "excess right CREATEDB");
    ASSERT_NE(excess, nullptr);
    EXPECT_EQ(excess->severity, Severity::warning);
    EXPECT_EQ(excess->remedy, "ALTER ROLE \"grand\" NOCREATEDB;");
    const Finding* publication = find(findings, "publication partial");
    ASSERT_NE(publication, nullptr);
    EXPECT_EQ(publication->remedy, "ALTER PUBLICATION \"partial\" ADD TABLE \"public\".\"t\";");
    const Finding* keyless = find(findings, "table public.keyless");
    ASSERT_NE(keyless, nullptr);
    EXPECT_EQ(keyless->severity, Severity::warning);
    sql("DROP TABLE keyless; DROP PUBLICATION partial");
    for (const Finding& finding : check(options()).findings) {
        EXPECT_EQ(finding.severity, Severity::ok) << finding.subject << ": " << finding.what;
    }
    EXPECT_EQ(sql("SELECT count(*) FROM pg_replication_slots").value(), "0");
}

TEST_F(PostgresqlRefuses, nothing_in_a_check_but_says_what_a_snapshot_or_a_publication_needs) {
    sql("CREATE TABLE rls (o name PRIMARY KEY); ALTER TABLE rls ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY mine ON rls USING (o = current_user); GRANT SELECT ON rls TO tributary;"
        "CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (9);"
        "CREATE PUBLICATION rls FOR TABLE rls; CREATE PUBLICATION part FOR TABLE part");
    Options checked = options();
    checked.publication = "rls";
    checked.tables.include = {"public\\.rls"};
    checked.snapshot = SnapshotMode::initial;
    const auto remedy = [&checked](const std::string& subject) {
        const auto findings = check(checked).findings;
        const Finding* found = find(findings, subject);
        return found == nullptr ? "nothing of " + subject : found->remedy;
    };
    EXPECT_EQ(remedy("table public.rls"),
              "ALTER ROLE \"tributary\" BYPASSRLS; or snapshot.mode: no_data, if only changes are "
              "wanted");
    expect_refused(open(checked), errors::kSourceRights);
    sql("ALTER ROLE tributary BYPASSRLS");
    EXPECT_EQ(remedy("table public.rls"), "nothing of table public.rls");
    EXPECT_EQ(remedy("excess right BYPASSRLS"), "nothing of excess right BYPASSRLS");
    sql("ALTER ROLE tributary NOBYPASSRLS");

    checked.publication = "part";
    checked.tables.include = {"public\\.part"};
    checked.snapshot = SnapshotMode::no_data;
    EXPECT_EQ(remedy("publication part"),
              "ALTER PUBLICATION \"part\" SET (publish_via_partition_root = true); or name the "
              "partitions in tables.include");
    sql("ALTER PUBLICATION \"part\" SET (publish_via_partition_root = true)");
    EXPECT_EQ(remedy("publication part"), "");

    checked.publication = "unmade";
    checked.slot = "unmade";
    checked.create_publication = true;
    checked.tables.include = {"public\\.rls"};
    EXPECT_EQ(
        remedy("publication unmade"),
        "CREATE PUBLICATION \"unmade\" FOR TABLE \"public\".\"rls\"; -- as their owner, or as "
        "a superuser");
    sql("ALTER TABLE rls OWNER TO tributary");
    EXPECT_EQ(remedy("publication unmade"), "GRANT CREATE ON DATABASE \"plant\" TO \"tributary\";");
    sql("GRANT CREATE ON DATABASE plant TO tributary");
    EXPECT_EQ(remedy("publication unmade"), "");
    sql("REVOKE CREATE ON DATABASE plant FROM tributary;"
        "DROP PUBLICATION rls; DROP PUBLICATION part; DROP TABLE rls; DROP TABLE part");
}

}  // namespace
}  // namespace tributary::postgresql::testing
