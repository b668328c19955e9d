// MQTT 3.1.1 and 5.0 on the wire: framing, decoding and encoding, without I/O. Total functions over
// bytes: each length is checked before it is read, nothing is allocated by a length that came from
// outside, and each packet must be used up exactly. Any thread.
// MQTT 5.0 and MQTT 3.1.1 (OASIS), chapters 1.5, 2, 3 and 4.7.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/mqtt/codec/packets.h"

namespace tributary::mqtt {

// Remaining length of four bytes and the fixed header (MQTT 5.0 2.1.4).
inline constexpr std::uint32_t kPacketBytesMax = 268'435'455 + 5;

// What is wrong with a packet, and where.
struct CodecError {
    ReasonCode reason = ReasonCode::malformed_packet;  // for DISCONNECT or CONNACK
    std::uint8_t header = 0;                           // first byte of the packet
    std::uint32_t offset = 0;                          // from the packet's first byte
    const char* what = "";                             // static text

    // "MQTT publish packet, byte offset 7: topic is not UTF-8 (malformed packet, 0x81)"
    [[nodiscard]] std::string message() const;
};

template <typename T>
using CodecResult =
    boost::outcome_v2::basic_result<T, CodecError, boost::outcome_v2::policy::terminate>;

// One packet in a stream of bytes.
struct Frame {
    std::string_view bytes;  // the whole packet
    std::uint32_t body_at = 0;

    [[nodiscard]] std::uint8_t header() const {
        return static_cast<std::uint8_t>(static_cast<unsigned char>(bytes.front()));
    }
    [[nodiscard]] PacketType type() const { return static_cast<PacketType>(header() >> 4U); }
    [[nodiscard]] std::string_view body() const { return bytes.substr(body_at); }
};

// The packet at the front of `bytes`; nullopt while it is not whole. Errors: packet type 0, flags
// that the type does not have, a remaining length of more than four bytes (0x81), a packet larger
// than `packet_bytes_max` (0x95), found from the fixed header alone.
[[nodiscard]] CodecResult<std::optional<Frame>> next_frame(std::string_view bytes,
                                                           std::uint32_t packet_bytes_max);

// Cuts a stream that comes in pieces into packets. Frames point into the piece, except that one
// packet that lay across pieces is put together here; memory grows only by bytes that came.
class FrameReader {
  public:
    explicit FrameReader(std::uint32_t packet_bytes_max) : packet_bytes_max_(packet_bytes_max) {}

    // The next piece. The one before must have been used up by next(). Frames of earlier pieces
    // are no longer valid.
    void feed(std::string_view piece);
    // The next whole packet; nullopt when the piece is used up, its unfinished tail kept. Frames
    // are valid until the next feed(), as long as the piece is.
    [[nodiscard]] CodecResult<std::optional<Frame>> next();
    // Sizes are limited anew from the next packet on (after CONNECT).
    void limit(std::uint32_t packet_bytes_max) { packet_bytes_max_ = packet_bytes_max; }
    // Forgets everything: a new stream.
    void reset();
    // Bytes of an unfinished packet.
    [[nodiscard]] std::size_t kept() const { return kept_given_ ? tail_.size() : kept_.size(); }

  private:
    [[nodiscard]] CodecResult<std::optional<Frame>> next_kept();

    std::string kept_;             // an unfinished packet, or one that was finished by this piece
    bool kept_given_ = false;      // the packet in kept_ was handed out
    std::string tail_;             // then: the unfinished packet behind it
    std::string_view piece_view_;  // the caller's, until the next feed()
    std::uint32_t packet_bytes_max_;
};

// Any packet. CONNECT brings its own version; for the others `version` is that of the connection.
[[nodiscard]] CodecResult<Packet> decode(const Frame& frame, Version version);

// Each takes a frame of that type.
[[nodiscard]] CodecResult<Connect> decode_connect(const Frame& frame);
[[nodiscard]] CodecResult<Connack> decode_connack(const Frame& frame, Version version);
[[nodiscard]] CodecResult<Publish> decode_publish(const Frame& frame, Version version);
[[nodiscard]] CodecResult<Ack> decode_ack(const Frame& frame, Version version);
[[nodiscard]] CodecResult<Subscribe> decode_subscribe(const Frame& frame, Version version);
[[nodiscard]] CodecResult<Suback> decode_suback(const Frame& frame, Version version);
[[nodiscard]] CodecResult<Unsubscribe> decode_unsubscribe(const Frame& frame, Version version);
[[nodiscard]] CodecResult<Unsuback> decode_unsuback(const Frame& frame, Version version);
[[nodiscard]] CodecResult<Disconnect> decode_disconnect(const Frame& frame, Version version);
[[nodiscard]] CodecResult<Auth> decode_auth(const Frame& frame, Version version);

// Appends the packet to `out`. Strings of more than 65,535 bytes and packets beyond kPacketBytesMax
// are the caller's error (assertion); everything else that was decoded encodes again. 3.1.1 leaves
// out properties and reason codes.
void encode(const Connect& packet, std::string& out);  // by packet.version
void encode(const Connack& packet, Version version, std::string& out);
void encode(const Publish& packet, Version version, std::string& out);
void encode(const Ack& packet, Version version, std::string& out);
void encode(const Subscribe& packet, Version version, std::string& out);
void encode(const Suback& packet, Version version, std::string& out);
void encode(const Unsubscribe& packet, Version version, std::string& out);
void encode(const Unsuback& packet, Version version, std::string& out);
void encode(const Disconnect& packet, Version version, std::string& out);
void encode(const Auth& packet, std::string& out);  // MQTT 5 only
void encode(const Pingreq& packet, std::string& out);
void encode(const Pingresp& packet, std::string& out);
void encode(const Packet& packet, Version version, std::string& out);

// Wire forms of the lists in packets.h.
void append_user_property(std::string& list, std::string_view key, std::string_view value);
void append_subscription_identifier(std::string& list, std::uint32_t identifier);
void append_subscription(std::string& list, const Subscription& subscription, Version version);
void append_filter(std::string& list, std::string_view filter);

// MQTT 5.0 1.5.4: well-formed UTF-8 without surrogates and without U+0000.
[[nodiscard]] bool valid_utf8(std::string_view text) noexcept;
// MQTT 5.0 4.7: not empty, no wildcard, at most 65,535 bytes, UTF-8.
[[nodiscard]] bool valid_topic(std::string_view topic) noexcept;
// MQTT 5.0 4.7 and 4.8.2: wildcards alone in their level, '#' last, $share/name/filter.
[[nodiscard]] bool valid_filter(std::string_view filter) noexcept;
// Whether a valid filter (without $share) matches a valid topic; a leading wildcard does not match
// topics that begin with '$' (4.7.2).
[[nodiscard]] bool matches(std::string_view filter, std::string_view topic) noexcept;

}  // namespace tributary::mqtt
