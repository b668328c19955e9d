// A binary log that the server keeps encrypted is followed as any other: the server deciphers what
// it sends, and places are those of the plain bytes. MySQL 9 with its keyring in a file; MariaDB
// with its keys in one.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/mysql/rig.h"

namespace tributary::mysql::testing {
namespace {

using servers::MysqldKind;

// A server that can be told to encrypt.
class EncryptedBinlog : public ::testing::TestWithParam<MysqldKind> {
  protected:
    void SetUp() override {
        servers::give_to_service_user(secrets_.path());
        server_.sql("CREATE TABLE t (id int PRIMARY KEY, v varchar(200)) ENGINE=InnoDB");
    }

    // From the next file on, which begins with the server's next start.
    void encrypt() {
        servers::Mysqld& server = *server_.mysqld;
        server.stop();
        if (server.mysql()) {
            const auto plugins = secrets_.path() / "plugin";
            std::filesystem::create_directory(plugins);
            std::filesystem::copy(server.plugin_directory() / "component_keyring_file.so", plugins);
            write(manifest(), R"({"components": "file://component_keyring_file"})");
            write(plugins / "component_keyring_file.cnf",
                  R"({"read_only": false, "path": ")" + (secrets_.path() / "keyring").string() +
                      R"("})");
            server.set("plugin-dir", plugins.string());
            server.set("binlog-encryption", "ON");
        } else {
            const auto keys = secrets_.path() / "keys";
            write(keys, "1;" + std::string(64, 'a') + "\n");
            server.set("plugin-load-add", "file_key_management");
            server.set("file-key-management-filename", keys.string());
            server.set("encrypt-binlog", "ON");
        }
        server.start();
    }

    // Neither a name nor a value of the rows can be read in the file that is written now.
    void expect_encrypted() {
        const std::string name = *server_.sql("SHOW BINARY LOGS").rows.back()[0];
        std::ifstream file(server_.mysqld->data_directory() / name, std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(file)),
                                std::istreambuf_iterator<char>());
        EXPECT_GT(bytes.size(), 100'000U);
        EXPECT_EQ(bytes.find("plant"), std::string::npos);
        EXPECT_EQ(bytes.find("yyyy"), std::string::npos);
    }

    // Killed again and again until all that is expected is there.
    static void follow(Pipeline& pipeline, const Texts& expected) {
        int restarts = 0;
        for (std::size_t seen = 2; seen < expected.size(); ++restarts) {
            pipeline.restart();
            const auto opened = pipeline.reopen();
            ASSERT_TRUE(opened) << opened.error().message();
            const auto polled = pipeline.poll_until_count(seen + 1);
            ASSERT_TRUE(polled) << polled.error().message();
            seen = pipeline.events().size();
        }
        EXPECT_GE(restarts, 3);
        EXPECT_TRUE(pipeline.texts() == expected) << pipeline.texts().rbegin()[1];
        EXPECT_EQ(pipeline.observer.lines.find("cannot be compared"), std::string::npos)
            << pipeline.observer.lines;
    }

    [[nodiscard]] std::filesystem::path manifest() const { return secrets_.path() / "mysqld.my"; }
    static void write(const std::filesystem::path& path, const std::string& text) {
        std::ofstream(path) << text;
        servers::give_to_service_user(path);
    }

    servers::TemporaryDirectory secrets_{"tributary-keys"};
    Server server_{GetParam(), {}, secrets_.path() / "mysqld"};
};

// From a plain file into encrypted ones.
TEST_P(EncryptedBinlog, is_followed_exactly_by_gtid_and_by_file_and_offset) {
    Options options = server_.options();
    options.schema_changes = true;
    Pipeline by_gtid(options, 1);  // a sink of one block: poll() returns in the middle
    options = server_.options();
    options.schema_changes = true;
    options.gtid = GtidMode::off;
    Pipeline by_place(options, 1);
    ASSERT_TRUE(by_gtid.open());
    ASSERT_TRUE(by_place.open());
    server_.sql("INSERT INTO t VALUES (1, 'x')");
    ASSERT_TRUE(by_gtid.poll_until_count(2));
    ASSERT_TRUE(by_place.poll_until_count(2));
    encrypt();
    std::string statements = "BEGIN;";
    Texts expected{"create t id=1 v=x", "end 1"};
    for (int id = 10; id < 1500; ++id) {
        statements += "INSERT INTO t VALUES (" + std::to_string(id) + ", REPEAT('y', 180));";
        expected.push_back("create t id=" + std::to_string(id) + " v=" + std::string(40, 'y'));
    }
    server_.sql(statements + "COMMIT");
    expect_encrypted();
    server_.sql("FLUSH BINARY LOGS; INSERT INTO t VALUES (2, 'x'); ALTER TABLE t ADD w int");
    for (const char* const text : {"end 1490",
                                   "create t id=2 v=x",
                                   "end 1",
                                   "ALTER TABLE t ADD w int id=none v=none w=none",
                                   ""}) {
        expected.emplace_back(text);
    }
    follow(by_gtid, expected);
    follow(by_place, expected);
}

// No "mariadb": where another one is chosen (CMakeLists.txt), its plugin for keys is not there.
INSTANTIATE_TEST_SUITE_P(EachKind,
                         EncryptedBinlog,
                         ::testing::Values(MysqldKind::mariadb, MysqldKind::mysql),
                         [](const auto& parameter) {
                             return parameter.param == MysqldKind::mysql ? "MySQL" : "MariaDB";
                         });

}  // namespace
}  // namespace tributary::mysql::testing
