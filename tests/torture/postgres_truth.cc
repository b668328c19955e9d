#include "tests/torture/postgres_truth.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include "base/bytes.h"
#include "connectors/postgresql/position.h"
#include "tests/servers/failure.h"

namespace tributary::torture {
namespace {

using servers::ServerFailure;

std::int64_t number_after(std::string_view line, std::string_view label, std::size_t from) {
    const std::size_t at = line.find(label, from);
    std::int64_t value = 0;
    if (at == std::string_view::npos ||
        std::from_chars(line.data() + at + label.size(), line.data() + line.size(), value).ec !=
            std::errc()) {
        throw ServerFailure("test_decoding: no " + std::string(label) + " in " +
                            std::string(line.substr(0, 200)));
    }
    return value;
}

TrueChange parse_change(std::string_view line) {
    constexpr std::string_view kTable = "table ";
    constexpr std::string_view kNew = " new-tuple:";
    const std::size_t colon = line.find(": ");
    if (!line.starts_with(kTable) || colon == std::string_view::npos) {
        throw ServerFailure("test_decoding: " + std::string(line.substr(0, 200)));
    }
    TrueChange change;
    change.table = std::string(line.substr(kTable.size(), colon - kTable.size()));
    const std::string_view rest = line.substr(colon + 2);
    const std::size_t split = rest.find(kNew);
    const std::size_t values = split == std::string_view::npos ? 0 : split;
    change.id = number_after(rest, " id[bigint]:", values);
    if (rest.starts_with("DELETE:")) {
        change.op = 'd';
        return change;
    }
    change.op = rest.starts_with("INSERT:") ? 'c' : 'u';
    change.n = number_after(rest, " n[bigint]:", values);
    if (split != std::string_view::npos) {
        change.old_id = number_after(rest, " id[bigint]:", 0);
    }
    return change;
}

}  // namespace

void TruthParser::add(std::uint64_t lsn, std::string_view line) {
    if (line.starts_with("BEGIN ")) {
        open_.emplace();
        open_->name = std::to_string(number_after(line, "BEGIN ", 0));
        return;
    }
    if (!open_) {
        throw ServerFailure("test_decoding: outside a transaction: " + std::string(line));
    }
    if (line.starts_with("COMMIT ")) {
        open_->end_lsn = lsn;
        transactions_.push_back(*std::exchange(open_, std::nullopt));
        return;
    }
    open_->last_change_lsn = lsn;
    open_->changes.push_back(parse_change(line));
}

Evidence postgres_evidence(const std::vector<TrueTransaction>& truth,
                           const std::vector<std::string>& keyless_tables) {
    Evidence evidence;
    evidence.expected = expected_facts(truth, keyless_tables);
    evidence.transactions = truth.size();
    // A transaction's position lies where its commit record does.
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> commits;
    for (const TrueTransaction& transaction : truth) {
        evidence.rows += transaction.changes.size();
        commits[transaction.name] = {transaction.last_change_lsn, transaction.end_lsn};
    }
    evidence.rules = {
        .read_value = [](const servers::KafkaRecord& record,
                         Fact& fact) { read_row_change(record, "txId", fact); },
        .position_fits =
            [commits](const std::string& transaction, std::string_view position) {
                const auto known = commits.find(transaction);
                if (known == commits.end()) {
                    return true;  // already counted as not in the truth
                }
                const auto lsn = position.size() == sizeof(std::uint64_t)
                                     ? load<std::uint64_t>(position.data(), Endian::big)
                                     : 0;
                return lsn > known->second.first && lsn < known->second.second;
            },
        .compare_resume = [](const Position& left, const Position& right) -> std::partial_ordering {
            return postgresql::decode_resume(left) <=> postgresql::decode_resume(right);
        },
        .positions_are_ordered = true};
    return evidence;
}

// A checkpoint's wall time is taken before its transaction commits, so one with a later time
// cannot have been in Kafka when the slot was read.
void check_slot(const std::vector<SlotSample>& samples,
                std::uint64_t created_lsn,
                const std::vector<Checkpoint>& checkpoints,
                Verdict& verdict) {
    std::uint64_t held = created_lsn;
    auto checkpoint = checkpoints.begin();
    for (const SlotSample& sample : samples) {  // both are in the order of time
        while (checkpoint != checkpoints.end() && checkpoint->wall_time_us <= sample.wall_time_us) {
            const auto resume = postgresql::decode_resume(checkpoint->resume);
            held = std::max(held, resume ? resume->value() : 0);
            ++checkpoint;
        }
        if (sample.confirmed_lsn > held) {
            verdict.is_broken("the slot was confirmed to " + std::to_string(sample.confirmed_lsn) +
                              ", the newest checkpoint reached " + std::to_string(held));
        }
    }
}

}  // namespace tributary::torture
