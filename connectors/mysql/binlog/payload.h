// Payload: the events inside a TRANSACTION_PAYLOAD_EVENT, one after another while its bytes arrive,
// in bounded memory. Pure; one thread. MySQL source documentation, "Transaction_payload_event"; RFC
// 8878 (zstd). Body of the event, behind its 19-byte header:
//   fields   packed type, packed length, value: 1 payload bytes, 2 compression (packed: 0 zstd, 255
//            none), 3 uncompressed bytes; type 0 ends them
//   payload  to the end of the event: events with their own headers, without CRC32
#pragma once

#include <zstd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tributary::mysql {

// An event inside a payload.
struct InnerEvent {
    std::string_view bytes;   // whole, or its first bytes when larger than the limit
    std::uint64_t total = 0;  // bytes that it has
    std::uint32_t index = 0;  // from 1
};

class Payload {
  public:
    // Events of more than `event_bytes_max` are not held: only their first `head_bytes` are given.
    Payload(std::size_t event_bytes_max, std::size_t head_bytes)
        : event_bytes_max_(event_bytes_max), head_bytes_(head_bytes) {}

    // `input` stays valid until next() has returned nullopt, which must have happened since the
    // last call.
    void feed(std::string_view input) noexcept { input_ = input; }

    // The next event, valid until the next call; nullopt: feed more, or finish(). kSourceSettings:
    // a window that needs too much memory, a compression that is not known. kProtocolViolation.
    [[nodiscard]] Result<std::optional<InnerEvent>> next();

    // The event has ended: kProtocolViolation when the payload has not.
    [[nodiscard]] Result<void> finish() const;

  private:
    struct FreeStream {
        void operator()(ZSTD_DStream* stream) const noexcept { ZSTD_freeDStream(stream); }
    };
    [[nodiscard]] Result<bool> read_fields();
    [[nodiscard]] Result<void> begin(std::uint64_t compression);
    [[nodiscard]] Result<bool> unpack();
    [[nodiscard]] std::optional<InnerEvent> take();
    [[nodiscard]] std::uint64_t length_at_front() const;
    [[nodiscard]] std::string_view unread() const { return std::string_view(window_).substr(at_); }

    std::size_t event_bytes_max_;
    std::size_t head_bytes_;
    std::string_view input_;
    std::string fields_;
    bool begun_ = false;
    std::unique_ptr<ZSTD_DStream, FreeStream> stream_;  // none: not compressed
    std::string window_;                                // unpacked, from `at_` on not yet given
    std::size_t at_ = 0;
    std::uint64_t skip_ = 0;  // of an event that is too large to hold
    std::uint32_t index_ = 0;
    bool frame_open_ = false;
};

}  // namespace tributary::mysql
