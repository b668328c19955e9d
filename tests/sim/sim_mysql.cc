// The server; see the header.
#include "tests/sim/sim_mysql.h"

#include <algorithm>
#include <utility>

#include "tests/sim/binlog_bytes.h"
#include "tests/sim/sim_dump.h"

namespace tributary::sim {
namespace {

constexpr std::uint16_t kTombstone = 1;
constexpr std::size_t kXids = 5;  // few, so that they come back soon

mysql::MysqlGtid gtid_of(std::uint32_t server, std::uint64_t number) {
    mysql::MysqlGtid gtid;
    gtid.uuid.fill(static_cast<std::uint8_t>(server));
    gtid.number = number;
    return gtid;
}

// The first `count` events of a transaction; the last one ends it.
std::string_view first_events(std::string_view bytes, std::size_t count) {
    std::size_t at = 0;
    for (; count > 0 && at < bytes.size(); --count) {
        at += mysql::parse_header(bytes.substr(at)).value().length;
    }
    return bytes.substr(0, at);
}

std::size_t count_events(std::string_view bytes) {
    std::size_t count = 0;
    while (first_events(bytes, count).size() < bytes.size()) {
        ++count;
    }
    return count;
}

}  // namespace

SimMysql::SimMysql(Scheduler& scheduler, Rng random, MysqlSetup setup)
    : scheduler_(scheduler), random_(random), setup_(setup), versions_(kTables, 0) {
    if (holds_rows()) {
        hold_rows();
    } else {
        open_file(true);
    }
}

std::string SimMysql::file_name(std::uint64_t number) {
    std::string digits = std::to_string(number);
    return "binlog." + std::string(6 - std::min<std::size_t>(6, digits.size()), '0') + digits;
}

std::int64_t SimMysql::clock_us() const {
    return SimClock::kWallStart + scheduler_.now_us();
}

// --- The application ---------------------------------------------------------------------------

void SimMysql::commit_something(std::size_t rows_max) {
    if (random_.chance(80)) {
        rotate();
    }
    if (setup_.has_ddl && random_.chance(80)) {
        alter_table();
        return;
    }
    const auto open = open_xa();
    const std::uint64_t kind = setup_.has_xa ? random_.below(100) : 100;
    if (!undecided_xa_.empty() && random_.coin()) {
        committed_unknown_xa_ = committed_unknown_xa_ || !has_read_commit(*undecided_xa_.begin());
        commit({.kind = Kind::commit_again, .gtrid = *undecided_xa_.begin()});
        undecided_xa_.erase(undecided_xa_.begin());
    } else if (kind < 25 && !open.empty()) {
        auto chosen = open.begin();
        std::advance(chosen, random_.below(open.size()));
        end_xa(chosen->first);
    } else {
        commit_rows(rows_max, kind < 45);
    }
}

void SimMysql::commit_rows(std::size_t rows_max, bool prepare) {
    BinlogTransaction tx;
    if (prepare) {
        tx.gtrid = "x" + std::to_string(random_.below(kXids));
        if (!open_xa().contains(tx.gtrid) && !undecided_xa_.contains(tx.gtrid)) {
            const bool at_once = setup_.kind == mysql::ServerKind::mysql && random_.chance(250);
            tx.kind = at_once ? Kind::one_phase : Kind::prepare;
        } else {
            tx.gtrid.clear();
        }
    }
    holds_rows() ? add_fitting_rows(tx, rows_max) : add_rows(tx, rows_max);
    commit(std::move(tx));
}

void SimMysql::add_rows(BinlogTransaction& tx, std::size_t rows_max) {
    const std::uint64_t serial = ++serial_;
    for (std::size_t left = 1 + random_.below(rows_max); left > 0; --left) {
        SimRow row = random_row(random_, versions_, mark_of(serial, tx.rows.size()));
        if (row.op == Op::truncate && tx.rows.empty() && tx.kind == Kind::rows) {
            tx.kind = Kind::truncate;  // a statement is a transaction of its own
            tx.rows.push_back(std::move(row));
            break;
        }
        row.op = row.op == Op::truncate ? Op::remove : row.op;
        if (random_.chance(20)) {
            row.value.append(random_.below(9000), 'z');
        }
        tx.rows.push_back(std::move(row));
    }
}

// It is of before the pipeline or RESET MASTER, or has the name of one that is forgotten, so that a
// reader who knows that one passes over it.
bool SimMysql::may_be_unread(std::size_t at) const {
    const auto has_its_name = [&](const BinlogTransaction& other) {
        return other.name == transactions_[at].name;
    };
    const auto reset = transactions_.begin() + static_cast<std::ptrdiff_t>(log_from_);
    return at < std::max(began_, log_from_) ||
           std::any_of(lost_.begin(), lost_.end(), has_its_name) ||
           std::any_of(transactions_.begin(), reset, has_its_name);
}

bool SimMysql::has_read_commit(const std::string& gtrid) const {
    for (std::size_t at = 0; at < transactions_.size(); ++at) {
        const BinlogTransaction& tx = transactions_[at];
        if (tx.kind == Kind::commit && tx.gtrid == gtrid && !may_be_unread(at)) {
            return true;
        }
    }
    return false;
}

// The rows of a transaction that was prepared come true, or never were.
void SimMysql::end_xa(const std::string& gtrid) {
    const std::size_t prepared = open_xa().at(gtrid);
    BinlogTransaction tx{.kind = Kind::rollback, .gtrid = gtrid};
    // Of one from before the pipeline, hardly ever: it cannot go on then.
    const bool unknown = began_first_ && prepared < began_;
    if (random_.chance(unknown ? 50 : 700)) {
        tx.kind = Kind::commit;
        tx.rows = transactions_[prepared].rows;
        committed_unknown_xa_ = committed_unknown_xa_ || may_be_unread(prepared);
    }
    commit(std::move(tx));
}

void SimMysql::alter_table() {
    if (setup_.has_ddl && random_.chance(400)) {
        BinlogTransaction tx{.kind = Kind::drop};
        const std::size_t first = random_.below(kTables);
        for (std::size_t more = random_.below(kTables) + 1; more > 0; --more) {
            const std::size_t table = (first + more) % kTables;
            tx.rows.push_back({.table = table, .version = versions_[table], .value = {}});
        }
        if (may_alter(tx.rows)) {
            commit(std::move(tx));
        }
        return;
    }
    const std::size_t table = random_.below(kTables);
    if (!may_alter({{.table = table, .value = {}}})) {
        return;
    }
    ++versions_[table];
    commit({.kind = Kind::alter,
            .rows = {{.table = table, .version = versions_[table], .value = {}}}});
}

void SimMysql::commit(BinlogTransaction tx) {
    tx.commit_us = clock_us();
    tx.server_id = server_;
    name_transaction(tx);
    log(tx);
    tx.name = tx.gtid           ? mysql::to_string(*tx.gtid)
              : tx.mariadb_gtid ? mysql::to_string(*tx.mariadb_gtid)
                                : file_name(tx.file) + ":" + std::to_string(tx.start);
    transactions_.push_back(std::move(tx));
    ++changes_;
    if (holds_rows()) {
        settle(transactions_.back());
    }
}

void SimMysql::name_transaction(BinlogTransaction& tx) {
    const bool mariadb = setup_.kind == mysql::ServerKind::mariadb;
    if (!mariadb && !setup_.by_gtid) {
        return;
    }
    const std::uint32_t domain = mariadb && random_.chance(200) ? 1 : 0;
    mysql::MysqlGtid ours = gtid_of(server_, 1);
    ours.tag = !mariadb && setup_.has_tags && random_.chance(300) ? "night" : "";
    std::uint64_t newest = 0;
    for (std::size_t at = log_from_; at < transactions_.size(); ++at) {
        const BinlogTransaction& other = transactions_[at];
        if (mariadb && other.mariadb_gtid->domain == domain) {
            newest = std::max(newest, other.mariadb_gtid->number);
        } else if (!mariadb && other.gtid->uuid == ours.uuid && other.gtid->tag == ours.tag) {
            newest = std::max(newest, other.gtid->number);
        }
    }
    if (mariadb) {
        tx.mariadb_gtid = {.domain = domain, .server = server_, .number = newest + 1};
    } else {
        ours.number = newest + 1;
        tx.gtid = std::move(ours);
    }
}

// --- Faults -------------------------------------------------------------------------------------

void SimMysql::set_up(bool up) {
    up_ = up;
    if (!up) {
        cut();
    }
}

void SimMysql::cut() {
    for (const auto& weak : dumps_) {
        if (const auto dump = weak.lock()) {
            dump->alive = false;
        }
    }
    dumps_.clear();
    for (const auto& weak : views_) {
        if (const auto view = weak.lock()) {
            view->alive = false;
        }
    }
    views_.clear();
}

// Begins a file without having ended the one before. An XA transaction that was committed just
// before may be prepared again.
void SimMysql::crash() {
    cut();
    ++restarts_;
    show_all();
    if (!holds_rows() && !transactions_.empty() && transactions_.back().kind == Kind::commit &&
        random_.coin()) {
        undecided_xa_.insert(transactions_.back().gtrid);
    }
    open_file(true);
    say("fault: the server crashes, and begins " + file_name(last_file()));
}

// A while without a server: what comes later is of another second.
void SimMysql::go_on_without_what_is_lost() {
    cut();
    ++restarts_;
    ++histories_;
    ++changes_;
    asleep_until_us_ = scheduler_.now_us() + 1'100'000;
    undecided_xa_.clear();
    tables_changed();
    open_file(true);
}

// The newest `count` transactions; not those that a pipeline passed over when it began, and none of
// a file that is purged.
std::string SimMysql::forget(std::size_t count) {
    const std::size_t floor = std::max(began_, log_from_);
    count = std::min(count, transactions_.size() - std::min(floor, transactions_.size()));
    const auto first = [&] { return transactions_.end() - static_cast<std::ptrdiff_t>(count); };
    while (count > 0 && first()->file < files_.begin()->first) {
        --count;
    }
    if (count == 0) {
        return {};
    }
    lost_from_.emplace(first_files_.back(), LogPlace{first()->file, first()->start});
    files_.erase(files_.upper_bound(first()->file), files_.end());
    std::string& bytes = files_.rbegin()->second.bytes;
    std::string gone = bytes.substr(first()->start, first()->end - first()->start);
    bytes.resize(first()->start);
    if (began_first_) {
        lost_.insert(lost_.end(), first(), transactions_.end());
    }
    transactions_.erase(first(), transactions_.end());
    return gone;
}

bool SimMysql::lose_tail(std::size_t transactions) {
    const auto in_last =
        std::count_if(transactions_.begin(), transactions_.end(), [&](const BinlogTransaction& tx) {
            return tx.file == last_file();
        });
    const std::size_t before = transactions_.size();
    const std::string first_gone =
        forget(std::min(transactions, static_cast<std::size_t>(in_last)));
    const bool torn =
        setup_.kind == mysql::ServerKind::mariadb && !first_gone.empty() && random_.coin();
    if (torn) {  // MySQL cuts it off when it starts
        const std::size_t events = 1 + random_.below(count_events(first_gone) - 1);
        files_.rbegin()->second.bytes += first_events(first_gone, events);
    }
    go_on_without_what_is_lost();
    say("fault: the server crashes and forgets " + std::to_string(before - transactions_.size()) +
        " transactions, " + (torn ? "the first not whole, " : "") + "and begins " +
        file_name(last_file()));
    return torn;
}

void SimMysql::rewind(std::size_t transactions) {
    const std::size_t before = transactions_.size();
    static_cast<void>(forget(transactions));
    go_on_without_what_is_lost();
    say("fault: an older copy of the server is put back, without the last " +
        std::to_string(before - transactions_.size()) + " transactions; it begins " +
        file_name(last_file()));
}

void SimMysql::fail_over(std::size_t lost_transactions) {
    const std::size_t before = transactions_.size();
    static_cast<void>(forget(lost_transactions));
    std::vector<BinlogTransaction> copied = std::exchange(transactions_, {});
    ++server_;
    files_.clear();
    number_files_anew();
    open_file(true);
    for (BinlogTransaction& tx : copied) {
        if (random_.chance(150)) {
            rotate();
        }
        log(tx);
        transactions_.push_back(std::move(tx));
    }
    go_on_without_what_is_lost();
    say("fault: fail-over to server " + std::to_string(server_) + ", which lacks the last " +
        std::to_string(before - transactions_.size()) + " transactions, and is in " +
        file_name(last_file()));
}

// Files that a connection has not read through are kept.
void SimMysql::purge_before(std::uint64_t file) {
    for (const auto& weak : dumps_) {
        if (const auto dump = weak.lock(); dump && dump->alive && dump->file() != 0) {
            file = std::min(file, dump->file());
        }
    }
    files_.erase(files_.begin(), files_.lower_bound(file));
}

void SimMysql::purge() {
    purge_before(last_file());
    say("fault: every file before " + file_name(files_.begin()->first) + " is purged");
}

void SimMysql::purge_read(const mysql::ResumePoint& from) {
    const auto is_read = [&](const BinlogTransaction& tx) {
        if (!from.by_gtid) {
            return file_name(tx.file) < from.next.file;
        }
        return tx.gtid ? from.executed.contains(*tx.gtid)
                       : from.gtid_position.contains(*tx.mariadb_gtid);
    };
    const auto needed =
        std::find_if_not(transactions_.begin() + static_cast<std::ptrdiff_t>(log_from_),
                         transactions_.end(),
                         is_read);
    std::uint64_t keep = needed == transactions_.end() ? last_file() : needed->file;
    while (!from.by_gtid && keep > files_.begin()->first && file_name(keep) > from.next.file) {
        --keep;
    }
    purge_before(keep);
    say("the server purges what is before " + file_name(files_.begin()->first));
}

void SimMysql::reset() {
    cut();
    ++histories_;
    log_from_ = transactions_.size();
    files_.clear();
    number_files_anew();
    open_file(false);
    say("fault: RESET MASTER");
}

// --- The client ---------------------------------------------------------------------------------

mysql::MysqlGtidSet SimMysql::executed() const {
    mysql::MysqlGtidSet out;
    for (std::size_t at = log_from_; at < transactions_.size(); ++at) {
        if (transactions_[at].gtid) {
            out.add(*transactions_[at].gtid);
        }
    }
    return out;
}

mysql::MariadbGtidPosition SimMysql::position() const {
    mysql::MariadbGtidPosition out;
    for (std::size_t at = log_from_; at < transactions_.size(); ++at) {
        if (transactions_[at].mariadb_gtid) {
            out.add(*transactions_[at].mariadb_gtid);
        }
    }
    return out;
}

std::string SimMysql::server_uuid() const {
    const std::string gtid = mysql::to_string(gtid_of(server_, 1));
    return gtid.substr(0, gtid.find(':'));
}

mysql::ServerFacts SimMysql::facts() const {
    mysql::ServerFacts out;
    out.kind = setup_.kind;
    out.version = "simulated";
    out.user = "tributary@%";
    out.rights = {"REPLICATION SLAVE", "REPLICATION CLIENT", "BINLOG MONITOR", "BACKUP_ADMIN"};
    out.variables = {{"log_bin", "ON"},
                     {"binlog_format", "ROW"},
                     {"binlog_row_image", "FULL"},
                     {"server_id", std::to_string(server_)}};
    for (const auto& [number, file] : files_) {
        out.files.push_back({file_name(number), file.bytes.size()});
    }
    if (setup_.kind == mysql::ServerKind::mysql) {
        out.variables["gtid_mode"] = setup_.by_gtid ? "ON" : "OFF";
        out.variables["server_uuid"] = server_uuid();
        out.variables["gtid_executed"] = executed().to_string();
        out.variables["gtid_purged"] = files_.begin()->second.executed.to_string();
    } else {
        out.variables["gtid_binlog_pos"] = position().to_string();
    }
    return out;
}

mysql::ResumePoint SimMysql::begin_pipeline() {
    began_ = transactions_.size();
    began_first_ = began_first_.value_or(began_);
    ++changes_;
    mysql::ResumePoint out;
    out.server = setup_.kind;
    out.by_gtid = setup_.by_gtid;
    out.next = {file_name(last_file()), files_.rbegin()->second.bytes.size()};
    if (out.by_gtid) {
        out.executed = executed();
        out.gtid_position = position();
    }
    return out;
}

bool SimMysql::has_reader() const {
    return std::any_of(dumps_.begin(), dumps_.end(), [](const auto& weak) {
        const auto dump = weak.lock();
        return dump && dump->is_read();
    });
}

// A second reader of the same server_id ends the first.
std::shared_ptr<SimDump> SimMysql::start_dump(const mysql::ResumePoint& from) {
    for (const auto& weak : dumps_) {
        if (const auto dump = weak.lock(); dump && dump->alive) {
            dump->refuse("a slave with the same server_uuid/server_id as this slave has connected");
        }
    }
    auto dump = std::make_shared<SimDump>(*this, from);
    std::erase_if(dumps_, [](const auto& weak) { return weak.expired(); });
    dumps_.push_back(dump);
    return dump;
}

// --- The truth ----------------------------------------------------------------------------------

std::map<std::string, std::size_t> SimMysql::open_xa() const {
    std::map<std::string, std::size_t> open;
    for (std::size_t at = 0; at < transactions_.size(); ++at) {
        if (transactions_[at].kind == Kind::prepare) {
            open[transactions_[at].gtrid] = at;
        } else if (transactions_[at].kind == Kind::commit ||
                   transactions_[at].kind == Kind::rollback) {
            open.erase(transactions_[at].gtrid);
        }
    }
    return open;
}

// Each table that a statement names counts.
void SimMysql::expect_ddl(const BinlogTransaction& tx, std::vector<ExpectedChange>& out) const {
    for (std::size_t at = 0; setup_.has_ddl && at < tx.rows.size(); ++at) {
        if (tx.rows[at].table != kExcludedTable) {
            out.push_back({.transaction = tx.name,
                           .ordinal = static_cast<std::uint32_t>(at),
                           .table = table_name(tx.rows[at].table),
                           .value = table_name(tx.rows[at].table),
                           .of_structure = true});
        }
    }
}

void SimMysql::expect(const BinlogTransaction& tx, std::vector<ExpectedChange>& out) const {
    if (tx.kind == Kind::alter || tx.kind == Kind::drop) {
        expect_ddl(tx, out);
        return;
    }
    if (tx.kind != Kind::rows && tx.kind != Kind::one_phase && tx.kind != Kind::commit) {
        return;
    }
    for (std::size_t at = 0; at < tx.rows.size(); ++at) {
        if (tx.rows[at].table == kExcludedTable) {
            continue;
        }
        each_record(tx.rows[at], [&](std::uint16_t sub_index, int key, const std::string& value) {
            out.push_back({.transaction = tx.name,
                           .ordinal = static_cast<std::uint32_t>(at),
                           .sub_index = sub_index,
                           .table = table_name(tx.rows[at].table),
                           .value = sub_index == kTombstone ? "" : tx.rows[at].value,
                           .key = key,
                           .whole = !value.empty() && !tx.rows[at].keeps_toast,
                           .removes = value.empty()});
        });
    }
}

// XA: rows that were prepared before the pipeline began are not its own.
std::vector<ExpectedChange> SimMysql::expected(bool since_first) const {
    std::vector<ExpectedChange> out;
    if (!began_first_) {
        return out;
    }
    const std::size_t from = since_first ? *began_first_ : began_;
    std::map<std::string, std::size_t> prepared;
    for (std::size_t at = 0; at < transactions_.size(); ++at) {
        const BinlogTransaction& tx = transactions_[at];
        if (tx.kind == Kind::prepare) {
            prepared[tx.gtrid] = at;
        }
        const std::size_t rows_at = tx.kind == Kind::commit ? prepared[tx.gtrid] : at;
        if (at >= from && rows_at >= from) {
            const std::size_t before = out.size();
            expect(tx, out);
            for (std::size_t each = before; each < out.size(); ++each) {
                out[each].of_log = at;
                out[each].may_miss = rows_at < began_;
            }
        }
    }
    return out;
}

std::vector<ExpectedChange> SimMysql::lost() const {
    std::vector<ExpectedChange> out;
    for (const BinlogTransaction& tx : lost_) {
        expect(tx, out);
    }
    return out;
}

std::size_t SimMysql::expected_count() const {
    if (counted_at_ != changes_) {
        counted_at_ = changes_;
        counted_ = expected(false).size();
    }
    return counted_;
}

}  // namespace tributary::sim
