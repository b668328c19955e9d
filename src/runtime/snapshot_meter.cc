#include "runtime/snapshot_meter.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace tributary::runtime {
namespace {

constexpr double kSmoothSeconds = 10;

double seconds_between(SteadyTime from, SteadyTime to) {
    return std::chrono::duration<double>(to - from).count();
}

}  // namespace

SnapshotReport SnapshotMeter::step(SteadyTime now, const SnapshotStatus& status) {
    const bool running = status.state == SnapshotState::running;
    if (running && (!running_ || status.rows < rows_)) {
        begun_ = now;
        measured_ = now;
        rows_ = status.rows;
        rate_ = 0;
    }
    if (running_ || running) {
        seconds_ = static_cast<std::uint64_t>(seconds_between(begun_, now));
        const double passed = seconds_between(measured_, now);
        if (passed > 0) {
            const double lately = static_cast<double>(status.rows - rows_) / passed;
            const double age = seconds_between(begun_, now);
            const double weight = std::min(1.0, passed / std::min(kSmoothSeconds, age));
            rate_ += weight * (lately - rate_);
            measured_ = now;
            rows_ = status.rows;
        }
    }
    running_ = running;
    SnapshotReport report;
    report.snapshot = status;
    report.rows_per_second = running ? rate_ : 0;
    report.seconds = seconds_;
    report.seconds_left = seconds_left(status);
    return report;
}

std::optional<std::uint64_t> SnapshotMeter::seconds_left(const SnapshotStatus& status) const {
    if (!running_ || rate_ < 1) {
        return std::nullopt;
    }
    std::uint64_t left = 0;
    for (const SnapshotTable& table : status.tables) {
        if (!table.rows_estimate) {
            return std::nullopt;
        }
        left += *table.rows_estimate > table.rows ? *table.rows_estimate - table.rows : 0;
    }
    return static_cast<std::uint64_t>(std::ceil(static_cast<double>(left) / rate_));
}

}  // namespace tributary::runtime
