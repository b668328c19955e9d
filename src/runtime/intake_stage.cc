#include "runtime/intake_stage.h"

#include <chrono>
#include <utility>

#include "model/errors.h"

namespace tributary::runtime {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPollWait(100);
constexpr milliseconds kFullWait(20);
constexpr milliseconds kRoomWait(5);  // the log thread takes so long, and would have nothing to do
constexpr std::chrono::seconds kPressureInterval(5);
constexpr milliseconds kReportInterval(500);
constexpr milliseconds kCloseBudget(1000);
constexpr std::size_t kPendingBytesMax = 1U << 20U;

// Whether the source does not go on where the log ends.
bool is_of_position(const Error& error) {
    return error.is(errors::kSourceGap) || error.is(errors::kSourceRewound) ||
           error.is(errors::kSourceDiverged);
}

}  // namespace

IntakeStage::IntakeStage(Parts parts)
    : parts_(std::move(parts)),
      ack_(parts_.ack, parts_.source.notices_gaps()),
      backoff_(milliseconds(200), std::chrono::seconds(15)),
      random_(parts_.seed),
      pace_(parts_.snapshot_delay) {}

void IntakeStage::run() {
    // One that ended comes back here too: it holds no stream, so delivery need not wait for it.
    while (const auto decision = parts_.shared.wait_decision()) {
        Next next = Next::again;
        while (next == Next::again) {
            next = follow(*decision);
        }
        parts_.source.close(kCloseBudget);
        parts_.observer.set(Gauge::source_connected, parts_.pipeline, 0);
        if (next == Next::ended) {
            break;
        }
    }
    if (!ended()) {
        parts_.shared.set_intake(PipelineState::stopped);
    }
    parts_.shared.release_intake();
}

IntakeStage::Next IntakeStage::follow(const StartDecision& decision) {
    auto schemas = parts_.log.schemas(decision.stream);
    if (!schemas) {
        return handle(schemas.error()) ? Next::again : Next::ended;
    }
    core::SideOverlay side(parts_.log, decision.stream);
    core::BlockAssembler assembler({.stream = decision.stream,
                                    .next = decision.next,
                                    .resume = decision.point.resume,
                                    .done = decision.point.done,
                                    .schemas = std::move(schemas.value())},
                                   kPendingBytesMax,
                                   &side);
    expected_identity_ = decision.source_identity;
    for (;;) {
        if (parts_.shared.stopping || parts_.shared.withdrawn()) {
            return Next::withdrawn;
        }
        if (!open(assembler, side)) {
            if (ended()) {
                return Next::ended;
            }
            continue;
        }
        const Next next = stream(assembler, side);
        if (next != Next::again) {
            return next;
        }
    }
}

bool IntakeStage::open(core::BlockAssembler& assembler, const core::SideOverlay& side) {
    beat();
    const auto opened = parts_.source.open(assembler.position(), side);
    if (!opened) {
        (void)handle(opened.error());
        return false;
    }
    const std::string identity = parts_.source.identity();
    if (!expected_identity_.empty() && identity != expected_identity_) {
        (void)handle(
            Error(errors::kSourceDiverged,
                  "this pipeline follows " + expected_identity_ + ", but the server is " + identity)
                .at(parts_.pipeline));
        return false;
    }
    expected_identity_ = identity;
    parts_.shared.set_source_identity(identity);
    parts_.observer.set(Gauge::source_connected, parts_.pipeline, 1);
    parts_.observer.log(
        LogLevel::info,
        parts_.pipeline,
        "streaming",
        {{"source", identity}, {"from", parts_.source.describe(assembler.position().resume)}});
    parts_.shared.set_intake(PipelineState::running);
    next_pressure_ = parts_.clock.now();
    next_report_ = next_pressure_;
    confirmed_ = {};
    full_ = false;  // said anew when it is so still
    return true;
}

IntakeStage::Next IntakeStage::stream(core::BlockAssembler& assembler, core::SideOverlay& side) {
    for (;;) {
        if (parts_.shared.stopping || parts_.shared.withdrawn()) {
            return Next::withdrawn;
        }
        side.settle(parts_.shared.channel.durable().sequence);
        const auto stepped = step(assembler);
        Snapshots* const snapshots = parts_.source.snapshots();
        if (stepped && snapshots != nullptr && parts_.shared.desk.serve(*snapshots, assembler)) {
            next_report_ = SteadyTime{};  // who asked sees what became of it
        }
        // What was read before an error is whole and stays.
        hand_over(assembler);
        report_snapshot();
        parts_.shared.desk.answer();
        if (stepped && parts_.source.complete()) {
            parts_.observer.log(LogLevel::info, parts_.pipeline, "the source has said all");
            parts_.shared.set_intake(PipelineState::complete);
            return Next::ended;
        }
        if (stepped) {
            continue;
        }
        parts_.observer.set(Gauge::source_connected, parts_.pipeline, 0);
        return handle(stepped.error()) ? Next::again : Next::ended;
    }
}

Result<void> IntakeStage::step(core::BlockAssembler& assembler) {
    beat();
    confirm();
    poll_pressure();
    const bool full = parts_.shared.channel.full();
    if (full != full_) {
        full_ = full;
        parts_.observer.set(Gauge::intake_paused, parts_.pipeline, full ? 1 : 0);
        const Error reason(errors::kLogFull, "reading is paused until the log has room");
        parts_.shared.set_intake(full ? PipelineState::paused : PipelineState::running,
                                 full ? &reason : nullptr);
    }
    if (full || !parts_.shared.channel.has_room()) {
        return parts_.source.idle(full ? kFullWait : kRoomWait);
    }
    if (Snapshots* const snapshots = parts_.source.snapshots()) {
        snapshots->allow(pace_.step(parts_.clock.now(),
                                    parts_.shared.channel.appended(),
                                    parts_.shared.channel.delivered().sequence,
                                    parts_.shared.delivery().state == PipelineState::running));
    }
    TRIBUTARY_TRY_VOID(parts_.source.poll(assembler, kPollWait));
    parts_.shared.read_ms =
        std::chrono::duration_cast<milliseconds>(parts_.clock.now().time_since_epoch()).count();
    backoff_.reset();
    return success();
}

void IntakeStage::hand_over(core::BlockAssembler& assembler) {
    const auto blocks = assembler.take();
    if (blocks.empty()) {
        return;
    }
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;
    for (const BlockPtr& block : blocks) {
        bytes += block->bytes.size();
        entries += block->last.value() - block->first.value() + 1;
        parts_.shared.channel.push(block);
    }
    parts_.wake_log_writer();
    parts_.shared.taken_in_bytes += bytes;
    parts_.observer.add(Counter::bytes_taken_in, parts_.pipeline, bytes);
    parts_.observer.add(Counter::entries_taken_in, parts_.pipeline, entries);
    parts_.observer.set(Gauge::appended_sequence,
                        parts_.pipeline,
                        static_cast<std::int64_t>(blocks.back()->last.value()));
}

void IntakeStage::confirm() {
    Position position = parts_.shared.channel.delivered().position;
    if (!position.empty()) {
        ack_.on_checkpoint();
    }
    const bool durable = ack_.confirms_durable();
    parts_.shared.confirming_durable = durable;
    if (durable) {
        position = parts_.shared.channel.durable().position;
    }
    if (!position.empty() && position != confirmed_) {
        confirmed_ = position;
        parts_.source.confirm(confirmed_);
    }
}

void IntakeStage::poll_pressure() {
    const SteadyTime now = parts_.clock.now();
    if (now < next_pressure_) {
        return;
    }
    next_pressure_ = now + kPressureInterval;
    const auto pressure = parts_.source.pressure();
    if (!pressure) {
        parts_.observer.error(parts_.pipeline, pressure.error());
        return;
    }
    if (!pressure.value()) {
        return;
    }
    const bool durable_before = ack_.confirms_durable();
    ack_.on_pressure(*pressure.value());
    const auto held = static_cast<std::int64_t>(pressure.value()->held_bytes);
    parts_.shared.source_held_bytes = held;
    parts_.observer.set(Gauge::source_held_bytes, parts_.pipeline, held);
    parts_.observer.set(Gauge::ack_buffered, parts_.pipeline, ack_.confirms_durable() ? 1 : 0);
    if (ack_.confirms_durable() != durable_before) {
        parts_.observer.log(LogLevel::warn,
                            parts_.pipeline,
                            ack_.confirms_durable()
                                ? "the source holds too much: confirming what is on this disk "
                                  "(losing it would be a gap)"
                                : "the source holds little again: confirming what is in Kafka",
                            {{"held_bytes", std::to_string(held)},
                             {"limit_bytes", std::to_string(pressure.value()->limit_bytes)}});
    }
}

bool IntakeStage::ended() const {
    const PipelineState state = parts_.shared.intake().state;
    return state == PipelineState::parked || state == PipelineState::complete;
}

void IntakeStage::report_snapshot() {
    Snapshots* const snapshots = parts_.source.snapshots();
    const SteadyTime now = parts_.clock.now();
    if (snapshots == nullptr || (now < next_report_ && !parts_.source.complete())) {
        return;
    }
    next_report_ = now + kReportInterval;
    SnapshotReport report = meter_.step(now, snapshots->status());
    const auto set = [this](Gauge gauge, std::uint64_t value) {
        parts_.observer.set(gauge, parts_.pipeline, static_cast<std::int64_t>(value));
    };
    const SnapshotStatus& status = report.snapshot;
    set(Gauge::snapshot_running, status.state == SnapshotState::running ? 1 : 0);
    set(Gauge::snapshot_completed, status.state == SnapshotState::complete ? 1 : 0);
    set(Gauge::snapshot_total_table_count, status.tables_total);
    set(Gauge::snapshot_remaining_table_count, status.tables.size());
    set(Gauge::snapshot_rows_scanned, status.rows);
    set(Gauge::snapshot_duration_in_seconds, report.seconds);
    parts_.shared.set_snapshot(std::move(report));
}

bool IntakeStage::handle(const Error& error) {
    if (parts_.shared.stopping) {
        return false;
    }
    if (is_of_position(error) && !stands(error)) {
        return true;
    }
    parts_.observer.error(parts_.pipeline, error);
    if (!error.transient()) {
        parts_.observer.set(Gauge::parked, parts_.pipeline, 1);
        parts_.shared.set_intake(PipelineState::parked, &error);
        return false;
    }
    parts_.observer.add(Counter::source_reconnects, parts_.pipeline, 1);
    parts_.shared.set_intake(PipelineState::retrying, &error);
    const auto random = static_cast<std::uint32_t>(random_()) << 1U;
    return !parts_.shared.sleep(backoff_.next(random));
}

// The log may be older than Kafka's checkpoint (a twin went on without it, or it is a copy): then
// delivery starts a new stream after the checkpoint, and what the source lacks was delivered.
bool IntakeStage::stands(const Error& error) {
    auto settled = parts_.shared.wait_settled(milliseconds(0));
    if (!settled) {
        parts_.shared.set_intake(PipelineState::retrying, &error);
        parts_.observer.log(LogLevel::warn,
                            parts_.pipeline,
                            "the source does not go on where the log ends: Kafka's checkpoint "
                            "will tell whether the log is an old one",
                            {{"error", error.message()}});
    }
    while (!settled) {
        beat();
        settled = parts_.shared.wait_settled(kPollWait);
    }
    return *settled;
}

void IntakeStage::beat() {
    parts_.shared.intake_beat_ms =
        std::chrono::duration_cast<milliseconds>(parts_.clock.now().time_since_epoch()).count();
}

}  // namespace tributary::runtime
