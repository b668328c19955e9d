// Running a world; see the header.
#include "tests/sim/world.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <utility>

#include "format/checkpoint.h"
#include "model/errors.h"
#include "tests/sim/origin.h"

namespace tributary::sim {
namespace {

constexpr const char* kAgent = "gw";
constexpr Us kMonitorInterval{100'000};
constexpr std::int64_t kDrainLimitUs = 300'000'000;
constexpr std::int64_t kReleaseLimitUs = 60'000'000;
constexpr std::uint64_t kStepsMax = 600'000;

Position later(const Position& left, const Position& right) {
    return left.bytes < right.bytes ? right : left;
}

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

World::World(const Plan& plan, const std::function<void(const std::string&)>& trace)
    : plan_(plan),
      trace_(trace),
      random_(plan.seed ^ 0x5EEDULL),
      scheduler_(random_.next()),
      clock_(scheduler_),
      kafka_(scheduler_, Rng(random_.next()), plan.kafka),
      origin_(make_origin()),
      host_(0, scheduler_, Rng(random_.next())),
      observer_(scheduler_, Rng(random_.next())) {
    kafka_.on_commit = [this](ProducerId producer) { on_commit(producer); };
    kafka_weather_.latency_us = plan.kafka_weather.latency_us;
    kafka_weather_.socket_timeout_us = plan.kafka_weather.socket_timeout_us;
    if (trace_) {
        const auto line = [this](const std::string& text) { say(text); };
        observer_.trace = line;
        kafka_.trace = line;
    }
}

std::unique_ptr<Origin> World::make_origin() {
    OriginParts parts{
        .plan = plan_,
        .scheduler = scheduler_,
        .clock = clock_,
        .kafka = kafka_,
        .observer = observer_,
        .random = random_,
        .seed = random_.next(),
        .trace = {},
        .has_position =
            [this] { return !delivered_resume_.empty() || !host_.disk.durable_resume().empty(); },
        .confirmed = [this](const std::string& what,
                            const auto& covers) { check_confirm(what, covers); }};
    if (trace_) {
        parts.trace = [this](const std::string& text) { say(text); };
    }
    switch (plan_.source) {
        case SourceKind::postgres:
            return make_postgres_origin(std::move(parts));
        case SourceKind::mysql:
            return make_mysql_origin(std::move(parts));
        case SourceKind::broker:
            return make_broker_origin(std::move(parts));
        case SourceKind::devices:
            return make_devices_origin(std::move(parts));
    }
    return nullptr;
}

void World::say(const std::string& text) const {
    if (trace_) {
        std::array<char, 32> time{};
        static_cast<void>(std::snprintf(
            time.data(), time.size(), "%10.3f ", static_cast<double>(scheduler_.now_us()) / 1000));
        trace_(time.data() + text);
    }
}

void World::blame(const std::string& what) {
    if (outcome_.violation.empty()) {
        outcome_.violation = what;
        say("VIOLATION: " + what);
    }
}

// --- The agent ----------------------------------------------------------------------------------

void World::build(Process& process) {
    runtime::PipelineParts parts;
    parts.name = kPipeline;
    origin_->furnish(parts);
    auto sink = std::make_unique<SimSink>(scheduler_,
                                          kafka_,
                                          kafka_weather_,
                                          Rng(random_.next()),
                                          SinkName{.transactional_id = "tributary.gw.plant",
                                                   .checkpoint_topic = kCheckpointTopic,
                                                   .checkpoint_key = "gw.plant"},
                                          plan_.records_per_batch);
    if (trace_) {
        sink->trace = [this](const std::string& text) { say(text); };
    }
    parts.sink = std::move(sink);
    parts.ack = plan_.ack;
    parts.cut = plan_.cut;
    parts.dead_letter_topic = "dead";
    parts.delivery_mode = "exactly_once";
    std::vector<runtime::PipelineParts> pipelines;
    pipelines.push_back(std::move(parts));
    process.runtime = std::make_unique<runtime::Runtime>(
        runtime::RuntimeOptions{.agent_id = kAgent,
                                .version = "sim",
                                .queue_bytes = plan_.queue_bytes,
                                .execution = &scheduler_,
                                .seed = static_cast<std::uint32_t>(random_.next())},
        *process.log,
        std::move(pipelines),
        clock_,
        observer_);
}

// What agent/run.cc does.
void World::body(Process& process) {
    auto log = SimLog::open(*process.disk);
    if (!log) {
        process.error = log.error();
        process.over = true;
        return;
    }
    process.log = std::move(log.value());
    build(process);
    if (const auto started = process.runtime->start(); !started) {
        process.error = started.error();
    }
    while (!process.stop && !process.error) {
        static_cast<void>(
            scheduler_.wait_for(kMonitorInterval, [&process] { return process.stop; }));
        process.error = process.runtime->finished(false);
        ever_automatic_durable_ = ever_automatic_durable_ ||
                                  process.runtime->status().pipelines[0].confirming == "durable";
    }
    process.runtime->stop(Ms(5000));
    process.log->close();
    process.over = true;
}

void World::start(Host& host) {
    if (host.process || host.halted) {
        return;
    }
    ++outcome_.lives;
    say(host.index == 0 ? "the agent starts" : "the twin starts");
    host.process = std::make_unique<Process>();
    host.process->disk = &host.disk;
    scheduler_.start_process(host.index, [this, process = host.process.get()] { body(*process); });
}

void World::restart_after(Host& host, Us delay) {
    host.waiting_start = ++starts_;
    scheduler_.at(delay, [this, &host, start = starts_] {
        if (host.waiting_start == start) {
            host.waiting_start.reset();
            this->start(host);
        }
    });
}

// Wherever it is. With `power`, the page cache goes too.
void World::end_process(Host& host, bool power) {
    if (host.process) {
        say(power ? "the agent's host loses power" : "the agent is killed");
        scheduler_.kill(host.index);
        host.process.reset();
        origin_->agent_gone();
    }
    if (power) {
        host.disk.power_cut();
    }
    restart_after(host, Us(random_.between(0, 500'000)));
}

// True when the process ended by itself, and has been dealt with.
bool World::ended(Host& host) {
    if (!host.process || !host.process->over) {
        return false;
    }
    const auto error = host.process->error;
    say((host.index == 0 ? "the agent ends: " : "the twin ends: ") +
        (error ? error->message() : std::string("stopped")));
    scheduler_.kill(host.index);
    host.process.reset();
    origin_->agent_gone();
    if (error && !error->transient()) {
        judge_stop(host, *error);
    } else {
        restart_after(host, Us(random_.between(0, 500'000)));
    }
    return true;
}

// --- What happens -------------------------------------------------------------------------------

void World::schedule() {
    restart_after(host_, Us(0));
    for (const Happening& what : plan_.happenings) {
        scheduler_.at(Us(what.at_us), [this, &what] {
            if (!healed_ && !halted()) {
                say(std::string("fault: ") + to_text(what.fault));
                happen(what);
            }
        });
    }
    // Half of the databases were there before the agent was.
    if (random_.coin()) {
        origin_->begin();
    }
    write_transactions(plan_.transactions);
}

void World::write_transactions(std::size_t left) {
    if (left == 0) {
        return;
    }
    const std::int64_t pace =
        2 * plan_.lasts_us / static_cast<std::int64_t>(plan_.transactions + 1);
    scheduler_.at(Us(random_.between(1, std::max<std::int64_t>(pace, 1))), [this, left] {
        const bool wrote = origin_->work();
        write_transactions(healed_ && !wrote ? 0 : left - (wrote ? 1 : 0));
    });
}

void World::happen(const Happening& what) {
    switch (what.fault) {
        case Fault::kill:
        case Fault::power_cut:
            kill_at_step_ = scheduler_.steps() + random_.below(30);
            kill_with_power_ = what.fault == Fault::power_cut;
            break;
        case Fault::stop:
            if (host_.process) {
                host_.process->stop = true;
            }
            break;
        case Fault::freeze:
            scheduler_.freeze(0, true);
            scheduler_.at(Us(what.for_us), [this] { scheduler_.freeze(0, false); });
            break;
        case Fault::clock_step:
            clock_.skew_us += (random_.coin() ? 1 : -1) * what.for_us * 10;
            break;
        case Fault::kafka_down:
            kafka_.set_up(false);
            scheduler_.at(Us(what.for_us), [this] { kafka_.set_up(true); });
            break;
        case Fault::kafka_weather:
            kafka_weather_ = plan_.kafka_weather;
            break;
        case Fault::coordinator_move:
            kafka_.move_coordinator(Us(what.for_us));
            break;
        case Fault::id_expires:
            kafka_.expire("tributary.gw.plant");
            break;
        case Fault::source_down:
        case Fault::source_crash:
        case Fault::source_cut:
        case Fault::source_weather:
        case Fault::slot_saved:
        case Fault::alter_table:
        case Fault::table_asked:
        case Fault::snapshot_stopped:
            static_cast<void>(origin_->happen(what));
            break;
        case Fault::disk_full:
            host_.disk.faults.full = true;
            scheduler_.at(Us(what.for_us), [this] { host_.disk.faults.full = false; });
            break;
        case Fault::disk_dead:
            host_.disk.faults.dead = true;
            scheduler_.at(Us(what.for_us), [this] { host_.disk.faults.dead = false; });
            break;
        case Fault::disk_weather:
            host_.disk.faults.write_fails = plan_.disk_write_fails;
            host_.disk.faults.sync_fails = plan_.disk_sync_fails;
            break;
        case Fault::disk_lies:
        case Fault::disk_replaced:
        case Fault::backup_taken:
        case Fault::backup_restored:
        case Fault::bit_flip:
        case Fault::fail_over:
        case Fault::rewind:
        case Fault::slot_dropped:
        case Fault::twin:
        case Fault::tail_lost:
        case Fault::binlog_purged:
        case Fault::binlog_reset:
            happen_gravely(what);
            break;
    }
}

void World::happen_gravely(const Happening& what) {
    if (what.fault == Fault::backup_taken) {
        host_.disk.take_backup();
        return;
    }
    bool happened = true;
    if (what.fault == Fault::disk_lies) {
        end_process(host_, true);
        host_.disk.lose_synced(what.amount);
    } else if (what.fault == Fault::disk_replaced) {
        end_process(host_, true);
        host_.disk.replace();
    } else if (what.fault == Fault::backup_restored) {
        happened = host_.disk.has_backup();
        if (happened) {
            end_process(host_, true);
            host_.disk.restore_backup();
        }
    } else if (what.fault == Fault::bit_flip) {
        happened = host_.disk.flip_bit();
        kill_at_step_ = scheduler_.steps() + random_.below(200);
    } else if (what.fault == Fault::twin) {
        happened = origin_->may_have_twin();
        if (happened) {
            start_twin(what);
        }
    } else {
        happened = origin_->happen(what);
    }
    if (happened) {
        graves_.insert(what.fault);
    }
}

void World::start_twin(const Happening& what) {
    scheduler_.freeze(0, true);
    scheduler_.at(Us(what.for_us + random_.between(0, 3'000'000)),
                  [this] { scheduler_.freeze(0, false); });
    origin_->agent_gone();
    origin_->twin_comes();
    twin_ = std::make_unique<Host>(1, scheduler_, Rng(random_.next()));
    restart_after(*twin_, Us(random_.between(0, 1'000'000)));
}

void World::heal() {
    healed_ = true;
    say("everything is healed");
    kill_at_step_.reset();
    kafka_.heal();
    kafka_weather_ = {.latency_us = 500};
    origin_->heal();
    host_.disk.faults = {};
    scheduler_.freeze(0, false);
}

// --- Judging ------------------------------------------------------------------------------------

std::set<std::string_view> World::allowed_stops() const {
    std::set<std::string_view> allowed;
    const auto allow = [&](std::initializer_list<const ErrorKind*> kinds) {
        for (const ErrorKind* kind : kinds) {
            allowed.insert(kind->name);
        }
    };
    // MySQL is told nothing, and keeps its log by its own rules.
    const bool confirms_durable = plan_.source != SourceKind::mysql &&
                                  (plan_.ack == core::AckMode::buffered || ever_automatic_durable_);
    if (grave(Fault::disk_lies)) {
        allow({&errors::kLogRolledBack});
        if (confirms_durable) {
            allow({&errors::kSourceGap});
        }
    }
    if (grave(Fault::disk_replaced) && confirms_durable) {
        allow({&errors::kSourceGap});
    }
    if (grave(Fault::backup_restored) && confirms_durable) {
        allow({&errors::kSourceGap});
    }
    if (grave(Fault::bit_flip)) {
        allow({&errors::kLogCorrupt, &errors::kEntryCorrupt});
    }
    if (grave(Fault::fail_over) || grave(Fault::rewind)) {
        allow({&errors::kSourceDiverged, &errors::kSourceRewound});
    }
    if (grave(Fault::twin)) {
        allow({&errors::kFenced, &errors::kSourceGap});
    }
    if (grave(Fault::slot_dropped)) {
        allow({&errors::kSlotMissing});
    }
    for (const ErrorKind* kind : origin_->stops(disk_forgot())) {
        allow({kind});
    }
    return allowed;
}

void World::judge_stop(Host& host, const Error& error) {
    host.halted = true;
    outcome_.stopped = error.kind().name;
    if (!allowed_stops().contains(error.kind().name)) {
        blame("the agent ended without cause: " + error.message());
    }
}

// From a decision on, what the transaction's checkpoint says is in Kafka.
void World::on_commit(ProducerId producer) {
    for (const Stored& stored : kafka_.log(kafka_.partition_of(kCheckpointTopic, ""))) {
        if (!stored.marker && !stored.decided && stored.producer == producer.id) {
            if (const auto read = format::unpack_checkpoint(*stored.record.value)) {
                delivered_resume_ = later(delivered_resume_, read.value().resume);
            }
        }
    }
}

// A confirmed position is always one that is held: on the disk or in Kafka, as the mode says.
void World::check_confirm(const std::string& what,
                          const std::function<bool(const Position&)>& covers) {
    durable_resume_ = later(durable_resume_, host_.disk.durable_resume());
    if (twin_) {
        durable_resume_ = later(durable_resume_, twin_->disk.durable_resume());
    }
    for (const Host* host : {&host_, twin_.get()}) {
        if (plan_.ack == core::AckMode::automatic && host != nullptr && host->process &&
            host->process->runtime && !ever_automatic_durable_) {
            ever_automatic_durable_ =
                host->process->runtime->status().pipelines[0].confirming == "durable";
        }
    }
    const bool durable_once = plan_.ack == core::AckMode::buffered || ever_automatic_durable_;
    const bool fine = covers(delivered_resume_) || (durable_once && covers(durable_resume_));
    if (!fine) {
        blame("position " + what + " is confirmed and not held");
    }
}

void World::check_end(bool drained) {
    const Judgement judgement = origin_->judge(kafka_, !disk_forgot());
    outcome_.records = judgement.seen;
    if (!judgement.violation.empty()) {
        blame(judgement.violation);
    }
    if (halted()) {
        // Of two that follow the same source one goes on, unless it lacks what only the other has,
        // or MySQL lets none of them read.
        if (twin_ && plan_.ack == core::AckMode::delivered && plan_.source != SourceKind::mysql) {
            blame("both agents have ended");
        }
        return;
    }
    if (!drained && trace_ && host_.process && host_.process->runtime) {
        const PipelineStatus status = host_.process->runtime->status().pipelines[0];
        say("intake " + std::string(to_string(status.intake.state)) + ", delivery " +
            std::string(to_string(status.delivery.state)) + ", appended " +
            std::to_string(status.appended) + ", durable " + std::to_string(status.durable) +
            ", delivered " + std::to_string(status.delivered) + " at " + status.delivered_position);
    }
    if (!drained) {
        blame("not everything arrived: " + std::to_string(judgement.seen) + " of " +
              std::to_string(judgement.expected) + ", first missing " + judgement.first_missing);
    } else if (judgement.has_lost) {
        blame("the server's history is another one, and nobody noticed");
    }
}

void World::run_until(std::int64_t end_us, const std::function<bool()>& done) {
    std::int64_t next_look = scheduler_.now_us();
    while (outcome_.violation.empty() && !halted()) {
        if (kill_at_step_ && scheduler_.steps() >= *kill_at_step_) {
            kill_at_step_.reset();
            end_process(host_, kill_with_power_);
            kill_with_power_ = false;
        }
        if (ended(host_) || (twin_ && ended(*twin_))) {
            continue;
        }
        if (scheduler_.now_us() >= next_look) {
            if (scheduler_.now_us() >= end_us || done()) {
                return;
            }
            next_look = scheduler_.now_us() + 50'000;
        }
        if (!scheduler_.step()) {
            return;
        }
        if (scheduler_.steps() > kStepsMax) {
            blame("the world does not come to an end");
        }
    }
}

Outcome World::run() {
    host_.disk.remembers =
        std::any_of(plan_.happenings.begin(), plan_.happenings.end(), [](const auto& each) {
            return each.fault == Fault::disk_lies;
        });
    schedule();
    run_until(plan_.lasts_us, [] { return false; });
    heal();
    if (!host_.process && !host_.waiting_start) {
        restart_after(host_, Us(0));
    }
    const auto drained = [this] {
        return origin_->served() && kafka_.settled() && origin_->arrived(kafka_, !disk_forgot());
    };
    run_until(scheduler_.now_us() + kDrainLimitUs, drained);
    bool all = !halted() && drained();
    if (all && random_.chance(300)) {
        // Once more, now that there is nothing left to do: nothing may come twice.
        end_process(host_.halted ? *twin_ : host_, random_.coin());
        run_until(scheduler_.now_us() + 3'000'000, [] { return false; });
        run_until(scheduler_.now_us() + kDrainLimitUs, drained);
        all = !halted() && drained();
    }
    if (all && outcome_.violation.empty()) {
        run_until(scheduler_.now_us() + kReleaseLimitUs, [&] { return origin_->released(); });
        if (!halted() && !origin_->released()) {
            blame("everything arrived, but the source is not told so");
        }
    }
    check_end(all);
    for (Host* host : {&host_, twin_.get()}) {
        if (host != nullptr) {
            scheduler_.kill(host->index);
            host->process.reset();
        }
    }
    outcome_.steps = scheduler_.steps();
    outcome_.virtual_us = scheduler_.now_us();
    return outcome_;
}

}  // namespace

Outcome run_world(const Plan& plan, const std::function<void(const std::string&)>& trace) {
    return World(plan, trace).run();
}

}  // namespace tributary::sim
