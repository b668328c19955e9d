// Reads the newest checkpoint of a pipeline back (DESIGN 3.2): high watermark by a client that sees
// uncommitted records, then committed records up to it. The end-of-partition mark alone proves
// nothing: while an older transaction is undecided, a committed reader ends early. Threads: the
// owner of the clients.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/options.h"
#include "connectors/kafka/patience.h"
#include "model/checkpoint.h"
#include "ports/observer.h"

namespace tributary::kafka {

struct CheckpointPlace {
    std::string topic;
    std::string key;       // of the pipeline's records in it
    std::string pipeline;  // for log lines
};

// The last committed record with our key; nullopt when there is none. To be called after
// init_transactions, when every earlier transaction of ours is decided. `producer` must see the
// high watermark (isolation.level=read_uncommitted). Errors: kCheckpointTooNew, kCheckpointInvalid
// (with the offset), those of the connection; kTransactionStuck when somebody's transaction in the
// topic stays undecided.
[[nodiscard]] Result<std::optional<Checkpoint>> read_checkpoint(Client& producer,
                                                                const Options& options,
                                                                const CheckpointPlace& place,
                                                                Observer& observer,
                                                                Patience& patience);

}  // namespace tributary::kafka
