// SimMysql, the part that keeps the truth: what every consumer must see in the end.
#include "tests/sim/sim_mysql.h"

#include <algorithm>

namespace tributary::sim {
namespace {

constexpr std::uint16_t kTombstone = 1;

}  // namespace

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
        const SimRow& row = tx.rows[at];
        const bool keyless = this->keyless(row.table);
        const auto add = [&](std::uint16_t sub_index, int key, const std::string& value) {
            const bool has_before = value.empty() && !row.before.value.empty();
            out.push_back({.transaction = tx.name,
                           .ordinal = static_cast<std::uint32_t>(at),
                           .sub_index = sub_index,
                           .table = table_name(row.table),
                           .value = sub_index == kTombstone ? ""
                                    : has_before            ? row.before.value
                                                            : row.value,
                           .key = key,
                           .whole = !value.empty() && !row.keeps_toast,
                           .removes = value.empty(),
                           .keyless = keyless});
        };
        if (!keyless) {
            each_record(row, add);
        } else if (row.op != Op::truncate) {
            add(0, row.key, row.op == Op::remove ? std::string() : row.value);
        }
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
        const auto all = expected(false);
        counted_ = static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [](const ExpectedChange& each) { return !each.keyless; }));
    }
    return counted_;
}

}  // namespace tributary::sim
