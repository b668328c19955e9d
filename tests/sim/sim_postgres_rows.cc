// SimPostgres, the part about rows: what tables hold, who sees which transaction, and what is not
// on the disk yet. A transaction holds its locks until others see it, so that two of them touch one
// row only where the second saw the first.
#include <algorithm>
#include <utility>

#include "tests/sim/sim_postgres.h"

namespace tributary::sim {
namespace {

bool touched_by(const SimTransaction& tx, std::size_t table, std::optional<int> key) {
    return !tx.message && touches(tx.rows, table, key);
}

}  // namespace

void SimPostgres::hold_rows(std::size_t rows, bool standby) {
    holds_rows_ = true;
    standby_ = standby;
    lazy_flush_ = standby || random_.coin();
    versions_.assign(kTables, 1);
    now_.resize(kTables);
    SimTransaction tx;
    tx.xid = next_xid_++;
    tx.rows = first_rows(random_, rows, tx.xid, now_);
    wal_end_ += 64 * (1 + tx.rows.size());
    tx.commit_lsn = wal_end_ - 48;
    tx.end_lsn = wal_end_;
    flushed_ = wal_end_;
    transactions_.push_back(std::move(tx));
}

// --- Writers ------------------------------------------------------------------------------------

// Ids are given when a transaction first writes, which says nothing about when it commits.
std::uint32_t SimPostgres::take_xid() {
    if (!holds_rows_) {
        return next_xid_++;
    }
    while (random_.chance(250)) {
        const std::uint32_t begun = next_xid_++;
        open_.push_back(begun);
        scheduler_.at(Us(random_.between(0, 1'500'000)),
                      [this, begun] { std::erase(open_, begun); });
    }
    if (open_.empty() || random_.coin()) {
        return next_xid_++;
    }
    const std::uint32_t begun = open_[random_.below(open_.size())];
    std::erase(open_, begun);
    return begun;
}

std::optional<SimRow> SimPostgres::fitting_row(std::uint32_t xid, std::size_t ordinal) {
    return sim::fitting_row(
        random_,
        {.versions = versions_,
         .now = now_,
         .locked = [this](std::size_t table,
                          std::optional<int> key) { return touched(table, key); },
         .read = [this](std::size_t table) { return !standby_ && viewed(table); }},
        xid,
        ordinal);
}

// What becomes of a commit that is in the log: it is seen and on the disk, sooner or later.
void SimPostgres::settle(std::uint32_t xid) {
    if (!holds_rows_) {
        return;
    }
    if (standby_) {
        transactions_.back().visible = false;
        flush_later();
        return;
    }
    if (lazy_flush_ && random_.coin()) {
        flush_later();
    } else {
        flushed_ = wal_end_;
    }
    if (random_.coin()) {
        return;
    }
    transactions_.back().visible = false;
    const std::int64_t delay_us =
        random_.chance(100) ? random_.between(0, 1'500'000) : random_.between(0, 20'000);
    scheduler_.at(Us(delay_us), [this, xid] {
        for (SimTransaction& tx : transactions_) {
            tx.visible = tx.visible || tx.xid == xid;
        }
    });
}

void SimPostgres::flush_now() {
    if (standby_) {
        show_to(wal_end_);
    }
    flushed_ = wal_end_;
}

void SimPostgres::flush_later() {
    if (!holds_rows_) {
        return;
    }
    if (!standby_) {
        scheduler_.at(Us(random_.between(0, 50'000)), [this] { flushed_ = wal_end_; });
        return;
    }
    // What is replayed can be seen a moment before the standby says so.
    const std::int64_t seen_us = random_.between(0, 50'000);
    const auto replay = [this, lsn = wal_end_, history = history_changes_](bool said) {
        if (history == history_changes_) {
            show_to(lsn);
            flushed_ = said ? std::max(flushed_, lsn) : flushed_;
        }
    };
    scheduler_.at(Us(seen_us), [replay] { replay(false); });
    scheduler_.at(Us(seen_us + random_.between(0, 2'000)), [replay] { replay(true); });
}

// A standby has replayed its log up to `lsn`. A statement that reads what is truncated then ends.
void SimPostgres::show_to(std::uint64_t lsn) {
    for (SimTransaction& tx : transactions_) {
        if (tx.visible || tx.end_lsn > lsn) {
            continue;
        }
        tx.visible = true;
        for (const auto& weak : views_) {
            const auto view = weak.lock();
            const bool conflicts =
                view && std::any_of(tx.rows.begin(), tx.rows.end(), [&](const SimRow& row) {
                    return row.table == view->table && row.op == Op::truncate;
                });
            if (conflicts) {
                view->alive = false;
            }
        }
    }
}

// --- Faults -------------------------------------------------------------------------------------

void SimPostgres::lose_unflushed() {
    if (!holds_rows_) {
        return;
    }
    wal_end_ = wal_flushed();
    std::erase_if(transactions_,
                  [this](const SimTransaction& tx) { return tx.end_lsn > wal_end_; });
    history_changed();
}

// Transactions are gone; whoever comes now sees what is left.
void SimPostgres::history_changed() {
    counted_transactions_ = ~std::size_t{0};
    ++history_changes_;
    if (!holds_rows_) {
        return;
    }
    flushed_ = wal_end_;
    open_.clear();
    now_.assign(kTables, {});
    for (SimTransaction& tx : transactions_) {
        tx.visible = true;
        for (const SimRow& row : tx.rows) {
            if (!tx.message) {
                change_table(row, now_[row.table]);
            }
        }
    }
}

// --- Readers ------------------------------------------------------------------------------------

// Whether a transaction that others do not see yet has touched that row, or any of the table.
bool SimPostgres::touched(std::size_t table, std::optional<int> key) const {
    // What a standby has not replayed is no lock of the primary's.
    return !standby_ &&
           std::any_of(transactions_.begin(), transactions_.end(), [&](const SimTransaction& tx) {
               return !tx.visible && touched_by(tx, table, key);
           });
}

bool SimPostgres::locked(std::size_t table) const {
    return !standby_ &&
           std::any_of(transactions_.begin(), transactions_.end(), [&](const SimTransaction& tx) {
               return !tx.visible &&
                      std::any_of(tx.rows.begin(), tx.rows.end(), [&](const SimRow& row) {
                          return row.table == table && row.op == Op::truncate;
                      });
           });
}

bool SimPostgres::viewed(std::size_t table) const {
    return std::any_of(views_.begin(), views_.end(), [table](const auto& weak) {
        const auto view = weak.lock();
        return view && view->table == table;
    });
}

std::vector<std::uint32_t> SimPostgres::running() const {
    std::vector<std::uint32_t> xids = open_;
    for (const SimTransaction& tx : transactions_) {
        if (!tx.visible) {
            xids.push_back(tx.xid);
        }
    }
    std::sort(xids.begin(), xids.end());
    return xids;
}

std::shared_ptr<SimPostgres::View> SimPostgres::open_view(std::size_t table) {
    auto view = std::make_shared<View>();
    view->table = table;
    view->version = versions_[table];
    for (const SimTransaction& tx : transactions_) {
        for (const SimRow& row : tx.rows) {
            if (tx.visible && !tx.message && row.table == table) {
                change_table(row, view->rows);
            }
        }
    }
    std::string open;
    for (const std::uint32_t xid : running()) {
        open += (open.empty() ? "" : ",") + std::to_string(xid);
    }
    view->visible = "1:" + std::to_string(next_xid_) + ":" + open;
    std::erase_if(views_, [](const auto& weak) { return weak.expired(); });
    views_.push_back(view);
    return view;
}

}  // namespace tributary::sim
