#include "runtime/pipeline_state.h"

#include <utility>

namespace tributary::runtime {
namespace {

void update(HalfStatus& half, PipelineState state, const Error* error) {
    half.state = state;
    if (error != nullptr) {
        half.error = *error;
    } else if (state == PipelineState::running || state == PipelineState::complete) {
        half.error.reset();
    }
}

}  // namespace

void PipelineShared::decide(StartDecision decision) {
    const std::lock_guard lock(mutex_);
    decision_ = std::move(decision);
    changed_.notify_all();
}

void PipelineShared::withdraw() {
    std::unique_lock lock(mutex_);
    decision_.reset();
    changed_.wait(lock, [&] { return !intake_holds_; });
}

std::optional<StartDecision> PipelineShared::wait_decision() {
    std::unique_lock lock(mutex_);
    intake_holds_ = false;
    changed_.notify_all();
    changed_.wait(lock, [&] { return stopping.load() || decision_.has_value(); });
    if (stopping.load()) {
        return std::nullopt;
    }
    intake_holds_ = true;
    return decision_;
}

void PipelineShared::settle_start() {
    const std::lock_guard lock(mutex_);
    start_settled_ = true;
    changed_.notify_all();
}

std::optional<bool> PipelineShared::wait_settled(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(
        lock, limit, [&] { return stopping.load() || start_settled_ || !decision_.has_value(); });
    if (stopping.load() || !decision_.has_value()) {
        return false;
    }
    return start_settled_ ? std::optional(true) : std::nullopt;
}

bool PipelineShared::settled() const {
    const std::lock_guard lock(mutex_);
    return start_settled_;
}

void PipelineShared::release_intake() {
    const std::lock_guard lock(mutex_);
    intake_holds_ = false;
    changed_.notify_all();
}

bool PipelineShared::withdrawn() const {
    const std::lock_guard lock(mutex_);
    return !decision_.has_value();
}

void PipelineShared::set_intake(PipelineState state, const Error* error) {
    const std::lock_guard lock(mutex_);
    update(intake_, state, error);
    if (state == PipelineState::parked && error != nullptr && !parked_) {
        parked_ = *error;
    }
}

void PipelineShared::set_delivery(PipelineState state, const Error* error) {
    const std::lock_guard lock(mutex_);
    update(delivery_, state, error);
    if (state == PipelineState::parked && error != nullptr && !parked_) {
        parked_ = *error;
    }
}

HalfStatus PipelineShared::intake() const {
    const std::lock_guard lock(mutex_);
    return intake_;
}

HalfStatus PipelineShared::delivery() const {
    const std::lock_guard lock(mutex_);
    return delivery_;
}

std::optional<Error> PipelineShared::parked() const {
    const std::lock_guard lock(mutex_);
    return parked_;
}

void PipelineShared::set_source_identity(std::string identity) {
    const std::lock_guard lock(mutex_);
    source_identity_ = std::move(identity);
}

std::string PipelineShared::source_identity() const {
    const std::lock_guard lock(mutex_);
    return source_identity_;
}

void PipelineShared::set_snapshot(SnapshotReport report) {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(report);
}

std::optional<SnapshotReport> PipelineShared::snapshot() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
}

bool PipelineShared::sleep(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [&] { return stopping.load(); });
    return stopping.load();
}

void PipelineShared::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping = true;
        changed_.notify_all();
    }
    channel.interrupt();
}

}  // namespace tributary::runtime
