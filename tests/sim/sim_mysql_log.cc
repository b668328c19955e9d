// SimMysql, the part that writes the binary log: files, and transactions as events.
#include <utility>

#include "tests/sim/binlog_bytes.h"
#include "tests/sim/sim_mysql.h"

namespace tributary::sim {
namespace {

// As one event has them: of one table, structure and type.
bool fit_together(const SimRow& left, const SimRow& right) {
    return left.table == right.table && left.version == right.version &&
           binlog::rows_type(left.op) == binlog::rows_type(right.op);
}

}  // namespace

void SimMysql::append(const BinlogTransaction* tx, mysql::EventType type, const std::string& body) {
    const std::int64_t time_us = tx == nullptr ? clock_us() : tx->commit_us;
    const binlog::Head head{.time_s = static_cast<std::uint32_t>(time_us / 1'000'000),
                            .server_id = tx == nullptr ? server_ : tx->server_id};
    if (payload_) {
        *payload_ += binlog::inner_event(type, head, body);
        return;
    }
    std::string& bytes = files_.rbegin()->second.bytes;
    bytes += binlog::event(type, head, bytes.size(), body);
}

void SimMysql::end_payload(const BinlogTransaction& tx) {
    if (payload_) {
        const std::string events = *std::exchange(payload_, std::nullopt);
        append(&tx, mysql::EventType::transaction_payload, binlog::payload(events));
    }
}

void SimMysql::open_file(bool server_started) {
    BinlogFile file{.bytes = "\xfe\x62in", .executed = executed(), .position = position()};
    files_.emplace(files_.empty() ? 1 : last_file() + 1, std::move(file));
    append(nullptr,
           mysql::EventType::format_description,
           binlog::format_description(
               server_started ? static_cast<std::uint32_t>(clock_us() / 1'000'000) : 0));
    if (setup_.kind == mysql::ServerKind::mysql) {
        append(nullptr, mysql::EventType::previous_gtids, executed().dump_bytes());
    } else {
        append(nullptr, mysql::EventType::gtid_list, binlog::gtid_list(position()));
    }
}

void SimMysql::rotate() {
    append(nullptr,
           mysql::EventType::rotate,
           binlog::rotate(file_name(last_file() + 1), kFirstOffset));
    open_file(false);
}

void SimMysql::log(BinlogTransaction& tx) {
    tx.file = last_file();
    tx.start = files_.rbegin()->second.bytes.size();
    log_begin(tx);
    const auto statement = [&](const std::string& text) {
        append(&tx, mysql::EventType::query, binlog::query(text));
    };
    switch (tx.kind) {
        case Kind::rows:
            log_rows(tx);
            if (!payload_ && random_.chance(100)) {
                statement("COMMIT");  // of an engine without transactions
            } else {
                append(&tx, mysql::EventType::xid, std::string(8, '\1'));
            }
            break;
        case Kind::truncate:
            statement("TRUNCATE TABLE " + table_name(tx.rows[0].table));
            break;
        case Kind::alter:
            statement("ALTER TABLE " + table_name(tx.rows[0].table) + " ADD COLUMN more" +
                      std::to_string(tx.rows[0].version - 1) + " VARCHAR(40) NOT NULL");
            break;
        case Kind::prepare:
        case Kind::one_phase:
            log_rows(tx);
            statement(binlog::xa_statement("END", tx.gtrid));
            append(&tx,
                   mysql::EventType::xa_prepare,
                   binlog::xa_prepare(tx.kind == Kind::one_phase, tx.gtrid));
            break;
        case Kind::commit:
        case Kind::commit_again:
            statement(binlog::xa_statement("COMMIT", tx.gtrid));
            break;
        case Kind::rollback:
            statement(binlog::xa_statement("ROLLBACK", tx.gtrid));
            break;
    }
    end_payload(tx);
    tx.end = files_.rbegin()->second.bytes.size();
}

// The GTID, and what opens the transaction.
void SimMysql::log_begin(const BinlogTransaction& tx) {
    const bool prepares = tx.kind == Kind::prepare || tx.kind == Kind::one_phase;
    if (!tx.mariadb_gtid) {
        if (tx.gtid && !tx.gtid->tag.empty()) {
            append(&tx,
                   mysql::EventType::gtid_tagged,
                   binlog::tagged_gtid(*tx.gtid, clock_us(), tx.commit_us));
        } else {
            append(&tx,
                   tx.gtid ? mysql::EventType::gtid : mysql::EventType::anonymous_gtid,
                   binlog::gtid(tx.gtid, clock_us(), tx.commit_us));
        }
        if (tx.kind == Kind::rows && setup_.compresses && random_.coin()) {
            payload_.emplace();
        }
        if (prepares || tx.kind == Kind::rows) {
            append(&tx,
                   mysql::EventType::query,
                   binlog::query(prepares ? binlog::xa_statement("START", tx.gtrid) : "BEGIN"));
        }
        return;
    }
    std::uint8_t flags = 0;
    if (prepares) {
        flags = mysql::kMariadbPreparedXa;
    } else if (tx.kind == Kind::truncate || tx.kind == Kind::alter) {
        flags = mysql::kMariadbStandalone;
    } else if (tx.kind != Kind::rows) {
        flags = mysql::kMariadbStandalone | mysql::kMariadbCompletedXa;
    }
    append(&tx,
           mysql::EventType::mariadb_gtid,
           binlog::mariadb_gtid(
               *tx.mariadb_gtid, flags, tx.gtrid.empty() ? "" : *mysql::make_xid(1, tx.gtrid, "")));
}

void SimMysql::log_rows(const BinlogTransaction& tx) {
    for (std::size_t at = 0; at < tx.rows.size();) {
        std::vector<SimRow> rows{tx.rows[at++]};
        while (at < tx.rows.size() && fit_together(rows[0], tx.rows[at]) && random_.coin()) {
            rows.push_back(tx.rows[at++]);
        }
        const std::uint64_t table_id =
            1000 * (restarts_ + 1) + 10 * rows[0].table + rows[0].version;
        append(&tx,
               mysql::EventType::table_map,
               binlog::table_map(table_id, rows[0].table, rows[0].version, setup_.kind));
        append(&tx, binlog::rows_type(rows[0].op), binlog::rows(table_id, rows));
    }
}

}  // namespace tributary::sim
