// What the log holds: one entry per sequence, as the source said it, not yet decoded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ids.h"
#include "model/schema.h"

namespace tributary {

// On disk: numbers never change.
enum class EntryKind : std::uint8_t {
    change = 1,           // a row change, or a truncate of one table
    message = 2,          // a logical decoding message
    transaction_end = 3,  // payload: the connector's (end position, counts)
    position = 4,         // an idle source's position, no payload
    gap = 5,              // events before this are known to be missing; payload: why, UTF-8
};

// A view of one entry inside a block; valid while the block is.
struct Entry {
    Sequence sequence;
    EntryKind kind = EntryKind::change;
    SchemaId schema;  // 0 unless kind is change
    std::uint32_t ordinal =
        0;                  // index within the source transaction, counted before filters, from 0
    std::uint32_t crc = 0;  // CRC32C of kind, schema, ordinal, context and payload (format/block.h)
    std::int64_t intake_time_us =
        0;                     // wall clock, microseconds since 1970, when its context was taken in
    std::string_view context;  // the connector's bytes for the transaction it belongs to
    std::string_view payload;  // the connector's bytes for the entry itself
};

// A schema that a block needs and that no earlier block of its stream had.
struct NewSchema {
    SchemaId id;
    std::shared_ptr<const TableSchema>
        schema;  // shared: immutable, used by intake, log and delivery
};

// A change of the side keyspace (ports/side.h), in the same atomic write as the block that has it.
struct SideWrite {
    std::string key;
    std::optional<std::string> value;  // none: the key is erased
};

// Consecutive entries of one stream, at most kBlockBytesMax unless one entry alone is larger.
struct Block {
    StreamId stream;
    Sequence first;
    Sequence last;
    // After this block: where the source must be re-read from (end of the last complete
    // transaction), and the identity of the last event taken in, up to which a re-read must be
    // skipped.
    Position resume;
    Position done;
    std::string bytes;  // format/block.h, not compressed
    std::vector<NewSchema> schemas;
    std::vector<SideWrite> side;  // in order; the last write of a key counts
};

// Shared between the log writer and delivery, which may be done with it in either order.
using BlockPtr = std::shared_ptr<const Block>;

}  // namespace tributary
