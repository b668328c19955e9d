#include "connectors/mqtt/position.h"

#include <array>

#include "base/bytes.h"

namespace tributary::mqtt {
namespace {

constexpr std::size_t kPlaceBytes = 16;

}  // namespace

void encode_place_into(const Place& place, Position& out) {
    std::array<char, kPlaceBytes> bytes{};
    store(bytes.data(), place.run, Endian::big);
    store(bytes.data() + 8, place.number, Endian::big);
    out.bytes.assign(bytes.data(), bytes.size());
}

std::optional<Place> decode_place(const Position& position) {
    if (position.bytes.size() != kPlaceBytes) {
        return std::nullopt;
    }
    return Place{load<std::uint64_t>(position.bytes.data(), Endian::big),
                 load<std::uint64_t>(position.bytes.data() + 8, Endian::big)};
}

std::string describe(const Position& position) {
    const auto place = decode_place(position);
    if (!place) {
        return position.empty() ? "none" : "not a position of MQTT";
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text = "#" + std::to_string(place->number) + " of run ";
    for (int shift = 60; shift >= 0; shift -= 4) {
        text += kDigits[place->run >> static_cast<unsigned>(shift) & 0xFU];
    }
    return text;
}

}  // namespace tributary::mqtt
