#include "connectors/mqtt/entry_writer.h"

#include <utility>

#include "base/assert.h"
#include "connectors/mqtt/entry_payload.h"

namespace tributary::mqtt {
namespace {

EntryKind kind_of(IntakeKind kind) {
    switch (kind) {
        case IntakeKind::message:
        case IntakeKind::will:
            return EntryKind::message;
        case IntakeKind::gap:
            return EntryKind::gap;
        case IntakeKind::note:
            return EntryKind::position;
    }
    return EntryKind::position;
}

void write_payload(const Intake& intake, bool devices, std::string& out) {
    out.clear();
    switch (intake.kind) {
        case IntakeKind::message:
        case IntakeKind::will:
            append_message(
                out,
                {.kind = intake.kind == IntakeKind::will ? SensorKind::will : SensorKind::message,
                 .client = devices ? intake.client_id : std::string_view(),
                 .maybe_duplicate = intake.maybe_duplicate},
                intake.message);
            return;
        case IntakeKind::gap:
            out.assign(intake.text);
            return;
        case IntakeKind::note:
            return;
    }
}

}  // namespace

void EntryWriter::write(const Step& step, std::int64_t now_us, EntrySink* sink) {
    if (sink != nullptr) {
        flush(now_us, *sink);
    }
    std::size_t side_at = 0;
    for (std::size_t item = 0; item < step.intake.size(); ++item) {
        const Intake& intake = step.intake[item];
        write_payload(intake, devices_, payload_);
        std::vector<SideWrite> side;
        for (; side_at < step.side.size() && step.side[side_at].item == item; ++side_at) {
            const SideChange& change = step.side[side_at];
            if (sink == nullptr) {
                side.push_back(
                    {std::string(step.key(change)),
                     change.erase ? std::nullopt : std::optional<std::string>(step.value(change))});
            } else if (change.erase) {
                sink->erase_side(step.key(change));
            } else {
                sink->put_side(step.key(change), step.value(change));
            }
        }
        if (sink == nullptr) {
            waiting_bytes_ += payload_.size() + sizeof(Waiting);
            waiting_.push_back({kind_of(intake.kind), intake.number, payload_, std::move(side)});
        } else {
            append(kind_of(intake.kind), intake.number, payload_, now_us, *sink);
        }
    }
    TRIBUTARY_ASSERT(side_at == step.side.size());
}

void EntryWriter::flush(std::int64_t now_us, EntrySink& sink) {
    for (const Waiting& entry : waiting_) {
        for (const SideWrite& write : entry.side) {
            if (write.value) {
                sink.put_side(write.key, *write.value);
            } else {
                sink.erase_side(write.key);
            }
        }
        append(entry.kind, entry.number, entry.payload, now_us, sink);
    }
    waiting_.clear();
    waiting_bytes_ = 0;
}

void EntryWriter::restart(const Position& at) {
    waiting_.clear();
    waiting_bytes_ = 0;
    position_.bytes.assign(at.bytes);
}

void EntryWriter::append(EntryKind kind,
                         IntakeNumber number,
                         std::string_view payload,
                         std::int64_t now_us,
                         EntrySink& sink) {
    if (batch_first_ == 0) {
        batch_first_ = number;
        place_.number = number;
        context_.clear();
        append_context(context_, place_);
        sink.context(context_, now_us);
    }
    place_.number = number;
    encode_place_into(place_, position_);
    sink.append(
        kind, SchemaId(0), static_cast<std::uint32_t>(number - batch_first_), payload, position_);
    sink.resume(position_);
    bytes_ += payload.size();
}

}  // namespace tributary::mqtt
