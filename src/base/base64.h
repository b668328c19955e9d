// Base64, standard alphabet with padding (RFC 4648, section 4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tributary {

[[nodiscard]] constexpr std::size_t base64_size(std::size_t bytes) {
    return (bytes + 2) / 3 * 4;
}

// Writes base64_size(bytes.size()) characters at `out`; returns the end.
inline char* write_base64(char* out, std::string_view bytes) noexcept {
    constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::size_t index = 0;
    const auto at = [&](std::size_t where) -> std::uint32_t {
        return where < bytes.size() ? static_cast<unsigned char>(bytes[where]) : 0U;
    };
    for (; index < bytes.size(); index += 3) {
        const std::uint32_t group = at(index) << 16U | at(index + 1) << 8U | at(index + 2);
        *out++ = kAlphabet[group >> 18U & 0x3FU];
        *out++ = kAlphabet[group >> 12U & 0x3FU];
        *out++ = index + 1 < bytes.size() ? kAlphabet[group >> 6U & 0x3FU] : '=';
        *out++ = index + 2 < bytes.size() ? kAlphabet[group & 0x3FU] : '=';
    }
    return out;
}

[[nodiscard]] inline std::string to_base64(std::string_view bytes) {
    std::string text(base64_size(bytes.size()), '\0');
    write_base64(text.data(), bytes);
    return text;
}

// nullopt for anything that to_base64 does not give.
[[nodiscard]] inline std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    const auto digit = [](char c) -> std::uint32_t {
        if (c >= 'A' && c <= 'Z') {
            return static_cast<std::uint32_t>(c - 'A');
        }
        if (c >= 'a' && c <= 'z') {
            return static_cast<std::uint32_t>(c - 'a') + 26;
        }
        if (c >= '0' && c <= '9') {
            return static_cast<std::uint32_t>(c - '0') + 52;
        }
        return c == '+' ? 62 : c == '/' ? 63 : 64;
    };
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    for (std::size_t index = 0; index < text.size(); index += 4) {
        const bool last = index + 4 == text.size();
        const std::size_t pad = !last || text[index + 3] != '=' ? 0
                                : text[index + 2] == '='        ? 2
                                                                : 1;
        std::uint32_t group = 0;
        for (std::size_t place = 0; place < 4; ++place) {
            const std::uint32_t value = place >= 4 - pad ? 0 : digit(text[index + place]);
            if (value > 63) {
                return std::nullopt;
            }
            group = group << 6U | value;
        }
        for (std::size_t place = 0; place < 3 - pad; ++place) {
            bytes.push_back(
                static_cast<char>(static_cast<unsigned char>(group >> (16 - 8 * place))));
        }
    }
    if (to_base64(bytes) != text) {
        return std::nullopt;
    }
    return bytes;
}

}  // namespace tributary
