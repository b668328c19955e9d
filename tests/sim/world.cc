// World, the part in which things happen: faults, the application, and the run from beginning to
// end.
#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "tests/sim/world_machine.h"

namespace tributary::sim {
namespace {

constexpr std::int64_t kDrainLimitUs = 300'000'000;
constexpr std::int64_t kReleaseLimitUs = 60'000'000;
constexpr std::uint64_t kStepsMax = 600'000;

}  // namespace

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

Outcome run_world(const Plan& plan, const std::function<void(const std::string&)>& trace) {
    return World(plan, trace).run();
}

}  // namespace tributary::sim
