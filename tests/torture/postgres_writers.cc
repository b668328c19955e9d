// See postgres_writers.h. Each writer has its own range of ids; n comes from a sequence, so that
// every row version has its own. Rows of `moved` are changed by all writers, one row per
// transaction, so that transactions of different writers follow each other on one key without
// deadlocks.
#include "tests/torture/postgres_writers.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "tests/servers/failure.h"
#include "tests/servers/sql.h"

namespace tributary::torture {
namespace {

constexpr std::int64_t kRange = 1'000'000'000;
constexpr std::int64_t kNear = 400;  // updates and deletes pick among this many newest ids
constexpr int kPaceUs = 3000;        // per row, at most kPaceMaxUs: the load is bounded
constexpr int kPaceMaxUs = 1'500'000;
constexpr int kLargeBytes = 200 * 1024;  // out of line, also when compressed

const std::string& random_text_sql() {
    // md5 of different numbers does not compress away.
    static const std::string text =
        "(SELECT string_agg(md5(random()::text), '') FROM "
        "generate_series(1, " +
        std::to_string(kLargeBytes / 32) + "))";
    return text;
}

class Writer {
  public:
    Writer(std::uint64_t seed, int number)
        : random_(seed), number_(number), newest_(number * kRange) {}

    // One transaction; the number of rows it means to write.
    int transaction(servers::SqlConnection& sql) {
        const int dice = between(1, 100);
        if (dice <= 8) {
            return change_columns(sql);
        }
        if (dice <= 20) {
            return shared(sql);
        }
        int rows = 0;
        std::string text = "BEGIN;";
        const int steps = between(1, 6);
        for (int step = 0; step < steps; ++step) {
            rows += add_step(text);
        }
        if (between(1, 15) != 1) {
            sql.sql(text + "COMMIT");
            return rows;
        }
        sql.sql(text + "PREPARE TRANSACTION '" + prepared_name() + "'");
        finish_prepared(sql);
        return rows;
    }

    // Ends what a lost connection may have left prepared, one way or the other.
    void finish_prepared(servers::SqlConnection& sql) {
        const bool commit = between(0, 2) != 0;
        if (!sql.sql("SELECT 1 FROM pg_prepared_xacts WHERE gid = '" + prepared_name() + "'")
                 .rows.empty()) {
            sql.sql((commit ? "COMMIT PREPARED '" : "ROLLBACK PREPARED '") + prepared_name() + "'");
        }
    }

    int between(int least, int most) {
        return std::uniform_int_distribution<int>(least, most)(random_);
    }

  private:
    int add_step(std::string& text) {
        const std::string table = "t" + std::to_string(between(0, 2));
        switch (between(0, 9)) {
            case 0:
            case 1:
                return insert(text, table, between(1, 20));
            case 2:
                return insert(text, table, between(1, 40) == 1 ? 2000 : between(1, 200));
            case 3:
            case 4:
                text += "UPDATE " + table + " SET n = nextval('version'), v = 'u' || random() " +
                        "WHERE id BETWEEN " + some() + ";";
                return 10;
            case 5:
                text += "DELETE FROM " + table + " WHERE id BETWEEN " + some() + ";";
                return 10;
            case 6:
                return move_key(text, table);
            case 7:
                return savepoint(text, table);
            case 8:
                return keyless(text);
            default:
                return between(0, 2) == 0 ? large(text, table) : insert(text, table, 1);
        }
    }

    int insert(std::string& text, const std::string& table, int rows) {
        text += "INSERT INTO " + table + "(id, n, v) SELECT " + std::to_string(newest_) +
                " + g, nextval('version'), 'i' || g FROM generate_series(1, " +
                std::to_string(rows) + ") g;";
        newest_ += rows;
        return rows;
    }

    int move_key(std::string& text, const std::string& table) {
        ++newest_;
        text += "UPDATE " + table + " SET id = " + std::to_string(newest_) +
                ", n = nextval('version') WHERE id = (SELECT max(id) FROM " + table +
                " WHERE id BETWEEN " + range(between(1, static_cast<int>(kNear)), 50) + ");";
        return 1;
    }

    int savepoint(std::string& text, const std::string& table) {
        text += "SAVEPOINT a;";
        const int rows = insert(text, table, between(1, 30));
        text += "UPDATE " + table + " SET n = nextval('version') WHERE id BETWEEN " + some() + ";";
        text += between(0, 1) == 0 ? "ROLLBACK TO a;" : "RELEASE a;";
        return rows;
    }

    int keyless(std::string& text) {
        const std::string id = std::to_string(between(1, 200));
        const int dice = between(0, 3);
        if (dice == 0) {
            text += "DELETE FROM bag WHERE id = " + std::to_string(newest_ % 200) +
                    " AND ctid = "
                    "(SELECT min(ctid) FROM bag WHERE id = " +
                    std::to_string(newest_ % 200) + ");";
        } else if (dice == 1) {
            text +=
                "UPDATE bag SET n = nextval('version') WHERE ctid = (SELECT min(ctid) FROM bag "
                "WHERE id = " +
                id + ");";
        } else {
            text += "INSERT INTO bag(id, n, v) VALUES (" + id + ", nextval('version'), 'b');";
        }
        return 1;
    }

    // A large value, later updates of the same row without it, a move of it.
    int large(std::string& text, const std::string& table) {
        if (between(0, 2) != 0 || large_id_ == 0 || large_table_ != table) {
            large_id_ = ++newest_;
            large_table_ = table;
            text += "INSERT INTO " + table + "(id, n, v, big) VALUES (" +
                    std::to_string(large_id_) + ", nextval('version'), 'l', " + random_text_sql() +
                    ");";
            return 200;  // its weight in the pace
        }
        text += "UPDATE " + table +
                " SET n = nextval('version') WHERE id = " + std::to_string(large_id_) + ";";
        if (between(0, 2) == 0) {
            const std::string old = std::to_string(std::exchange(large_id_, ++newest_));
            text += "UPDATE " + table + " SET id = " + std::to_string(large_id_) +
                    ", n = nextval('version') WHERE id = " + old + ";";
        }
        return 2;
    }

    int shared(servers::SqlConnection& sql) {
        const std::string id = std::to_string(between(1, 20));
        sql.sql(between(0, 5) == 0
                    ? "DELETE FROM moved WHERE id = " + id
                    : "INSERT INTO moved(id, n, v) VALUES (" + id +
                          ", nextval('version'), 's') ON CONFLICT (id) DO UPDATE SET n = "
                          "nextval('version')");
        return 1;
    }

    // A column of a name that was never used before; dropped again by the next turn.
    int change_columns(servers::SqlConnection& sql) {
        if (!extra_.empty()) {
            const std::string dropped = std::exchange(extra_, std::string());
            sql.sql("ALTER TABLE " + extra_table_ + " DROP COLUMN IF EXISTS " + dropped);
            return 1;
        }
        extra_table_ = "t" + std::to_string(between(0, 2));
        extra_ = "x" + std::to_string(++newest_);
        sql.sql("ALTER TABLE " + extra_table_ + " ADD COLUMN " + extra_ + " text");
        sql.sql("UPDATE " + extra_table_ + " SET n = nextval('version'), " + extra_ +
                " = 'x' WHERE id BETWEEN " + some());
        return 10;
    }

    std::string some() { return range(between(1, static_cast<int>(kNear)), between(0, 12)); }
    [[nodiscard]] std::string range(int back, int width) const {
        return std::to_string(newest_ - back) + " AND " + std::to_string(newest_ - back + width);
    }

    [[nodiscard]] std::string prepared_name() const { return "w" + std::to_string(number_); }

    std::mt19937_64 random_;
    std::int64_t number_;
    std::int64_t newest_;
    std::int64_t large_id_ = 0;
    std::string large_table_;
    std::string extra_;
    std::string extra_table_;
};

}  // namespace

const std::vector<std::string>& postgres_tables() {
    static const std::vector<std::string> tables{
        "public.t0", "public.t1", "public.t2", "public.moved", kPostgresKeylessTable};
    return tables;
}

std::string create_postgres_tables_sql() {
    std::string text = "CREATE SEQUENCE version CACHE 100;";
    for (const char* table : {"t0", "t1", "t2", "moved"}) {
        text += std::string("CREATE TABLE ") + table +
                "(id bigint PRIMARY KEY, n bigint NOT NULL, v text, big text);"
                "ALTER TABLE " +
                table + " ALTER COLUMN big SET STORAGE EXTERNAL;";
    }
    return text +
           "CREATE TABLE bag(id bigint, n bigint, v text);"
           "ALTER TABLE bag REPLICA IDENTITY FULL;";
}

PostgresWriters::PostgresWriters(std::string conninfo, std::uint64_t seed, int count)
    : conninfo_(std::move(conninfo)) {
    for (int number = 1; number <= count; ++number) {
        threads_.emplace_back(
            [this, number, seed] { work(seed + static_cast<std::uint64_t>(number), number); });
    }
}

void PostgresWriters::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

void PostgresWriters::work(std::uint64_t seed, int number) {
    Writer writer(seed, number);
    while (!stopping_) {
        try {
            servers::SqlConnection sql(conninfo_);
            sql.sql("SET lock_timeout = '5s'");
            writer.finish_prepared(sql);
            while (!stopping_) {
                const int rows = writer.transaction(sql);
                ++acknowledged_;
                std::this_thread::sleep_for(std::chrono::microseconds(
                    std::min(rows * kPaceUs, kPaceMaxUs) + writer.between(0, 20000)));
            }
        } catch (const servers::ServerFailure&) {
            // The server was killed, or two writers met: a new connection, a new transaction.
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    }
}

}  // namespace tributary::torture
