// Concurrent writers on a MariaDB or MySQL database: inserts, updates, deletes, key changes,
// savepoints that are rolled back, XA, transactions of 1 to 2000 rows, large values, columns added
// and dropped. A failed connection is opened again until stop().
// Threads: start and stop by one thread; one thread per writer inside.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/servers/mysqld.h"

namespace tributary::torture {

inline constexpr const char* kBinlogDatabase = "torture";
// Tables t0..t2 (key), moved (key, rows of all writers), bag (no key).
[[nodiscard]] const std::vector<std::string>& binlog_tables();  // "torture.t0" ..
[[nodiscard]] std::string binlog_keyless_table();
[[nodiscard]] std::string create_binlog_tables_sql();

class BinlogWriters {
  public:
    BinlogWriters(servers::MysqlConnection::Address address, std::uint64_t seed, int count);
    ~BinlogWriters() { stop(); }
    BinlogWriters(const BinlogWriters&) = delete;
    BinlogWriters& operator=(const BinlogWriters&) = delete;

    // Ends after each writer's transaction; returns when all ended.
    void stop();
    // Transactions that were acknowledged (others may have been committed too).
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }

  private:
    void work(std::uint64_t seed, int number);

    servers::MysqlConnection::Address address_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> acknowledged_{0};
    std::vector<std::thread> threads_;
};

}  // namespace tributary::torture
