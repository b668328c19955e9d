// MySQL's binary JSON: read in place, and printed as Debezium prints it: no spaces, keys in stored
// order, doubles without exponent, dates and times as text, other opaque values as base64. Total
// over any bytes: depth, and the bytes that one document may have read, are bounded, so that shared
// offsets cannot blow it up. Pure; any thread. MySQL source documentation, "json_binary.h".
//   value     type byte, then by type:
//   object    (0 small, 1 large) count, bytes, count x {key offset, 16-bit key length}, count x
//             {type byte, offset or value}, keys, values; counts and offsets 16 or 32 bits
//   array     (2 small, 3 large) the same without keys
//   literal   (4) 0 null, 1 true, 2 false; numbers (5-11) little-endian; string (12) length in
//             groups of 7 bits, UTF-8; opaque (15) column type, length, bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/arena.h"

namespace tributary::mysql {

inline constexpr int kJsonDepthMax = 100;  // the server's own

struct JsonValue {
    std::uint8_t type = 0;
    std::string_view bytes;  // from its first byte to the end of what contains it
};

// Bytes of a document that reading may use: none that the server wrote needs more than its own.
class JsonBudget {
  public:
    explicit JsonBudget(std::size_t bytes) : left_(bytes) {}
    [[nodiscard]] bool take(std::size_t bytes) noexcept {
        if (bytes > left_) {
            return false;
        }
        left_ -= bytes;
        return true;
    }

  private:
    std::size_t left_;
};

// An object's or array's members. Views are of the value's bytes.
class JsonContainer {
  public:
    // false: the value is not a container, or not whole.
    [[nodiscard]] bool open(const JsonValue& value, JsonBudget& budget) noexcept;
    [[nodiscard]] bool is_object() const noexcept { return object_; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] bool key(std::size_t index, JsonBudget& budget, std::string_view& out) const;
    [[nodiscard]] bool value(std::size_t index, JsonValue& out) const noexcept;

  private:
    [[nodiscard]] std::size_t number(std::size_t at) const noexcept;

    std::string_view bytes_;
    bool object_ = false;
    std::size_t width_ = 2;  // of counts and offsets
    std::size_t count_ = 0;
};

[[nodiscard]] inline bool is_json_container(const JsonValue& value) noexcept {
    return value.type <= 3;
}

// Text that grows in the arena; nothing else may allocate from it until finish().
class JsonText {
  public:
    JsonText(Arena& arena, std::size_t estimate);
    void raw(std::string_view text);
    void raw(char character) { raw(std::string_view(&character, 1)); }
    void quoted(std::string_view utf8);
    [[nodiscard]] std::string_view finish() noexcept {
        arena_.shrink_last(start_, size_);
        return {start_, size_};
    }

  private:
    Arena& arena_;
    char* start_;
    std::size_t size_ = 0;
    std::size_t capacity_;
};

// The value behind its type byte; false when `binary` is too short. No bytes are the literal null.
[[nodiscard]] bool json_root(std::string_view binary, JsonValue& out) noexcept;

[[nodiscard]] bool write_json(JsonText& out,
                              const JsonValue& value,
                              JsonBudget& budget,
                              int depth = 0);

// The whole of it. false: not as the server writes it.
[[nodiscard]] bool json_text(std::string_view binary, Arena& arena, std::string_view& out);

}  // namespace tributary::mysql
