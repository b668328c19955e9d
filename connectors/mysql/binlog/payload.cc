#include "connectors/mysql/binlog/payload.h"

#include <zstd_errors.h>

#include <algorithm>

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::size_t kFieldsBytesMax = 256;
constexpr std::size_t kUnpackBytes = 64U << 10U;
constexpr std::size_t kEventHead = 19;
constexpr std::size_t kLengthAt = 9;
// 8 MiB: every level up to 19.
constexpr int kWindowLogMax = 23;
constexpr std::uint64_t kZstd = 0;
constexpr std::uint64_t kNone = 255;

// MySQL's packed integer: below 251 itself, 252 + 2 bytes, 253 + 3, 254 + 8.
std::uint64_t packed(ByteReader& reader) {
    const auto first = reader.fixed<std::uint8_t>();
    switch (first) {
        case 252:
            return reader.fixed<std::uint16_t>();
        case 253: {
            const std::uint64_t low = reader.fixed<std::uint16_t>();
            return low | std::uint64_t{reader.fixed<std::uint8_t>()} << 16U;
        }
        case 254:
            return reader.fixed<std::uint64_t>();
        case 251:
        case 255:
            reader.fail();
            return 0;
        default:
            return first;
    }
}

Error broken(const std::string& what) {
    return {errors::kProtocolViolation, "compressed transaction: " + what};
}

}  // namespace

// Whether the fields before the payload are complete; takes them from the input.
Result<bool> Payload::read_fields() {
    const std::size_t before = fields_.size();
    fields_.append(input_.substr(0, kFieldsBytesMax - before));
    ByteReader reader(fields_);
    std::uint64_t compression = kZstd;
    for (;;) {
        const std::uint64_t type = packed(reader);
        if (reader.ok() && type == 0) {
            input_.remove_prefix(reader.offset() - before);
            TRIBUTARY_TRY_VOID(begin(compression));
            return true;
        }
        const std::uint64_t length = packed(reader);
        const std::string_view value = reader.bytes(length);
        if (!reader.ok()) {
            break;
        }
        if (type == 2) {
            ByteReader inner(value);
            compression = packed(inner);
            compression = value == "\xff" ? kNone : compression;
        }
    }
    if (fields_.size() >= kFieldsBytesMax) {
        return broken("its fields do not end");
    }
    input_ = {};
    return false;
}

Result<void> Payload::begin(std::uint64_t compression) {
    begun_ = true;
    fields_.clear();
    if (compression == kNone) {
        return success();
    }
    if (compression != kZstd) {
        return Error(
            errors::kSourceSettings,
            "transaction compression of type " + std::to_string(compression) + " is not known");
    }
    stream_.reset(ZSTD_createDStream());
    if (!stream_ || ZSTD_isError(ZSTD_DCtx_setParameter(
                        stream_.get(), ZSTD_d_windowLogMax, kWindowLogMax)) != 0) {
        return Error(errors::kInternal, "zstd cannot be set up");
    }
    return success();
}

// Unpacks some input behind the window. false: there is none.
Result<bool> Payload::unpack() {
    if (at_ > 0) {
        window_.erase(0, at_);
        at_ = 0;
    }
    const std::size_t before = window_.size();
    if (!stream_) {
        const std::size_t taken = std::min(input_.size(), kUnpackBytes);
        window_.append(input_.substr(0, taken));
        input_.remove_prefix(taken);
        return taken > 0;
    }
    window_.resize(before + kUnpackBytes);
    ZSTD_inBuffer in{input_.data(), input_.size(), 0};
    ZSTD_outBuffer out{window_.data() + before, kUnpackBytes, 0};
    const std::size_t state = ZSTD_decompressStream(stream_.get(), &out, &in);
    window_.resize(before + out.pos);
    input_.remove_prefix(in.pos);
    if (ZSTD_isError(state) != 0) {
        if (ZSTD_getErrorCode(state) == ZSTD_error_frameParameter_windowTooLarge) {
            return Error(errors::kSourceSettings,
                         "a transaction is compressed so that unpacking needs more than 8 MiB of "
                         "window: SET GLOBAL binlog_transaction_compression_level_zstd = 3; (at "
                         "most 19), for sessions that set their own, too");
        }
        return broken(std::string("zstd: ") + ZSTD_getErrorName(state));
    }
    if (out.pos == 0 && in.pos == 0) {
        return false;  // between frames, zstd asks for the next one's head
    }
    frame_open_ = state != 0;
    return true;
}

std::uint64_t Payload::length_at_front() const {
    const std::string_view bytes = unread();
    return bytes.size() < kEventHead
               ? 0
               : load<std::uint32_t>(bytes.data() + kLengthAt, Endian::little);
}

// What the window has at its front, if it is enough.
std::optional<InnerEvent> Payload::take() {
    if (skip_ > 0) {
        const auto gone =
            static_cast<std::size_t>(std::min<std::uint64_t>(skip_, window_.size() - at_));
        at_ += gone;
        skip_ -= gone;
    }
    const std::uint64_t length = length_at_front();
    if (skip_ > 0 || length < kEventHead) {
        return std::nullopt;
    }
    const bool large = length > event_bytes_max_;
    const std::size_t wanted = large ? head_bytes_ : static_cast<std::size_t>(length);
    const std::string_view bytes = unread();
    if (bytes.size() < wanted) {
        return std::nullopt;
    }
    if (large) {
        skip_ = length;
    } else {
        at_ += wanted;
    }
    return InnerEvent{bytes.substr(0, wanted), length, ++index_};
}

Result<std::optional<InnerEvent>> Payload::next() {
    if (!begun_) {
        TRIBUTARY_TRY(complete, read_fields());
        if (!complete) {
            return std::optional<InnerEvent>();
        }
    }
    for (;;) {
        if (auto event = take()) {
            return event;
        }
        const std::uint64_t length = length_at_front();
        if (unread().size() >= kEventHead && skip_ == 0 && length < kEventHead) {
            return broken("an event of " + std::to_string(length) + " bytes");
        }
        TRIBUTARY_TRY(more, unpack());
        if (!more) {
            return std::optional<InnerEvent>();
        }
    }
}

Result<void> Payload::finish() const {
    if (!begun_ || frame_open_ || !unread().empty() || skip_ > 0) {
        return broken("it ends in the middle");
    }
    return success();
}

}  // namespace tributary::mysql
