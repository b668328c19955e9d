// DumpReader: the bytes of one dump connection on their way to intake: packets to events, events to
// places. It asks whoever has the connection for more, and does no I/O itself; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "connectors/mysql/binlog/binlog_cursor.h"
#include "connectors/mysql/binlog/event_reader.h"
#include "connectors/mysql/intake/intake.h"
#include "ports/clock.h"

namespace tributary::mysql {

// Who has the connection.
class DumpConnection {
  public:
    virtual ~DumpConnection() = default;
    // Feeds the reader what is there, and says how many bytes; 0: nothing more now.
    [[nodiscard]] virtual Result<std::size_t> read_more() = 0;
    // After each event; false: no more of them is to be taken now.
    [[nodiscard]] virtual Result<bool> goes_on(EntrySink& /*sink*/) { return true; }
};

class DumpReader {
  public:
    // `start`: where the dump was asked to start (dump_start()).
    DumpReader(const EventLimits& limits, Place start)
        : events_(limits), cursor_(std::move(start)) {}

    // As of EventReader.
    void feed(std::string_view input) noexcept { events_.feed(input); }
    void feed_message(std::string_view message) noexcept { events_.feed_message(message); }

    // Gives `intake` what comes, until `sink` is full, kPumpBytesMax were read or there is nothing
    // more now. Errors are those of intake and of `connection`, or what ended the stream.
    [[nodiscard]] Result<void> pump(Intake& intake,
                                    const Clock& clock,
                                    EntrySink& sink,
                                    DumpConnection& connection);
    // That was the error of pump(), and the last transaction did not come again before (Intake).
    [[nodiscard]] bool ended_unseen(const Intake& intake, const Error& error) const {
        return ended_ && intake.awaits_last() && !error.transient();
    }

    static constexpr std::size_t kPumpBytesMax = 1U << 20U;

  private:
    // False: feed more.
    Result<bool> step(Intake& intake, std::int64_t now_us, EntrySink& sink);
    Result<void> take(const WireEvent& event, Intake& intake, std::int64_t now_us, EntrySink& sink);

    EventReader events_;
    BinlogCursor cursor_;
    bool ended_ = false;
};

// Where `intake` goes on without having seen its last transaction again, when the server ended that
// dump with `said`; else why it may not.
[[nodiscard]] Result<ResumePoint> go_on_unseen(Intake& intake, const Error& said);

}  // namespace tributary::mysql
