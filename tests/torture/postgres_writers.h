// Concurrent writers on a PostgreSQL database: inserts, updates, deletes, key changes, savepoints
// that are rolled back, prepared transactions, transactions of 1 to 2000 rows, large values, values
// that stay unchanged out of line, columns added and dropped. A failed connection is opened again
// until stop(). Threads: start and stop by one thread; one thread per writer inside.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace tributary::torture {

// Tables t0..t2 (key), moved (key, changes of it), bag (no key, replica identity full).
inline constexpr const char* kPostgresKeylessTable = "public.bag";
[[nodiscard]] const std::vector<std::string>& postgres_tables();  // "public.t0" ..
[[nodiscard]] std::string create_postgres_tables_sql();

class PostgresWriters {
  public:
    PostgresWriters(std::string conninfo, std::uint64_t seed, int count);
    ~PostgresWriters() { stop(); }
    PostgresWriters(const PostgresWriters&) = delete;
    PostgresWriters& operator=(const PostgresWriters&) = delete;

    // Ends after each writer's transaction; returns when all ended.
    void stop();
    // Transactions that were acknowledged (others may have been committed too).
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }

  private:
    void work(std::uint64_t seed, int number);

    std::string conninfo_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> acknowledged_{0};
    std::vector<std::thread> threads_;
};

}  // namespace tributary::torture
