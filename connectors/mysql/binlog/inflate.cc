// MariaDB's compressed queries and rows: events.h has the form.
#include <zlib.h>

#include <algorithm>

#include "connectors/mysql/binlog/events.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::size_t kPieceBytes = 64U << 10U;

struct Head {
    std::uint64_t original = 0;
    std::string_view compressed;
};

Error damaged(std::string_view what) {
    return {errors::kProtocolViolation, "compressed event of MariaDB: " + std::string(what)};
}

Result<Head> parse_head(std::string_view bytes) {
    if (bytes.empty()) {
        return damaged("no bytes");
    }
    const auto first = static_cast<unsigned char>(bytes.front());
    const std::size_t count = first & 0x07U;
    if ((first & 0xF8U) != 0x80U || count == 0 || bytes.size() <= count) {
        return damaged("an algorithm that is not known, or too short");
    }
    Head out;
    for (std::size_t index = 1; index <= count; ++index) {
        out.original = out.original << 8U | static_cast<unsigned char>(bytes[index]);
    }
    out.compressed = bytes.substr(1 + count);
    return out;
}

// zlib's state, ended when it goes.
class Inflater {
  public:
    Inflater() : ready_(inflateInit(&stream_) == Z_OK) {}
    ~Inflater() {
        if (ready_) {
            inflateEnd(&stream_);
        }
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    [[nodiscard]] bool ready() const noexcept { return ready_; }
    [[nodiscard]] z_stream& stream() noexcept { return stream_; }

  private:
    z_stream stream_{};
    bool ready_;
};

}  // namespace

Result<std::uint64_t> inflated_bytes(std::string_view compressed) {
    TRIBUTARY_TRY(head, parse_head(compressed));
    return head.original;
}

Result<void> inflate_into(std::string_view compressed, std::size_t bytes_max, std::string& out) {
    TRIBUTARY_TRY(head, parse_head(compressed));
    Inflater inflater;
    if (!inflater.ready() || head.compressed.size() > 0xFFFFFFFFU) {
        return damaged("zlib cannot take it");
    }
    z_stream& stream = inflater.stream();
    // zlib does not write through next_in; its type has no const.
    stream.next_in = const_cast<Bytef*>(
        static_cast<const Bytef*>(static_cast<const void*>(head.compressed.data())));
    stream.avail_in = static_cast<uInt>(head.compressed.size());
    out.clear();
    int state = Z_OK;
    // Grows as bytes come, not by the length told, which is not to be trusted.
    while (state == Z_OK && out.size() < bytes_max) {
        const std::size_t before = out.size();
        const std::size_t room = std::min(kPieceBytes, bytes_max - before);
        out.resize(before + room);
        stream.next_out = static_cast<Bytef*>(static_cast<void*>(out.data() + before));
        stream.avail_out = static_cast<uInt>(room);
        state = inflate(&stream, Z_NO_FLUSH);
        out.resize(before + room - stream.avail_out);
    }
    const bool cut = head.original > bytes_max && out.size() == bytes_max;
    if (!cut && (out.size() != head.original || (state != Z_STREAM_END && state != Z_OK))) {
        return damaged("damaged, or not of the length that it tells");
    }
    return success();
}

}  // namespace tributary::mysql
