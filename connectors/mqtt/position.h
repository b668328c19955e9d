// Positions of an MQTT source. MQTT has no coordinate to go back to, so ours are numbers given at
// intake, increasing by one over the life of the pipeline, together with the run that gave them: a
// number is given again only by a log that lost its end, and then the run differs. Pure.
//   8 bytes  run, big-endian: random, of one start of the source
//   8 bytes  number, big-endian
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/ids.h"

namespace tributary::mqtt {

struct Place {
    std::uint64_t run = 0;
    std::uint64_t number = 0;
    friend bool operator==(const Place&, const Place&) = default;
};

// Writes into a Position that is reused from call to call, without allocating after the first.
void encode_place_into(const Place& place, Position& out);
// nullopt: not 16 bytes. An empty position means none and is nullopt too.
[[nodiscard]] std::optional<Place> decode_place(const Position& position);
// "#17 of run 0011223344556677"; "none" when empty.
[[nodiscard]] std::string describe(const Position& position);

}  // namespace tributary::mqtt
