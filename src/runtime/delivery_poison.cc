// DeliveryStage, records that are refused: they are buried in the local store, with a record that
// stands for them, and sent again when an operator asks for it.
#include <algorithm>
#include <utility>

#include "format/record_header.h"
#include "model/errors.h"
#include "runtime/delivery_stage.h"

namespace tributary::runtime {

// The local store first, then the record that stands for it, in the same transaction as its
// neighbours.
Result<void> DeliveryStage::bury(const Record& record, std::string_view why) {
    const std::string reason = core::bounded_reason(why);
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
    return bury(raw, std::string(error.kind().name) + ": " + error.what());
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
            continue;
        }
        const bool news = poison_
                              .try_emplace({poison.sequence, poison.sub_index},
                                           core::bounded_reason(poison.reason))
                              .second;
        if (!news && !hopeless) {
            hopeless =
                Error(errors::kPoisonRecord,
                      "sequence " + std::to_string(poison.sequence.value()) +
                          ": the broker refuses its dead-letter record too: " + poison.reason);
        }
    }
    return hopeless;
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

}  // namespace tributary::runtime
