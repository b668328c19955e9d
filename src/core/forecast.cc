#include "core/forecast.h"

#include <algorithm>

namespace tributary::core {
namespace {

constexpr std::chrono::hours kDay{24};

std::int64_t seconds_until(double room_bytes, double bytes_per_second) {
    if (room_bytes <= 0) {
        return 0;
    }
    const double seconds =
        bytes_per_second > 0 ? room_bytes / bytes_per_second : static_cast<double>(kSecondsForEver);
    return static_cast<std::int64_t>(std::min(seconds, static_cast<double>(kSecondsForEver)));
}

double difference(std::uint64_t larger, std::uint64_t smaller) {
    return static_cast<double>(larger) - static_cast<double>(smaller);
}

}  // namespace

void GrowthRate::sample(SteadyTime now, std::uint64_t total) {
    if (!kept_.empty() && total < newest_.total) {
        kept_.clear();
    }
    newest_ = {now, total};
    if (kept_.empty() || now - kept_.back().at >= kSpacing) {
        kept_.push_back(newest_);
    }
    while (kept_.size() > 1 && now - kept_.front().at > kWindow) {
        kept_.pop_front();
    }
}

std::optional<double> GrowthRate::per_second() const {
    if (kept_.empty()) {
        return std::nullopt;
    }
    const std::chrono::duration<double> span = newest_.at - kept_.front().at;
    if (span < std::chrono::seconds(1)) {
        return std::nullopt;
    }
    return difference(newest_.total, kept_.front().total) / span.count();
}

std::int64_t seconds_left(const DiskRoom& room) {
    return std::min(
        seconds_until(difference(room.log_bytes_max, room.log_bytes), room.bytes_per_second),
        seconds_until(difference(room.free_disk_bytes, room.free_disk_floor),
                      room.all_bytes_per_second));
}

std::optional<std::int64_t> lag_seconds(const Waiting& waiting) {
    const std::int64_t unread = waiting.unread_seconds.value_or(0);
    if (waiting.delivered >= waiting.appended) {
        return unread;
    }
    if (!waiting.taken_in_us) {
        return std::nullopt;
    }
    return std::max(unread, (waiting.now_us - *waiting.taken_in_us) / 1'000'000);
}

bool WriteBudget::sample(SteadyTime now, std::uint64_t total_written) {
    if (!began_ || now - *began_ >= kDay || total_written < total_at_begin_) {
        began_ = now;
        total_at_begin_ = total_written;
        said_ = false;
    }
    used_ = total_written - total_at_begin_;
    const bool news = bytes_per_day_ != 0 && used_ > bytes_per_day_ && !said_;
    said_ = said_ || news;
    return news;
}

}  // namespace tributary::core
