// SimMysql: what a MySQL or MariaDB server is to a replica: binlog files of real bytes, GTIDs or
// places only, XA transactions that are prepared over files and end later, purges, rotations, and a
// history that may turn out to be another one: a crash that forgets what was not synced and gives
// its GTIDs away, an older copy put back, a fail-over, RESET MASTER (delivery-and-faults 3). It
// also keeps the truth: what every consumer must see in the end. What a connection is sent is in
// sim_dump.h.
// One thread (the scheduler's events and the agent's intake).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connectors/mysql/binlog/events.h"
#include "connectors/mysql/position.h"
#include "connectors/mysql/server/server_checks.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_tables.h"

namespace tributary::sim {

struct MysqlSetup {
    mysql::ServerKind kind = mysql::ServerKind::mysql;
    bool by_gtid = true;  // else positions are by file and offset; MySQL's have no GTID then
    bool has_xa = false;
    bool compresses = false;  // MySQL: some sessions have binlog_transaction_compression
    bool has_tags = false;    // MySQL, by_gtid: some have gtid_next = AUTOMATIC:tag
    bool has_ddl = false;     // often, and the agent tells it
    // Tables that hold rows (sim_mysql_rows.cc)
    std::size_t rows = 0;         // of each to begin with, at most; 0: they hold none
    bool orders_commits = true;   // binlog_order_commits
    bool partial_images = false;  // some updates are logged with binlog_row_image = MINIMAL
    bool has_keyless = false;     // kKeylessTable has no key
};

struct LogPlace {
    std::uint64_t file = 0;
    std::uint64_t offset = 0;
    friend auto operator<=>(const LogPlace&, const LogPlace&) = default;
};

struct BinlogTransaction {
    enum class Kind : std::uint8_t {
        rows,
        truncate,   // of rows[0]
        alter,      // the same
        drop,       // of rows' tables, which are there again at once
        prepare,    // XA: the rows wait
        one_phase,  // XA, committed as it is prepared
        commit,     // XA: the rows are those of its prepare
        rollback,
        commit_again,  // XA: the server crashed between its log and its tables
    };
    Kind kind = Kind::rows;
    std::optional<mysql::MysqlGtid> gtid{};
    std::optional<mysql::MariadbGtid> mariadb_gtid{};
    std::int64_t commit_us = 0;  // where it was committed first
    std::uint32_t server_id = 0;
    std::vector<SimRow> rows{};
    std::string gtrid{};  // of XA
    std::string name{};   // the GTID, or the place where it was logged first
    // In the log of the server of now
    std::uint64_t file = 0;
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    // Where it ends in the log of each server that had it
    std::vector<LogPlace> ends{};
    // When others see it, and when it is in gtid_executed
    std::int64_t seen_us = 0;
    std::int64_t executed_us = 0;
};

// One record that a consumer must see, once.
struct ExpectedChange {
    std::string transaction;
    std::uint32_t ordinal = 0;
    std::uint16_t sub_index = 0;
    std::string table;
    std::string value;  // in it, when not empty
    bool of_structure = false;
    int key = 0;
    bool whole = false;      // it has every column of the row
    bool removes = false;    // there is no row any more
    std::size_t of_log = 0;  // index of the transaction
    bool may_miss = false;   // it was committed before the last pipeline began
    bool keyless = false;    // of a table without a key: from when its rows have come
};

// What a reading transaction sees.
struct MysqlView {
    bool alive = true;
    std::optional<std::size_t> holds{};  // the table that nobody can alter meanwhile
    std::vector<TableState> tables{};
    std::vector<std::uint64_t> altered{};  // how often, when it was made
};

struct BinlogFile {
    std::string bytes;
    // What all files before it have
    mysql::MysqlGtidSet executed{};
    mysql::MariadbGtidPosition position{};
};

class SimDump;

class SimMysql {
  public:
    static constexpr std::uint64_t kFirstOffset = 4;

    SimMysql(Scheduler& scheduler, Rng random, MysqlSetup setup);

    // --- The application ---
    void commit_something(std::size_t rows_max);
    void alter_table();

    // --- Faults ---
    void set_up(bool up);
    [[nodiscard]] bool up() const { return up_ && scheduler_.now_us() >= asleep_until_us_; }
    void crash();
    void cut();  // every connection
    void rotate();
    // A crash forgets the newest transactions of the file that is open, as sync_binlog=0 allows;
    // what comes later gets their GTIDs. True: MariaDB left a part of one in that file.
    bool lose_tail(std::size_t transactions);
    // An older copy of the server is put back.
    void rewind(std::size_t transactions);
    // A replica is promoted that lacks so many transactions.
    void fail_over(std::size_t lost_transactions);
    // Every file but the open one.
    void purge();
    // Only what a reader at `from` has behind it.
    void purge_read(const mysql::ResumePoint& from);
    void reset();  // RESET MASTER

    // --- The client ---
    [[nodiscard]] const MysqlSetup& setup() const { return setup_; }
    [[nodiscard]] mysql::ServerFacts facts() const;
    // Where it is now; a new pipeline starts there.
    [[nodiscard]] mysql::ResumePoint begin_pipeline();
    // Everything below it is seen by whoever looks now, and if commits are ordered, nothing else.
    [[nodiscard]] LogPlace seen_below();
    [[nodiscard]] LogPlace log_end() const {
        return {last_file(), files_.rbegin()->second.bytes.size()};
    }
    [[nodiscard]] mysql::MysqlGtidSet executed_now() const;
    // A transaction that sees nothing until it looks.
    [[nodiscard]] std::shared_ptr<MysqlView> open_view();
    void look(MysqlView& view) const;
    [[nodiscard]] std::size_t version(std::size_t table) const { return versions_[table]; }
    // Since it looked.
    [[nodiscard]] bool was_altered(const MysqlView& view, std::size_t table) const {
        return view.altered[table] != altered_[table];
    }
    // Changes whenever transactions are lost: no connection outlives that.
    [[nodiscard]] std::uint64_t histories() const { return histories_; }
    [[nodiscard]] std::shared_ptr<SimDump> start_dump(const mysql::ResumePoint& from);
    // One that has read everything.
    [[nodiscard]] bool has_reader() const;
    [[nodiscard]] const std::map<std::uint64_t, BinlogFile>& files() const { return files_; }
    [[nodiscard]] static std::string file_name(std::uint64_t number);

    // --- The truth ---
    // Of the transactions since the last pipeline began; `since_first`: or the first one.
    [[nodiscard]] std::vector<ExpectedChange> expected(bool since_first) const;
    [[nodiscard]] std::size_t expected_count() const;
    // Committed once, since a pipeline began, and lost.
    [[nodiscard]] std::vector<ExpectedChange> lost() const;
    // What is below a place of any server that there was: so many transactions.
    [[nodiscard]] std::size_t count_below(const LogPlace& place) const;
    // It is, or was, behind transactions that are lost.
    [[nodiscard]] bool may_be_lost(const LogPlace& place) const;
    [[nodiscard]] const std::vector<BinlogTransaction>& transactions() const {
        return transactions_;
    }
    [[nodiscard]] static bool changes_rows(BinlogTransaction::Kind kind);
    static void change_tables(const BinlogTransaction& tx, std::vector<TableState>& tables);
    [[nodiscard]] bool keyless(std::size_t table) const {
        return setup_.has_keyless && table == kKeylessTable;
    }
    // An XA COMMIT is in the log whose rows the pipeline need not have read.
    [[nodiscard]] bool committed_unknown_xa() const { return committed_unknown_xa_; }

    std::function<void(const std::string& text)> trace;

  private:
    friend class SimDump;
    using Kind = BinlogTransaction::Kind;

    void commit_rows(std::size_t rows_max, bool prepare);
    void add_rows(BinlogTransaction& tx, std::size_t rows_max);
    void add_fitting_rows(BinlogTransaction& tx, std::size_t rows_max);
    void hold_rows();
    void settle(BinlogTransaction& tx);
    [[nodiscard]] std::string describe(const BinlogTransaction& tx) const;
    void show_all();
    void tables_changed();
    [[nodiscard]] bool locked(std::size_t table, std::optional<int> key) const;
    [[nodiscard]] bool viewed(std::size_t table) const;
    [[nodiscard]] bool may_alter(const std::vector<SimRow>& tables) const;
    [[nodiscard]] bool holds_rows() const { return setup_.rows > 0; }
    void end_xa(const std::string& gtrid);
    [[nodiscard]] bool may_be_unread(std::size_t at) const;
    [[nodiscard]] bool has_read_commit(const std::string& gtrid) const;
    void commit(BinlogTransaction tx);
    void name_transaction(BinlogTransaction& tx);
    void log(BinlogTransaction& tx);
    void log_begin(const BinlogTransaction& tx);
    void log_rows(const BinlogTransaction& tx);
    // Null: the server's own.
    void append(const BinlogTransaction* tx, mysql::EventType type, const std::string& body);
    void end_payload(const BinlogTransaction& tx);
    void open_file(bool server_started);
    void purge_before(std::uint64_t file);
    // The bytes of the first one that is forgotten.
    std::string forget(std::size_t count);
    void go_on_without_what_is_lost();
    [[nodiscard]] std::map<std::string, std::size_t> open_xa() const;
    [[nodiscard]] mysql::MysqlGtidSet executed() const;
    [[nodiscard]] mysql::MariadbGtidPosition position() const;
    [[nodiscard]] std::uint64_t last_file() const { return files_.rbegin()->first; }
    void number_files_anew();
    [[nodiscard]] std::size_t server_of(const LogPlace& place) const;
    [[nodiscard]] std::int64_t clock_us() const;
    [[nodiscard]] std::string server_uuid() const;
    void expect(const BinlogTransaction& tx, std::vector<ExpectedChange>& out) const;
    void expect_ddl(const BinlogTransaction& tx, std::vector<ExpectedChange>& out) const;
    void say(const std::string& text) const {
        if (trace) {
            trace(text);
        }
    }

    Scheduler& scheduler_;
    Rng random_;
    const MysqlSetup setup_;
    bool up_ = true;
    std::uint32_t server_ = 1;    // id
    std::uint64_t restarts_ = 0;  // table ids are others after each
    std::uint64_t histories_ = 0;
    std::uint64_t serial_ = 0;  // makes values unique
    std::int64_t asleep_until_us_ = 0;
    std::vector<BinlogTransaction> transactions_;
    std::size_t log_from_ = 0;                // transactions before were forgotten by RESET MASTER
    std::optional<std::size_t> began_first_;  // count of transactions when a pipeline began,
    std::size_t began_ = 0;                   // and when the last one did
    std::vector<BinlogTransaction> lost_;
    std::map<std::uint64_t, BinlogFile> files_;
    std::optional<std::string> payload_;  // of the transaction that is logged, where it has one
    std::set<std::string> undecided_xa_;  // committed, and prepared again after a crash
    std::vector<std::size_t> versions_;
    std::vector<std::weak_ptr<SimDump>> dumps_;
    mutable std::uint64_t counted_at_ = ~std::uint64_t{0};  // expected_count(), kept
    mutable std::size_t counted_ = 0;
    std::uint64_t changes_ = 0;
    bool committed_unknown_xa_ = false;
    // Tables that hold rows
    std::vector<TableState> now_;
    std::vector<std::uint64_t> altered_;
    std::vector<std::weak_ptr<MysqlView>> views_;
    // First files of the servers so far: each has a hundred numbers of its own, so that a place
    // tells whose it is.
    std::vector<std::uint64_t> first_files_{1};
    std::map<std::uint64_t, LogPlace> lost_from_{};  // by first file
};

}  // namespace tributary::sim
