// EventLog: the durable, ordered middle. One log serves every pipeline of the process.
// Threads: append(), put_dead_letter(), drop() and reopen() by the log writer thread; the rest by
// any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/checkpoint.h"
#include "model/entry.h"
#include "model/errors.h"
#include "ports/source.h"

namespace tributary {

// How a stream began: after which checkpoint of an earlier log its first sequence follows.
struct StreamBase {
    Sequence first;     // sequence that the first entry has or will have
    LogId predecessor;  // log of the checkpoint that it continues; all zero when none
    Sequence predecessor_last;
};

struct StreamInfo {
    StreamId id;
    std::string pipeline;
    StreamBase base;
    LogExtent extent;
    std::uint64_t bytes = 0;           // on disk, approximately
    std::uint64_t appended_bytes = 0;  // since the log was opened
    bool set_aside = false;
    // Of what is missing before extent.first, [dropped_from, dropped_before) was given up by an
    // operator (drop()); both 0: nothing was.
    Sequence dropped_from = {};
    Sequence dropped_before = {};
};

struct LogUsage {
    std::uint64_t bytes = 0;            // of all streams, approximately
    std::uint64_t free_disk_bytes = 0;  // of the file system
};

struct DeadLetter {
    std::uint64_t id = 0;  // given by the log
    std::string pipeline;
    Sequence sequence;
    std::uint16_t sub_index = 0;
    std::string reason;  // stable error name and text
    std::string topic;
    std::optional<std::string> key;
    std::optional<std::string> value;
    std::string identity;  // packed header
    std::int64_t wall_time_us = 0;
    bool replayed = false;
};

class EventLog {
  public:
    virtual ~EventLog() = default;

    [[nodiscard]] virtual LogId id() const = 0;

    // The live stream of `pipeline`; nullopt when it has none yet.
    [[nodiscard]] virtual Result<std::optional<StreamInfo>> find_stream(
        std::string_view pipeline) = 0;
    // Creates the live stream of `pipeline` and sets an older one aside (kept, never merged).
    // fsynced.
    [[nodiscard]] virtual Result<StreamInfo> create_stream(std::string_view pipeline,
                                                           const StreamBase& base) = 0;
    [[nodiscard]] virtual Result<std::vector<StreamInfo>> streams() = 0;

    // Makes all blocks, in one atomic write, durable (fsync unless durability is `process`). Blocks
    // of one stream follow each other and the stream's last. On error nothing of the call is
    // certain: call reopen(), then trust extents only. kLogFull: nothing was written, try again
    // later.
    [[nodiscard]] virtual Result<void> append(std::span<const BlockPtr> blocks) = 0;

    // Closes and opens the store again after a failed write, and reads back what survived.
    [[nodiscard]] virtual Result<void> reopen() = 0;

    // The block that holds `at`, or the first one after it; nullptr past the end. CRC checked.
    [[nodiscard]] virtual Result<BlockPtr> read(StreamId stream, Sequence at) = 0;

    [[nodiscard]] virtual Result<std::shared_ptr<const TableSchema>> schema(StreamId stream,
                                                                            SchemaId id) = 0;
    // Every schema of the stream, for intake to go on interning after a restart.
    [[nodiscard]] virtual Result<std::vector<NewSchema>> schemas(StreamId stream) = 0;

    // The side keyspace of a stream as appended blocks left it; as ports/side.h.
    [[nodiscard]] virtual Result<std::optional<std::string>> side(StreamId stream,
                                                                  std::string_view key) = 0;
    [[nodiscard]] virtual Result<std::vector<SideEntry>> scan_side(StreamId stream,
                                                                   std::string_view prefix,
                                                                   std::string_view after,
                                                                   std::size_t limit) = 0;

    // Entries up to and including `through` are no longer needed. Not fsynced: a cache of what
    // Kafka knows.
    [[nodiscard]] virtual Result<void> trim(StreamId stream, Sequence through) = 0;

    // Gives up the entries before `before`, at most one past the stream's last: they are not
    // delivered any more, whole blocks of them are removed, the newest block stays. Remembered
    // with the stream, fsynced, before it returns; what it gave up before stays given up. A reader
    // sees the stream either before or after. kArgumentInvalid: past the end. A log for tests may
    // not be able to: kInternal.
    [[nodiscard]] virtual Result<void> drop(StreamId /*stream*/, Sequence /*before*/) {
        return Error(errors::kInternal, "this log gives nothing up");
    }

    // A small value kept per pipeline, not fsynced (checkpoint hint).
    [[nodiscard]] virtual Result<std::optional<std::string>> cached(std::string_view pipeline) = 0;
    [[nodiscard]] virtual Result<void> cache(std::string_view pipeline, std::string_view value) = 0;

    // Durable (fsynced) before it returns; the same (pipeline, sequence, sub_index) is stored once.
    [[nodiscard]] virtual Result<std::uint64_t> put_dead_letter(const DeadLetter& letter) = 0;
    [[nodiscard]] virtual Result<std::vector<DeadLetter>> dead_letters(std::string_view pipeline,
                                                                       std::size_t limit) = 0;
    [[nodiscard]] virtual Result<void> mark_replayed(std::uint64_t id) = 0;

    [[nodiscard]] virtual Result<LogUsage> usage() = 0;
};

}  // namespace tributary
