#include "core/delivery/ledger.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/planted.h"
#include "model/errors.h"

namespace tributary::core {
namespace {

std::string describe(const Checkpoint& checkpoint) {
    return "log " + to_string(checkpoint.log_id) + ", sequences " +
           std::to_string(checkpoint.first.value()) + " to " +
           std::to_string(checkpoint.last.value());
}

bool same(const Checkpoint& left, const Checkpoint& right) {
    return left.log_id == right.log_id && left.last == right.last &&
           left.chain_crc == right.chain_crc && left.wall_time_us == right.wall_time_us;
}

}  // namespace

Result<StartVerdict> Ledger::start(const StreamInfo& stream,
                                   const std::optional<Checkpoint>& checkpoint,
                                   bool ever_delivered) {
    const Sequence before_first(stream.base.first.value() - 1);
    const bool dropped = stream.extent.first <= stream.dropped_before;
    sealed_.reset();
    records_ = 0;
    if (!checkpoint) {
        const bool trimmed = stream.extent.first > stream.base.first &&
                             !(dropped && stream.dropped_from == stream.base.first);
        if (ever_delivered || trimmed || stream.base.predecessor_last.value() != 0) {
            return Error(
                errors::kChainBroken,
                "pipeline " + identity_.pipeline +
                    " has delivered before, but its checkpoint topic holds no "
                    "checkpoint; the log " +
                    (stream.extent.last.value() == 0
                         ? "goes on with sequence " + std::to_string(stream.base.first.value())
                         : "holds sequences " + std::to_string(stream.extent.first.value()) +
                               " to " + std::to_string(stream.extent.last.value())));
        }
        base_ = Checkpoint{};
        base_.pipeline = identity_.pipeline;
        base_.last = before_first;
        rewind();
        return StartVerdict::go_on;
    }
    base_ = *checkpoint;
    rewind();
    const bool continues_predecessor = checkpoint->log_id == stream.base.predecessor &&
                                       checkpoint->last == stream.base.predecessor_last &&
                                       checkpoint->last == before_first;
    if (continues_predecessor) {
        return StartVerdict::go_on;
    }
    const bool inside = checkpoint->log_id == identity_.log_id &&
                        checkpoint->last >= before_first && checkpoint->last <= stream.extent.last;
    if (!inside && !planted::is(planted::Bug::old_log_merged)) {
        return StartVerdict::set_aside;
    }
    const bool trimmed_past = stream.extent.first.value() != 0 && !dropped &&
                              checkpoint->last < stream.extent.last &&
                              tributary::next(checkpoint->last) < stream.extent.first;
    if (trimmed_past) {
        return Error(errors::kChainBroken,
                     "the log of pipeline " + identity_.pipeline + " begins at sequence " +
                         std::to_string(stream.extent.first.value()) +
                         ", but Kafka's newest checkpoint is " + describe(*checkpoint));
    }
    return StartVerdict::go_on;
}

void Ledger::skip_to(Sequence to) {
    TRIBUTARY_ASSERT(!sealed_ && taken_ == base_.last && records_ == 0);
    TRIBUTARY_ASSERT(to > next());
    skipped_to_ = to;
    taken_ = Sequence(to.value() - 1);
}

void Ledger::take(const Entry& entry) {
    TRIBUTARY_ASSERT(!sealed_);
    TRIBUTARY_ASSERT(entry.sequence == next());
    char crc[sizeof(entry.crc)];
    store(crc, entry.crc, Endian::little);
    chain_crc_ = crc32c(chain_crc_, {crc, sizeof(crc)});
    taken_ = entry.sequence;
}

const Checkpoint& Ledger::seal(const Block* newest,
                               const std::string& source_identity,
                               std::int64_t wall_time_us) {
    TRIBUTARY_ASSERT(!sealed_);
    TRIBUTARY_ASSERT(taken_ >= base_.last);
    Checkpoint& checkpoint = sealed_.emplace();
    checkpoint.pipeline = identity_.pipeline;
    checkpoint.log_id = identity_.log_id;
    checkpoint.agent_version = identity_.agent_version;
    checkpoint.source_identity = source_identity.empty() ? base_.source_identity : source_identity;
    checkpoint.resume = newest ? newest->resume : base_.resume;
    checkpoint.done = newest ? newest->done : base_.done;
    checkpoint.block_crc = newest ? crc32c(0, newest->bytes) : base_.block_crc;
    checkpoint.first = skipped_to_.value() != 0 ? skipped_to_
                       : taken_ == base_.last   ? Sequence(0)
                                                : tributary::next(base_.last);
    checkpoint.last = taken_;
    checkpoint.previous_last = base_.last;
    checkpoint.record_count = records_;
    checkpoint.chain_crc = chain_crc_;
    // Tells a transaction without entries from the one before it, whatever the clock does.
    checkpoint.wall_time_us = std::max(wall_time_us, base_.wall_time_us + 1);
    return checkpoint;
}

void Ledger::committed() {
    TRIBUTARY_ASSERT(sealed_.has_value());
    base_ = std::move(*sealed_);
    rewind();
}

Result<bool> Ledger::recovered(const std::optional<Checkpoint>& checkpoint) {
    if (checkpoint && sealed_ && same(*checkpoint, *sealed_)) {
        committed();
        return true;
    }
    const bool base_is_real = base_.wall_time_us != 0;
    if (checkpoint ? same(*checkpoint, base_) : !base_is_real) {
        rewind();
        return false;
    }
    if (!checkpoint) {
        return Error(errors::kChainBroken,
                     "the checkpoint topic of pipeline " + identity_.pipeline +
                         " is empty, but the last commit was " + describe(base_));
    }
    const bool ahead = checkpoint->last > base_.last || checkpoint->log_id != base_.log_id;
    return Error(ahead ? errors::kFenced : errors::kChainBroken,
                 "pipeline " + identity_.pipeline + " expected the checkpoint " + describe(base_) +
                     " in Kafka and found " + describe(*checkpoint));
}

void Ledger::rewind() {
    sealed_.reset();
    records_ = 0;
    skipped_to_ = Sequence(0);
    taken_ = base_.last;
    chain_crc_ = base_.chain_crc;
}

}  // namespace tributary::core
