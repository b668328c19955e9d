#include "format/table_tally.h"

#include <utility>

namespace tributary::format {

void append_tallies(std::string& out,
                    std::uint64_t event_count,
                    const std::vector<TableTally>& tables) {
    append_varint(out, event_count);
    append_varint(out, tables.size());
    for (const TableTally& tally : tables) {
        append_sized(out, tally.table);
        append_varint(out, tally.count);
    }
}

bool read_tallies(ByteReader& reader, std::uint64_t& event_count, std::vector<TableTally>& tables) {
    event_count = reader.varint();
    const std::uint64_t count = reader.varint();
    if (!reader.ok() || count > reader.remaining() / 2) {  // a tally takes two bytes at least
        return false;
    }
    tables.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t index = 0; index < count; ++index) {
        TableTally tally;
        tally.table = reader.sized();
        tally.count = reader.varint();
        tables.push_back(std::move(tally));
    }
    return reader.ok() && reader.at_end();
}

std::span<const TableCount> counts_in(Arena& arena, const std::vector<TableTally>& tables) {
    const auto counts = arena.make<TableCount>(tables.size());
    for (std::size_t index = 0; index < counts.size(); ++index) {
        counts[index] = {arena.copy(tables[index].table), tables[index].count};
    }
    return counts;
}

}  // namespace tributary::format
