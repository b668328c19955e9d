// MariaDB or MySQL as a feed. Truth: the server's own binlog files, read by the server's own
// mariadb-binlog or mysqlbinlog when all is over. Why that and not a history kept by the writers:
// it has the total order, the GTID of every transaction and the ordinal of every row, also of those
// whose COMMIT no writer saw answered.
#pragma once

#include <memory>

#include "tests/servers/mysqld.h"
#include "tests/torture/feed.h"
#include "tests/torture/postgres_feed.h"

namespace tributary::torture {

// Starts the server.
[[nodiscard]] std::unique_ptr<Feed> make_binlog_feed(servers::MysqldKind kind,
                                                     const DatabaseFeedOptions& options);

}  // namespace tributary::torture
