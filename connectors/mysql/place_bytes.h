// A place in the binlog as the bytes of a Position, for the engine of snapshots, which only hands
// it back. Not stored. Pure.
#pragma once

#include <string>

#include "base/bytes.h"
#include "connectors/mysql/position.h"

namespace tributary::mysql {

[[nodiscard]] inline Position place_bytes(const Place& place) {
    Position out;
    append_fixed(out.bytes, place.offset, Endian::big);
    out.bytes += place.file;
    return out;
}

[[nodiscard]] inline Place place_of(const Position& position) {
    ByteReader reader(position.bytes);
    Place out;
    out.offset = reader.fixed<std::uint64_t>(Endian::big);
    out.file = position.bytes.substr(reader.offset());
    return out;
}

}  // namespace tributary::mysql
