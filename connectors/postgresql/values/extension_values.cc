// See extension_values.h.
#include "connectors/postgresql/values/extension_values.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <type_traits>

#include "base/bytes.h"
#include "connectors/postgresql/values/hex.h"

namespace tributary::postgresql {
namespace {

// Takes a number and the character behind it from the left of `text`.
template <typename Number>
bool take_number(std::string_view& text, Number& number, char behind) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto count = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || count == text.size() || *end != behind) {
        return false;
    }
    text.remove_prefix(count + 1);
    return true;
}

std::size_t elements_of(std::string_view list) {
    return static_cast<std::size_t>(std::count(list.begin(), list.end(), ',')) + 1;
}

}  // namespace

template <typename Real>
ValueFault parse_vector(std::string_view text, Arena& arena, Value& out) {
    using Bits = std::conditional_t<sizeof(Real) == 4, std::uint32_t, std::uint64_t>;
    if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
        return ValueFault::malformed;
    }
    if (text == "[]") {
        return ValueFault::none;
    }
    text.remove_prefix(1);
    const std::size_t count = elements_of(text);
    char* const bytes = arena.allocate(count * sizeof(Bits));
    for (std::size_t index = 0; index < count; ++index) {
        Real number = 0;
        if (!take_number(text, number, index + 1 < count ? ',' : ']')) {
            return ValueFault::malformed;
        }
        store(bytes + index * sizeof(Bits), std::bit_cast<Bits>(number), Endian::little);
    }
    out.text = {bytes, count * sizeof(Bits)};
    return text.empty() ? ValueFault::none : ValueFault::malformed;
}

template ValueFault parse_vector<float>(std::string_view text, Arena& arena, Value& out);
template ValueFault parse_vector<double>(std::string_view text, Arena& arena, Value& out);

ValueFault parse_sparse_vector(std::string_view text, Arena& arena, Value& out) {
    constexpr std::size_t kElementBytes = 12;
    if (!text.starts_with('{')) {
        return ValueFault::malformed;
    }
    text.remove_prefix(1);
    const std::size_t count = text.starts_with('}') ? 0 : elements_of(text);
    char* const bytes = arena.allocate(count * kElementBytes);
    for (std::size_t index = 0; index < count; ++index) {
        std::int32_t place = 0;
        double number = 0;
        if (!take_number(text, place, ':') ||
            !take_number(text, number, index + 1 < count ? ',' : '}')) {
            return ValueFault::malformed;
        }
        char* const at = bytes + index * kElementBytes;
        store(at, static_cast<std::uint32_t>(place), Endian::little);
        store(at + sizeof place, std::bit_cast<std::uint64_t>(number), Endian::little);
    }
    if (count == 0) {
        text.remove_prefix(1);
    }
    std::int32_t dimensions = 0;
    if (!text.starts_with('/')) {
        return ValueFault::malformed;
    }
    text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), dimensions);
    out.integer = dimensions;
    out.text = {bytes, count * kElementBytes};
    return error == std::errc() && end == text.data() + text.size() ? ValueFault::none
                                                                    : ValueFault::malformed;
}

ValueFault parse_geometry(std::string_view text, Arena& arena, Value& out) {
    // byte order, type with flags, and with this flag the SRID
    constexpr std::size_t kTypeEnd = 5;
    constexpr std::uint32_t kHasSrid = 0x2000'0000;
    std::string_view wkb;
    if (!hex_bytes(text, arena, wkb) || wkb.size() < kTypeEnd || (wkb[0] != 0 && wkb[0] != 1)) {
        return ValueFault::malformed;
    }
    const Endian endian = wkb[0] == 1 ? Endian::little : Endian::big;
    out.text = wkb;
    if ((load<std::uint32_t>(wkb.data() + 1, endian) & kHasSrid) == 0) {
        return ValueFault::none;
    }
    if (wkb.size() < kTypeEnd + sizeof(std::uint32_t)) {
        return ValueFault::malformed;
    }
    const auto srid = load<std::uint32_t>(wkb.data() + kTypeEnd, endian);
    out.integer = static_cast<std::int32_t>(srid);
    return ValueFault::none;
}

}  // namespace tributary::postgresql
