// Fingerprint: what tells the transaction that was taken in last from another one that got its GTID
// or its place later. Why: a server that forgets its last transactions in a crash (sync_binlog=0),
// or a copy of it that was put back, gives their GTIDs to other transactions, and nothing in a GTID
// shows that. So the server is asked to send the last one again when a pipeline goes on, and it is
// compared. Pure; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/mysql/binlog/events.h"
#include "connectors/mysql/position.h"

namespace tributary::mysql {

// Gathers the events of a transaction, from its first one on.
class FingerprintMeter {
  public:
    // Whether events of this type are part of it. Those that are not may differ from connection to
    // connection.
    [[nodiscard]] static bool counts(EventType type) noexcept;

    void clear() noexcept { events_ = crc_ = 0; }
    // `bytes`: the event, or at least its first kOversizedHeadBytes.
    void add(std::string_view bytes) noexcept;

    [[nodiscard]] std::uint32_t events() const noexcept { return events_; }
    [[nodiscard]] std::uint32_t crc() const noexcept { return crc_; }

  private:
    std::uint32_t events_ = 0;
    std::uint32_t crc_ = 0;
};

// Follows the last transaction while it comes again.
class LastAgain {
  public:
    enum class Seen {
        other,    // nothing to do with it
        again,    // of the transaction: drop it
        differs,  // it is not what was taken in
    };

    // `server` as in Fingerprint: of the server that sends. `by_place`: the dump starts at the
    // place of the transaction's first event.
    LastAgain(Fingerprint last, std::uint32_t server, bool by_place)
        : last_(std::move(last)), server_(server), by_place_(by_place) {}

    // The next event that the server sends, with its place.
    [[nodiscard]] Seen on_event(const EventHeader& header,
                                std::string_view bytes,
                                const Place& place);
    // Nothing of it has come yet.
    [[nodiscard]] bool awaited() const noexcept { return !begun_; }
    [[nodiscard]] bool over() const noexcept { return over_; }
    [[nodiscard]] const Fingerprint& last() const noexcept { return last_; }

  private:
    [[nodiscard]] bool begins(const EventHeader& header,
                              std::string_view bytes,
                              const Place& place) const;
    [[nodiscard]] bool is_past(const EventHeader& header, const Place& place) const;
    [[nodiscard]] Seen compare();

    Fingerprint last_;
    std::uint32_t server_;
    bool by_place_;
    FingerprintMeter meter_;
    bool begun_ = false;
    std::string file_;  // that it began in
    bool over_ = false;
};

// A position by file and offset is of one server only, and says which before there is a last
// transaction.
void name_server(ResumePoint& point, std::uint32_t server);

// Where a dump starts so that the last transaction comes again; nullopt when that is not known.
[[nodiscard]] std::optional<ResumePoint> before_last(const ResumePoint& point);

}  // namespace tributary::mysql
