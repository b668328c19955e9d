#include "runtime/delivery_stage.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/planted.h"
#include "format/checkpoint.h"
#include "format/record_header.h"
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
// Of memory per record beside its bytes: the record, librdkafka's message and its headers.
constexpr std::size_t kRecordBytes = 512;

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
    if (open_ && !parts_.shared.delivery().error_name.empty()) {
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
        TRIBUTARY_TRY(was_committed, ledger_.recovered(checkpoint));
        parts_.observer.add(Counter::transactions_recovered, parts_.pipeline, 1);
        if (was_committed) {
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
    parts_.observer.set(Gauge::sink_connected, parts_.pipeline, 1);
    parts_.shared.set_delivery(PipelineState::running);
    return success();
}

Result<void> DeliveryStage::start(const std::optional<Checkpoint>& checkpoint) {
    TRIBUTARY_TRY(found, parts_.log.find_stream(parts_.pipeline));
    if (!found) {
        return start_new_stream(checkpoint);
    }
    const StreamInfo& stream = *found;
    TRIBUTARY_TRY(cached, parts_.log.cached(parts_.pipeline));
    TRIBUTARY_TRY(verdict, ledger_.start(stream, checkpoint, cached.has_value()));
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
        block.value()->last == checkpoint.last && block.value()->done == checkpoint.done;
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
    holds_ = now < hold_until_;
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
        if (const auto encoded = parts_.encoder.encode(change, arena_, records_); !encoded) {
            records_.clear();
            return bury_entry(entry, encoded.error());
        }
        for (const Record& record : records_) {
            bytes += record.value ? record.value->size() : 0;
            TRIBUTARY_TRY_VOID(produce(record));
        }
        hold(bytes + records_.size() * kRecordBytes);
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
    if (holds_ && parts_.clock.now() < hold_until_) {
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
    if (!poison_.empty() && poison_.contains({record.sequence, record.sub_index})) {
        return bury(record, "refused by the broker");
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

// The local store first, then the record that stands for it, in the same transaction as its
// neighbours.
Result<void> DeliveryStage::bury(const Record& record, const std::string& reason) {
    if (parts_.poison == core::PoisonPolicy::halt) {
        return Error(errors::kPoisonRecord,
                     "sequence " + std::to_string(record.sequence.value()) + " for topic " +
                         std::string(record.topic) + ": " + reason);
    }
    DeadLetter letter{.pipeline = parts_.pipeline,
                      .sequence = record.sequence,
                      .sub_index = record.sub_index,
                      .reason = reason,
                      .topic = std::string(record.topic),
                      .key = std::nullopt,
                      .value = std::nullopt,
                      .identity = std::string(record.identity),
                      .wall_time_us = parts_.clock.wall_time_us()};
    if (record.key) {
        letter.key.emplace(*record.key);
    }
    if (record.value) {
        letter.value.emplace(*record.value);
    }
    TRIBUTARY_TRY(id, parts_.writer.put_dead_letter(letter));
    parts_.observer.add(Counter::dead_letters, parts_.pipeline, 1);
    parts_.observer.log(LogLevel::error,
                        parts_.pipeline,
                        "dead letter",
                        {{"id", std::to_string(id)},
                         {"topic", record.topic},
                         {"sequence", std::to_string(record.sequence.value())},
                         {"reason", reason}});
    Record stand_in;
    stand_in.topic = parts_.dead_letter_topic;
    stand_in.key = record.key && record.key->size() < 4096 ? record.key : std::nullopt;
    stand_in.value = arena_.copy(core::pack_dead_letter(letter, parts_.dead_letter_bytes_max));
    stand_in.identity = record.identity;
    stand_in.sequence = record.sequence;
    stand_in.sub_index = record.sub_index;
    TRIBUTARY_TRY_VOID(prepare(stand_in.topic));
    TRIBUTARY_TRY_VOID(parts_.sink.produce(stand_in));
    ledger_.add_records(1);
    return success();
}

// An entry that gives no records: its raw bytes stand for it.
Result<void> DeliveryStage::bury_entry(const Entry& entry, const Error& error) {
    if (!error.is(errors::kValueUndecodable)) {
        return error;
    }
    if (parts_.poison == core::PoisonPolicy::halt) {
        return error.at("sequence " + std::to_string(entry.sequence.value()));
    }
    std::string identity;
    format::append_record_header(identity,
                                 {.source = parts_.pipeline,
                                  .position = entry.context,
                                  .ordinal = entry.ordinal,
                                  .sub_index = 0,
                                  .sequence = entry.sequence});
    Record raw;
    raw.topic = parts_.dead_letter_topic;
    raw.value = entry.payload;
    raw.identity = arena_.copy(identity);
    raw.sequence = entry.sequence;
    return bury(raw, error.message());
}

Result<void> DeliveryStage::send_replays() {
    {
        const std::lock_guard lock(replay_mutex_);
        replays_ = std::exchange(replay_queue_, {});
    }
    for (const DeadLetter& letter : replays_) {
        Record record;
        record.topic = letter.topic;
        record.key = letter.key;
        record.value = letter.value;
        record.identity = letter.identity;
        record.sequence = letter.sequence;
        record.sub_index = letter.sub_index;
        TRIBUTARY_TRY_VOID(prepare(record.topic));
        const auto produced = parts_.sink.produce(record);
        if (produced) {
            ledger_.add_records(1);
            continue;
        }
        if (!produced.error().is(errors::kPoisonRecord)) {
            return produced.error();
        }
        refuse_replay(letter, produced.error().what());
    }
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
            return Error(errors::kKafkaTransaction,
                         "the log does not take the transaction's events");
        }
    }
    const Position resume = blocks_.empty() ? ledger_.base().resume : blocks_.back()->resume;
    const Position done = blocks_.empty() ? ledger_.base().done : blocks_.back()->done;
    const Checkpoint& checkpoint =
        ledger_.seal(resume, done, parts_.shared.source_identity(), parts_.clock.wall_time_us());
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
    parts_.observer.add(Counter::sink_errors, parts_.pipeline, 1);
    parts_.observer.set(Gauge::sink_connected, parts_.pipeline, 0);
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

// An error when the broker refused what stands for a refused record: that would go on for ever.
std::optional<Error> DeliveryStage::collect_poison() {
    std::optional<Error> hopeless;
    for (const Poison& poison : parts_.sink.take_poison()) {
        const auto replay =
            std::find_if(replays_.begin(), replays_.end(), [&](const DeadLetter& letter) {
                return letter.sequence == poison.sequence && letter.sub_index == poison.sub_index;
            });
        if (replay != replays_.end()) {
            refuse_replay(*replay, poison.reason);
        } else if (!poison_.insert({poison.sequence, poison.sub_index}).second && !hopeless) {
            hopeless =
                Error(errors::kPoisonRecord,
                      "sequence " + std::to_string(poison.sequence.value()) +
                          ": the broker refuses its dead-letter record too: " + poison.reason);
        }
    }
    return hopeless;
}

// The letter stays in the store as one that was not replayed.
void DeliveryStage::refuse_replay(const DeadLetter& letter, std::string_view reason) {
    refused_replays_.insert(letter.id);
    parts_.observer.log(LogLevel::error,
                        parts_.pipeline,
                        "a dead letter was refused again",
                        {{"id", std::to_string(letter.id)}, {"reason", reason}});
}

void DeliveryStage::finish_replays() {
    for (const DeadLetter& letter : replays_) {
        if (!refused_replays_.contains(letter.id)) {
            (void)parts_.log.mark_replayed(letter.id);
        }
    }
    replays_.clear();
    refused_replays_.clear();
}

void DeliveryStage::requeue_replays() {
    std::erase_if(replays_,
                  [&](const DeadLetter& letter) { return refused_replays_.contains(letter.id); });
    const std::lock_guard lock(replay_mutex_);
    replay_queue_.insert(replay_queue_.begin(), replays_.begin(), replays_.end());
    replays_.clear();
    refused_replays_.clear();
}

void DeliveryStage::replay(DeadLetter letter) {
    const std::lock_guard lock(replay_mutex_);
    const bool waits = std::any_of(replay_queue_.begin(),
                                   replay_queue_.end(),
                                   [&](const DeadLetter& each) { return each.id == letter.id; });
    if (!waits) {
        replay_queue_.push_back(std::move(letter));
    }
}

void DeliveryStage::beat() {
    parts_.shared.delivery_beat_ms =
        std::chrono::duration_cast<milliseconds>(parts_.clock.now().time_since_epoch()).count();
}

}  // namespace tributary::runtime
