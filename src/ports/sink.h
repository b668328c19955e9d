// Sink: the one place records go to, in transactions that carry their own checkpoint (DESIGN 3).
// Threads: every method by the pipeline's delivery thread, but those that say so.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/checkpoint.h"
#include "model/record.h"

namespace tributary {

enum class CommitOutcome {
    spotless,   // committed; go on with this producer
    committed,  // committed, but not beyond doubt about what is still in flight: recover() before
                // the next
};

// A record that the broker refuses whatever is done.
struct Poison {
    Sequence sequence;
    std::uint16_t sub_index = 0;
    std::string reason;
};

class Sink {
  public:
    virtual ~Sink() = default;

    // Fences every earlier producer of this pipeline, then reads the newest checkpoint back.
    // nullopt: there never was one. Blocks, retrying inside, up to `budget`, then fails
    // transiently: call again. After any error of begin(), produce() or commit() this is the only
    // way on; whatever was in flight is decided by what it returns.
    [[nodiscard]] virtual Result<std::optional<Checkpoint>> recover(
        std::chrono::milliseconds budget) = 0;

    // Topics to come, so that missing ones are created or named before a transaction is open.
    [[nodiscard]] virtual Result<void> prepare_topic(std::string_view topic) = 0;

    // Begins a transaction. Fails transiently while no broker answers.
    [[nodiscard]] virtual Result<void> begin() = 0;

    // Hands one record over; its views stay valid until commit() or recover() returned.
    // kPoisonRecord: refused before it was sent, the transaction is still good. Others: recover().
    [[nodiscard]] virtual Result<void> produce(const Record& record) = 0;

    // How long after commit() the first produce() had better wait: the brokers still work on that
    // transaction, and who comes earlier waits longer. Any thread.
    [[nodiscard]] virtual std::chrono::milliseconds settle_time() const {
        return std::chrono::milliseconds(0);
    }

    // A transaction with at most this many bytes of values had better be handed over at once, right
    // before commit(). Any thread.
    [[nodiscard]] virtual std::uint64_t gather_bytes() const { return 0; }

    // Adds the checkpoint and commits. Any error: outcome unknown until recover().
    [[nodiscard]] virtual Result<CommitOutcome> commit(const Checkpoint& checkpoint) = 0;

    // Records that the broker refused for their own sake in the transaction that failed last.
    [[nodiscard]] virtual std::vector<Poison> take_poison() = 0;

    // Ends the open transaction, if any, without committing; the producer is gone afterwards.
    // Bounded.
    virtual void close(std::chrono::milliseconds budget) = 0;

    // False while a call waits for Kafka and none of it has answered anything for ten seconds. Any
    // thread.
    [[nodiscard]] virtual bool answers() const = 0;

    // Makes a blocking call return soon with a transient error. Any thread.
    virtual void interrupt() = 0;
};

}  // namespace tributary
