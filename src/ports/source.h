// Source: one outside system that events come from (PostgreSQL, MySQL, MQTT).
// Threads: every method is called by the pipeline's intake thread, except reconcile(), describe(),
// interrupt() and progressed(), which any thread may call at any time after construction.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "model/checkpoint.h"
#include "model/entry.h"
#include "ports/decoder.h"
#include "ports/side.h"
#include "ports/snapshot.h"

namespace tributary {

// Where to go on from. Both empty: a new pipeline, start at what the source calls now (or at the
// slot).
struct StartPoint {
    Position resume;
    Position done;
};

// What a stream of the log holds.
struct LogExtent {
    LogId log_id;
    Sequence first;  // 0 when empty
    Sequence last;   // last ever appended; 0 when none ever was
    Position resume;
    Position done;
};

// Where a source puts what it read. Implemented by core/intake (BlockAssembler); the intake thread
// owns it.
class EntrySink {
  public:
    virtual ~EntrySink() = default;

    // Makes `schema` known and gives its id; equal schemas of one stream share an id.
    [[nodiscard]] virtual SchemaId intern(std::shared_ptr<const TableSchema> schema) = 0;
    // What intern() gave this id, in this process or an earlier one; nullptr: nothing.
    [[nodiscard]] virtual std::shared_ptr<const TableSchema> schema(SchemaId id) const = 0;

    // Entries that follow belong to this transaction (or to none, when empty). The bytes are
    // copied.
    virtual void context(std::string_view bytes, std::int64_t intake_time_us) = 0;

    // Appends one entry; payload bytes are copied. `done` afterwards is the identity of this entry.
    virtual void append(EntryKind kind,
                        SchemaId schema,
                        std::uint32_t ordinal,
                        std::string_view payload,
                        const Position& done) = 0;

    // The entries appended next, `bytes` of payload and of overhead in all, come into one block, so
    // that they and their side writes become durable together or not at all. More than a block
    // holds are split.
    virtual void keep_together(std::size_t /*bytes*/) {}

    // Sets or erases a key of the side keyspace, atomically with the entry appended next (a
    // position entry will do). Keys of at most kSideKeyBytesMax bytes; both are copied.
    virtual void put_side(std::string_view key, std::string_view value) = 0;
    virtual void erase_side(std::string_view key) = 0;

    // Everything appended so far is covered by a re-read from `position`: called after the
    // transaction_end or position entry of a complete transaction.
    virtual void resume(const Position& position) = 0;

    // No room for more until the log has taken some: poll() returns as soon as it sees this.
    [[nodiscard]] virtual bool full() const = 0;
};

enum class Verdict { resume, gap, diverged, rewound };

struct Pressure {
    std::uint64_t held_bytes = 0;  // what the server keeps because we have not confirmed
    std::uint64_t limit_bytes =
        0;  // above this, `auto` confirms what is durable; 0 = no limit known
};

class Source {
  public:
    virtual ~Source() = default;

    // Connects, checks settings, rights and position, and begins to stream after `start`: the first
    // entry appended is the one after start.done. Transient errors: call again after a back-off.
    // Definite ones park the pipeline. A source that was open is closed first. `side` stays valid
    // until the source is opened again or closed.
    [[nodiscard]] virtual Result<void> open(const StartPoint& start, const SideReader& side) = 0;

    // Reads what is there into `sink`, waiting up to `wait` for the first byte, and returns when
    // the input is drained, the sink is full or about 1 MiB was read. Sends due status replies. An
    // error leaves what was appended valid; the source must then be opened again after the last
    // entry.
    [[nodiscard]] virtual Result<void> poll(EntrySink& sink, std::chrono::milliseconds wait) = 0;

    // Instead of poll() while reading is paused: keeps the session alive; waits up to `wait`.
    [[nodiscard]] virtual Result<void> idle(std::chrono::milliseconds wait) = 0;

    // The source may forget everything up to `position`, which must be one that went through
    // EntrySink::resume() or came from a checkpoint. Never moves back: an older position is
    // ignored.
    virtual void confirm(const Position& position) = 0;

    // open() fails with kSourceGap where the source was told to forget what comes after `start`:
    // a log that is lost is noticed, as long as Kafka remembers where the pipeline was.
    [[nodiscard]] virtual bool notices_gaps() const { return false; }

    // Polled every 5 s from the intake thread. nullopt where the source keeps nothing for us.
    [[nodiscard]] virtual Result<std::optional<Pressure>> pressure() = 0;

    // Says goodbye to the server, best effort, within `budget`.
    virtual void close(std::chrono::milliseconds budget) = 0;

    // What the log and Kafka say about each other, ordered by this connector's positions:
    //   resume    go on: the log continues the checkpoint
    //   gap       events between the checkpoint and the log's first entry are in neither
    //   diverged  the checkpoint belongs to another source or history
    //   rewound   the checkpoint is ahead of everything the log and its source have
    [[nodiscard]] virtual Verdict reconcile(const LogExtent& log,
                                            const Checkpoint& checkpoint) const = 0;

    // A decoder of this source's entries; each delivery thread has its own.
    [[nodiscard]] virtual std::unique_ptr<Decoder> make_decoder() const = 0;

    // The connector's text of what it follows, kept in checkpoints: "postgresql <system id> <db>
    // <slot>". Empty until the first successful open().
    [[nodiscard]] virtual std::string identity() const = 0;

    // A position for people: "0/1A2B3C4".
    [[nodiscard]] virtual std::string describe(const Position& position) const = 0;

    // Makes a poll(), idle() or open() under way return soon, with whatever it has.
    virtual void interrupt() = 0;

    // What may be confirmed has moved on: a source that tells its other side at once makes a poll()
    // or idle() under way return, so that confirm() is called. Any thread; cheap.
    virtual void progressed() {}

    // The seat for snapshots of this source, as long as the source lives; null: it has none. Its
    // methods may be called between open() and close().
    [[nodiscard]] virtual Snapshots* snapshots() { return nullptr; }

    // Everything that this source was to say is in the sink (snapshot.mode initial_only): it is
    // closed after that, and its pipeline is complete. Asked after poll().
    [[nodiscard]] virtual bool complete() const { return false; }
};

}  // namespace tributary
