// DumpReader: the bytes of one dump connection on their way to intake: packets to events, events to
// places. Pure; one thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "connectors/mysql/binlog/binlog_cursor.h"
#include "connectors/mysql/binlog/event_reader.h"
#include "connectors/mysql/intake/intake.h"

namespace tributary::mysql {

class DumpReader {
  public:
    // `start`: where the dump was asked to start (dump_start()).
    DumpReader(const EventLimits& limits, Place start)
        : events_(limits), cursor_(std::move(start)) {}

    // As of EventReader.
    void feed(std::string_view input) noexcept { events_.feed(input); }
    void feed_message(std::string_view message) noexcept { events_.feed_message(message); }

    // Gives `intake` the next event, or lets it copy rows. False: feed more. Errors are those of
    // intake, or what ended the stream.
    [[nodiscard]] Result<bool> step(Intake& intake, std::int64_t now_us, EntrySink& sink);
    // The stream has ended: the error of step() was its own.
    [[nodiscard]] bool ended() const noexcept { return ended_; }

  private:
    Result<void> take(const WireEvent& event, Intake& intake, std::int64_t now_us, EntrySink& sink);

    EventReader events_;
    BinlogCursor cursor_;
    bool ended_ = false;
};

// Whether a pipeline may go on from `from` without having seen its last transaction again, when
// the server ended that dump with `said`; else why it may not.
[[nodiscard]] Result<void> may_go_on_unseen(const ResumePoint& from, const Error& said);

}  // namespace tributary::mysql
