// SimDump: what a simulated server sends to one replica: the answer to a dump command, as packets.
// One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/mysql/position.h"

namespace tributary::sim {

class SimMysql;

class SimDump {
  public:
    SimDump(SimMysql& server, const mysql::ResumePoint& from);

    bool alive = true;

    // Bytes of the stream, `bytes_max` at most; empty: none now.
    [[nodiscard]] std::string read(std::size_t bytes_max, std::int64_t now_us);
    [[nodiscard]] bool has_bytes(std::int64_t now_us) const;
    // Everything that is logged was read, and the connection goes on.
    [[nodiscard]] bool is_read() const { return alive && !ended_ && out_.empty() && at_end(); }
    // That is read next; 0: none.
    [[nodiscard]] std::uint64_t file() const { return file_; }
    // An error, and the end.
    void refuse(std::string_view message);

  private:
    [[nodiscard]] std::string why_not() const;
    [[nodiscard]] std::string why_not_by_gtid() const;
    [[nodiscard]] std::string why_not_mariadb() const;
    void begin();
    void send(std::string_view event) { send_packet(std::string(1, '\0').append(event)); }
    void send_packet(std::string_view message);
    void send_made_up_rotate();
    void send_next(std::int64_t now_us);
    void send_skipped();
    [[nodiscard]] bool skips(std::string_view event) const;
    [[nodiscard]] bool at_end() const;

    SimMysql& server_;
    const mysql::ResumePoint from_;
    std::string out_;
    std::uint8_t sequence_ = 1;
    std::uint64_t file_ = 0;
    std::uint64_t offset_ = 0;
    bool skipping_ = false;  // what the replica has
    bool ended_ = false;
    std::int64_t spoke_us_ = 0;
};

}  // namespace tributary::sim
