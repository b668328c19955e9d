// The dump over TLS with a verified server, a compressed transaction, and MySQL's default accounts.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/mysql/rig.h"
#include "tests/servers/process.h"

namespace tributary::mysql::testing {
namespace {

using servers::MysqldKind;

// A certificate of its own authority for 127.0.0.1, made by openssl.
class Certificates {
  public:
    explicit Certificates(const std::filesystem::path& folder) : folder_(folder) {
        std::filesystem::create_directories(folder_);
        std::ofstream(folder_ / "san") << "subjectAltName=IP:127.0.0.1\n";
        openssl({"req",
                 "-x509",
                 "-newkey",
                 "rsa:2048",
                 "-nodes",
                 "-days",
                 "2",
                 "-subj",
                 "/CN=authority",
                 "-keyout",
                 path("ca.key"),
                 "-out",
                 path("ca.pem")});
        openssl({"req",
                 "-newkey",
                 "rsa:2048",
                 "-nodes",
                 "-subj",
                 "/CN=server",
                 "-keyout",
                 path("server.key"),
                 "-out",
                 path("server.csr")});
        openssl({"x509",
                 "-req",
                 "-days",
                 "2",
                 "-in",
                 path("server.csr"),
                 "-CA",
                 path("ca.pem"),
                 "-CAkey",
                 path("ca.key"),
                 "-CAcreateserial",
                 "-extfile",
                 path("san"),
                 "-out",
                 path("server.pem")});
        servers::give_to_service_user(path("server.key"));
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return (folder_ / name).string();
    }

  private:
    void openssl(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "openssl");
        servers::run_to_end({.command = arguments, .output_file = folder_ / "openssl.log"},
                            std::chrono::seconds(60));
    }
    std::filesystem::path folder_;
};

class MysqlTls : public ::testing::TestWithParam<MysqldKind> {};

// catalogue: F40
TEST_P(MysqlTls, follows_over_tls_with_a_verified_server_and_refuses_another_authority) {
    const servers::TemporaryDirectory folder;
    const Certificates mine(folder.path() / "mine");
    const Certificates foreign(folder.path() / "foreign");
    Server server(GetParam(),
                  {{"ssl-ca", mine.path("ca.pem")},
                   {"ssl-cert", mine.path("server.pem")},
                   {"ssl-key", mine.path("server.key")}});
    server.sql("CREATE TABLE t (id int PRIMARY KEY, v longtext) ENGINE=InnoDB");
    Options options = server.options();
    options.connection.sslmode = Tls::verify_full;
    options.connection.sslrootcert = mine.path("ca.pem");
    Pipeline pipeline(options);
    const auto opened = pipeline.open();
    ASSERT_TRUE(opened) << opened.error().message();
    server.sql("INSERT INTO t VALUES (1, 'x'), (2, REPEAT('z', 3000000))");
    const auto polled = pipeline.poll_until_count(3);
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts(),
              (Texts{"create t id=1 v=x", "create t id=2 v=" + std::string(40, 'z'), "end 2"}));

    options.connection.sslrootcert = foreign.path("ca.pem");
    Pipeline refused(options);
    const auto error = refused.open();
    ASSERT_FALSE(error);
    EXPECT_TRUE(error.error().is(errors::kSourceTls)) << error.error().message();
}

INSTANTIATE_TEST_SUITE_P(EachKind,
                         MysqlTls,
                         ::testing::Values(MysqldKind::mariadb, MysqldKind::mysql),
                         [](const auto& parameter) {
                             return parameter.param == MysqldKind::mysql ? "mysql" : "mariadb";
                         });

// catalogue: F53 F60
TEST(MysqlCompressed, a_compressed_transaction_arrives_whole_small_or_larger_than_what_is_held) {
    Server server(MysqldKind::mysql, {{"binlog_transaction_compression", "ON"}});
    server.sql("CREATE TABLE t (id int PRIMARY KEY, v longtext) ENGINE=InnoDB");
    Pipeline pipeline(server.options());
    const auto opened = pipeline.open();
    ASSERT_TRUE(opened) << opened.error().message();
    server.sql("BEGIN; INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (2, 'b'); COMMIT");
    // Random bytes do not shrink: the payload is above the 4 MiB that are held.
    std::string statements = "BEGIN;";
    for (int id = 3; id < 11; ++id) {
        statements += "INSERT INTO t SELECT " + std::to_string(id) +
                      ", CONCAT('r', GROUP_CONCAT(HEX(RANDOM_BYTES(1000)) SEPARATOR '')) FROM "
                      "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                      "900) SELECT i FROM n) m;";
    }
    server.sql("SET SESSION group_concat_max_len = 100000000;" + statements + "COMMIT");
    const auto polled = pipeline.poll_until_count(12);
    ASSERT_TRUE(polled) << polled.error().message();
    const auto texts = pipeline.texts();
    EXPECT_EQ(texts[0], "create t id=1 v=a");
    EXPECT_EQ(texts[2], "end 2");
    for (int id = 3; id < 11; ++id) {
        EXPECT_EQ(texts[static_cast<std::size_t>(id)].substr(0, id > 9 ? 18 : 17),
                  "create t id=" + std::to_string(id) + " v=r");
    }
    EXPECT_EQ(texts[11], "end 8");
}

// A payload over max_allowed_packet, which SHOW BINLOG EVENTS refuses to read.
TEST(MysqlCompressed, what_the_server_cannot_show_proves_no_structure_and_stops_nothing) {
    Server server(MysqldKind::mysql, {{"binlog_transaction_compression", "ON"}});
    server.sql("CREATE TABLE t (id int PRIMARY KEY, v longtext) ENGINE=InnoDB");
    auto writer = server.mysqld->connect("plant");
    server.sql("SET GLOBAL max_allowed_packet = 65536");
    Options options = server.options();
    options.schema_changes = true;
    Pipeline pipeline(options);
    ASSERT_TRUE(pipeline.open());
    std::string statements = "ALTER TABLE t ADD w int; BEGIN;";
    for (int id = 0; id < 300; ++id) {
        statements += "INSERT INTO t VALUES (" + std::to_string(id) +
                      ", CONCAT('r', HEX(RANDOM_BYTES(1000))), 7);";
    }
    writer.sql(statements + "COMMIT");
    const auto polled = pipeline.poll_until_count(303);
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts()[0], "ALTER TABLE t ADD w int") << "its text alone";
    EXPECT_EQ(pipeline.texts().back(), "end 300");
}

}  // namespace
}  // namespace tributary::mysql::testing
