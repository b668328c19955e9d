// ShutdownWatch: when to leave a server that shuts down. A fast shutdown ends ordinary sessions at
// once but waits for a walsender until its reader has confirmed everything; with a dead uplink that
// would hold the database's administrator up for as long as the uplink is dead. What is not
// confirmed stays in the slot, so leaving loses nothing; a little patience lets a healthy pipeline
// finish. Pure; one thread. Spec: delivery-and-faults 2 (fast shutdown); DESIGN 5.
#pragma once

#include <chrono>
#include <optional>

#include "connectors/postgresql/lsn.h"

namespace tributary::postgresql {

class ShutdownWatch {
  public:
    using Time = std::chrono::steady_clock::time_point;
    // Without news for this long, or in all for that long (pg_ctl stop waits 60 s): leave.
    static constexpr std::chrono::seconds kQuiet{15};
    static constexpr std::chrono::seconds kAtMost{45};

    // A new connection: nothing is known.
    void reset() { since_.reset(); }
    // The server said that it shuts down.
    void begin(Time now);
    [[nodiscard]] bool begun() const noexcept { return since_.has_value(); }
    // Rows arrived.
    void on_data(Time now) { progress_ = now; }
    // What we confirm now; moving is progress.
    void on_confirmed(Lsn confirmed, Time now);
    [[nodiscard]] bool leave(Time now) const;

  private:
    std::optional<Time> since_;
    Time progress_;
    Lsn confirmed_;
};

inline void ShutdownWatch::begin(Time now) {
    if (!since_) {
        since_ = now;
        progress_ = now;
    }
}

inline void ShutdownWatch::on_confirmed(Lsn confirmed, Time now) {
    if (confirmed > confirmed_) {
        confirmed_ = confirmed;
        progress_ = now;
    }
}

inline bool ShutdownWatch::leave(Time now) const {
    return since_ && (now - progress_ >= kQuiet || now - *since_ >= kAtMost);
}

}  // namespace tributary::postgresql
