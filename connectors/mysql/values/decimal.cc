// DECIMAL to text: decimal.h.
#include "connectors/mysql/values/decimal.h"

#include <algorithm>
#include <array>

#include "connectors/mysql/values/row_image.h"

namespace tributary::mysql {
namespace {

constexpr std::size_t kDigitsPerGroup = 9;
constexpr std::array<std::size_t, kDigitsPerGroup + 1> kBytes{0, 1, 1, 2, 2, 3, 3, 4, 4, 4};

// Reads groups off the bytes and prints their digits.
class Groups {
  public:
    Groups(std::string_view bytes, char* at) : bytes_(bytes), at_(at) {
        negative_ = (static_cast<unsigned char>(bytes.front()) & 0x80U) == 0;
    }
    [[nodiscard]] bool negative() const { return negative_; }
    [[nodiscard]] char* at() const { return at_; }
    void put(char character) { *at_++ = character; }

    // The next group of `digits`; leading zeros are left out until `*started`.
    [[nodiscard]] bool group(std::size_t digits, bool& started) {
        std::uint32_t value = 0;
        for (std::size_t index = 0; index < kBytes[digits]; ++index) {
            unsigned byte = static_cast<unsigned char>(bytes_[read_]);
            if (read_ == 0) {
                byte ^= 0x80U;
            }
            if (negative_) {
                byte ^= 0xFFU;
            }
            value = value << 8U | byte;
            ++read_;
        }
        std::array<char, kDigitsPerGroup> text{};
        for (std::size_t index = digits; index > 0; --index) {
            text[index - 1] = static_cast<char>('0' + value % 10);
            value /= 10;
        }
        for (std::size_t index = 0; index < digits; ++index) {
            started = started || text[index] != '0';
            if (started) {
                *at_++ = text[index];
            }
        }
        return value == 0;
    }

  private:
    std::string_view bytes_;
    char* at_;
    std::size_t read_ = 0;
    bool negative_ = false;
};

}  // namespace

bool decimal_text(std::string_view bytes,
                  std::size_t precision,
                  std::size_t scale,
                  Arena& arena,
                  std::string_view& out) {
    if (bytes.empty() || bytes.size() != decimal_bytes(precision, scale)) {
        return false;
    }
    char* const start = arena.allocate(precision + 4);  // sign, zero, point
    Groups groups(bytes, start);
    if (groups.negative()) {
        groups.put('-');
    }
    const std::size_t whole = precision - scale;
    char* const digits = groups.at();
    bool started = false;
    bool ok = whole % kDigitsPerGroup == 0 || groups.group(whole % kDigitsPerGroup, started);
    for (std::size_t index = 0; ok && index < whole / kDigitsPerGroup; ++index) {
        ok = groups.group(kDigitsPerGroup, started);
    }
    if (groups.at() == digits) {
        groups.put('0');
    }
    if (scale > 0) {
        groups.put('.');
    }
    started = true;
    for (std::size_t index = 0; ok && index < scale / kDigitsPerGroup; ++index) {
        ok = groups.group(kDigitsPerGroup, started);
    }
    if (ok && scale % kDigitsPerGroup != 0) {
        ok = groups.group(scale % kDigitsPerGroup, started);
    }
    const auto length = static_cast<std::size_t>(groups.at() - start);
    arena.shrink_last(start, length);
    out = {start, length};
    return ok;
}

bool append_decimal_bytes(std::string& out,
                          std::string_view text,
                          std::size_t precision,
                          std::size_t scale) {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    const auto point = std::min(text.find('.'), text.size());
    std::string digits(text.substr(0, point));
    std::string fraction(text.substr(std::min(point + 1, text.size())));
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    const std::size_t whole = precision - scale;
    if (precision < scale || digits.size() > whole || fraction.size() > scale) {
        return false;
    }
    digits.insert(0, whole - digits.size(), '0');
    digits += fraction + std::string(scale - fraction.size(), '0');
    if (digits.find_first_not_of("0123456789") != std::string::npos) {
        return false;
    }
    const std::size_t first = out.size();
    const auto put = [&](std::size_t at, std::size_t count) {
        std::uint32_t value = 0;
        for (std::size_t index = at; index < at + count; ++index) {
            value = value * 10 + static_cast<std::uint32_t>(digits[index] - '0');
        }
        for (std::size_t byte = kBytes[count]; byte > 0; --byte) {
            out.push_back(static_cast<char>(value >> (8 * (byte - 1))));
        }
    };
    std::size_t at = whole % kDigitsPerGroup;
    put(0, at);
    for (; at < whole; at += kDigitsPerGroup) {
        put(at, kDigitsPerGroup);
    }
    for (; at + kDigitsPerGroup <= precision; at += kDigitsPerGroup) {
        put(at, kDigitsPerGroup);
    }
    put(at, precision - at);
    const bool below = negative && digits.find_first_not_of('0') != std::string::npos;
    for (std::size_t index = first; below && index < out.size(); ++index) {
        out[index] = static_cast<char>(~static_cast<unsigned char>(out[index]));
    }
    if (out.size() > first) {
        out[first] = static_cast<char>(static_cast<unsigned char>(out[first]) ^ 0x80U);
    }
    return out.size() > first;
}

}  // namespace tributary::mysql
