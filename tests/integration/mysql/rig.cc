#include "tests/integration/mysql/rig.h"

namespace tributary::mysql::testing {

Server::Server(servers::MysqldKind kind,
               Settings settings,
               const std::filesystem::path& program_name) {
    mysqld = std::make_unique<servers::Mysqld>(servers::MysqldOptions{
        .directory = directory.path() / "my",
        .kind = kind,
        .program_name = kind == servers::MysqldKind::mysql ? program_name : std::filesystem::path(),
        .settings = std::move(settings)});
    mysqld->create_user("tributary",
                        "secret-of-the-test",
                        kind == servers::MysqldKind::mysql
                            ? "REPLICATION SLAVE, REPLICATION CLIENT, SELECT"
                            : "REPLICATION SLAVE, BINLOG MONITOR, SELECT");
    mysqld->sql("CREATE DATABASE plant");
}

Options Server::options() const {
    static std::uint32_t server_id = 71000;
    Options options;
    options.name = "plant";
    options.kind = mysqld->mysql() ? ServerKind::mysql : ServerKind::mariadb;
    options.connection.host = "127.0.0.1";
    options.connection.port = mysqld->port();
    options.connection.user = "tributary";
    options.connection.password = config::Secret("secret-of-the-test");
    options.connection.sslmode = Tls::disable;
    options.server_id = ++server_id;
    options.heartbeat_ms = 1000;
    options.position_interval_ms = 200;
    options.schema_changes = false;
    return options;
}

Pipeline::Pipeline(Options chosen, std::size_t pending_bytes_max)
    : SourceRig(pending_bytes_max), options(std::move(chosen)) {
    begin([this] { return make_source(options, clock, observer); });
}

}  // namespace tributary::mysql::testing
