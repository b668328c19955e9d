// Fixed-width and variable-length integers over byte strings, each read length-checked. Bytes are
// carried as std::string / std::string_view; `ByteReader` is a total function over any input: once
// a read fails the reader stays failed and every later read gives zero or empty, so a parser may
// check once at its end (and before it acts on a count).
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tributary {

enum class Endian { little, big };

template <std::unsigned_integral T>
[[nodiscard]] constexpr T byte_swap_if(T value, Endian endian) noexcept {
    constexpr bool kNativeLittle = std::endian::native == std::endian::little;
    if ((endian == Endian::little) == kNativeLittle) {
        return value;
    }
    if constexpr (sizeof(T) == 1) {
        return value;
    } else if constexpr (sizeof(T) == 2) {
        return __builtin_bswap16(value);
    } else if constexpr (sizeof(T) == 4) {
        return __builtin_bswap32(value);
    } else {
        return __builtin_bswap64(value);
    }
}

template <std::unsigned_integral T>
[[nodiscard]] inline T load(const char* at, Endian endian) noexcept {
    T value;
    std::memcpy(&value, at, sizeof(T));
    return byte_swap_if(value, endian);
}

template <std::unsigned_integral T>
inline void store(char* at, T value, Endian endian) noexcept {
    value = byte_swap_if(value, endian);
    std::memcpy(at, &value, sizeof(T));
}

template <std::unsigned_integral T>
inline void append_fixed(std::string& out, T value, Endian endian = Endian::little) {
    char bytes[sizeof(T)];
    store(bytes, value, endian);
    out.append(bytes, sizeof(T));
}

// LEB128, 1 to 10 bytes.
inline void append_varint(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<char>(static_cast<unsigned char>(value | 0x80U)));
        value >>= 7U;
    }
    out.push_back(static_cast<char>(static_cast<unsigned char>(value)));
}

// A varint length, then the bytes.
inline void append_sized(std::string& out, std::string_view bytes) {
    append_varint(out, bytes.size());
    out.append(bytes);
}

class ByteReader {
  public:
    explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
    [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - offset_; }
    [[nodiscard]] bool at_end() const noexcept { return remaining() == 0; }
    void fail() noexcept {
        ok_ = false;
        offset_ = bytes_.size();
    }

    template <std::unsigned_integral T>
    [[nodiscard]] T fixed(Endian endian = Endian::little) noexcept {
        if (remaining() < sizeof(T)) {
            fail();
            return 0;
        }
        const T value = load<T>(bytes_.data() + offset_, endian);
        offset_ += sizeof(T);
        return value;
    }

    [[nodiscard]] std::uint64_t varint() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const auto byte = fixed<std::uint8_t>();
            if (!ok_) {
                return 0;
            }
            value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
            if ((byte & 0x80U) == 0) {
                return value;
            }
        }
        fail();
        return 0;
    }

    [[nodiscard]] std::string_view bytes(std::size_t count) noexcept {
        if (remaining() < count) {
            fail();
            return {};
        }
        const auto view = bytes_.substr(offset_, count);
        offset_ += count;
        return view;
    }

    // A varint length, then the bytes.
    [[nodiscard]] std::string_view sized() noexcept {
        const std::uint64_t count = varint();
        if (count > remaining()) {
            fail();
            return {};
        }
        return bytes(static_cast<std::size_t>(count));
    }

    // Up to and without the next NUL, which is consumed.
    [[nodiscard]] std::string_view c_string() noexcept {
        const auto end = bytes_.find('\0', offset_);
        if (!ok_ || end == std::string_view::npos) {
            fail();
            return {};
        }
        const auto view = bytes_.substr(offset_, end - offset_);
        offset_ = end + 1;
        return view;
    }

  private:
    std::string_view bytes_;
    std::size_t offset_ = 0;
    bool ok_ = true;
};

}  // namespace tributary
