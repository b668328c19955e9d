// BinlogCursor: the 64-bit place of each event that a dump sends. The event's own end position has
// 32 bits and wraps at 4 GiB; MariaDB from 11.4 on leaves it 0 inside transactions; events that the
// server makes up for the connection (fake ROTATE, repeated FORMAT_DESCRIPTION, heartbeats) are in
// no file. Pure; one thread. MySQL source documentation, "Binlog event header"; "Rotate_event".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/mysql/position.h"

namespace tributary::mysql {

class BinlogCursor {
  public:
    // Where the dump was asked to start; the empty file is named by the first event.
    explicit BinlogCursor(Place start) : next_(std::move(start)) {}

    // One event of the stream, not one from inside a payload: its bytes from the 19-byte header on
    // (ROTATE and heartbeats: the whole; others: the header is enough), without CRC. Afterwards
    // place() is where it stands. kProtocolViolation.
    [[nodiscard]] Result<void> on_event(std::string_view bytes);

    [[nodiscard]] const std::string& file() const noexcept { return file_; }
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
    // Behind the event: where the next one is expected.
    [[nodiscard]] const Place& next() const noexcept { return next_; }

  private:
    std::string file_;
    std::uint64_t offset_ = 0;
    Place next_;
};

}  // namespace tributary::mysql
