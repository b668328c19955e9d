// See binlog_writers.h. Each writer has its own range of ids. n = stamp * kStampUnit + id with a
// stamp per statement, so that every row version has its own without asking the server for one.
#include "tests/torture/binlog_writers.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "tests/servers/failure.h"

namespace tributary::torture {
namespace {

using servers::MysqlConnection;

constexpr std::int64_t kRange = 1'000'000'000;
constexpr std::int64_t kStampUnit = 1'000'000'000'000;
constexpr std::int64_t kWritersMax = 16;
constexpr int kNear = 400;     // updates and deletes pick among this many newest ids
constexpr int kPaceUs = 3000;  // per row, at most kPaceMaxUs: the load is bounded
constexpr int kPaceMaxUs = 1'500'000;
constexpr int kLargeBytes = 200 * 1024;

class Writer {
  public:
    Writer(std::uint64_t seed, int number)
        : random_(seed), number_(number), newest_(number * kRange) {}

    // One transaction; the number of rows it means to write.
    int transaction(MysqlConnection& sql) {
        const int dice = between(1, 100);
        if (dice <= 6) {
            return change_columns(sql);
        }
        if (dice <= 20) {
            return shared(sql);
        }
        const bool xa = between(1, 15) == 1;
        const std::string xid = xa_prefix() + std::to_string(++stamps_);
        int rows = 0;
        std::string text = xa ? "XA START '" + xid + "';" : "BEGIN;";
        const int steps = between(1, 6);
        for (int step = 0; step < steps; ++step) {
            rows += add_step(text);
        }
        sql.sql(text + (xa ? "XA END '" + xid + "'; XA PREPARE '" + xid + "'" : "COMMIT"));
        if (xa) {
            end_xa(sql, xid);
        }
        return rows;
    }

    // Ends what lost connections left prepared: as was decided, or one way or the other.
    void end_prepared(MysqlConnection& sql) {
        for (const auto& row : sql.sql("XA RECOVER").rows) {
            const std::string& xid = row.at(3).value();
            if (xid.starts_with(xa_prefix())) {
                end_xa(sql, xid);
            }
        }
    }

    int between(int least, int most) {
        return std::uniform_int_distribution<int>(least, most)(random_);
    }

  private:
    [[nodiscard]] std::string xa_prefix() const { return "w" + std::to_string(number_) + "_"; }
    // A server that dies may have the end in its binlog and the transaction still prepared: then
    // the same is said again, as a transaction manager does.
    void end_xa(MysqlConnection& sql, const std::string& xid) {
        if (xid != ending_) {
            ending_ = xid;
            ending_verb_ = between(0, 2) == 0 ? "XA ROLLBACK" : "XA COMMIT";
        }
        sql.sql(ending_verb_ + " '" + xid + "'");
    }

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
                text += "UPDATE " + table + " SET n = " + stamp() + " + id, v = CONCAT('u', " +
                        stamp() + ") WHERE id BETWEEN " + some() + ";";
                return 10;
            case 5:
                text += "DELETE FROM " + table + " WHERE id BETWEEN " + some() + ";";
                return 10;
            case 6:
                ++newest_;
                text += "UPDATE " + table + " SET id = " + std::to_string(newest_) +
                        ", n = " + stamp() + " WHERE id BETWEEN " + range(between(1, kNear), 50) +
                        " ORDER BY id DESC LIMIT 1;";
                return 1;
            case 7:
                return savepoint(text, table);
            case 8:
                return keyless(text);
            default:
                return between(0, 2) == 0 ? large(text, table) : insert(text, table, 1);
        }
    }

    int insert(std::string& text, const std::string& table, int rows) {
        text += "INSERT INTO " + table + "(id, n, v) VALUES ";
        for (int row = 0; row < rows; ++row) {
            ++newest_;
            text += (row == 0 ? "(" : ",(") + std::to_string(newest_) + "," +
                    std::to_string(next_stamp() + newest_) + ",'i" + std::to_string(row) + "')";
        }
        text += ";";
        return rows;
    }

    int savepoint(std::string& text, const std::string& table) {
        text += "SAVEPOINT a;";
        const int rows = insert(text, table, between(1, 30));
        text +=
            "UPDATE " + table + " SET n = " + stamp() + " + id WHERE id BETWEEN " + some() + ";";
        text += between(0, 1) == 0 ? "ROLLBACK TO a;" : "RELEASE SAVEPOINT a;";
        return rows;
    }

    // Each writer has its ids, or two would wait for each other: without a key every row is locked.
    int keyless(std::string& text) {
        const std::string id = std::to_string(number_ * 1000 + between(1, 50));
        const int dice = between(0, 3);
        if (dice == 0) {
            text += "DELETE FROM bag WHERE id = " + id + " LIMIT 1;";
        } else if (dice == 1) {
            text += "UPDATE bag SET n = " + stamp() + " WHERE id = " + id + " LIMIT 1;";
        } else {
            text += "INSERT INTO bag(id, n, v) VALUES (" + id + ", " + stamp() + ", 'b');";
        }
        return 1;
    }

    // A large value, later updates of the same row without it, a move of it.
    int large(std::string& text, const std::string& table) {
        if (between(0, 2) != 0 || large_id_ == 0 || large_table_ != table) {
            large_id_ = ++newest_;
            large_table_ = table;
            text += "INSERT INTO " + table + "(id, n, v, big) VALUES (" +
                    std::to_string(large_id_) + ", " + stamp() + ", 'l', '" + random_text() + "');";
            return 200;  // its weight in the pace
        }
        text += "UPDATE " + table + " SET n = " + stamp() +
                " WHERE id = " + std::to_string(large_id_) + ";";
        if (between(0, 2) == 0) {
            const std::string old = std::to_string(std::exchange(large_id_, ++newest_));
            text += "UPDATE " + table + " SET id = " + std::to_string(large_id_) +
                    ", n = " + stamp() + " WHERE id = " + old + ";";
        }
        return 2;
    }

    int shared(MysqlConnection& sql) {
        const std::string id = std::to_string(between(1, 20));
        const std::string n = stamp();
        sql.sql(between(0, 5) == 0 ? "DELETE FROM moved WHERE id = " + id
                                   : "INSERT INTO moved(id, n, v) VALUES (" + id + ", " + n +
                                         ", 's') ON DUPLICATE KEY UPDATE n = " + n);
        return 1;
    }

    // A column of a name that was never used before; dropped again by the next turn.
    int change_columns(MysqlConnection& sql) {
        if (!extra_.empty()) {
            const std::string dropped = std::exchange(extra_, std::string());
            sql.sql("ALTER TABLE " + extra_table_ + " DROP COLUMN " + dropped);
            return 1;
        }
        extra_table_ = "t" + std::to_string(between(0, 2));
        extra_ = "x" + std::to_string(++newest_);
        sql.sql("ALTER TABLE " + extra_table_ + " ADD COLUMN " + extra_ + " text");
        sql.sql("UPDATE " + extra_table_ + " SET n = " + stamp() + " + id, " + extra_ +
                " = 'x' WHERE id BETWEEN " + some());
        return 10;
    }

    // Hexadecimal digits that do not compress away.
    std::string random_text() {
        static constexpr std::string_view kDigits = "0123456789abcdef";
        std::string text(kLargeBytes, ' ');
        for (char& letter : text) {
            letter = kDigits[random_() & 15U];
        }
        return text;
    }

    std::int64_t next_stamp() { return (++stamps_ * kWritersMax + number_) * kStampUnit; }
    std::string stamp() { return std::to_string(next_stamp()); }
    std::string some() { return range(between(1, kNear), between(0, 12)); }
    [[nodiscard]] std::string range(int back, int width) const {
        return std::to_string(newest_ - back) + " AND " + std::to_string(newest_ - back + width);
    }

    std::mt19937_64 random_;
    std::int64_t number_;
    std::int64_t newest_;
    std::int64_t stamps_ = 0;
    std::int64_t large_id_ = 0;
    std::string large_table_;
    std::string extra_;
    std::string extra_table_;
    std::string ending_;  // the XA transaction whose end was decided last
    std::string ending_verb_;
};

}  // namespace

const std::vector<std::string>& binlog_tables() {
    static const std::vector<std::string> tables{
        "torture.t0", "torture.t1", "torture.t2", "torture.moved", binlog_keyless_table()};
    return tables;
}

std::string binlog_keyless_table() {
    return "torture.bag";
}

std::string create_binlog_tables_sql() {
    std::string text;
    for (const char* table : {"t0", "t1", "t2", "moved"}) {
        text += std::string("CREATE TABLE ") + table +
                "(id bigint PRIMARY KEY, n bigint NOT NULL, v text, big longtext);";
    }
    return text + "CREATE TABLE bag(id bigint, n bigint, v text)";
}

BinlogWriters::BinlogWriters(MysqlConnection::Address address, std::uint64_t seed, int count)
    : address_(std::move(address)) {
    for (int number = 1; number <= count; ++number) {
        threads_.emplace_back(
            [this, number, seed] { work(seed + static_cast<std::uint64_t>(number), number); });
    }
}

void BinlogWriters::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

void BinlogWriters::work(std::uint64_t seed, int number) {
    Writer writer(seed, number);
    while (!stopping_) {
        try {
            MysqlConnection sql(address_);
            writer.end_prepared(sql);
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
