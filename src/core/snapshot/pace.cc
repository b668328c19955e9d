#include "core/snapshot/pace.h"

#include <algorithm>

namespace tributary::core::snapshot {
namespace {

constexpr std::chrono::milliseconds kMeasure{250};
constexpr std::chrono::milliseconds kMeasureIdle{10};
// What is allowed before a rate is known, and always: a chunk that is too small costs more than it
// delays.
constexpr double kRowsFirst = 2000;
constexpr double kRowsMin = 100;
constexpr std::chrono::seconds kStandstill{10};

}  // namespace

// A rate is known when something has been delivered: transactions come whole, and may take long.
void Pace::measure(SteadyTime now, Sequence appended, Sequence delivered) {
    const bool idle = delivered >= appended;
    const bool moved = delivered > then_;
    if (moved && now - since_ >= (idle ? kMeasureIdle : kMeasure)) {
        const double seconds = std::chrono::duration<double>(now - since_).count();
        const double lately = static_cast<double>(delivered.value() - then_.value()) / seconds;
        // With nothing left to deliver it is what was asked for, not what is possible.
        rate_ = idle ? std::max(rate_, lately) : rate_ > 0 ? 0.5 * (rate_ + lately) : lately;
    } else if (!idle) {
        return;
    }
    since_ = now;
    then_ = delivered;
}

bool Pace::stands_still(SteadyTime now, Sequence appended, Sequence delivered) {
    if (!begun_ || delivered != moved_to_ || delivered >= appended) {
        moved_at_ = now;
        moved_to_ = delivered;
    }
    return now - moved_at_ >= kStandstill;
}

std::uint64_t Pace::step(SteadyTime now, Sequence appended, Sequence delivered, bool works) {
    if (delay_.count() == 0 || !works) {
        begun_ = false;
        return kUnbounded;
    }
    const bool still = stands_still(now, appended, delivered);
    if (!begun_ || delivered < then_) {
        begun_ = true;
        since_ = now;
        then_ = delivered;
    }
    measure(now, appended, delivered);
    if (still) {
        return kUnbounded;
    }
    const double bound = std::max(rate_ > 0 ? kRowsMin : kRowsFirst,
                                  rate_ * std::chrono::duration<double>(delay_).count());
    const auto waiting = static_cast<double>(appended.value() - delivered.value());
    return waiting >= bound ? 0 : static_cast<std::uint64_t>(bound - waiting);
}

}  // namespace tributary::core::snapshot
