#include "runtime/delivery_stage.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/planted.h"
#include "format/checkpoint.h"
#include "model/errors.h"

namespace tributary::runtime {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRecoverBudget(5000);
constexpr milliseconds kIdleWait(200);
constexpr milliseconds kDurableWait(200);
constexpr int kDurableTries = 100;  // 20 s: less than a transaction's time-out
constexpr milliseconds kCloseBudget(2000);
constexpr std::chrono::seconds kCacheInterval(60);

}  // namespace

DeliveryStage::DeliveryStage(Parts parts)
    : parts_(std::move(parts)),
      ledger_({.pipeline = parts_.checkpoint_key,
               .log_id = parts_.log.id(),
               .agent_version = parts_.agent_version}),
      cut_(parts_.cut),
      backoff_(milliseconds(100), std::chrono::seconds(10)),
      random_(parts_.seed) {}

void DeliveryStage::run() {
    while (!parts_.shared.stopping) {
        beat();
        const auto stepped = recovered_ ? deliver() : recover();
        if (stepped) {
            continue;
        }
        const std::optional<Error> hopeless = collect_poison();
        drop_batch();
        if (!handle(hopeless ? *hopeless : stepped.error())) {
            break;
        }
    }
    if (open_ && parts_.shared.delivery().error) {
        drop_batch();
    }
    if (open_) {
        (void)commit();
    }
    parts_.sink.close(kCloseBudget);
    drop_batch();
    if (parts_.shared.delivery().state != PipelineState::parked) {
        parts_.shared.set_delivery(PipelineState::stopped);
    }
}

Result<void> DeliveryStage::recover() {
    TRIBUTARY_TRY(checkpoint, parts_.sink.recover(kRecoverBudget));
    if (!started_) {
        TRIBUTARY_TRY_VOID(start(checkpoint));
        started_ = true;
        parts_.shared.settle_start();
    } else {
        const auto was_committed = ledger_.recovered(checkpoint);
        if (!was_committed) {  // what is lost with the checkpoint is known here, and nowhere else
            return Error(was_committed.error().kind(),
                         was_committed.error().what() + ", at " +
                             parts_.source.describe(ledger_.base().resume));
        }
        parts_.observer.add(Counter::transactions_recovered, parts_.pipeline, 1);
        if (was_committed.value()) {
            delivered(0);
            finish_replays();
        } else {
            requeue_replays();
        }
        parts_.decoder.begin_at(ledger_.next());
    }
    recovered_ = true;
    topics_.clear();
    last_topic_.clear();
    set_connected(true);
    parts_.shared.set_delivery(PipelineState::running);
    return success();
}

Result<void> DeliveryStage::deliver() {
    if (parts_.shared.dropped.exchange(false)) {
        TRIBUTARY_TRY_VOID(look_for_drops());
    }
    if (dropped_before_ > ledger_.next()) {
        return pass_over_drop();
    }
    TRIBUTARY_TRY(block, next_block(open_ ? cut_.left(parts_.clock.now()) : kIdleWait));
    bool replays_wait = false;
    {
        const std::lock_guard lock(replay_mutex_);
        replays_wait = !replay_queue_.empty();
    }
    if (block || replays_wait) {
        if (!open_) {
            TRIBUTARY_TRY_VOID(begin());
            TRIBUTARY_TRY_VOID(send_replays());
        }
        if (block) {
            TRIBUTARY_TRY_VOID(take(block));
        }
    }
    return due() ? commit() : success();
}

// Whether the open transaction ends.
bool DeliveryStage::due() const {
    return open_ && (cut_.due(parts_.clock.now()) || parts_.budget.presses(held_bytes_));
}

void DeliveryStage::hold(std::size_t bytes) {
    held_bytes_ += bytes;
    parts_.budget.take(bytes);
}

Result<void> DeliveryStage::look_for_drops() {
    TRIBUTARY_TRY(stream, parts_.log.find_stream(parts_.pipeline));
    if (stream && stream->id == stream_) {
        dropped_before_ = stream->dropped_before;
    }
    return success();
}

// In a transaction of its own beginning: what was taken already is delivered first. The block that
// the drop ends in, or the newest, comes with it for its positions.
Result<void> DeliveryStage::pass_over_drop() {
    if (open_ && ledger_.holds_anything()) {
        return commit();
    }
    const Sequence from = ledger_.next();
    TRIBUTARY_TRY(stream, parts_.log.find_stream(parts_.pipeline));
    TRIBUTARY_ASSERT(stream && stream->id == stream_);
    TRIBUTARY_TRY(block, parts_.log.read(stream_, std::min(dropped_before_, stream->extent.last)));
    if (!block || block->first > dropped_before_) {  // a further drop came in between
        return look_for_drops();
    }
    if (!open_) {
        TRIBUTARY_TRY_VOID(begin());
    }
    ledger_.skip_to(dropped_before_);
    parts_.decoder.begin_at(ledger_.next());
    parts_.observer.log(LogLevel::warn,
                        parts_.pipeline,
                        "passing over events that an operator dropped",
                        {{"from", std::to_string(from.value())},
                         {"to", std::to_string(dropped_before_.value() - 1)}});
    TRIBUTARY_TRY_VOID(take(block));
    return due() ? commit() : success();
}

Result<void> DeliveryStage::begin() {
    TRIBUTARY_TRY_VOID(parts_.sink.begin());
    open_ = true;
    const SteadyTime now = parts_.clock.now();
    cut_.begin(now);
    gather_bytes_ = parts_.sink.gather_bytes();
    holds_ = gather_bytes_ > 0 || now < hold_until_;
    return success();
}

Result<BlockPtr> DeliveryStage::next_block(milliseconds wait) {
    // Memory is no place for what a full log cannot take: deliver what it has, which makes room.
    const bool only_durable = only_durable_ || parts_.shared.channel.full();
    if (only_durable && !parts_.shared.channel.wait_durable(ledger_.next(), wait)) {
        return BlockPtr();
    }
    const auto found = parts_.shared.channel.wait_block(ledger_.next(), wait);
    if (found.block || !found.in_log) {
        return found.block;
    }
    TRIBUTARY_TRY(block, parts_.log.read(stream_, ledger_.next()));
    if (block && block->first > ledger_.next()) {
        TRIBUTARY_TRY_VOID(look_for_drops());
        if (block->first <= dropped_before_) {
            return BlockPtr();
        }
        return Error(errors::kLogCorrupt,
                     "sequences " + std::to_string(ledger_.next().value()) + " to " +
                         std::to_string(block->first.value() - 1) + " are missing from the log");
    }
    return block;
}

Result<void> DeliveryStage::take(const BlockPtr& block) {
    blocks_.push_back(block);
    hold(block->bytes.size());
    // A block may bring a structure that only the next one uses, and neither may be in the log yet.
    for (const NewSchema& schema : block->schemas) {
        if (!parts_.decoder.has_schema(schema.id)) {
            parts_.decoder.add_schema(schema.id, schema.schema);
        }
    }
    format::BlockReader reader(*block);
    Entry entry;
    for (;;) {
        TRIBUTARY_TRY(more, reader.next(entry));
        if (!more) {
            return success();
        }
        if (entry.sequence >= ledger_.next()) {
            TRIBUTARY_TRY_VOID(take_entry(entry));
        }
    }
}

Result<void> DeliveryStage::take_entry(const Entry& entry) {
    TRIBUTARY_TRY_VOID(know_schema(entry.schema));
    ledger_.take(entry);
    Change change;
    records_.clear();
    scratch_.reset();
    const auto decoded = parts_.decoder.decode(entry, scratch_, change);
    if (!decoded) {
        return bury_entry(entry, decoded.error());
    }
    std::uint64_t bytes = 0;
    if (decoded.value()) {
        newest_source_time_us_ = change.source_time_us;
        const std::size_t reserved = arena_.bytes_reserved();
        if (const auto encoded = parts_.encoder.encode(change, arena_, records_); !encoded) {
            records_.clear();
            return bury_entry(entry, encoded.error());
        }
        for (const Record& record : records_) {
            bytes += record.value ? record.value->size() : 0;
            TRIBUTARY_TRY_VOID(produce(record));
        }
        hold(arena_.bytes_reserved() - reserved + bytes_beside_arena(records_));
    }
    cut_.add(1, bytes);
    return success();
}

Result<void> DeliveryStage::know_schema(SchemaId id) {
    if (id.value() == 0 || parts_.decoder.has_schema(id)) {
        return success();
    }
    TRIBUTARY_TRY(stored, parts_.log.schema(stream_, id));
    parts_.decoder.add_schema(id, std::move(stored));
    return success();
}

// Encoding goes on while the sink settles.
Result<void> DeliveryStage::produce(const Record& record) {
    if (holds_ && (cut_.bytes() < gather_bytes_ || parts_.clock.now() < hold_until_)) {
        held_.push_back(record);
        return success();
    }
    if (holds_) {
        TRIBUTARY_TRY_VOID(hand_over_held());
    }
    return hand_over(record);
}

Result<void> DeliveryStage::hand_over_held() {
    holds_ = false;
    for (const Record& record : held_) {
        TRIBUTARY_TRY_VOID(hand_over(record));
    }
    held_.clear();
    return success();
}

Result<void> DeliveryStage::hand_over(const Record& record) {
    if (!poison_.empty()) {
        const auto found = poison_.find({record.sequence, record.sub_index});
        if (found != poison_.end()) {
            return bury(record, "refused by the broker: " + found->second);
        }
    }
    TRIBUTARY_TRY_VOID(prepare(record.topic));
    const auto produced = parts_.sink.produce(record);
    if (produced) {
        ledger_.add_records(1);
        return success();
    }
    if (produced.error().is(errors::kPoisonRecord)) {
        return bury(record, produced.error().what());
    }
    return produced.error();
}

Result<void> DeliveryStage::prepare(std::string_view topic) {
    if (topic == last_topic_) {
        return success();
    }
    std::string name(topic);
    if (!topics_.contains(name)) {
        TRIBUTARY_TRY_VOID(parts_.sink.prepare_topic(topic));
        topics_.insert(name);
    }
    last_topic_ = std::move(name);
    return success();
}

Result<void> DeliveryStage::commit() {
    TRIBUTARY_TRY_VOID(hand_over_held());
    // Nothing is in Kafka for good that this disk does not hold.
    const Sequence last(ledger_.next().value() - 1);
    if (parts_.shared.channel.durable().sequence < last) {
        parts_.writer.hurry();
    }
    for (int tries = 0; !parts_.shared.channel.wait_durable(last, kDurableWait); ++tries) {
        beat();
        if (tries >= kDurableTries || parts_.shared.stopping || parts_.shared.channel.full()) {
            only_durable_ = true;
            return Error(parts_.shared.channel.full() ? errors::kLogFull : errors::kLogIo,
                         "the log does not take the transaction's events");
        }
    }
    const Checkpoint& checkpoint = ledger_.seal(blocks_.empty() ? nullptr : blocks_.back().get(),
                                                parts_.shared.source_identity(),
                                                parts_.clock.wall_time_us());
    TRIBUTARY_TRY(outcome, parts_.sink.commit(checkpoint));
    hold_until_ = parts_.clock.now() + parts_.sink.settle_time();
    ledger_.committed();
    const std::uint64_t bytes = cut_.bytes();
    finish_replays();
    only_durable_ = false;
    Sequence trim_to(blocks_.empty() ? 0 : blocks_.back()->first.value() - 1);
    if (planted::is(planted::Bug::trim_past_floor)) {
        trim_to = parts_.shared.channel.durable().sequence;
    }
    open_ = false;
    delivered(bytes);
    drop_batch();
    backoff_.reset();
    recovered_ = outcome == CommitOutcome::spotless;
    // The newest block stays: it holds the position that a restart reads.
    if (trim_to.value() > 0) {
        if (const auto trimmed = parts_.log.trim(stream_, trim_to); !trimmed) {
            parts_.observer.error(parts_.pipeline, trimmed.error());
        }
    }
    return success();
}

void DeliveryStage::delivered(std::uint64_t bytes) {
    const Checkpoint& base = ledger_.base();
    poison_.erase(poison_.begin(), poison_.lower_bound({next(base.last), 0}));
    parts_.shared.channel.set_delivered({base.last, base.resume});
    parts_.shared.last_delivered_time_us = newest_source_time_us_;
    parts_.observer.add(Counter::transactions_committed, parts_.pipeline, 1);
    parts_.observer.add(Counter::records_delivered, parts_.pipeline, base.record_count);
    if (base.first > next(base.previous_last)) {
        parts_.observer.add(Counter::entries_dropped,
                            parts_.pipeline,
                            base.first.value() - base.previous_last.value() - 1);
    }
    parts_.observer.add(Counter::bytes_delivered, parts_.pipeline, bytes);
    parts_.observer.set(
        Gauge::delivered_sequence, parts_.pipeline, static_cast<std::int64_t>(base.last.value()));
    parts_.observer.set(Gauge::last_delivered_time_us, parts_.pipeline, newest_source_time_us_);
    const SteadyTime now = parts_.clock.now();
    if (now >= next_cache_) {
        next_cache_ = now + kCacheInterval;
        (void)parts_.log.cache(parts_.pipeline, format::pack_checkpoint(base));
    }
}

// Records of a transaction that is over, or never will be, are let go: the sink holds none of them
// now.
void DeliveryStage::drop_batch() {
    if (open_) {
        parts_.sink.close(kCloseBudget);
        open_ = false;
        recovered_ = false;
    }
    blocks_.clear();
    records_.clear();
    held_.clear();
    arena_.reset();
    parts_.budget.give_back(std::exchange(held_bytes_, 0));
}

bool DeliveryStage::handle(const Error& error) {
    recovered_ = false;
    if (parts_.shared.stopping) {
        return false;
    }
    parts_.observer.error(parts_.pipeline, error);
    if (!error.is(errors::kLogFull) && !error.is(errors::kLogIo)) {
        parts_.observer.add(Counter::sink_errors, parts_.pipeline, 1);
        set_connected(false);
    }
    if (!error.transient()) {
        parts_.observer.set(Gauge::parked, parts_.pipeline, 1);
        parts_.shared.set_delivery(PipelineState::parked, &error);
        parts_.shared.settle_start();
        return false;
    }
    parts_.shared.set_delivery(PipelineState::retrying, &error);
    const auto random = static_cast<std::uint32_t>(random_()) << 1U;
    return !parts_.shared.sleep(backoff_.next(random));
}

void DeliveryStage::set_connected(bool connected) {
    parts_.shared.sink_connected = connected;
    parts_.observer.set(Gauge::sink_connected, parts_.pipeline, connected ? 1 : 0);
}

void DeliveryStage::beat() {
    parts_.shared.delivery_beat_ms =
        std::chrono::duration_cast<milliseconds>(parts_.clock.now().time_since_epoch()).count();
}

}  // namespace tributary::runtime
