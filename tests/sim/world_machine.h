// The class behind world.h, in parts: world.cc lets things happen, world_agent.cc runs the agent's
// processes, world_judge.cc says what is allowed. Private to them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ports/observer.h"
#include "runtime/runtime.h"
#include "tests/sim/origin.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_kafka.h"
#include "tests/sim/world.h"

namespace tributary::sim {

// Log lines of the agent into the trace, and places where others may go first.
class SimObserver final : public Observer {
  public:
    SimObserver(Scheduler& scheduler, Rng random) : scheduler_(scheduler), random_(random) {}
    std::function<void(const std::string&)> trace;

    void log(LogLevel /*level*/,
             std::string_view /*pipeline*/,
             std::string_view message,
             std::initializer_list<LogField> fields) override {
        if (trace) {
            std::string line = "  agent: " + std::string(message);
            for (const LogField& field : fields) {
                line += " " + std::string(field.name) + "=" + std::string(field.value);
            }
            trace(line);
        }
        maybe_yield();
    }
    void error(std::string_view /*pipeline*/, const Error& error) override {
        if (trace) {
            trace("  agent: " + std::string(error.kind().name) + ": " + error.what());
        }
        maybe_yield();
    }
    void add(Counter /*counter*/, std::string_view, std::uint64_t) override { maybe_yield(); }
    void set(Gauge /*gauge*/, std::string_view, std::int64_t) override { maybe_yield(); }

  private:
    void maybe_yield() {
        if (random_.chance(100)) {
            scheduler_.yield();
        }
    }
    Scheduler& scheduler_;
    Rng random_;
};

class World {
  public:
    World(const Plan& plan, const std::function<void(const std::string&)>& trace);
    Outcome run();

  private:
    struct Process {
        SimDisk* disk = nullptr;
        std::unique_ptr<SimLog> log;
        std::unique_ptr<runtime::Runtime> runtime;
        std::optional<Error> error;  // by which it ended itself
        bool stop = false;
        bool over = false;
    };
    // An edge host with its disk. The second is for a twin.
    struct Host {
        Host(std::size_t place, Scheduler& scheduler, Rng random)
            : index(place), disk(scheduler, random) {}
        std::size_t index;
        SimDisk disk;
        std::unique_ptr<Process> process;
        std::optional<std::uint64_t> waiting_start;
        bool halted = false;  // its agent ended by a named error, for good
    };

    void start(Host& host);
    void body(Process& process);
    void build(Process& process);
    void end_process(Host& host, bool power);
    void restart_after(Host& host, Us delay);
    void schedule();
    void happen(const Happening& what);
    void happen_gravely(const Happening& what);
    void start_twin(const Happening& what);
    void write_transactions(std::size_t left);
    void heal();
    void run_until(std::int64_t end_us, const std::function<bool()>& done);
    [[nodiscard]] bool ended(Host& host);
    void judge_stop(Host& host, const Error& error);
    [[nodiscard]] bool halted() const { return host_.halted && (!twin_ || twin_->halted); }
    [[nodiscard]] std::set<std::string_view> allowed_stops() const;
    void on_commit(ProducerId producer);
    void check_confirm(const std::string& what, const std::function<bool(const Position&)>& covers);
    [[nodiscard]] std::unique_ptr<Origin> make_origin();
    void check_end(bool drained);
    void blame(const std::string& what);
    void say(const std::string& text) const;
    [[nodiscard]] bool grave(Fault fault) const { return graves_.contains(fault); }
    [[nodiscard]] bool disk_forgot() const {
        return grave(Fault::disk_lies) || grave(Fault::disk_replaced) ||
               grave(Fault::backup_restored) || grave(Fault::bit_flip);
    }

    const Plan& plan_;
    const std::function<void(const std::string&)>& trace_;
    Rng random_;
    Scheduler scheduler_;
    SimClock clock_;
    SimKafka kafka_;
    std::unique_ptr<Origin> origin_;
    Host host_;
    std::unique_ptr<Host> twin_;
    SimObserver observer_;
    KafkaWeather kafka_weather_;
    std::uint64_t starts_ = 0;
    std::set<Fault> graves_;
    bool ever_automatic_durable_ = false;
    bool healed_ = false;
    std::optional<std::uint64_t> kill_at_step_;
    bool kill_with_power_ = false;
    Position delivered_resume_;  // the greatest in a committed checkpoint
    Position durable_resume_;    // the greatest ever fsynced
    Outcome outcome_;
};

}  // namespace tributary::sim
