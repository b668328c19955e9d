// The rules by which a transactional producer is begun, ended and used again (DESIGN 3.2, 3.3),
// apart from librdkafka: KafkaSink follows them over the wire, and the simulator's sink follows
// them over a Kafka of its own. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "base/planted.h"
#include "model/errors.h"

namespace tributary::kafka {

//   none -> initialising -> initialised -> ready <-> in_transaction
//                                            \-------> doubtful      (recover() starts over)
enum class Phase : std::uint8_t {
    none,
    initialising,
    initialised,
    ready,
    in_transaction,
    doubtful
};

// What happened on the wire since the last transaction that ended spotless.
struct WireCount {
    std::uint64_t end_txn_sent = 0;
    std::uint64_t errors = 0;  // requests of the transaction protocol without a good answer

    // Nothing of the transaction can still be under way.
    [[nodiscard]] bool spotless() const noexcept { return end_txn_sent == 1 && errors == 0; }
};

// After a commit that succeeded: a request that was sent again may still arrive and end the next
// transaction of the same producer, so only one that cannot have left any is used again.
[[nodiscard]] inline Phase after_commit(const WireCount& count, bool transactional) {
    const bool clean = transactional ? count.spotless() : count.errors == 0;
    if (planted::is(planted::Bug::producer_reused_in_doubt)) {
        return Phase::ready;
    }
    return clean ? Phase::ready : Phase::doubtful;
}

// After an error only recover() may go on. Connecting may be resumed with the same client, unless
// that client itself is part of the problem (its credentials were read when it was made, or it has
// failed for good).
[[nodiscard]] inline Phase after_failure(Phase phase, const Error& error) {
    const bool connecting = phase == Phase::initialising || phase == Phase::initialised;
    const bool resumable =
        connecting && (error.is(errors::kKafkaUnreachable) || error.is(errors::kTopicMissing));
    return resumable ? phase : Phase::doubtful;
}

// What recover() does, in this order. Fencing decides every earlier transaction: only what is read
// after it is the truth.
enum class RecoverStep : std::uint8_t { fence, read_checkpoint };

[[nodiscard]] inline std::span<const RecoverStep> recover_steps() {
    static constexpr std::array kSteps{RecoverStep::fence, RecoverStep::read_checkpoint};
    static constexpr std::array kWrong{RecoverStep::read_checkpoint, RecoverStep::fence};
    return planted::is(planted::Bug::checkpoint_read_before_fencing) ? kWrong : kSteps;
}

// What commit() does, in this order. Without transactions the checkpoint follows records that have
// all arrived.
enum class CommitStep : std::uint8_t { flush, checkpoint, end_transaction };

[[nodiscard]] inline std::span<const CommitStep> commit_steps(bool transactional) {
    static constexpr std::array kInside{CommitStep::checkpoint, CommitStep::end_transaction};
    static constexpr std::array kAfter{
        CommitStep::flush, CommitStep::checkpoint, CommitStep::flush};
    static constexpr std::array kOutside{CommitStep::end_transaction, CommitStep::checkpoint};
    if (!transactional) {
        return kAfter;
    }
    return planted::is(planted::Bug::checkpoint_outside_transaction)
               ? std::span<const CommitStep>(kOutside)
               : std::span<const CommitStep>(kInside);
}

}  // namespace tributary::kafka
