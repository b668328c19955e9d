// Intake: the pure state machine between the binlog and the log. It is fed the events of one
// connection and appends entries to an EntrySink: it follows transactions, counts ordinals, skips
// what a re-send repeats, drops what is not selected, splits rows events into rows, and moves
// `resume`. Rows are checked in structure and copied undecoded (entry_payload.h); position.h says
// what an identity is.
//
// One thread. One object per connection: after an error, make a new one from the last position.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/mysql/intake/stream_watcher.h"
#include "connectors/mysql/position.h"
#include "connectors/mysql/server/catalogue_port.h"
#include "connectors/mysql/server_kind.h"
#include "core/snapshot/chunk_port.h"
#include "model/table_filter.h"
#include "ports/source.h"

namespace tributary::mysql {

// One event. Views are not kept past the call.
struct EventView {
    std::string_view bytes;    // 19-byte header and body, without CRC32
    std::string_view file;     // that it is in
    std::uint64_t offset = 0;  // in its file; of the payload event for an event inside one
    std::uint32_t inner = 0;   // from 1 inside a TRANSACTION_PAYLOAD_EVENT, 0 outside
    std::uint64_t next = 0;    // offset behind the event (BinlogCursor::next())
};

struct IntakeOptions {
    ServerKind server = ServerKind::mysql;
    FilterRules filter{};
    std::uint64_t row_bytes_max = 64ULL << 20U;  // one row's images, of a selected table
    std::uint64_t xa_bytes_max = 1ULL << 30U;    // rows of prepared XA transactions, all together
    std::int64_t position_interval_us = 30'000'000;  // between position entries
    bool lower_case_names = false;  // lower_case_table_names=1: whatever case a statement has
    bool schema_changes = false;    // DDL of what is selected is a change too (ddl.h)
    std::uint32_t server_mark = 0;  // CRC32C of the server's name
    bool last_comes_again = false;  // the dump starts at before_last() (fingerprint.h)
    bool fresh = false;  // a new pipeline: its start is not stored yet, and due as a position entry
};

class Intake {
  public:
    // `catalogue` (may be null: every table must then have FULL row metadata) and `side` outlive
    // the intake. `start.resume` must not be empty: the caller makes one of what the server says
    // now (encode_resume). kConfigInvalid: a filter expression; kSourceDiverged: `start` has
    // positions that this connector did not write.
    [[nodiscard]] static Result<std::unique_ptr<Intake>> make(const IntakeOptions& options,
                                                              const StartPoint& start,
                                                              Catalogue* catalogue,
                                                              const SideReader& side);
    virtual ~Intake() = default;

    // The next event, of any type, TRANSACTION_PAYLOAD_EVENT excepted: feed what is inside. Not
    // while copying(). `now_us`: wall clock, microseconds since 1970.
    [[nodiscard]] virtual Result<void> on_event(const EventView& event,
                                                std::int64_t now_us,
                                                EntrySink& sink) = 0;

    // An event that is larger than the caller will hold: `head` are its first bytes, at least
    // kOversizedHeadBytes, of `event_bytes`. kRowTooLarge when it has a row of a selected table;
    // the rest of the event is to be dropped otherwise.
    [[nodiscard]] virtual Result<void> on_oversized(const EventView& head,
                                                    std::uint64_t event_bytes,
                                                    std::int64_t now_us,
                                                    EntrySink& sink) = 0;

    // Rows of an XA transaction that was committed are on their way from the side keyspace to the
    // log: call copy_more() until it is over before the next event; it returns when `sink` is full.
    [[nodiscard]] virtual bool copying() const noexcept = 0;
    [[nodiscard]] virtual Result<void> copy_more(std::int64_t now_us, EntrySink& sink) = 0;

    // Appends the position entry that is due, if any; call it when idle.
    virtual void on_tick(std::int64_t now_us, EntrySink& sink) = 0;
    // Where `fresh`, before the first event: stores where it begins, so that a crash in the middle
    // of the first transaction goes on from there, and erases what the log has of XA transactions
    // of before (a history that was given up), whose names may come again.
    [[nodiscard]] virtual Result<void> begin(std::int64_t now_us, EntrySink& sink) = 0;
    // Appends the position entry now if there is anything to say.
    virtual void flush_position(std::int64_t now_us, EntrySink& sink) = 0;

    // Tells `watcher` (which outlives this; null: nobody) of what follows.
    virtual void watch(StreamWatcher* watcher) noexcept = 0;
    // Where rows of a snapshot are appended.
    [[nodiscard]] virtual core::snapshot::RowStream& snapshot_rows() noexcept = 0;
    // Behind the last event that came, of whatever kind: everything below was sent. No file: by
    // GTID, and none came yet.
    [[nodiscard]] virtual const Place& received() const noexcept = 0;

    // The last transaction was to come again, to be compared, and nothing of it has come;
    // give_up_last() goes on without.
    [[nodiscard]] virtual bool awaits_last() const noexcept = 0;
    virtual void give_up_last() noexcept = 0;

    [[nodiscard]] virtual bool in_transaction() const noexcept = 0;
    // Behind the last complete transaction: what `resume` is or would be.
    [[nodiscard]] virtual const ResumePoint& position() const noexcept = 0;
};

inline constexpr std::size_t kOversizedHeadBytes = 4096;

}  // namespace tributary::mysql
