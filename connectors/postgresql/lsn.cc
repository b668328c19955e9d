// Text form of Lsn. PostgreSQL 15 manual 8.20.
#include "connectors/postgresql/lsn.h"

#include <charconv>

namespace tributary::postgresql {
namespace {

std::optional<std::uint32_t> parse_half(std::string_view text) {
    std::uint32_t value = 0;
    if (text.empty() || text.size() > 8) {
        return std::nullopt;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

void append_half(std::string& out, std::uint32_t half) {
    char digits[8];
    char* at = digits + sizeof digits;
    do {
        *--at = "0123456789ABCDEF"[half & 0xFU];
        half >>= 4U;
    } while (half != 0);
    out.append(at, digits + sizeof digits);
}

}  // namespace

std::string to_string(Lsn lsn) {
    std::string out;
    append_half(out, static_cast<std::uint32_t>(lsn.value() >> 32U));
    out.push_back('/');
    append_half(out, static_cast<std::uint32_t>(lsn.value()));
    return out;
}

std::optional<Lsn> parse_lsn(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto high = parse_half(text.substr(0, slash));
    const auto low = parse_half(text.substr(slash + 1));
    if (!high || !low) {
        return std::nullopt;
    }
    return Lsn((static_cast<std::uint64_t>(*high) << 32U) | *low);
}

}  // namespace tributary::postgresql
