// PacketReader: the client/server protocol's packets, joined to messages piece by piece without
// holding one. Pure; one thread. MySQL source documentation, "Protocol::Packet":
//   fixed24  bytes of this packet, little-endian; 0xffffff: the message goes on in the next packet
//   byte     sequence number, 1 for the first packet of an answer, wrapping
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace tributary::mysql {

struct Piece {
    std::string_view bytes;  // into what feed() was given
    bool first = false;      // of its message
    bool last = false;
};

class PacketReader {
  public:
    // `input` stays valid until next() has returned nullopt, which must have happened since the
    // last call.
    void feed(std::string_view input) noexcept { input_ = input; }

    // The next piece; nullopt: feed more. Empty pieces come only as the last of a message.
    // kProtocolViolation: a sequence number is not the next one.
    [[nodiscard]] Result<std::optional<Piece>> next();

  private:
    static constexpr std::size_t kHeadBytes = 4;
    [[nodiscard]] Result<bool> take_head();

    std::string_view input_;
    std::array<char, kHeadBytes> head_{};
    std::size_t head_bytes_ = 0;
    bool in_packet_ = false;
    std::uint32_t left_ = 0;  // of the packet
    bool goes_on_ = false;    // the packet is full: another one follows
    bool message_begun_ = false;
    std::uint8_t sequence_ = 1;  // expected next
};

}  // namespace tributary::mysql
