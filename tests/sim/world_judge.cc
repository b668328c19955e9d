// World, the part that judges: which stops are allowed, what may be confirmed, what must have
// arrived.
#include "format/checkpoint.h"
#include "model/errors.h"
#include "tests/sim/world_machine.h"

namespace tributary::sim {
namespace {

Position later(const Position& left, const Position& right) {
    return left.bytes < right.bytes ? right : left;
}

}  // namespace

std::set<std::string_view> World::allowed_stops() const {
    std::set<std::string_view> allowed;
    const auto allow = [&](std::initializer_list<const ErrorKind*> kinds) {
        for (const ErrorKind* kind : kinds) {
            allowed.insert(kind->name);
        }
    };
    // MySQL is told nothing, and keeps its log by its own rules.
    const bool confirms_durable = plan_.source != SourceKind::mysql &&
                                  (plan_.ack == core::AckMode::buffered || ever_automatic_durable_);
    if (grave(Fault::disk_lies)) {
        allow({&errors::kLogRolledBack});
        if (confirms_durable) {
            allow({&errors::kSourceGap});
        }
    }
    if (grave(Fault::disk_replaced) && confirms_durable) {
        allow({&errors::kSourceGap});
    }
    if (grave(Fault::backup_restored) && confirms_durable) {
        allow({&errors::kSourceGap});
    }
    if (grave(Fault::bit_flip)) {
        allow({&errors::kLogCorrupt, &errors::kEntryCorrupt});
    }
    if (grave(Fault::fail_over) || grave(Fault::rewind)) {
        allow({&errors::kSourceDiverged, &errors::kSourceRewound});
    }
    if (grave(Fault::twin)) {
        allow({&errors::kFenced, &errors::kSourceGap});
    }
    if (grave(Fault::slot_dropped)) {
        allow({&errors::kSlotMissing});
    }
    for (const ErrorKind* kind : origin_->stops(disk_forgot())) {
        allow({kind});
    }
    return allowed;
}

void World::judge_stop(Host& host, const Error& error) {
    host.halted = true;
    outcome_.stopped = error.kind().name;
    if (!allowed_stops().contains(error.kind().name)) {
        blame("the agent ended without cause: " + error.message());
    }
}

// From a decision on, what the transaction's checkpoint says is in Kafka.
void World::on_commit(ProducerId producer) {
    for (const Stored& stored : kafka_.log(kafka_.partition_of(kCheckpointTopic, ""))) {
        if (!stored.marker && !stored.decided && stored.producer == producer.id) {
            if (const auto read = format::unpack_checkpoint(*stored.record.value)) {
                delivered_resume_ = later(delivered_resume_, read.value().resume);
            }
        }
    }
}

// A confirmed position is always one that is held: on the disk or in Kafka, as the mode says.
void World::check_confirm(const std::string& what,
                          const std::function<bool(const Position&)>& covers) {
    durable_resume_ = later(durable_resume_, host_.disk.durable_resume());
    if (twin_) {
        durable_resume_ = later(durable_resume_, twin_->disk.durable_resume());
    }
    for (const Host* host : {&host_, twin_.get()}) {
        if (plan_.ack == core::AckMode::automatic && host != nullptr && host->process &&
            host->process->runtime && !ever_automatic_durable_) {
            ever_automatic_durable_ =
                host->process->runtime->status().pipelines[0].confirming == "durable";
        }
    }
    const bool durable_once = plan_.ack == core::AckMode::buffered || ever_automatic_durable_;
    const bool fine = covers(delivered_resume_) || (durable_once && covers(durable_resume_));
    if (!fine) {
        blame("position " + what + " is confirmed and not held");
    }
}

void World::check_end(bool drained) {
    const Judgement judgement = origin_->judge(kafka_, !disk_forgot());
    outcome_.records = judgement.seen;
    if (!judgement.violation.empty()) {
        blame(judgement.violation);
    }
    if (halted()) {
        // Of two that follow the same source one goes on, unless it lacks what only the other has,
        // or MySQL lets none of them read.
        if (twin_ && plan_.ack == core::AckMode::delivered && plan_.source != SourceKind::mysql) {
            blame("both agents have ended");
        }
        return;
    }
    if (!drained && trace_ && host_.process && host_.process->runtime) {
        const PipelineStatus status = host_.process->runtime->status().pipelines[0];
        say("intake " + std::string(to_string(status.intake.state)) + ", delivery " +
            std::string(to_string(status.delivery.state)) + ", appended " +
            std::to_string(status.appended) + ", durable " + std::to_string(status.durable) +
            ", delivered " + std::to_string(status.delivered) + " at " + status.delivered_position);
    }
    if (!drained) {
        blame("not everything arrived: " + std::to_string(judgement.seen) + " of " +
              std::to_string(judgement.expected) + ", first missing " + judgement.first_missing);
    } else if (judgement.has_lost) {
        blame("the server's history is another one, and nobody noticed");
    }
}

}  // namespace tributary::sim
