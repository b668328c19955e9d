// Planted bugs: mistakes that an author of this program could well make, each of which the
// simulator must catch (tests/sim/planted_bugs_test.cc), so that its silence means something. Only
// a build with TRIBUTARY_PLANTED_BUGS has them, never a release: without it every question here is
// the constant `false` and leaves no code behind. With it one of them is chosen at run time.
#pragma once

#include <cstdint>

namespace tributary::planted {

enum class Bug : std::uint8_t {
    none,
    ack_before_fsync,                // runtime/log_writer.cc
    keepalive_confirmed_early,       // connectors/postgresql/stream/confirm.cc
    producer_reused_in_doubt,        // connectors/kafka/producer_rules.h
    checkpoint_outside_transaction,  // connectors/kafka/producer_rules.h
    checkpoint_read_before_fencing,  // connectors/kafka/producer_rules.h
    ordinal_off_by_one,              // connectors/postgresql/intake/intake.cc
    resume_confused_with_done,       // connectors/postgresql/intake/intake.cc
    block_checksum_ignored,          // format/block.cc
    trim_past_floor,                 // runtime/delivery_stage.cc
    old_log_merged,                  // core/delivery/ledger.cc
    puback_before_fsync,             // connectors/mqtt/session/{subscriber,listener}_session.cc
    redelivery_taken_again,          // connectors/mqtt/session/dedupe.cc
    plain_watermark,                 // connectors/postgresql/snapshot/snapshot.cc
    chunk_before_its_place,          // connectors/postgresql/snapshot/snapshot.cc
    open_transactions_forgotten,     // connectors/postgresql/snapshot/snapshot_driver.cc
    snapshot_progress_apart,         // core/snapshot/engine.cc
    xa_rows_of_before_lost,          // connectors/mysql/intake/intake_machine.h
    last_not_compared,               // connectors/mysql/intake/intake.cc
    gtid_done_at_begin,              // connectors/mysql/intake/intake.cc
    half_row_again,                  // connectors/mysql/intake/transaction.cc
    payload_ends_where_it_begins,    // connectors/mysql/intake/dump_reader.cc
    tag_forgotten,                   // connectors/mysql/intake/intake.cc
    ddl_ordinal_of_selected,         // connectors/mysql/intake/intake_ddl.cc
    last_missing_unnoticed,          // connectors/mysql/binlog/fingerprint.cc
    file_end_not_looked_at,          // connectors/mysql/server/position_checks.cc
    mysql_plain_watermark,           // connectors/mysql/snapshot/snapshot.cc
    mysql_chunk_before_its_place,    // connectors/mysql/snapshot/snapshot.cc
    dropped_table_appended,          // connectors/mysql/snapshot/snapshot.cc
    keyless_rows_forgotten,          // connectors/mysql/snapshot/snapshot.cc
};

#ifdef TRIBUTARY_PLANTED_BUGS
inline Bug chosen = Bug::none;  // set before anything runs
[[nodiscard]] inline bool is(Bug bug) noexcept {
    return chosen == bug;
}
#else
[[nodiscard]] constexpr bool is(Bug /*bug*/) noexcept {
    return false;
}
#endif

}  // namespace tributary::planted
