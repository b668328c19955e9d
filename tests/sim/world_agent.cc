// World, the part that is the edge: the agent's processes on their hosts, how they begin and end.
#include <utility>

#include "tests/sim/world_machine.h"

namespace tributary::sim {
namespace {

constexpr const char* kAgent = "gw";
constexpr Us kMonitorInterval{100'000};

}  // namespace

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

}  // namespace tributary::sim
