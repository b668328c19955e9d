// JsonWriter: JSON text straight into an arena, no tree in between. The buffer starts at the
// caller's estimate and grows in place while it is the arena's newest allocation, so nothing else
// may allocate from that arena between begin() and finish().
// Text is escaped as Jackson 2.x escapes it in UTF-8 output, because message keys must be the same
// bytes as Debezium's: \" \\ \b \t \n \f \r, other control characters as \u00XX with upper-case
// digits, and characters beyond U+FFFF as an escaped surrogate pair; all else passes through.
// One thread.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/arena.h"

namespace tributary::encode {

class JsonWriter {
  public:
    // Starts a buffer of `estimate` bytes. `arena` must outlive the views that finish() returns.
    void begin(Arena& arena, std::size_t estimate);

    // Ends the buffer and gives the unused rest back to the arena.
    [[nodiscard]] std::string_view finish() noexcept;

    void raw(std::string_view text) {
        reserve(text.size());
        copy(at_, text.data(), text.size());
        at_ += text.size();
    }
    void raw(char character) {
        reserve(1);
        *at_++ = character;
    }
    template <typename Integer>
    void integer(Integer value) {
        reserve(kNumberBytesMax);
        at_ = std::to_chars(at_, at_ + kNumberBytesMax, value).ptr;
    }
    // As Java's Double.toString and Float.toString print it; not-a-number and infinities quoted.
    void real(double value);
    void real(float value);
    // A JSON string of UTF-8 text, with its quotes. Bytes that are not UTF-8 become U+FFFD where
    // they would need an escape, and pass through elsewhere.
    void text(std::string_view utf8);
    // A JSON string of base64 (RFC 4648 4, with padding), or base64url (RFC 4648 5, with padding).
    void base64(std::string_view bytes, bool url_safe = false);
    // A JSON string of lower-case hexadecimal digits.
    void hexadecimal(std::string_view bytes);

    [[nodiscard]] std::size_t size() const noexcept {
        return static_cast<std::size_t>(at_ - start_);
    }
    // Drops everything after the first `size` bytes of this buffer.
    void rewind(std::size_t size) noexcept { at_ = start_ + size; }

    // Room for `count` more bytes.
    void reserve(std::size_t count) {
        if (static_cast<std::size_t>(end_ - at_) < count) {
            grow(count);
        }
    }

  private:
    static constexpr std::size_t kNumberBytesMax = 32;

    // memcpy; most fragments are short, and for those the call costs more than the copy.
    static void copy(char* to, const char* from, std::size_t count) {
        if (count > 32 || count < 4) {
            std::memcpy(to, from, count);
        } else if (count >= 16) {
            copy_ends<16>(to, from, count);
        } else if (count >= 8) {
            copy_ends<8>(to, from, count);
        } else {
            copy_ends<4>(to, from, count);
        }
    }
    // `count` bytes, Half to 2 * Half, as two halves that may overlap.
    template <std::size_t Half>
    static void copy_ends(char* to, const char* from, std::size_t count) {
        std::memcpy(to, from, Half);
        std::memcpy(to + count - Half, from + count - Half, Half);
    }
    void grow(std::size_t count);
    // Writes the escape of the character at `text[index]`; returns how many bytes it took.
    std::size_t escape(std::string_view text, std::size_t index);
    void unicode_escape(std::uint32_t unit);

    Arena* arena_ = nullptr;
    char* start_ = nullptr;
    char* at_ = nullptr;
    char* end_ = nullptr;
};

}  // namespace tributary::encode
