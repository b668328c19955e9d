#include "connectors/mysql/binlog/event_reader.h"

#include <zlib.h>

#include <algorithm>

#include "base/bytes.h"
#include "connectors/mysql/server/server_error.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::size_t kHeader = 19;
constexpr std::size_t kTypeAt = 4;
constexpr std::size_t kLengthAt = 9;
constexpr std::size_t kCrcBytes = 4;
constexpr std::uint8_t kRotate = 4;
constexpr std::uint8_t kFormatDescription = 15;
constexpr std::uint8_t kTransactionPayload = 40;
constexpr std::uint8_t kCrc32 = 1;
// An error or the end: short, and held whole.
constexpr std::size_t kControlBytesMax = 4096;
constexpr char kOk = '\0';
constexpr char kError = '\xff';
constexpr char kEnd = '\xfe';

std::uint8_t type_of(std::string_view event) {
    return static_cast<std::uint8_t>(event[kTypeAt]);
}

std::uint32_t crc_of(std::string_view bytes, std::uint32_t before = 0) {
    return static_cast<std::uint32_t>(
        ::crc32_z(before, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

bool crc_matches(std::string_view event) {
    if (event.size() < kHeader + kCrcBytes) {
        return false;
    }
    const std::string_view covered = event.substr(0, event.size() - kCrcBytes);
    return crc_of(covered) == load<std::uint32_t>(event.data() + covered.size(), Endian::little);
}

Error broken(const std::string& what) {
    return {errors::kProtocolViolation, "binlog stream: " + what};
}

}  // namespace

Result<std::optional<WireEvent>> EventReader::next() {
    for (;;) {
        if (payload_) {
            TRIBUTARY_TRY(inner, from_payload());
            if (inner) {
                return inner;
            }
        }
        TRIBUTARY_TRY(piece, next_piece());
        if (!piece) {
            return std::optional<WireEvent>();
        }
        TRIBUTARY_TRY(event, on_piece(*piece));
        if (event) {
            return event;
        }
    }
}

Result<std::optional<Piece>> EventReader::next_piece() {
    if (!message_) {
        return packets_.next();
    }
    const Piece whole{.bytes = *message_, .first = true, .last = true};
    message_.reset();
    return std::optional(whole);
}

// The next event of the open payload; closes it when it is over.
EventReader::Next EventReader::from_payload() {
    TRIBUTARY_TRY(inner, payload_->next());
    if (inner) {
        const bool whole = inner->bytes.size() == inner->total;
        return std::optional(WireEvent{whole ? WireKind::inner : WireKind::inner_oversized,
                                       inner->bytes,
                                       inner->total,
                                       inner->index});
    }
    if (payload_ended_) {
        TRIBUTARY_TRY_VOID(payload_->finish());
        payload_.reset();
        payload_ended_ = false;
    }
    return std::optional<WireEvent>();
}

EventReader::Next EventReader::on_piece(const Piece& piece) {
    std::string_view bytes = piece.bytes;
    if (piece.first) {
        held_.clear();
        status_taken_ = false;
        control_ = false;
        mode_chosen_ = false;
        seen_ = 0;
        crc_ = 0;
        crc_tail_.clear();
        mode_ = Mode::gather;
    }
    if (!status_taken_) {
        if (bytes.empty()) {
            return broken("an empty message");
        }
        control_ = bytes.front() != kOk;
        status_taken_ = true;
    }
    if (control_) {
        held_.append(bytes.substr(0, kControlBytesMax - std::min(held_.size(), kControlBytesMax)));
        return piece.last ? Next(ended(held_)) : Next(std::optional<WireEvent>());
    }
    if (piece.first) {
        bytes.remove_prefix(1);
        if (piece.last) {
            return on_whole(bytes);
        }
    }
    return on_part(bytes, piece.last);
}

// A part of an event that does not come in one piece.
EventReader::Next EventReader::on_part(std::string_view part, bool last) {
    seen_ += part.size();
    if (!mode_chosen_ || mode_ == Mode::gather) {
        held_.append(part);
    } else {
        count(part);
        if (mode_ == Mode::stream) {
            // What may be the CRC32 is held back.
            const std::uint64_t body_left = length_ - kCrcBytes > seen_ - part.size()
                                                ? length_ - kCrcBytes - (seen_ - part.size())
                                                : 0;
            const std::size_t body =
                checksums_
                    ? static_cast<std::size_t>(std::min<std::uint64_t>(part.size(), body_left))
                    : part.size();
            payload_->feed(part.substr(0, body));
        }
    }
    if (!mode_chosen_ && held_.size() >= kHeader) {
        TRIBUTARY_TRY(event, choose_mode());
        if (event || !last) {
            payload_ended_ = payload_ended_ || (last && mode_ == Mode::stream);
            return event;
        }
    }
    if (!last) {
        return std::optional<WireEvent>();
    }
    if (!mode_chosen_ || mode_ == Mode::gather) {
        return on_whole(held_);
    }
    payload_ended_ = mode_ == Mode::stream;
    TRIBUTARY_TRY_VOID(check_end());
    return std::optional<WireEvent>();
}

// The header is there: hold the event, skip it, or open it while it arrives.
EventReader::Next EventReader::choose_mode() {
    length_ = load<std::uint32_t>(held_.data() + kLengthAt, Endian::little);
    const bool payload = type_of(held_) == kTransactionPayload;
    if (length_ <= (payload ? limits_.payload_bytes_held : limits_.event_bytes_max)) {
        mode_chosen_ = true;
        mode_ = Mode::gather;
        return std::optional<WireEvent>();
    }
    if (held_.size() < limits_.head_bytes) {
        return std::optional<WireEvent>();  // length_ is far larger: more comes
    }
    mode_chosen_ = true;
    count(held_);
    if (payload) {
        mode_ = Mode::stream;
        TRIBUTARY_TRY(opened, open_payload(std::string_view(held_).substr(0, kHeader)));
        // What may be the CRC32 is held back.
        const std::uint64_t body = length_ - (checksums_ ? kCrcBytes : 0);
        payload_->feed(
            std::string_view(held_).substr(0, static_cast<std::size_t>(body)).substr(kHeader));
        return opened;
    }
    mode_ = Mode::skip;
    const std::uint64_t total = length_ - (checksums_ ? kCrcBytes : 0);
    return std::optional(WireEvent{
        WireKind::oversized, std::string_view(held_).substr(0, limits_.head_bytes), total, 0});
}

EventReader::Next EventReader::open_payload(std::string_view header) {
    header_ = header;
    payload_.emplace(limits_.event_bytes_max, limits_.head_bytes);
    payload_ended_ = false;
    return std::optional(WireEvent{WireKind::payload, header_, kHeader, 0});
}

// `event` with CRC32; it stays where it is until next() is called again.
EventReader::Next EventReader::on_whole(std::string_view event) {
    TRIBUTARY_TRY(body, checked(event));
    if (type_of(body) != kTransactionPayload) {
        return std::optional(WireEvent{WireKind::event, body, body.size(), 0});
    }
    TRIBUTARY_TRY(opened, open_payload(body.substr(0, kHeader)));
    payload_->feed(body.substr(kHeader));
    payload_ended_ = true;
    return opened;
}

// Checks length and CRC32 and takes the latter off. Events that the server makes up before the
// first FORMAT_DESCRIPTION have one or not, depending on its version.
Result<std::string_view> EventReader::checked(std::string_view event) {
    if (event.size() < kHeader ||
        event.size() != load<std::uint32_t>(event.data() + kLengthAt, Endian::little)) {
        return broken("an event whose length is not that of its message");
    }
    const std::uint8_t type = type_of(event);
    const std::string_view without = event.substr(0, event.size() - kCrcBytes);
    if (type == kFormatDescription) {
        // It always ends with the algorithm and room for a CRC32.
        if (event.size() < kHeader + kCrcBytes + 1) {
            return broken("a FORMAT_DESCRIPTION that is too short");
        }
        const auto algorithm = static_cast<std::uint8_t>(without.back());
        if (algorithm > kCrc32) {
            return Error(errors::kSourceSettings,
                         "binlog_checksum of an unknown kind: SET GLOBAL binlog_checksum = "
                         "'CRC32';");
        }
        checksums_ = algorithm == kCrc32;
        if (checksums_ && !crc_matches(event)) {
            return bad_crc(type);
        }
        return without;
    }
    if (type == kRotate && load<std::uint32_t>(event.data(), Endian::little) == 0) {
        return crc_matches(event) ? without : event;
    }
    if (!checksums_) {
        return event;
    }
    if (!crc_matches(event)) {
        return bad_crc(type);
    }
    return without;
}

// Takes `part` into the running CRC32, of which the last four bytes are held back.
void EventReader::count(std::string_view part) {
    crc_tail_.append(part);
    if (crc_tail_.size() > kCrcBytes) {
        const std::size_t covered = crc_tail_.size() - kCrcBytes;
        crc_ = crc_of(std::string_view(crc_tail_).substr(0, covered), crc_);
        crc_tail_.erase(0, covered);
    }
}

// The end of an event that was not held.
Result<void> EventReader::check_end() {
    if (seen_ != length_) {
        return broken("an event whose length is not that of its message");
    }
    if (checksums_ && (crc_tail_.size() != kCrcBytes ||
                       crc_ != load<std::uint32_t>(crc_tail_.data(), Endian::little))) {
        if (mode_ == Mode::stream) {
            return broken(
                "a compressed transaction whose rows were taken in already had a wrong "
                "CRC32");
        }
        return bad_crc(type_of(held_));
    }
    return success();
}

// A flipped bit on the way or on the server's disk: another connection tells which.
Error EventReader::bad_crc(std::uint8_t type) {
    failed_check_ = true;
    return {errors::kSourceUnreachable,
            "an event of type " + std::to_string(type) + " arrived with a wrong CRC32"};
}

Error EventReader::ended(std::string_view message) const {
    constexpr std::size_t kEndBytesMax = 9;
    if (message.front() == kEnd && message.size() < kEndBytesMax) {
        return {errors::kSourceUnreachable, "the server ended the binlog dump"};
    }
    if (message.front() != kError || message.size() < 3) {
        return broken("a message of type " +
                      std::to_string(static_cast<unsigned char>(message.front())));
    }
    const unsigned number = load<std::uint16_t>(message.data() + 1, Endian::little);
    std::string_view text = message.substr(3);
    if (text.size() >= 6 && text.front() == '#') {
        text.remove_prefix(6);
    }
    return server_error(number, text, "binlog dump");
}

}  // namespace tributary::mysql
