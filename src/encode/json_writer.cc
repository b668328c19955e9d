// See json_writer.h. Escaping: Jackson UTF8JsonGenerator; RFC 8259 7.
#include "encode/json_writer.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "encode/java_number.h"

namespace tributary::encode {
namespace {

constexpr std::string_view kUpperHex = "0123456789ABCDEF";
constexpr std::string_view kLowerHex = "0123456789abcdef";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint64_t kOnes = 0x0101010101010101U;
constexpr std::uint64_t kHighs = 0x8080808080808080U;

// The high bit of each byte that is zero, exact up to and including the lowest such byte.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
    return (word - kOnes) & ~word & kHighs;
}

// The high bit of each byte that needs an escape (control, quote, backslash, 0xF0 and above), exact
// up to and including the lowest such byte of a little-endian word.
constexpr std::uint64_t special_bytes(std::uint64_t word) {
    const std::uint64_t control = (word - kOnes * 0x20U) & ~word & kHighs;
    const std::uint64_t quote = zero_bytes(word ^ (kOnes * '"'));
    const std::uint64_t backslash = zero_bytes(word ^ (kOnes * '\\'));
    const std::uint64_t beyond = word & (word << 1U) & (word << 2U) & (word << 3U) & kHighs;
    return control | quote | backslash | beyond;
}

constexpr bool is_special(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == '"' || byte == '\\' || byte >= 0xF0;
}

char short_escape(char character) {
    switch (character) {
        case '"':
            return '"';
        case '\\':
            return '\\';
        case '\b':
            return 'b';
        case '\t':
            return 't';
        case '\n':
            return 'n';
        case '\f':
            return 'f';
        case '\r':
            return 'r';
        default:
            return 0;
    }
}

constexpr std::uint32_t byte_at(std::string_view text, std::size_t index) {
    return static_cast<unsigned char>(text[index]);
}

}  // namespace

namespace {

template <typename Word>
std::uint64_t load_word(const char* at) {
    Word word = 0;
    std::memcpy(&word, at, sizeof(word));
    return word;
}

// The `count` (1 to 7) bytes at `at` in the low end of a word, letters above them. Reads nothing
// else.
std::uint64_t short_word(const char* at, std::size_t count) {
    std::uint64_t word = 0;
    if (count >= 4) {
        word = load_word<std::uint32_t>(at) |
               (load_word<std::uint32_t>(at + count - 4) << ((count - 4) * 8));
    } else if (count >= 2) {
        word = load_word<std::uint16_t>(at) |
               (load_word<std::uint16_t>(at + count - 2) << ((count - 2) * 8));
    } else {
        word = load_word<std::uint8_t>(at);
    }
    return word | ((kOnes * 'a') << (count * 8));
}

// One register of SSE2 or NEON.
using Block [[gnu::vector_size(16)]] = unsigned char;

bool has_special(Block block) {
    const auto special = (block < 0x20) | (block == '"') | (block == '\\') | (block >= 0xF0);
    std::uint64_t halves[2];
    std::memcpy(halves, &special, sizeof(halves));
    return (halves[0] | halves[1]) != 0;
}

}  // namespace

void JsonWriter::begin(Arena& arena, std::size_t estimate) {
    arena_ = &arena;
    start_ = arena.allocate(estimate);
    at_ = start_;
    end_ = start_ + estimate;
}

std::string_view JsonWriter::finish() noexcept {
    const std::string_view result(start_, size());
    arena_->shrink_last(start_, result.size());
    return result;
}

void JsonWriter::grow(std::size_t count) {
    const std::size_t used = size();
    const std::size_t capacity =
        std::max(static_cast<std::size_t>(end_ - start_) * 2, used + count + 64);
    arena_->shrink_last(start_, 0);
    char* bigger = arena_->allocate(capacity);
    if (bigger != start_) {
        std::memcpy(bigger, start_, used);
    }
    start_ = bigger;
    at_ = bigger + used;
    end_ = bigger + capacity;
}

void JsonWriter::real(double value) {
    reserve(kNumberBytesMax);
    at_ = write_java_double(at_, value);
}

void JsonWriter::real(float value) {
    reserve(kNumberBytesMax);
    at_ = write_java_float(at_, value);
}

void JsonWriter::text(std::string_view utf8) {
    reserve(utf8.size() + 10);
    *at_++ = '"';
    std::size_t index = 0;
    while (index < utf8.size()) {
        // Between escapes there is room for what is left, its closing quote and one word.
        const std::size_t left = utf8.size() - index;
        const char* const from = utf8.data() + index;
        if (left >= sizeof(Block)) {
            Block block;
            std::memcpy(&block, from, sizeof(block));
            if (!has_special(block)) {
                std::memcpy(at_, &block, sizeof(block));
                at_ += sizeof(block);
                index += sizeof(block);
                continue;
            }
        }
        const std::uint64_t word =
            left >= sizeof(std::uint64_t) ? load_word<std::uint64_t>(from) : short_word(from, left);
        std::memcpy(at_, &word, sizeof(word));
        const std::uint64_t special = special_bytes(word);
        const std::size_t clean = std::min(
            left,
            special == 0 ? sizeof(word) : static_cast<std::size_t>(std::countr_zero(special)) / 8);
        at_ += clean;
        index += clean;
        if (special == 0) {
            continue;
        }
        if (utf8[index] == '"') {
            *at_++ = '\\';
            *at_++ = '"';
            ++index;
        } else {
            index += escape(utf8, index);
        }
        reserve(utf8.size() - index + 10);
    }
    *at_++ = '"';
}

std::size_t JsonWriter::escape(std::string_view text, std::size_t index) {
    reserve(12);
    const std::uint32_t lead = byte_at(text, index);
    if (const char letter = short_escape(text[index]); letter != 0) {
        *at_++ = '\\';
        *at_++ = letter;
        return 1;
    }
    if (lead < 0x20) {
        unicode_escape(lead);
        return 1;
    }
    if (!is_special(text[index])) {
        *at_++ = text[index];
        return 1;
    }
    std::uint32_t point = lead & 0x07U;
    bool whole = lead <= 0xF4 && text.size() - index >= 4;
    for (std::size_t next = 1; whole && next < 4; ++next) {
        whole = (byte_at(text, index + next) & 0xC0U) == 0x80U;
        point = (point << 6U) | (byte_at(text, index + next) & 0x3FU);
    }
    if (!whole || point < 0x10000 || point > 0x10FFFF) {
        raw("\xEF\xBF\xBD");
        return 1;
    }
    unicode_escape(0xD800U + ((point - 0x10000U) >> 10U));
    unicode_escape(0xDC00U + ((point - 0x10000U) & 0x3FFU));
    return 4;
}

void JsonWriter::unicode_escape(std::uint32_t unit) {
    *at_++ = '\\';
    *at_++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4) {
        *at_++ = kUpperHex[(unit >> static_cast<unsigned>(shift)) & 0xFU];
    }
}

void JsonWriter::base64(std::string_view bytes, bool url_safe) {
    const std::string_view digits = url_safe ? kBase64Url : kBase64;
    reserve((bytes.size() + 2) / 3 * 4 + 2);
    *at_++ = '"';
    std::size_t index = 0;
    for (; index + 3 <= bytes.size(); index += 3) {
        const std::uint32_t group = (byte_at(bytes, index) << 16U) |
                                    (byte_at(bytes, index + 1) << 8U) | byte_at(bytes, index + 2);
        *at_++ = digits[group >> 18U];
        *at_++ = digits[(group >> 12U) & 0x3FU];
        *at_++ = digits[(group >> 6U) & 0x3FU];
        *at_++ = digits[group & 0x3FU];
    }
    const std::size_t rest = bytes.size() - index;
    if (rest > 0) {
        const std::uint32_t group =
            (byte_at(bytes, index) << 16U) | (rest == 2 ? byte_at(bytes, index + 1) << 8U : 0U);
        *at_++ = digits[group >> 18U];
        *at_++ = digits[(group >> 12U) & 0x3FU];
        *at_++ = rest == 2 ? digits[(group >> 6U) & 0x3FU] : '=';
        *at_++ = '=';
    }
    *at_++ = '"';
}

void JsonWriter::hexadecimal(std::string_view bytes) {
    reserve(bytes.size() * 2 + 2);
    *at_++ = '"';
    for (std::size_t index = 0; index < bytes.size(); ++index) {
        *at_++ = kLowerHex[byte_at(bytes, index) >> 4U];
        *at_++ = kLowerHex[byte_at(bytes, index) & 0xFU];
    }
    *at_++ = '"';
}

}  // namespace tributary::encode
