// SimMysql, the part about rows: what tables hold, and who sees which transaction. One is in the
// log, and streamed, before others see it, and is seen before it is in gtid_executed. It holds its
// locks until then, and a prepared XA transaction until it ends, so that two of them touch one row
// only where the second saw the first.
#include <algorithm>
#include <utility>

#include "tests/sim/sim_mysql.h"

namespace tributary::sim {
namespace {

using Kind = BinlogTransaction::Kind;

constexpr std::uint64_t kFilesOfServer = 100;

bool is_ddl(Kind kind) {
    return kind == Kind::truncate || kind == Kind::alter || kind == Kind::drop;
}

}  // namespace

bool SimMysql::changes_rows(Kind kind) {
    return kind == Kind::rows || kind == Kind::truncate || kind == Kind::drop ||
           kind == Kind::one_phase || kind == Kind::commit;
}

void SimMysql::change_tables(const BinlogTransaction& tx, std::vector<TableState>& tables) {
    if (!changes_rows(tx.kind)) {
        return;
    }
    for (const SimRow& row : tx.rows) {
        if (tx.kind == Kind::drop) {
            tables[row.table].clear();
        } else {
            change_table(row, tables[row.table]);
        }
    }
}

void SimMysql::hold_rows() {
    first_files_ = {kFilesOfServer + 1};
    open_file(true);
    versions_.assign(kTables, 1);
    altered_.assign(kTables, 0);
    now_.resize(kTables);
    std::vector<TableState> first = now_;
    commit({.rows = first_rows(random_, setup_.rows, ++serial_, first)});
    show_all();
}

// --- Writers ------------------------------------------------------------------------------------

void SimMysql::add_fitting_rows(BinlogTransaction& tx, std::size_t rows_max) {
    std::vector<TableState> now = now_;
    const RowRules rules{
        .versions = versions_,
        .now = now,
        .locked = [this](std::size_t table, std::optional<int> key) { return locked(table, key); },
        .read = [this](std::size_t table) { return viewed(table); }};
    const std::uint64_t serial = ++serial_;
    for (std::size_t left = 1 + random_.below(rows_max); left > 0; --left) {
        auto row = fitting_row(random_, rules, serial, tx.rows.size());
        if (!row || (row->op == Op::truncate && (!tx.rows.empty() || tx.kind != Kind::rows))) {
            continue;
        }
        row->keeps_toast = row->keeps_toast && setup_.partial_images;
        if (random_.chance(20)) {
            row->value.append(random_.below(9000), 'z');
        }
        change_table(*row, now[row->table]);
        tx.rows.push_back(std::move(*row));
        if (tx.rows.back().op == Op::truncate) {
            tx.kind = Kind::truncate;  // a statement is a transaction of its own
            return;
        }
    }
}

// Statements that change structure wait for who reads or has changed the table, and in the queue of
// commits for all before them.
bool SimMysql::may_alter(const std::vector<SimRow>& tables) const {
    return !holds_rows() || std::none_of(tables.begin(), tables.end(), [this](const SimRow& each) {
        return viewed(each.table) || locked(each.table, std::nullopt);
    });
}

std::string SimMysql::describe(const BinlogTransaction& tx) const {
    std::string text = tx.name + " in " + file_name(tx.file) + " from " + std::to_string(tx.start) +
                       " to " + std::to_string(tx.end) + ":";
    for (const SimRow& row : tx.rows) {
        text += " " + std::string(1, static_cast<char>(row.op)) + " " + table_name(row.table) +
                " " + std::to_string(row.key);
    }
    return text + (changes_rows(tx.kind) ? ", seen after " : ", no rows; after ") +
           std::to_string(tx.seen_us - scheduler_.now_us()) + " us";
}

void SimMysql::settle(BinlogTransaction& tx) {
    const std::int64_t now_us = scheduler_.now_us();
    change_tables(tx, now_);
    const auto delay_us = [this] {
        return random_.coin()       ? 0
               : random_.chance(20) ? random_.between(0, 1'500'000)
                                    : random_.between(0, 20'000);
    };
    tx.seen_us = now_us + delay_us();
    tx.executed_us = tx.seen_us + delay_us();
    if (is_ddl(tx.kind)) {
        for (const SimRow& row : tx.rows) {
            ++altered_[row.table];
        }
        tx.seen_us = now_us;
        for (BinlogTransaction& each : transactions_) {
            each.seen_us = setup_.orders_commits ? std::min(each.seen_us, now_us) : each.seen_us;
        }
    }
    if (setup_.orders_commits && transactions_.size() > 1) {
        const BinlogTransaction& before = transactions_[transactions_.size() - 2];
        tx.seen_us = std::max(tx.seen_us, before.seen_us);
        tx.executed_us = std::max({tx.executed_us, tx.seen_us, before.executed_us});
    }
    if (trace) {
        say("commit " + describe(tx));
    }
}

// The server starts: what is in its log is done.
void SimMysql::show_all() {
    for (BinlogTransaction& tx : transactions_) {
        tx.seen_us = 0;
        tx.executed_us = 0;
    }
}

// Transactions are gone; whoever comes now sees what is left.
void SimMysql::tables_changed() {
    if (!holds_rows()) {
        return;
    }
    show_all();
    now_.assign(kTables, {});
    for (const BinlogTransaction& tx : transactions_) {
        change_tables(tx, now_);
    }
}

bool SimMysql::locked(std::size_t table, std::optional<int> key) const {
    const std::int64_t now_us = scheduler_.now_us();
    const auto holds = [&](const BinlogTransaction& tx) {
        return tx.seen_us > now_us && changes_rows(tx.kind) && touches(tx.rows, table, key);
    };
    const auto open = open_xa();
    return std::any_of(transactions_.begin(), transactions_.end(), holds) ||
           std::any_of(open.begin(), open.end(), [&](const auto& each) {
               return touches(transactions_[each.second].rows, table, key);
           });
}

// --- Readers ------------------------------------------------------------------------------------

bool SimMysql::viewed(std::size_t table) const {
    return std::any_of(views_.begin(), views_.end(), [table](const auto& weak) {
        const auto view = weak.lock();
        return view && view->holds == table;
    });
}

std::shared_ptr<MysqlView> SimMysql::open_view() {
    auto view = std::make_shared<MysqlView>();
    std::erase_if(views_, [](const auto& weak) { return weak.expired(); });
    views_.push_back(view);
    return view;
}

void SimMysql::look(MysqlView& view) const {
    view.altered = altered_;
    view.tables.assign(kTables, {});
    for (const BinlogTransaction& tx : transactions_) {
        if (tx.seen_us <= scheduler_.now_us()) {
            change_tables(tx, view.tables);
        }
    }
}

LogPlace SimMysql::seen_below() {
    for (std::size_t at = log_from_; at < transactions_.size(); ++at) {
        if (transactions_[at].seen_us > scheduler_.now_us()) {
            const bool has_before = at > log_from_ && random_.coin();
            const BinlogTransaction& tx = transactions_[at];
            return has_before ? LogPlace{transactions_[at - 1].file, transactions_[at - 1].end}
                              : LogPlace{tx.file, tx.start};
        }
    }
    return log_end();
}

mysql::MysqlGtidSet SimMysql::executed_now() const {
    mysql::MysqlGtidSet out;
    for (std::size_t at = log_from_; at < transactions_.size(); ++at) {
        if (transactions_[at].gtid && transactions_[at].executed_us <= scheduler_.now_us()) {
            out.add(*transactions_[at].gtid);
        }
    }
    return out;
}

// --- Places -------------------------------------------------------------------------------------

// Below or above those of the server before.
void SimMysql::number_files_anew() {
    if (holds_rows()) {
        const bool below = first_files_.size() == 1 && random_.coin();
        first_files_.push_back(below ? 1
                                     : *std::max_element(first_files_.begin(), first_files_.end()) +
                                           kFilesOfServer);
    }
}

std::size_t SimMysql::server_of(const LogPlace& place) const {
    for (std::size_t server = 0; server < first_files_.size(); ++server) {
        if (place.file / kFilesOfServer == first_files_[server] / kFilesOfServer) {
            return server;
        }
    }
    return first_files_.size();
}

std::size_t SimMysql::count_below(const LogPlace& place) const {
    const std::size_t server = server_of(place);
    const auto is_above = [&](const BinlogTransaction& tx) {
        const auto there = std::find_if(tx.ends.begin(), tx.ends.end(), [&](const LogPlace& end) {
            return server_of(end) == server;
        });
        return there == tx.ends.end() ? server_of(tx.ends.front()) > server : *there > place;
    };
    return static_cast<std::size_t>(
        std::find_if(transactions_.begin(), transactions_.end(), is_above) - transactions_.begin());
}

bool SimMysql::may_be_lost(const LogPlace& place) const {
    const std::size_t server = server_of(place);
    const auto found =
        server < first_files_.size() ? lost_from_.find(first_files_[server]) : lost_from_.end();
    return found != lost_from_.end() && place > found->second;
}

}  // namespace tributary::sim
