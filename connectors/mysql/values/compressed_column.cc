// COMPRESSED columns: compressed_column.h.
#include "connectors/mysql/values/compressed_column.h"

#include <zlib.h>

#include <cstdint>

namespace tributary::mysql {
namespace {

constexpr unsigned kZlib = 8;
constexpr unsigned kRaw = 0x08;
constexpr int kWindowBits = 15;
constexpr std::size_t kLengthBytesMax = 4;

bool inflate_all(std::string_view deflated, bool raw, char* out, std::size_t length) {
    z_stream stream{};
    if (inflateInit2(&stream, raw ? -kWindowBits : kWindowBits) != Z_OK) {
        return false;
    }
    // zlib does not write through next_in.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(deflated.data()));
    stream.avail_in = static_cast<uInt>(deflated.size());
    stream.next_out = reinterpret_cast<Bytef*>(out);
    stream.avail_out = static_cast<uInt>(length);
    const int result = inflate(&stream, Z_FINISH);
    const bool whole = result == Z_STREAM_END && stream.avail_out == 0;
    inflateEnd(&stream);
    return whole;
}

}  // namespace

bool inflate_column(std::string_view stored, Arena& arena, std::string_view& out) {
    if (stored.empty()) {
        out = {};
        return true;
    }
    const unsigned head = static_cast<unsigned char>(stored.front());
    stored.remove_prefix(1);
    if (head == 0) {
        out = stored;
        return true;
    }
    const std::size_t length_bytes = head & 7U;
    if (head >> 4U != kZlib || length_bytes == 0 || length_bytes > kLengthBytesMax ||
        stored.size() < length_bytes || stored.size() > kInflatedBytesMax) {
        return false;
    }
    std::size_t length = 0;
    for (const char byte : stored.substr(0, length_bytes)) {
        length = length << 8U | static_cast<unsigned char>(byte);
    }
    stored.remove_prefix(length_bytes);
    // Deflate makes at most 1032 bytes of one: no allocation by an untrusted length.
    constexpr std::size_t kRatioMax = 1100;
    if (length > kInflatedBytesMax || length > (stored.size() + 1) * kRatioMax) {
        return false;
    }
    char* const bytes = arena.allocate(length);
    if (!inflate_all(stored, (head & kRaw) != 0, bytes, length)) {
        return false;
    }
    out = {bytes, length};
    return true;
}

}  // namespace tributary::mysql
