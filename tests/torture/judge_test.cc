// The judge must be able to fail: one sound case, and beside it each wrong that it has to name.
#include "tests/torture/judge.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "connectors/postgresql/position.h"
#include "format/record_header.h"
#include "tests/servers/failure.h"
#include "tests/torture/postgres_truth.h"

namespace tributary::torture {
namespace {

using postgresql::Lsn;

struct Sent {
    std::uint64_t lsn;
    std::uint64_t xid;
    std::uint32_t ordinal;
    std::uint16_t sub_index;
    std::uint64_t sequence;
};

servers::KafkaRecord record(const Sent& sent,
                            const std::string& key,
                            std::optional<std::string> payload) {
    std::string position;
    append_fixed(position, sent.lsn, Endian::big);
    std::string header;
    format::append_record_header(header,
                                 {.source = "s",
                                  .position = position,
                                  .ordinal = sent.ordinal,
                                  .sub_index = sent.sub_index,
                                  .sequence = Sequence(sent.sequence)});
    if (payload) {
        payload = R"({"source":{"txId":)" + std::to_string(sent.xid) + "}," + *payload + "}";
    }
    return {.topic = "p.public.t",
            .key = key,
            .value = std::move(payload),
            .headers = {{"tributary", header}}};
}

std::string row(int id, int n) {
    return "{\"id\":" + std::to_string(id) + ",\"n\":" + std::to_string(n) + "}";
}

Checkpoint checkpoint(std::uint64_t previous,
                      std::uint64_t last,
                      std::uint64_t records,
                      std::uint64_t lsn) {
    Checkpoint checkpoint;
    checkpoint.resume = postgresql::encode_resume(Lsn(lsn));
    checkpoint.first = Sequence(previous + 1);
    checkpoint.last = Sequence(last);
    checkpoint.previous_last = Sequence(previous);
    checkpoint.record_count = records;
    checkpoint.wall_time_us = static_cast<std::int64_t>(lsn);
    return checkpoint;
}

struct Case {
    std::vector<TrueTransaction> truth;
    std::map<std::string, std::vector<servers::KafkaRecord>> by_table;
    std::vector<Checkpoint> checkpoints;
    std::vector<SlotSample> slot;
    std::uint64_t slot_created_lsn = 0;
};

Verdict verdict_of(const Case& at) {
    Evidence evidence = postgres_evidence(at.truth, {});
    evidence.by_table = at.by_table;
    evidence.checkpoints = at.checkpoints;
    Verdict verdict = judge(evidence);
    check_slot(at.slot, at.slot_created_lsn, at.checkpoints, verdict);
    return verdict;
}

// Two transactions: insert 1, insert 2; move 1 to 3, delete 2.
Case sound() {
    TruthParser parser;
    parser.add(10, "BEGIN 7");
    parser.add(11, "table public.t: INSERT: id[bigint]:1 n[bigint]:100 v[text]:'x'");
    parser.add(12, "table public.t: INSERT: id[bigint]:2 n[bigint]:101 v[text]:null");
    parser.add(20, "COMMIT 7");
    parser.add(21, "BEGIN 8");
    parser.add(22,
               "table public.t: UPDATE: old-key: id[bigint]:1 new-tuple: id[bigint]:3 "
               "n[bigint]:102 v[text]:unchanged-toast-datum");
    parser.add(23, "table public.t: DELETE: id[bigint]:2");
    parser.add(30, "COMMIT 8");
    const std::string none = R"("before":null,"after":)";
    return {.truth = parser.take(),
            .by_table = {{"public.t",
                          {record({15, 7, 0, 0, 1}, row(1, 0), R"("op":"c",)" + none + row(1, 100)),
                           record({15, 7, 1, 0, 2}, row(2, 0), R"("op":"c",)" + none + row(2, 101)),
                           record({25, 8, 0, 0, 3},
                                  row(1, 0),
                                  R"("op":"d","after":null,"before":)" + row(1, 0)),
                           record({25, 8, 0, 1, 3}, row(1, 0), std::nullopt),
                           record({25, 8, 0, 2, 3}, row(3, 0), R"("op":"c",)" + none + row(3, 102)),
                           record({25, 8, 1, 0, 4},
                                  row(2, 0),
                                  R"("op":"d","after":null,"before":)" + row(2, 0)),
                           record({25, 8, 1, 1, 4}, row(2, 0), std::nullopt)}}},
            .checkpoints = {checkpoint(0, 2, 2, 20), checkpoint(2, 4, 5, 30)},
            .slot = {{.wall_time_us = 25, .confirmed_lsn = 20}},
            .slot_created_lsn = 5};
}

std::vector<servers::KafkaRecord>& records_of(Case& evidence) {
    return evidence.by_table.at("public.t");
}

TEST(Judge, accepts_what_is_equal_to_the_truth) {
    const Verdict verdict = verdict_of(sound());
    EXPECT_TRUE(verdict.good()) << (verdict.differences.empty() ? "" : verdict.differences.at(0));
    EXPECT_EQ(verdict.rows, 4U);
    EXPECT_EQ(verdict.records, 7U);
    EXPECT_EQ(verdict.transactions, 2U);
}

TEST(Judge, names_a_lost_record) {
    for (std::size_t index = 0; index < 7; ++index) {
        Case evidence = sound();
        records_of(evidence).erase(records_of(evidence).begin() +
                                   static_cast<std::ptrdiff_t>(index));
        EXPECT_EQ(verdict_of(evidence).lost, 1U) << index;
    }
}

TEST(Judge, names_a_lost_topic) {
    Case evidence = sound();
    evidence.by_table.clear();
    EXPECT_EQ(verdict_of(evidence).lost, 7U);
}

TEST(Judge, names_a_record_that_is_there_twice) {
    Case evidence = sound();
    const auto copy = records_of(evidence).at(1);
    records_of(evidence).push_back(copy);
    const Verdict verdict = verdict_of(evidence);
    EXPECT_EQ(verdict.twice, 1U);
    EXPECT_EQ(verdict.unexpected, 1U);
}

TEST(Judge, names_a_wrong_order) {
    Case evidence = sound();
    std::swap(records_of(evidence).at(0), records_of(evidence).at(1));
    EXPECT_EQ(verdict_of(evidence).out_of_order, 1U);
}

TEST(Judge, names_a_record_that_was_never_committed) {
    Case evidence = sound();
    evidence.truth.pop_back();
    EXPECT_EQ(verdict_of(evidence).unexpected, 5U);
}

TEST(Judge, names_another_value) {
    Case evidence = sound();
    evidence.truth.at(0).changes.at(0).n = 555;
    const Verdict verdict = verdict_of(evidence);
    EXPECT_EQ(verdict.lost, 1U);
    EXPECT_EQ(verdict.unexpected, 1U);
}

TEST(Judge, names_a_position_that_is_not_the_commit) {
    Case evidence = sound();
    evidence.truth.at(0).end_lsn = 15;
    EXPECT_EQ(verdict_of(evidence).broken, 1U);
}

TEST(Judge, names_a_missing_or_repeated_checkpoint) {
    Case missing = sound();
    missing.checkpoints.erase(missing.checkpoints.begin());
    EXPECT_GT(verdict_of(missing).broken, 0U);
    Case repeated = sound();
    repeated.checkpoints.push_back(repeated.checkpoints.back());
    EXPECT_GT(verdict_of(repeated).broken, 0U);
}

TEST(Judge, names_a_checkpoint_that_goes_back_or_counts_wrongly) {
    Case back = sound();
    back.checkpoints.at(1).resume = postgresql::encode_resume(Lsn(19));
    EXPECT_EQ(verdict_of(back).broken, 1U);
    Case count = sound();
    ++count.checkpoints.at(1).record_count;
    EXPECT_EQ(verdict_of(count).broken, 1U);
}

TEST(Judge, names_records_behind_the_last_checkpoint) {
    Case evidence = sound();
    evidence.checkpoints.pop_back();
    EXPECT_EQ(verdict_of(evidence).broken, 1U);
}

TEST(Judge, names_a_slot_that_was_confirmed_past_the_checkpoint) {
    Case evidence = sound();
    evidence.slot.push_back({.wall_time_us = 25, .confirmed_lsn = 21});
    EXPECT_EQ(verdict_of(evidence).broken, 1U);
    evidence.slot.back().wall_time_us = 30;
    EXPECT_EQ(verdict_of(evidence).broken, 0U);
}

TEST(Judge, refuses_a_truth_that_it_does_not_understand) {
    TruthParser parser;
    EXPECT_THROW(parser.add(1, "table public.t: INSERT: id[bigint]:1 n[bigint]:1"),
                 servers::ServerFailure);
    parser.add(1, "BEGIN 7");
    EXPECT_THROW(parser.add(2, "table public.t: INSERT: n[bigint]:1"), servers::ServerFailure);
}

TEST(Materialise, keeps_unsent_values_also_across_a_key_change) {
    const auto update = [](const std::string& key, const std::string& text, bool arrives) {
        auto one = record({15, 7, 0, 0, 1}, key, text);
        if (arrives) {
            one.headers.push_back({"__debezium.oldkey", "{}"});
        }
        return one;
    };
    const std::string placeholder = R"("v":"__debezium_unavailable_value"})";
    const auto rows = materialise({update("1", R"("op":"c","after":{"id":1,"v":"big"})", false),
                                   update("1", R"("op":"u","after":{"id":1,)" + placeholder, false),
                                   update("1", R"("op":"d","after":null)", false),
                                   record({15, 7, 0, 1, 1}, "1", std::nullopt),
                                   update("3", R"("op":"c","after":{"id":3,)" + placeholder, true)},
                                  {"id", "v"},
                                  false);
    EXPECT_EQ(rows, std::vector<std::string>{R"({"id":3,"v":"big"})"});
}

}  // namespace
}  // namespace tributary::torture
