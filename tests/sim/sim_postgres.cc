// The server; see the header. Message formats: PostgreSQL 15 manual 55.4 and 55.9.
#include "tests/sim/sim_postgres.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "connectors/postgresql/lsn.h"
#include "connectors/postgresql/stream/pgoutput.h"

namespace tributary::sim {
namespace {

constexpr std::uint32_t kInt4 = 23;
constexpr std::uint32_t kText = 25;
constexpr Us kKeepaliveInterval{300'000};

template <typename T>
void put(std::string& out, T value) {
    append_fixed(out, value, Endian::big);
}

void put_text(std::string& out, std::string_view text) {
    out.append(text).push_back('\0');
}

void put_cell(std::string& out, std::string_view text) {
    out.push_back('t');
    put(out, static_cast<std::uint32_t>(text.size()));
    out.append(text);
}

// Columns: id, v, and one more per version of the structure.
void put_key(std::string& out, const SimRow& row) {
    out.push_back('K');
    put(out, static_cast<std::uint16_t>(2 + row.version));
    put_cell(out, std::to_string(row.key));
    out.append(1 + row.version, 'n');
}

void put_row(std::string& out, const SimRow& row) {
    out.push_back('N');
    put(out, static_cast<std::uint16_t>(2 + row.version));
    put_cell(out, std::to_string(row.op == Op::move_key ? row.new_key : row.key));
    put_cell(out, row.value);
    for (std::size_t column = 0; column < row.version; ++column) {
        if (column == 0 && row.keeps_toast) {
            out.push_back('u');
        } else {
            put_cell(out, column == 0 && !row.toast.empty() ? row.toast : "m");
        }
    }
}

std::string column_name(std::size_t more) {
    return "more" + std::to_string(more);
}

std::string head(char type) {
    return std::string(1, type);
}

}  // namespace

SimPostgres::SimPostgres(Scheduler& scheduler, Rng random)
    : scheduler_(scheduler), random_(random), versions_(kTables, 0) {}

// --- The application ---------------------------------------------------------------------------

void SimPostgres::commit_something(std::size_t rows_max) {
    SimTransaction tx;
    tx.xid = take_xid();
    const std::uint64_t end_before = wal_end_;
    wal_end_ += 8 + random_.below(64);
    if (random_.chance(40)) {
        tx.message = true;
        tx.commit_lsn = wal_end_;
        tx.end_lsn = wal_end_;
        tx.rows.push_back({.value = "message" + std::to_string(tx.xid)});
        transactions_.push_back(std::move(tx));
        flush_now();
        return;
    }
    // A commit record may begin where a message's record ends: the rows were written before.
    const bool after_message = !transactions_.empty() && transactions_.back().message &&
                               transactions_.back().end_lsn == end_before && random_.coin();
    const std::size_t rows = 1 + random_.below(rows_max);
    for (std::size_t ordinal = 0; ordinal < rows; ++ordinal) {
        auto row = holds_rows_ ? fitting_row(tx.xid, ordinal)
                               : random_row(random_, versions_, mark_of(tx.xid, ordinal));
        if (!row) {
            continue;
        }
        if (random_.chance(20)) {
            row->value.append(random_.below(9000), 'z');
        }
        wal_end_ += 16 + row->value.size();
        if (holds_rows_) {
            change_table(*row, now_[row->table]);
        }
        tx.rows.push_back(std::move(*row));
    }
    if (after_message) {
        wal_end_ = transactions_.back().end_lsn;
    }
    tx.commit_lsn = wal_end_;
    wal_end_ += 48;
    tx.end_lsn = wal_end_;
    transactions_.push_back(std::move(tx));
    settle(transactions_.back().xid);
}

void SimPostgres::alter_table() {
    const std::size_t table = random_.below(kTables);
    if (touched(table, std::nullopt) || viewed(table)) {
        return;  // it would wait
    }
    ++versions_[table];
    wal_end_ += 512;
    flush_now();
}

void SimPostgres::write_noise() {
    wal_end_ += 8 + random_.below(2000);
    flush_later();
}

void SimPostgres::slot_saved() {
    if (slot_) {
        slot_->saved = slot_->confirmed;
    }
}

// --- Faults -------------------------------------------------------------------------------------

void SimPostgres::set_up(bool up) {
    up_ = up;
    if (!up) {
        cut();
    }
}

void SimPostgres::cut() {
    for (const auto& weak : senders_) {
        if (const auto sender = weak.lock(); sender && sender->alive) {
            sender->alive = false;
            slot_busy_until_us_ = scheduler_.now_us() + random_.between(0, 400'000);
        }
    }
    senders_.clear();
    for (const auto& weak : views_) {
        if (const auto view = weak.lock()) {
            view->alive = false;
        }
    }
    views_.clear();
}

void SimPostgres::crash() {
    say("fault: the server crashes");
    cut();
    lose_unflushed();
    slot_busy_until_us_ = 0;
    if (slot_) {
        slot_->confirmed = slot_->saved;
    }
}

void SimPostgres::lose(std::size_t count) {
    count = std::min(count, transactions_.size());
    const auto first_lost = [&] {
        return transactions_.end() - static_cast<std::ptrdiff_t>(count);
    };
    while (count > 0 && first_lost()->end_lsn <= slot_start_) {
        --count;
    }
    lost_.insert(lost_.end(), first_lost(), transactions_.end());
    transactions_.resize(transactions_.size() - count);
    wal_end_ = transactions_.empty() ? 0x1000 : transactions_.back().end_lsn;
    wal_end_ = std::max(wal_end_, slot_start_);
    std::erase_if(lost_, [&](const SimTransaction& tx) { return tx.end_lsn <= wal_end_; });
    history_changed();
}

void SimPostgres::fail_over(std::size_t lost_transactions) {
    cut();
    slot_busy_until_us_ = 0;
    lose(lost_transactions);
    history_ += std::to_string(timeline_) + "\t" +
                postgresql::to_string(postgresql::Lsn(wal_end_)) +
                "\tno recovery target specified\n";
    ++timeline_;
    ++histories_;
    if (slot_) {
        // The standby's copy of the slot is of a while ago.
        slot_->confirmed = std::min(slot_->saved, wal_end_);
        slot_->saved = slot_->confirmed;
    }
    say("fault: fail-over to timeline " + std::to_string(timeline_) + " at " +
        postgresql::to_string(postgresql::Lsn(wal_end_)) +
        ", transactions lost: " + std::to_string(lost_transactions));
}

void SimPostgres::rewind(std::size_t transactions) {
    cut();
    slot_busy_until_us_ = 0;
    lose(transactions);
    ++histories_;
    if (slot_) {
        slot_->confirmed = std::min(slot_->saved, wal_end_);
        slot_->saved = slot_->confirmed;
    }
    say("fault: the server is rewound to " + postgresql::to_string(postgresql::Lsn(wal_end_)));
}

// --- The client ---------------------------------------------------------------------------------

void SimPostgres::create_slot() {
    slot_ = Slot{wal_end_, wal_end_};
    slot_start_ = wal_end_;
    first_slot_start_ = first_slot_start_.value_or(wal_end_);
    flush_now();
    say("  postgres: slot created at " + postgresql::to_string(postgresql::Lsn(wal_end_)));
}

bool SimPostgres::has_reader() const {
    return std::any_of(senders_.begin(), senders_.end(), [](const auto& weak) {
        const auto sender = weak.lock();
        return sender && sender->alive;
    });
}

bool SimPostgres::slot_active() const {
    return scheduler_.now_us() < slot_busy_until_us_ || has_reader();
}

std::shared_ptr<SimPostgres::Sender> SimPostgres::start_replication(std::uint64_t lsn) {
    auto sender = std::make_shared<Sender>();
    // A position before the confirmed one is moved up to it, without a word.
    sender->at_lsn = std::max(lsn, slot_->confirmed);
    sender->described.resize(kTables);
    sender->history = histories_;
    const auto first =
        std::find_if(transactions_.begin(), transactions_.end(), [&](const SimTransaction& tx) {
            return tx.message ? tx.commit_lsn > sender->at_lsn : tx.commit_lsn >= sender->at_lsn;
        });
    sender->next = static_cast<std::size_t>(first - transactions_.begin());
    sender->keepalive_us = scheduler_.now_us();
    std::erase_if(senders_, [](const auto& weak) { return weak.expired(); });
    senders_.push_back(sender);
    return sender;
}

std::string SimPostgres::relation(std::size_t table, std::size_t version) const {
    std::string out = head('R');
    put(out, kFirstOid + static_cast<std::uint32_t>(table));
    put_text(out, "public");
    put_text(out, table_name(table));
    out.push_back('d');
    put(out, static_cast<std::uint16_t>(2 + version));
    const auto column = [&out](bool key, std::string_view name, std::uint32_t type) {
        out.push_back(key ? '\1' : '\0');
        put_text(out, name);
        put(out, type);
        put(out, std::uint32_t{0xFFFFFFFF});
    };
    column(true, "id", kInt4);
    column(false, "v", kText);
    for (std::size_t more = 0; more < version; ++more) {
        column(false, column_name(more), kText);
    }
    return out;
}

std::vector<std::string> SimPostgres::messages_of(Sender& sender, const SimTransaction& tx) {
    std::vector<std::string> out;
    if (tx.message) {
        std::string message = head('M');
        message.push_back('\0');
        put(message, tx.commit_lsn);
        put_text(message, "p");
        put(message, static_cast<std::uint32_t>(tx.rows[0].value.size()));
        message += tx.rows[0].value;
        out.push_back(std::move(message));
        return out;
    }
    std::string begin = head('B');
    put(begin, tx.commit_lsn);
    put(begin, std::uint64_t{1'000'000});
    put(begin, tx.xid);
    out.push_back(std::move(begin));
    for (const SimRow& row : tx.rows) {
        if (sender.described[row.table] != row.version) {
            sender.described[row.table] = row.version;
            out.push_back(relation(row.table, row.version));
        }
        std::string message;
        const std::uint32_t oid = kFirstOid + static_cast<std::uint32_t>(row.table);
        switch (row.op) {
            case Op::insert:
                message = head('I');
                put(message, oid);
                put_row(message, row);
                break;
            case Op::update:
                message = head('U');
                put(message, oid);
                put_row(message, row);
                break;
            case Op::move_key:
                message = head('U');
                put(message, oid);
                put_key(message, row);
                put_row(message, row);
                break;
            case Op::remove:
                message = head('D');
                put(message, oid);
                put_key(message, row);
                break;
            case Op::truncate:
                message = head('T');
                put(message, std::uint32_t{1});
                message.push_back('\0');
                put(message, oid);
                break;
        }
        out.push_back(std::move(message));
    }
    std::string commit = head('C');
    commit.push_back('\0');
    put(commit, tx.commit_lsn);
    put(commit, tx.end_lsn);
    put(commit, std::uint64_t{1'000'000});
    out.push_back(std::move(commit));
    return out;
}

bool SimPostgres::may_send(const Sender& sender) const {
    return sender.next < transactions_.size() &&
           transactions_[sender.next].end_lsn <= wal_flushed();
}

bool SimPostgres::has_message(const Sender& sender) const {
    return sender.message < sender.messages.size() || may_send(sender) || sender.keepalive_asked ||
           scheduler_.now_us() - sender.keepalive_us >= kKeepaliveInterval.count();
}

std::string SimPostgres::next_message(Sender& sender) {
    const auto keepalive = [&](std::uint64_t lsn) {
        sender.keepalive_asked = false;
        sender.keepalive_us = scheduler_.now_us();
        std::string out = head('k');
        put(out, lsn);
        put(out, std::uint64_t{0});
        out.push_back(random_.chance(300) ? '\1' : '\0');
        return out;
    };
    if (sender.message >= sender.messages.size()) {
        if (!may_send(sender)) {
            const bool due = sender.keepalive_asked || scheduler_.now_us() - sender.keepalive_us >=
                                                           kKeepaliveInterval.count();
            return due ? keepalive(std::max(wal_flushed(), sender.at_lsn)) : std::string();
        }
        sender.messages = messages_of(sender, transactions_[sender.next]);
        sender.message = 0;
        ++sender.next;
    }
    const SimTransaction& tx = transactions_[sender.next - 1];
    if (sender.message > 0 && random_.chance(20)) {
        return keepalive(tx.commit_lsn);  // in the middle of a transaction, as a slow one gets
    }
    std::string out = head('w');
    put(out, tx.commit_lsn);
    put(out, tx.commit_lsn);
    put(out, std::uint64_t{0});
    out += sender.messages[sender.message++];
    return out;
}

void SimPostgres::on_status(Sender& sender, std::uint64_t flush, bool ask) {
    if (!sender.alive || !slot_) {
        return;
    }
    sender.keepalive_asked = sender.keepalive_asked || ask;
    if (flush == 0) {
        return;
    }
    if (on_confirm) {
        on_confirm(flush);
    }
    slot_->confirmed = std::max(slot_->confirmed, flush);
}

postgresql::CatalogueTable SimPostgres::catalogue(std::uint32_t oid) const {
    postgresql::CatalogueTable out;
    const std::size_t table = oid - kFirstOid;
    if (table >= kTables) {
        return out;
    }
    out.exists = true;
    out.schema = "public";
    out.table = table_name(table);
    const auto column = [&out](const std::string& name, std::uint32_t type, const char* text) {
        postgresql::CatalogueColumn made;
        made.name = name;
        made.type_oid = type;
        made.type_name = text;
        made.not_null = type == kInt4;
        out.columns.push_back(std::move(made));
    };
    column("id", kInt4, "integer");
    column("v", kText, "text");
    for (std::size_t more = 0; more < versions_[table]; ++more) {
        column(column_name(more), kText, "text");
    }
    out.primary_key = {"id"};
    return out;
}

// --- The truth ----------------------------------------------------------------------------------

std::vector<Expected> SimPostgres::expected() const {
    std::vector<Expected> out;
    for (const SimTransaction& tx : transactions_) {
        if (tx.end_lsn <= first_slot_start_.value_or(0)) {
            continue;
        }
        const bool may_miss = tx.end_lsn <= slot_start_;
        if (tx.message) {
            // Between transactions: the byte before, where no commit record can begin.
            out.push_back(
                {.lsn = tx.commit_lsn - 1, .value = tx.rows[0].value, .may_miss = may_miss});
            continue;
        }
        for (std::size_t at = 0; at < tx.rows.size(); ++at) {
            const SimRow& row = tx.rows[at];
            if (row.table == kExcludedTable) {
                continue;
            }
            each_record(row, [&](std::uint16_t sub_index, int key, const std::string& value) {
                out.push_back({.lsn = tx.commit_lsn,
                               .ordinal = static_cast<std::uint32_t>(at),
                               .sub_index = sub_index,
                               .table = table_name(row.table),
                               .value = value,
                               .key = key,
                               .whole = !value.empty() && !row.keeps_toast,
                               .may_miss = may_miss});
            });
        }
    }
    return out;
}

std::size_t SimPostgres::expected_count() const {
    if (counted_transactions_ != transactions_.size() || counted_from_ != slot_start_) {
        counted_transactions_ = transactions_.size();
        counted_from_ = slot_start_;
        const auto all = expected();
        counted_ = static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [](const Expected& each) { return !each.may_miss; }));
    }
    return counted_;
}

std::uint64_t SimPostgres::newest_selected_end() const {
    for (auto tx = transactions_.rbegin(); tx != transactions_.rend(); ++tx) {
        const bool selected = std::any_of(tx->rows.begin(), tx->rows.end(), [](const SimRow& row) {
            return row.table != kExcludedTable;
        });
        if (tx->end_lsn > slot_start_ && selected) {
            return tx->end_lsn;
        }
    }
    return 0;
}

}  // namespace tributary::sim
