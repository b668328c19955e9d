// SimPostgres: what a PostgreSQL server is to a logical replication client: a write-ahead log of
// committed transactions, a slot whose confirmed position is saved only now and then, walsenders
// that speak real pgoutput bytes, and a history that may turn out to be another one
// (delivery-and-faults 2). It also keeps the truth: what every consumer must see in the end.
//
// In worlds with snapshots its tables hold rows (sim_postgres_rows.cc), and then it has what makes
// snapshots hard: a transaction is in the log, and streamed, before others see it, is seen before
// it is on the disk, and has an id that tells nothing about when it commits. Or it is a standby:
// others see, and it streams, what it has replayed, in the order of the log.
// One thread (the scheduler's events and the agent's intake).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/postgresql/server/catalogue_port.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_tables.h"

namespace tributary::sim {

struct SimTransaction {
    std::uint32_t xid = 0;
    std::uint64_t commit_lsn = 0;  // a message outside transactions: its own LSN
    std::uint64_t end_lsn = 0;
    bool message = false;
    bool visible = true;  // to others; its locks are held until then
    std::vector<SimRow> rows;
};

// One record that a consumer must see, once.
struct Expected {
    std::uint64_t lsn = 0;
    std::uint32_t ordinal = 0;
    std::uint16_t sub_index = 0;
    std::string table{};  // empty: a message
    std::string value{};  // in it, when not empty
    int key = 0;
    bool whole = false;     // has every column of the row
    bool may_miss = false;  // it was committed before the slot of now was made
};

class SimPostgres {
  public:
    struct Slot {
        std::uint64_t confirmed = 0;
        std::uint64_t saved = 0;  // what a crash goes back to
    };

    // What a walsender is doing for one connection.
    struct Sender {
        std::uint64_t at_lsn = 0;  // transactions that commit before are not sent
        std::size_t next = 0;      // transaction
        std::size_t message = 0;   // of its messages
        std::vector<std::string> messages;
        std::vector<std::optional<std::size_t>> described;  // versions of tables sent
        bool alive = true;
        bool keepalive_asked = false;
        std::int64_t keepalive_us = 0;
        std::uint64_t history = 0;
    };

    // What a statement sees while its transaction is open.
    struct View {
        bool alive = true;
        std::size_t table = 0;
        std::size_t version = 0;
        std::string visible;  // pg_current_snapshot()
        TableState rows;
    };

    SimPostgres(Scheduler& scheduler, Rng random);

    // --- The application ---
    // Commits a random transaction of up to `rows_max` rows.
    void commit_something(std::size_t rows_max);
    void alter_table();
    void write_noise();  // WAL of others
    void checkpoint() { slot_saved(); }
    // From now on tables hold rows, and each has up to `rows` of them to begin with.
    void hold_rows(std::size_t rows, bool standby);
    // Transactions that are open roll back.
    void end_open() { open_.clear(); }

    // --- Faults ---
    void set_up(bool up);
    [[nodiscard]] bool up() const { return up_; }
    void crash();  // and restart: the slot goes back to what was saved
    void cut();    // every connection
    // A standby that had not received everything is promoted; nothing after `keep` transactions
    // counted from the end is lost with 0.
    void fail_over(std::size_t lost_transactions);
    // The server comes back as it was `transactions` ago, and does not know it.
    void rewind(std::size_t transactions);
    void drop_slot() { slot_.reset(); }

    // --- The client ---
    [[nodiscard]] const std::optional<Slot>& slot() const { return slot_; }
    void create_slot();
    [[nodiscard]] bool slot_active() const;
    [[nodiscard]] bool has_reader() const;
    [[nodiscard]] std::shared_ptr<Sender> start_replication(std::uint64_t lsn);
    // The next CopyData payload; empty: none now.
    [[nodiscard]] std::string next_message(Sender& sender);
    [[nodiscard]] bool has_message(const Sender& sender) const;
    void on_status(Sender& sender, std::uint64_t flush, bool ask);
    void leave(Sender& sender) { sender.alive = false; }
    // What is on the disk (of a standby: replayed), and so may be streamed; and what is written
    // (received).
    [[nodiscard]] std::uint64_t wal_flushed() const { return lazy_flush_ ? flushed_ : wal_end_; }
    [[nodiscard]] std::uint64_t wal_end() const { return wal_end_; }
    [[nodiscard]] bool standby() const { return standby_; }
    // Ids of transactions that have not ended, as far as others see.
    [[nodiscard]] std::vector<std::uint32_t> running() const;
    // Somebody holds it against every reader.
    [[nodiscard]] bool locked(std::size_t table) const;
    [[nodiscard]] std::shared_ptr<View> open_view(std::size_t table);
    [[nodiscard]] std::uint32_t timeline() const { return timeline_; }
    // Changes with every fail-over and rewind: no connection outlives one.
    [[nodiscard]] std::uint64_t histories() const { return histories_; }
    [[nodiscard]] std::string history_file() const { return history_; }
    [[nodiscard]] postgresql::CatalogueTable catalogue(std::uint32_t oid) const;

    // --- The truth ---
    [[nodiscard]] std::vector<Expected> expected() const;
    [[nodiscard]] std::size_t expected_count() const;
    // End of the newest transaction that has anything selected.
    [[nodiscard]] std::uint64_t newest_selected_end() const;
    // Committed once and lost in a fail_over() or rewind().
    [[nodiscard]] const std::vector<SimTransaction>& lost() const { return lost_; }
    [[nodiscard]] std::uint64_t slot_start() const { return slot_start_; }
    [[nodiscard]] bool holds_rows() const { return holds_rows_; }
    [[nodiscard]] const std::vector<SimTransaction>& transactions() const { return transactions_; }

    std::function<void(const std::string& text)> trace;
    // Every position that a client confirms, before it counts.
    std::function<void(std::uint64_t flush)> on_confirm;

  private:
    void slot_saved();
    void lose(std::size_t count);
    [[nodiscard]] std::optional<SimRow> fitting_row(std::uint32_t xid, std::size_t ordinal);
    [[nodiscard]] std::uint32_t take_xid();
    void settle(std::uint32_t xid);
    void show_to(std::uint64_t lsn);
    void flush_now();
    void flush_later();
    void lose_unflushed();
    void history_changed();
    [[nodiscard]] bool touched(std::size_t table, std::optional<int> key) const;
    [[nodiscard]] bool viewed(std::size_t table) const;
    [[nodiscard]] std::vector<std::string> messages_of(Sender& sender, const SimTransaction& tx);
    [[nodiscard]] std::string relation(std::size_t table, std::size_t version) const;
    [[nodiscard]] bool may_send(const Sender& sender) const;
    void say(const std::string& text) const {
        if (trace) {
            trace(text);
        }
    }

    Scheduler& scheduler_;
    Rng random_;
    bool up_ = true;
    std::uint64_t wal_end_ = 0x1000;
    std::uint32_t next_xid_ = 700;
    std::uint64_t slot_start_ = 0;
    std::optional<std::uint64_t> first_slot_start_;
    std::vector<SimTransaction> transactions_;
    std::vector<SimTransaction> lost_;
    std::vector<std::size_t> versions_;
    std::optional<Slot> slot_;
    std::vector<std::weak_ptr<Sender>> senders_;
    std::int64_t slot_busy_until_us_ = 0;  // the server has not noticed yet that a client is gone
    std::uint32_t timeline_ = 1;
    std::string history_;
    std::uint64_t histories_ = 0;
    // Tables that hold rows
    bool holds_rows_ = false;
    bool lazy_flush_ = false;  // some commits do not wait for the disk
    bool standby_ = false;
    std::uint64_t history_changes_ = 0;  // what waits to be replayed may be no more
    std::uint64_t flushed_ = 0;
    std::vector<TableState> now_;
    std::vector<std::uint32_t> open_;  // begun, and to be committed or rolled back
    std::vector<std::weak_ptr<View>> views_;
    // expected_count(), kept
    mutable std::size_t counted_transactions_ = 0;
    mutable std::uint64_t counted_from_ = 0;
    mutable std::size_t counted_ = 0;
};

inline constexpr std::uint32_t kFirstOid = 16384;  // of the first table
}  // namespace tributary::sim
