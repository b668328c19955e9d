// DeliveryStage, its start: Kafka's checkpoint is held against the log and the source, and says
// where delivery and intake go on (DESIGN 3).
#include <algorithm>

#include "base/assert.h"
#include "base/crc32c.h"
#include "format/checkpoint.h"
#include "model/errors.h"
#include "runtime/delivery_stage.h"

namespace tributary::runtime {

namespace {

std::string sequences_of(const Checkpoint& checkpoint) {
    return "the checkpoint of sequences " + std::to_string(checkpoint.first.value()) + " to " +
           std::to_string(checkpoint.last.value());
}

// Adds what an operator needs to go on elsewhere: the position of Kafka's checkpoint, or of the one
// that this host remembers, which may be a minute older than the last.
Error with_position(const Error& error,
                    const Source& source,
                    const std::optional<Checkpoint>& checkpoint,
                    const std::optional<std::string>& cached) {
    if (!error.is(errors::kChainBroken)) {
        return error;
    }
    if (checkpoint) {
        return {error.kind(), error.what() + ", at " + source.describe(checkpoint->resume)};
    }
    const auto remembered =
        cached ? format::unpack_checkpoint(*cached) : Result<Checkpoint>(Checkpoint{});
    if (!remembered || remembered.value().last.value() == 0) {
        return error;
    }
    return {error.kind(),
            error.what() + "; this host remembers " + sequences_of(remembered.value()) + ", at " +
                source.describe(remembered.value().resume)};
}

}  // namespace

Result<void> DeliveryStage::start(const std::optional<Checkpoint>& checkpoint) {
    TRIBUTARY_TRY(found, parts_.log.find_stream(parts_.pipeline));
    if (!found) {
        return start_new_stream(checkpoint);
    }
    const StreamInfo& stream = *found;
    TRIBUTARY_TRY(cached, parts_.log.cached(parts_.pipeline));
    const auto begun = ledger_.start(stream, checkpoint, cached.has_value());
    if (!begun) {
        return with_position(begun.error(), parts_.source, checkpoint, cached);
    }
    const core::StartVerdict verdict = begun.value();
    if (verdict == core::StartVerdict::set_aside) {
        parts_.observer.log(
            LogLevel::warn,
            parts_.pipeline,
            "the log's events are of another history than Kafka's checkpoint: set aside, "
            "going on from the checkpoint",
            {{"log_last", std::to_string(stream.extent.last.value())},
             {"checkpoint_last", std::to_string(checkpoint->last.value())}});
        return start_new_stream(checkpoint);
    }
    if (checkpoint && !same_history(stream, *checkpoint)) {
        return start_new_stream(checkpoint);
    }
    if (checkpoint && stream.extent.last.value() != 0) {
        LogExtent extent = stream.extent;
        if (extent.first <= stream.dropped_before) {  // what is missing was given up, not lost
            extent.first = std::min(extent.first, next(checkpoint->last));
        }
        switch (parts_.source.reconcile(extent, *checkpoint)) {
            case Verdict::resume:
                break;
            case Verdict::gap:
                return Error(errors::kSourceGap,
                             "events between Kafka's checkpoint and the log are missing");
            case Verdict::diverged:
                return Error(errors::kSourceDiverged,
                             "the checkpoint is of " + checkpoint->source_identity);
            case Verdict::rewound:
                return Error(errors::kSourceRewound,
                             "the checkpoint is ahead of the log and its source");
        }
    }
    if (stream.extent.last.value() == 0) {
        start_intake(stream, checkpoint);
    } else {
        parts_.shared.channel.set_delivered(
            {ledger_.delivered(), checkpoint ? checkpoint->resume : Position{}});
    }
    begin_at(stream, checkpoint);
    return success();
}

// A log that lost its tail and grew again holds other events under the checkpoint's sequences: the
// block that the checkpoint ends with says so. Trim keeps that block.
bool DeliveryStage::same_history(const StreamInfo& stream, const Checkpoint& checkpoint) {
    if (checkpoint.last < stream.extent.first || checkpoint.last.value() == 0 ||
        checkpoint.log_id != parts_.log.id()) {
        return true;
    }
    const auto block = parts_.log.read(stream.id, checkpoint.last);
    if (!block || !block.value() || block.value()->first > checkpoint.last) {
        return true;  // reading it again for delivery names what is wrong
    }
    const bool same =
        block.value()->last == checkpoint.last && block.value()->done == checkpoint.done &&
        block.value()->resume == checkpoint.resume &&
        (checkpoint.block_crc == 0 || checkpoint.block_crc == crc32c(0, block.value()->bytes));
    if (!same) {
        parts_.observer.log(
            LogLevel::warn,
            parts_.pipeline,
            "the log grew again after it lost its end: set aside, going on from Kafka's "
            "checkpoint",
            {{"sequence", std::to_string(checkpoint.last.value())}});
    }
    return same;
}

// After the checkpoint, or from the beginning: intake waits for this.
Result<void> DeliveryStage::start_new_stream(const std::optional<Checkpoint>& checkpoint) {
    StreamBase base{.first = Sequence(1), .predecessor = {}, .predecessor_last = {}};
    if (checkpoint) {
        base = {.first = next(checkpoint->last),
                .predecessor = checkpoint->log_id,
                .predecessor_last = checkpoint->last};
    }
    // Nothing of an older stream may be on its way into the log when that is set aside.
    parts_.shared.withdraw();
    parts_.shared.channel.reset(StreamId(0), {}, {});
    TRIBUTARY_TRY(stream, parts_.writer.create_stream(parts_.pipeline, base));
    TRIBUTARY_TRY(verdict, ledger_.start(stream, checkpoint, false));
    TRIBUTARY_ASSERT(verdict == core::StartVerdict::go_on);
    start_intake(stream, checkpoint);
    begin_at(stream, checkpoint);
    return success();
}

// Takes intake off whatever stream it is on and starts it after the checkpoint.
void DeliveryStage::start_intake(const StreamInfo& stream,
                                 const std::optional<Checkpoint>& checkpoint) {
    parts_.shared.withdraw();
    const Position resume = checkpoint ? checkpoint->resume : Position{};
    const Progress before{ledger_.delivered(), resume};
    parts_.shared.channel.reset(stream.id, before, before);
    parts_.shared.decide({.stream = stream.id,
                          .next = ledger_.next(),
                          .point = {resume, checkpoint ? checkpoint->done : Position{}},
                          .source_identity = checkpoint ? checkpoint->source_identity : ""});
}

void DeliveryStage::begin_at(const StreamInfo& stream,
                             const std::optional<Checkpoint>& checkpoint) {
    stream_ = stream.id;
    dropped_before_ = stream.dropped_before;
    parts_.decoder.begin_at(ledger_.next());
    parts_.observer.log(
        LogLevel::info,
        parts_.pipeline,
        "delivering",
        {{"next_sequence", std::to_string(ledger_.next().value())},
         {"after", checkpoint ? parts_.source.describe(checkpoint->resume) : "the beginning"}});
}

}  // namespace tributary::runtime
