// The dump command: what is said to the server so that it sends its binlog from a position on.
// MySQL source documentation, COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID; MariaDB knowledge base,
// "Replication protocol", "Global Transaction ID" (@slave_connect_state). Integers little-endian:
//   COM_BINLOG_DUMP       fixed32 offset, fixed16 flags, fixed32 server id, file name
//   COM_BINLOG_DUMP_GTID  fixed16 flags, fixed32 server id, fixed32 length, file name, fixed64
//                         offset, fixed32 length, GTID set (gtid.h)
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "connectors/mysql/position.h"
#include "connectors/mysql/server/client.h"

namespace tributary::mysql {

struct DumpOptions {
    std::uint32_t server_id = 0;
    std::uint32_t heartbeat_ms = 10000;
    // How long the server waits for a reader that is paused.
    std::uint32_t write_timeout_s = 24 * 3600;
};

struct DumpCommand {
    std::uint8_t number = 0;
    std::string arguments;
};

// Pure. A dump cannot be asked to start at a file offset above 4 GiB: it then starts at the file's
// beginning, and intake drops what comes before the place.
[[nodiscard]] DumpCommand dump_command(const ResumePoint& from, std::uint32_t server_id);

// Where the first event of that dump stands, for BinlogCursor.
[[nodiscard]] Place dump_start(const ResumePoint& from);

// Sets the session up and sends the command; nothing of the answer has been read afterwards.
[[nodiscard]] Result<void> start_dump(Client& client,
                                      const ResumePoint& from,
                                      const DumpOptions& options);

}  // namespace tributary::mysql
