#include "tests/integration/postgresql/rig.h"

namespace tributary::postgresql::testing {

Server::Server(Settings settings) {
    postgres = std::make_unique<servers::Postgres>(servers::PostgresOptions{
        .directory = directory.path() / "pg", .settings = std::move(settings)});
    postgres->create_user("tributary", "secret-of-the-test", "REPLICATION");
    postgres->sql("CREATE DATABASE plant");
}

Options Server::options(const std::string& slot) const {
    Options options;
    options.name = "plant";
    options.connection.host = "127.0.0.1";
    options.connection.port = postgres->port();
    options.connection.dbname = "plant";
    options.connection.user = "tributary";
    options.connection.password = config::Secret("secret-of-the-test");
    options.connection.sslmode = "disable";
    options.slot = slot;
    options.publication = "plant";
    options.position_interval_ms = 200;
    return options;
}

Pipeline::Pipeline(Options chosen, std::size_t pending_bytes_max)
    : SourceRig(pending_bytes_max), options(std::move(chosen)) {
    begin([this] { return make_source(options, clock, observer); });
}

}  // namespace tributary::postgresql::testing
