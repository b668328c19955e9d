// EventReader: the answer to a dump command as events: joins packets, checks and takes off the
// CRC32 of each event, opens compressed transactions, and tells an event that is larger than it
// will hold by its head. Pure; one thread. MySQL source documentation, "Replication protocol";
// "Binlog event header"; "Format_description_event" (checksum algorithm):
//   message  byte 0x00, event | 0xFF, fixed16 error, '#', 5 bytes SQLSTATE, text | 0xFE end
//   event    fixed32 time, byte type, fixed32 server id, fixed32 length, fixed32 end position,
//            fixed16 flags, body; then fixed32 CRC32 of all before, where checksums are on
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/mysql/binlog/packet_reader.h"
#include "connectors/mysql/binlog/payload.h"

namespace tributary::mysql {

enum class WireKind {
    event,            // whole
    oversized,        // only its head
    payload,          // a TRANSACTION_PAYLOAD_EVENT: its 19-byte header; what is inside follows
    inner,            // whole, inside the payload before it
    inner_oversized,  // the same, only its head
};

struct WireEvent {
    WireKind kind = WireKind::event;
    std::string_view bytes;   // header and body, without CRC32; valid until the next call of next()
    std::uint64_t total = 0;  // bytes of the event, without CRC32
    std::uint32_t inner = 0;  // index inside a payload, from 1
};

struct EventLimits {
    std::size_t event_bytes_max = 64U << 20U;
    std::size_t head_bytes = 64;  // of an event that is larger
    // A compressed transaction up to this size is checked by its CRC32 before anything of it is
    // given; what is larger is given while it arrives, and its CRC32 is checked at its end.
    std::size_t payload_bytes_held = 4U << 20U;
};

class EventReader {
  public:
    explicit EventReader(const EventLimits& limits) : limits_(limits) {}

    // `input` stays valid until next() has returned nullopt, which must have happened since the
    // last call.
    void feed(std::string_view input) noexcept { packets_.feed(input); }
    // Likewise one whole message, where packets were joined already; never mixed with feed().
    void feed_message(std::string_view message) noexcept { message_ = message; }

    // The next event; nullopt: feed more. What the server said when it ended the dump (kind_of());
    // kSourceUnreachable at a plain end or a bad CRC32; kProtocolViolation; kSourceSettings.
    [[nodiscard]] Result<std::optional<WireEvent>> next();
    // A wrong CRC32 was the error.
    [[nodiscard]] bool failed_check() const noexcept { return failed_check_; }

  private:
    enum class Mode { gather, skip, stream };
    using Next = Result<std::optional<WireEvent>>;

    [[nodiscard]] Result<std::optional<Piece>> next_piece();
    [[nodiscard]] Next on_piece(const Piece& piece);
    [[nodiscard]] Next on_part(std::string_view part, bool last);
    [[nodiscard]] Next on_whole(std::string_view event);
    [[nodiscard]] Next choose_mode();
    [[nodiscard]] Next open_payload(std::string_view header);
    [[nodiscard]] Next from_payload();
    [[nodiscard]] Result<std::string_view> checked(std::string_view event);
    [[nodiscard]] Result<void> check_end();
    [[nodiscard]] Error bad_crc(std::uint8_t type);
    [[nodiscard]] Error ended(std::string_view message) const;
    void count(std::string_view part);

    EventLimits limits_;
    PacketReader packets_;
    std::optional<std::string_view> message_;
    bool checksums_ = true;  // of the file that is being sent
    bool failed_check_ = false;

    // The message under way, when it did not come in one piece
    bool status_taken_ = false;
    bool control_ = false;  // it is no event
    std::string held_;
    Mode mode_ = Mode::gather;
    bool mode_chosen_ = false;
    std::uint64_t length_ = 0;  // of the event, CRC32 included
    std::uint64_t seen_ = 0;    // bytes of it so far
    std::uint32_t crc_ = 0;     // of them but the last four
    std::string crc_tail_;      // the last four

    std::optional<Payload> payload_;
    bool payload_ended_ = false;  // nothing more will be fed to it
    std::string header_;          // of the payload event
};

}  // namespace tributary::mysql
