#include "connectors/mysql/binlog/packet_reader.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::uint32_t kFullPacket = 0xFFFFFF;

std::uint32_t byte_at(const std::array<char, 4>& bytes, std::size_t index) {
    return static_cast<unsigned char>(bytes[index]);
}

}  // namespace

// Whether the packet's head is complete.
Result<bool> PacketReader::take_head() {
    const std::size_t taken = std::min(kHeadBytes - head_bytes_, input_.size());
    if (taken > 0) {
        std::memcpy(head_.data() + head_bytes_, input_.data(), taken);
        input_.remove_prefix(taken);
        head_bytes_ += taken;
    }
    if (head_bytes_ < kHeadBytes) {
        return false;
    }
    head_bytes_ = 0;
    if (byte_at(head_, 3) != sequence_) {
        return Error(errors::kProtocolViolation,
                     "packet number " + std::to_string(byte_at(head_, 3)) + " where " +
                         std::to_string(sequence_) + " was due");
    }
    ++sequence_;
    left_ = byte_at(head_, 0) | byte_at(head_, 1) << 8U | byte_at(head_, 2) << 16U;
    goes_on_ = left_ == kFullPacket;
    in_packet_ = true;
    return true;
}

Result<std::optional<Piece>> PacketReader::next() {
    if (!in_packet_) {
        TRIBUTARY_TRY(complete, take_head());
        if (!complete) {
            return std::optional<Piece>();
        }
    }
    if (left_ > 0 && input_.empty()) {
        return std::optional<Piece>();
    }
    const auto taken = static_cast<std::uint32_t>(std::min<std::size_t>(left_, input_.size()));
    Piece piece;
    piece.bytes = input_.substr(0, taken);
    piece.first = !message_begun_;
    input_.remove_prefix(taken);
    left_ -= taken;
    in_packet_ = left_ > 0;
    piece.last = left_ == 0 && !goes_on_;
    message_begun_ = !piece.last;
    return std::optional(piece);
}

}  // namespace tributary::mysql
