// Over TLS the same stream arrives, also when records and reads do not fall together, and only from
// the server that the certificate names.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/integration/postgresql/rig.h"

namespace tributary::postgresql::testing {
namespace {

// A self-signed certificate for 127.0.0.1, and its key.
void make_certificate(const std::filesystem::path& directory, const std::string& name) {
    const std::filesystem::path key = directory / (name + ".key");
    servers::run_to_end({.command = {"openssl",
                                     "req",
                                     "-x509",
                                     "-newkey",
                                     "ec",
                                     "-pkeyopt",
                                     "ec_paramgen_curve:prime256v1",
                                     "-nodes",
                                     "-days",
                                     "2",
                                     "-subj",
                                     "/CN=127.0.0.1",
                                     "-addext",
                                     "subjectAltName=IP:127.0.0.1",
                                     "-keyout",
                                     key.string(),
                                     "-out",
                                     (directory / (name + ".crt")).string()},
                         .output_file = directory / "openssl.log"},
                        std::chrono::seconds(30));
    ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
    servers::give_to_service_user(key);
}

// catalogue: F40
TEST(PostgresqlTls, streams_from_the_server_that_the_certificate_names_and_from_no_other) {
    const servers::TemporaryDirectory certificates("tributary-tls");
    make_certificate(certificates.path(), "server");
    make_certificate(certificates.path(), "stranger");
    const auto path = [&](const char* name) { return (certificates.path() / name).string(); };
    Server server(Settings{{"ssl", "on"},
                           {"ssl_cert_file", path("server.crt")},
                           {"ssl_key_file", path("server.key")}});
    server.sql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE PUBLICATION plant FOR TABLE t");
    Options options = server.options("mine");
    options.connection.sslmode = "verify-full";
    options.connection.sslrootcert = path("stranger.crt");
    Pipeline stranger(options);
    const auto refused = stranger.open();
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kSourceTls)) << refused.error().message();

    options.connection.sslrootcert = path("server.crt");
    Pipeline pipeline(options);
    const auto opened = pipeline.open();
    ASSERT_TRUE(opened) << opened.error().message();
    server.sql(
        "INSERT INTO t SELECT g, repeat('x', 7 * (g % 3000)) FROM generate_series(1, 5000) g");
    const auto polled = pipeline.poll_until_count(5001);
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts().back(), "end 5000");
}

}  // namespace
}  // namespace tributary::postgresql::testing
