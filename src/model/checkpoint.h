// What the pipeline has put into Kafka, written in the same Kafka transaction as the records
// (DESIGN 3.1 and 3.5; bytes: format/checkpoint.h).
#pragma once

#include <cstdint>
#include <string>

#include "model/ids.h"

namespace tributary {

struct Checkpoint {
    std::string pipeline;  // "<agent>.<pipeline>"
    LogId log_id;
    std::string agent_version;
    std::string source_identity;  // the connector's text: system identifier, database, slot
    Position resume;              // where to re-read the source from
    Position done;                // skip what a re-read sends again up to here
    // Of the transaction that carries this; 0 for one without entries. Beyond previous_last + 1:
    // the entries between were dropped by an operator; last + 1: and nothing came after them.
    Sequence first;
    Sequence last;
    Sequence previous_last;  // last of the checkpoint before; 0 for the first ever
    std::uint64_t record_count = 0;
    std::uint32_t chain_crc = 0;  // CRC32C over the crc of every entry ever delivered, in order
    // CRC32C of Block::bytes of the block that ends with `last`: tells it from what a log that lost
    // its end grew again. 0: not known (a position set by hand, a checkpoint of format 1).
    std::uint32_t block_crc = 0;
    std::int64_t wall_time_us = 0;
    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

}  // namespace tributary
