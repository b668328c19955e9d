// Ledger: which entries are in Kafka, which are in the open transaction, and what a checkpoint read
// back from Kafka proves about them (DESIGN 3.2, 3.3, 3.5). Every entry is delivered in sequence
// order, exactly once; a step that would skip or repeat one is refused. Pure; one delivery thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "model/checkpoint.h"
#include "model/entry.h"
#include "ports/event_log.h"

namespace tributary::core {

// What the start of delivery finds when it holds the stream against Kafka's checkpoint.
enum class StartVerdict {
    go_on,      // the stream continues the checkpoint (or both are new)
    set_aside,  // the stream is of another history than the checkpoint: keep it apart, start a new
                // one after the checkpoint
};

class Ledger {
  public:
    struct Identity {
        std::string pipeline;  // "<agent>.<pipeline>"
        LogId log_id;
        std::string agent_version;
    };

    explicit Ledger(Identity identity) : identity_(std::move(identity)) {}

    // Start: holds the stream against the checkpoint. `ever_delivered`: this host remembers that
    // the pipeline had a checkpoint, so that a missing one is a loss in Kafka (kChainBroken).
    // Leaves the ledger ready at next() when the verdict is go_on.
    [[nodiscard]] Result<StartVerdict> start(const StreamInfo& stream,
                                             const std::optional<Checkpoint>& checkpoint,
                                             bool ever_delivered);

    // The sequence that must be taken next.
    [[nodiscard]] Sequence next() const { return tributary::next(taken_); }
    [[nodiscard]] Sequence delivered() const { return base_.last; }
    [[nodiscard]] const Checkpoint& base() const { return base_; }

    // Passes over the entries before `to`, which an operator gave up: nothing may have been taken
    // into the open transaction yet. The transaction's checkpoint says so: its first is `to`.
    void skip_to(Sequence to);

    // Takes a block's worth of entries into the open transaction: call for each entry in order.
    void take(const Entry& entry);

    // Adds to the records of the open transaction.
    void add_records(std::uint64_t count) { records_ += count; }
    [[nodiscard]] bool holds_anything() const { return taken_ > base_.last || records_ > 0; }

    // Ends the open transaction: the checkpoint that must go into it. `newest`: the block that the
    // transaction's entries end with; nullptr: it has none, and the positions stay.
    [[nodiscard]] const Checkpoint& seal(const Block* newest,
                                         const std::string& source_identity,
                                         std::int64_t wall_time_us);

    // The sealed checkpoint is in Kafka.
    void committed();

    // After recover(): true when the sealed transaction turned out to be in Kafka, false when it is
    // not and everything after delivered() must be taken again. kFenced, kChainBroken: what Kafka
    // holds is neither.
    [[nodiscard]] Result<bool> recovered(const std::optional<Checkpoint>& checkpoint);

  private:
    void rewind();

    Identity identity_;
    Checkpoint base_;                   // newest known to be in Kafka
    std::optional<Checkpoint> sealed_;  // in doubt
    Sequence taken_;
    Sequence skipped_to_;  // of the open transaction; 0: it skips nothing
    std::uint64_t records_ = 0;
    std::uint32_t chain_crc_ = 0;
};

}  // namespace tributary::core
