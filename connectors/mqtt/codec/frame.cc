// Framing: the fixed header (MQTT 5.0 2.1) and packets that come in pieces.
#include <algorithm>

#include "base/assert.h"
#include "connectors/mqtt/codec/codec.h"

namespace tributary::mqtt {
namespace {

CodecError bad(std::string_view bytes, std::size_t offset, ReasonCode reason, const char* what) {
    return {.reason = reason,
            .header = static_cast<std::uint8_t>(static_cast<unsigned char>(bytes.front())),
            .offset = static_cast<std::uint32_t>(offset),
            .what = what};
}

// MQTT 5.0 2.1.3: every type but PUBLISH has fixed flags.
bool flags_fit(std::uint8_t header) {
    const auto flags = header & 0xFU;
    switch (static_cast<PacketType>(header >> 4U)) {
        case PacketType::publish:
            return true;
        case PacketType::pubrel:
        case PacketType::subscribe:
        case PacketType::unsubscribe:
            return flags == 2;
        case PacketType::connect:
        case PacketType::connack:
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubcomp:
        case PacketType::suback:
        case PacketType::unsuback:
        case PacketType::pingreq:
        case PacketType::pingresp:
        case PacketType::disconnect:
        case PacketType::auth:
            return flags == 0;
    }
    return false;  // type 0
}

struct Head {
    std::uint32_t header_bytes = 0;  // 0: not whole yet
    std::uint32_t packet_bytes = 0;
};

CodecResult<Head> read_head(std::string_view bytes, std::uint32_t packet_bytes_max) {
    Head head;
    if (bytes.empty()) {
        return head;
    }
    if (!flags_fit(static_cast<std::uint8_t>(static_cast<unsigned char>(bytes.front())))) {
        return bad(bytes, 0, ReasonCode::malformed_packet, "packet type or flags are not valid");
    }
    std::uint32_t remaining = 0;
    for (std::size_t at = 1; at < bytes.size(); ++at) {
        if (at > 4) {
            break;
        }
        const auto byte = static_cast<unsigned char>(bytes[at]);
        remaining |= (byte & 0x7FU) << (7 * (at - 1));
        if ((byte & 0x80U) != 0) {
            if (at == 4) {
                return bad(bytes,
                           at,
                           ReasonCode::malformed_packet,
                           "remaining length of more than four bytes");
            }
            continue;
        }
        head.header_bytes = static_cast<std::uint32_t>(at + 1);
        head.packet_bytes = head.header_bytes + remaining;
        if (head.packet_bytes > packet_bytes_max) {
            return bad(bytes, 1, ReasonCode::packet_too_large, "packet is larger than allowed");
        }
        return head;
    }
    return head;
}

}  // namespace

CodecResult<std::optional<Frame>> next_frame(std::string_view bytes,
                                             std::uint32_t packet_bytes_max) {
    TRIBUTARY_TRY(head, read_head(bytes, packet_bytes_max));
    if (head.header_bytes == 0 || bytes.size() < head.packet_bytes) {
        return std::optional<Frame>();
    }
    return std::optional<Frame>(
        Frame{.bytes = bytes.substr(0, head.packet_bytes), .body_at = head.header_bytes});
}

void FrameReader::feed(std::string_view piece) {
    TRIBUTARY_ASSERT(piece_view_.empty());
    piece_view_ = piece;
    if (kept_given_) {
        kept_given_ = false;
        kept_.clear();
        kept_.swap(tail_);
        constexpr std::size_t kKeepCapacity = 4096;
        if (tail_.capacity() > kKeepCapacity) {
            std::string().swap(tail_);
        }
    }
}

CodecResult<std::optional<Frame>> FrameReader::next() {
    if (!kept_.empty() && !kept_given_) {
        return next_kept();
    }
    TRIBUTARY_TRY(frame, next_frame(piece_view_, packet_bytes_max_));
    if (frame) {
        piece_view_.remove_prefix(frame->bytes.size());
        return frame;
    }
    if (!piece_view_.empty()) {
        // Frames of this piece may still point into kept_: its packet was handed out, so the tail
        // would overwrite it. A piece has at most one such packet, at its front.
        if (kept_given_) {
            tail_.assign(piece_view_);
        } else {
            kept_.assign(piece_view_);
        }
        piece_view_ = {};
    }
    return frame;
}

// Adds to the unfinished packet what it lacks, and no more.
CodecResult<std::optional<Frame>> FrameReader::next_kept() {
    for (;;) {
        TRIBUTARY_TRY(head, read_head(kept_, packet_bytes_max_));
        const std::size_t want = head.header_bytes == 0 ? kept_.size() + 1 : head.packet_bytes;
        const std::size_t lacks = want - kept_.size();
        if (lacks == 0) {
            kept_given_ = true;
            return std::optional<Frame>(Frame{.bytes = kept_, .body_at = head.header_bytes});
        }
        if (piece_view_.empty()) {
            return std::optional<Frame>();
        }
        const std::size_t count = std::min(lacks, piece_view_.size());
        kept_.append(piece_view_.substr(0, count));
        piece_view_.remove_prefix(count);
    }
}

void FrameReader::reset() {
    kept_.clear();
    tail_.clear();
    kept_given_ = false;
    piece_view_ = {};
}

}  // namespace tributary::mqtt
