// Origin: where one simulated agent's events come from: a database, a broker, devices. It has the
// truth about them, its own faults, and the Source of each life of the agent.
// One thread (the scheduler's events and the agent's fibers).
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/runtime.h"
#include "tests/sim/oracle.h"
#include "tests/sim/plan.h"
#include "tests/sim/snapshot_board.h"
#include "tests/sim/snapshot_oracle.h"

namespace tributary::sim {

// What the world hands to an origin; all of it outlives that.
struct OriginParts {
    const Plan& plan;
    Scheduler& scheduler;
    const SimClock& clock;
    const SimKafka& kafka;
    Observer& observer;
    Rng& random;  // the world's
    std::uint64_t seed;
    std::function<void(const std::string&)> trace;  // may be empty
    std::function<bool()> has_position;             // on the disk or in Kafka
    // A position was confirmed; `covers`: whether holding everything up to that one justifies it.
    std::function<void(const std::string& what, const std::function<bool(const Position&)>& covers)>
        confirmed;
};

class Origin {
  public:
    explicit Origin(OriginParts parts) : parts_(std::move(parts)) {}
    virtual ~Origin() = default;

    // Source, decoder and encoder of one life of the agent.
    virtual void furnish(runtime::PipelineParts& parts) = 0;
    // Something was there before the agent.
    virtual void begin() {}
    // The application does something more; false: it cannot now.
    virtual bool work() = 0;
    // A fault of its own; false: it has none of that kind.
    bool happen(const Happening& what);
    virtual void heal();
    // The agent's process is gone, and its connections.
    virtual void agent_gone() = 0;
    // A second agent of the same name may follow it.
    [[nodiscard]] virtual bool may_have_twin() const = 0;
    void twin_comes() { twin_ = true; }

    // Named stops that what happened to it justifies, besides those of world.cc. `forgot`: a disk
    // has lost what it had.
    [[nodiscard]] virtual std::vector<const ErrorKind*> stops(bool /*forgot*/) const { return {}; }

    // The agent is connected.
    [[nodiscard]] virtual bool served() const = 0;
    // Everything that must arrive has. `exact`: no disk has forgotten or lied.
    [[nodiscard]] virtual bool arrived(const SimKafka& kafka, bool exact) const = 0;
    // Everything is confirmed to it.
    [[nodiscard]] virtual bool released() const = 0;
    [[nodiscard]] virtual Judgement judge(const SimKafka& kafka, bool exact) const = 0;

  protected:
    // What happens to every kind of them; where there is nothing to it, nothing does.
    virtual void set_up(bool up) = 0;
    virtual void crash() {}
    virtual void cut() = 0;  // every connection
    // Any other fault, as happen().
    virtual bool suffer(const Happening& /*what*/) { return false; }

    // What an operator asks for of snapshots.
    static void write_on(SnapshotBoard& board, const Happening& what);
    // What of them there has to be.
    [[nodiscard]] SnapshotDuty duty(const SnapshotBoard& board, bool exact) const;
    // A database's source, with what becomes of its entries.
    static void hand_over(std::unique_ptr<Source> source, runtime::PipelineParts& parts);

    OriginParts parts_;
    SourceWeather weather_;
    bool twin_ = false;  // came
};

[[nodiscard]] std::unique_ptr<Origin> make_postgres_origin(OriginParts parts);
[[nodiscard]] std::unique_ptr<Origin> make_mysql_origin(OriginParts parts);
[[nodiscard]] std::unique_ptr<Origin> make_broker_origin(OriginParts parts);
[[nodiscard]] std::unique_ptr<Origin> make_devices_origin(OriginParts parts);

inline constexpr const char* kPipeline = "plant";
inline constexpr const char* kCheckpointTopic = "_tributary.checkpoint.gw.plant";

}  // namespace tributary::sim
