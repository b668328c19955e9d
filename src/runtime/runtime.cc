#include "runtime/runtime.h"

#include <algorithm>
#include <random>
#include <utility>

#include "format/checkpoint.h"
#include "model/errors.h"
#include "model/source_errors.h"
#include "runtime/inspect.h"

namespace tributary::runtime {
namespace {

constexpr std::size_t kReplaySearchMax = 100'000;
constexpr std::chrono::milliseconds kAskBudget(4000);
constexpr std::chrono::milliseconds kDurableBudget(4000);

// A letter of DeliveryStage::bury_entry(): the source's bytes, not a record of Kafka.
bool never_encoded(const DeadLetter& letter) {
    return letter.reason.starts_with(std::string(errors::kValueUndecodable.name) + ": ");
}

}  // namespace

Runtime::Runtime(RuntimeOptions options,
                 EventLog& log,
                 std::vector<PipelineParts> pipelines,
                 const Clock& clock,
                 Observer& observer)
    : options_(std::move(options)),
      log_(log),
      clock_(clock),
      observer_(observer),
      writer_(log, clock, observer, options_.execution),
      transaction_budget_(options_.transaction_bytes, pipelines.size()),
      write_budget_(options_.write_budget_bytes) {
    observer_.set(
        Gauge::write_budget_bytes, {}, static_cast<std::int64_t>(options_.write_budget_bytes));
    const std::size_t share = options_.queue_bytes / std::max<std::size_t>(1, pipelines.size());
    const ChannelLimits limits{.append_bytes = share * 2 / 3, .ring_bytes = share / 3};
    for (PipelineParts& parts : pipelines) {
        auto pipeline = std::make_unique<Pipeline>();
        pipeline->parts = std::move(parts);
        pipeline->shared = std::make_unique<PipelineShared>(limits, options_.execution);
        build(*pipeline);
        pipelines_.push_back(std::move(pipeline));
    }
}

Runtime::~Runtime() {
    stop(std::chrono::milliseconds(0));
}

void Runtime::build(Pipeline& pipeline) {
    PipelineParts& parts = pipeline.parts;
    PipelineShared& shared = *pipeline.shared;
    const std::uint32_t seed = options_.seed ? *options_.seed : std::random_device{}();
    shared.channel.on_progress([&source = *parts.source] { source.progressed(); });
    pipeline.intake = std::make_unique<IntakeStage>(
        IntakeStage::Parts{.pipeline = parts.name,
                           .source = *parts.source,
                           .log = log_,
                           .shared = shared,
                           .clock = clock_,
                           .observer = observer_,
                           .ack = parts.ack,
                           .snapshot_delay = parts.snapshot_delay,
                           .wake_log_writer = [this] { writer_.wake(); },
                           .seed = seed});
    pipeline.delivery = std::make_unique<DeliveryStage>(
        DeliveryStage::Parts{.pipeline = parts.name,
                             .checkpoint_key = options_.agent_id + "." + parts.name,
                             .agent_version = options_.version,
                             .dead_letter_topic = parts.dead_letter_topic,
                             .source = *parts.source,
                             .sink = *parts.sink,
                             .decoder = *parts.decoder,
                             .encoder = *parts.encoder,
                             .log = log_,
                             .writer = writer_,
                             .shared = shared,
                             .budget = transaction_budget_,
                             .clock = clock_,
                             .observer = observer_,
                             .cut = parts.cut,
                             .poison = parts.poison,
                             .dead_letter_bytes_max = parts.dead_letter_bytes_max,
                             .seed = seed + 1});
    pipeline.view = std::make_unique<LogView>(parts.name, parts.view);
    // A source that confirms what is durable has senders that wait for it.
    writer_.add_lane({.pipeline = parts.name,
                      .channel = &shared.channel,
                      .patient = parts.ack != core::AckMode::buffered});
}

Result<void> Runtime::start() {
    for (const auto& pipeline : pipelines_) {
        TRIBUTARY_TRY_VOID(begin_from_log(*pipeline));
    }
    started_ = true;
    writer_.start();
    for (const auto& pipeline : pipelines_) {
        const std::int64_t now =
            std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch())
                .count();
        pipeline->shared->intake_beat_ms = now;
        pipeline->shared->read_ms = now;
        pipeline->shared->delivery_beat_ms = now;
        pipeline->intake_thread = Thread(options_.execution,
                                         "in-" + pipeline->parts.name,
                                         [stage = pipeline->intake.get()] { stage->run(); });
        pipeline->delivery_thread = Thread(options_.execution,
                                           "out-" + pipeline->parts.name,
                                           [stage = pipeline->delivery.get()] { stage->run(); });
    }
    return success();
}

// A log that has events says itself where to go on: intake needs no Kafka.
Result<void> Runtime::begin_from_log(Pipeline& pipeline) {
    TRIBUTARY_TRY(stream, log_.find_stream(pipeline.parts.name));
    if (!stream || stream->extent.last.value() == 0) {
        return success();
    }
    TRIBUTARY_TRY(cached, log_.cached(pipeline.parts.name));
    std::string identity;
    Progress delivered;  // at least
    const LogExtent& extent = stream->extent;
    if (cached) {
        if (const auto checkpoint = format::unpack_checkpoint(*cached)) {
            identity = checkpoint.value().source_identity;
            delivered = {std::min(checkpoint.value().last, extent.last), checkpoint.value().resume};
        }
    }
    pipeline.shared->channel.reset(stream->id, {extent.last, extent.resume}, delivered);
    pipeline.shared->decide({.stream = stream->id,
                             .next = next(extent.last),
                             .point = {extent.resume, extent.done},
                             .source_identity = identity});
    return success();
}

void Runtime::add_service(std::string name,
                          std::function<void()> body,
                          std::function<void()> stop) {
    services_.push_back({Thread(options_.execution, name, std::move(body)), std::move(stop)});
}

void Runtime::stop(std::chrono::milliseconds budget) {
    for (const auto& pipeline : pipelines_) {
        pipeline->shared->stop();
        pipeline->parts.source->interrupt();
    }
    for (const auto& pipeline : pipelines_) {
        if (pipeline->intake_thread.joinable()) {
            pipeline->intake_thread.join();
        }
    }
    if (started_) {
        writer_.stop(budget / 2);
    }
    for (const auto& pipeline : pipelines_) {
        pipeline->parts.sink->interrupt();
    }
    for (const auto& pipeline : pipelines_) {
        if (pipeline->delivery_thread.joinable()) {
            pipeline->delivery_thread.join();
        }
    }
    for (Service& service : services_) {
        service.stop();
        service.thread.join();
    }
    services_.clear();
}

std::optional<Error> Runtime::finished(bool fail_fast) const {
    if (auto error = writer_.failed()) {
        return error;
    }
    std::optional<Error> first;
    std::size_t parked = 0;
    std::size_t complete = 0;
    for (const auto& pipeline : pipelines_) {
        complete += pipeline->shared->intake().state == PipelineState::complete ? 1 : 0;
        if (auto error = pipeline->shared->parked()) {
            if (error->kind().error_class == ErrorClass::fatal) {
                return error->at(pipeline->parts.name);
            }
            ++parked;
            if (!first) {
                first = error->at(pipeline->parts.name);
            }
        }
    }
    const bool ends = parked > 0 && (fail_fast || parked + complete >= pipelines_.size());
    return ends ? first : std::nullopt;
}

bool Runtime::complete() const {
    return !pipelines_.empty() &&
           std::all_of(pipelines_.begin(),
                       pipelines_.end(),
                       [](const auto& pipeline) {
                           return pipeline->shared->intake().state == PipelineState::complete;
                       }) &&
           caught_up();
}

std::uint64_t Runtime::appended() const {
    std::uint64_t all = 0;
    for (const auto& pipeline : pipelines_) {
        all += pipeline->shared->channel.appended().value();
    }
    return all;
}

bool Runtime::caught_up() const {
    return std::all_of(pipelines_.begin(), pipelines_.end(), [](const auto& pipeline) {
        const Channel& channel = pipeline->shared->channel;
        return channel.delivered().sequence >= channel.appended();
    });
}

bool Runtime::alive(std::chrono::milliseconds limit) const {
    const std::int64_t oldest = std::chrono::duration_cast<std::chrono::milliseconds>(
                                    (clock_.now() - limit).time_since_epoch())
                                    .count();
    const auto quiet = [&](const auto& pipeline) {
        const auto waits = [](PipelineState state) {
            return state == PipelineState::parked || state == PipelineState::starting ||
                   state == PipelineState::complete || state == PipelineState::stopped;
        };
        const PipelineShared& shared = *pipeline->shared;
        return (!waits(shared.intake().state) && shared.intake_beat_ms < oldest) ||
               (!waits(shared.delivery().state) && shared.delivery_beat_ms < oldest);
    };
    return writer_.last_beat_ms() >= oldest &&
           std::none_of(pipelines_.begin(), pipelines_.end(), quiet);
}

std::string Runtime::summary() const {
    std::size_t parked = 0;
    std::uint64_t delivered = 0;
    std::uint64_t waiting = 0;
    for (const auto& pipeline : pipelines_) {
        parked += pipeline->shared->parked() ? 1 : 0;
        const std::uint64_t done = pipeline->shared->channel.delivered().sequence.value();
        delivered += done;
        waiting += pipeline->shared->channel.appended().value() - done;
    }
    return std::to_string(pipelines_.size() - parked) + " pipelines working, " +
           std::to_string(parked) + " parked; delivered up to " + std::to_string(delivered) + ", " +
           std::to_string(waiting) + " events waiting";
}

void Runtime::sample(std::uint64_t disk_written_bytes) {
    const auto usage = log_.usage();
    const auto streams = log_.streams();
    const std::lock_guard lock(forecast_mutex_);
    for (const auto& pipeline : pipelines_) {
        measure(*pipeline);
    }
    const SteadyTime now = clock_.now();
    disk_written_bytes_ = disk_written_bytes;
    observer_.set(Gauge::disk_written_bytes, {}, static_cast<std::int64_t>(disk_written_bytes));
    if (write_budget_.sample(now, disk_written_bytes)) {
        observer_.log(LogLevel::warn,
                      {},
                      "more was written to the disk in 24 hours than buffer.write_budget_per_day",
                      {{"bytes", std::to_string(write_budget_.used())}});
    }
    if (!usage || !streams) {
        return;  // the log is being opened again
    }
    for (const StreamInfo& stream : streams.value()) {
        Pipeline* const found = stream.set_aside ? nullptr : find(stream.pipeline);
        if (found != nullptr) {
            found->stored.sample(now, stream.appended_bytes);
            found->log_bytes = stream.bytes;
        }
    }
    forecast(usage.value());
}

void Runtime::forecast(const LogUsage& usage) {
    double all = 0;
    for (const auto& pipeline : pipelines_) {
        all += pipeline->stored.per_second().value_or(0);
    }
    for (const auto& pipeline : pipelines_) {
        const auto rate = pipeline->stored.per_second();
        if (!rate) {
            continue;
        }
        pipeline->disk_seconds_left =
            core::seconds_left({.log_bytes = pipeline->log_bytes,
                                .log_bytes_max = options_.log_bytes_max,
                                .free_disk_bytes = usage.free_disk_bytes,
                                .free_disk_floor = options_.free_disk_floor,
                                .bytes_per_second = *rate,
                                .all_bytes_per_second = all});
        observer_.set(Gauge::disk_seconds_left, pipeline->parts.name, *pipeline->disk_seconds_left);
    }
}

// What is known without the log, too.
void Runtime::measure(Pipeline& pipeline) {
    observer_.set(Gauge::sink_connected, pipeline.parts.name, sink_connected(pipeline) ? 1 : 0);
    const Channel& channel = pipeline.shared->channel;
    core::Waiting waiting{.appended = channel.appended().value(),
                          .delivered = channel.delivered().sequence.value(),
                          .unread_seconds = unread_seconds(pipeline),
                          .now_us = clock_.wall_time_us()};
    // Before Kafka was reached it is not known what waits.
    if (waiting.delivered > 0 || pipeline.shared->settled()) {
        waiting.taken_in_us = taken_in_us(pipeline, Sequence(waiting.delivered + 1));
    }
    pipeline.lag_seconds = core::lag_seconds(waiting);
    if (pipeline.lag_seconds) {
        observer_.set(Gauge::lag_seconds, pipeline.parts.name, *pipeline.lag_seconds);
    }
}

// Of the first entry that waits: in memory while the log does not take it, else in the log.
std::optional<std::int64_t> Runtime::taken_in_us(Pipeline& pipeline, Sequence first) {
    const Channel& channel = pipeline.shared->channel;
    const StreamId stream = channel.stream();
    if (channel.appended() < first) {
        return std::nullopt;
    }
    if (pipeline.oldest_stream != stream || pipeline.oldest != first) {
        const BlockPtr held = channel.held(first);
        const auto time = held ? intake_time_us(*held, first) : intake_time_us(log_, stream, first);
        if (!time) {
            return std::nullopt;
        }
        pipeline.oldest_stream = stream;
        pipeline.oldest = first;
        pipeline.oldest_us = *time;
    }
    return pipeline.oldest_us;
}

// nullopt: nothing more is to be read.
std::optional<std::int64_t> Runtime::unread_seconds(const Pipeline& pipeline) const {
    if (pipeline.shared->intake().state == PipelineState::complete) {
        return std::nullopt;
    }
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch());
    return std::max<std::int64_t>(0, now.count() - pipeline.shared->read_ms) / 1000;
}

bool Runtime::sink_connected(const Pipeline& pipeline) {
    return pipeline.shared->sink_connected && pipeline.parts.sink->answers();
}

PipelineStatus Runtime::status_of(const Pipeline& pipeline) const {
    const PipelineShared& shared = *pipeline.shared;
    const Progress durable = shared.channel.durable();
    const Progress delivered = shared.channel.delivered();
    PipelineStatus status;
    status.name = pipeline.parts.name;
    status.intake = shared.intake();
    status.delivery = shared.delivery();
    status.appended = shared.channel.appended().value();
    status.durable = durable.sequence.value();
    status.delivered = delivered.sequence.value();
    status.source_identity = shared.source_identity();
    status.durable_position = pipeline.parts.source->describe(durable.position);
    status.delivered_position = pipeline.parts.source->describe(delivered.position);
    status.confirming = shared.confirming_durable ? "durable" : "delivered";
    status.delivery_mode = pipeline.parts.delivery_mode;
    status.sink_connected = sink_connected(pipeline);
    if (const std::int64_t held = shared.source_held_bytes; held >= 0) {
        status.source_held_bytes = held;
    }
    status.last_delivered_time_us = shared.last_delivered_time_us;
    if (pipeline.parts.source->snapshots() != nullptr) {
        status.snapshot = shared.snapshot().value_or(SnapshotReport{});
    }
    status.taken_in_bytes = shared.taken_in_bytes;
    const std::lock_guard lock(forecast_mutex_);
    status.disk_seconds_left = pipeline.disk_seconds_left;
    status.log_bytes = pipeline.log_bytes;
    status.lag_seconds = pipeline.lag_seconds;
    if (status.delivered >= status.appended) {  // what was sampled may be a second old
        status.lag_seconds = unread_seconds(pipeline).value_or(0);
    }
    return status;
}

AgentStatus Runtime::status() const {
    AgentStatus status;
    status.agent_id = options_.agent_id;
    status.version = options_.version;
    status.log_id = to_string(log_.id());
    if (const auto usage = log_.usage()) {
        status.log = usage.value();
    }
    status.log_error = writer_.trouble();
    status.log_bytes_max = options_.log_bytes_max;
    status.write_budget_bytes = options_.write_budget_bytes;
    {
        const std::lock_guard lock(forecast_mutex_);
        status.disk_written_bytes = disk_written_bytes_;
        status.disk_written_today_bytes = write_budget_.used();
    }
    for (const auto& pipeline : pipelines_) {
        status.pipelines.push_back(status_of(*pipeline));
    }
    return status;
}

Result<std::string> Runtime::peek(std::string_view pipeline,
                                  std::uint64_t from,
                                  std::size_t limit,
                                  bool values) {
    return peek_log(log_, pipeline, from, limit, values);
}

Runtime::Pipeline* Runtime::find(std::string_view name) const {
    for (const auto& pipeline : pipelines_) {
        if (pipeline->parts.name == name) {
            return pipeline.get();
        }
    }
    return nullptr;
}

Error Runtime::unknown_source(std::string_view name) const {
    std::vector<std::string> known;
    for (const auto& pipeline : pipelines_) {
        known.push_back(pipeline->parts.name);
    }
    return tributary::unknown_source(name, known);
}

Result<EventsPage> Runtime::events(std::string_view pipeline, const EventsQuery& query) {
    Pipeline* const found = find(pipeline);
    if (found == nullptr || !found->parts.view) {
        return unknown_source(pipeline);
    }
    TRIBUTARY_TRY(stream, log_.find_stream(pipeline));
    if (!stream) {  // nothing has come of it yet
        EventsPage nothing;
        nothing.next = query.from;
        nothing.end = true;
        return nothing;
    }
    return found->view->page(log_, query);
}

Result<std::uint64_t> Runtime::find_time(std::string_view pipeline, std::int64_t time_us) {
    return runtime::find_time(log_, pipeline, time_us);
}

Result<DroppedEvents> Runtime::drop(std::string_view pipeline, std::uint64_t before) {
    Pipeline* const found = find(pipeline);
    if (found == nullptr) {
        return unknown_source(pipeline);
    }
    TRIBUTARY_TRY(stream, writer_.drop(found->parts.name, Sequence(before)));
    found->shared->dropped = true;
    return DroppedEvents{stream.dropped_from.value(), stream.dropped_before.value()};
}

Result<std::vector<StreamInfo>> Runtime::streams() {
    return log_.streams();
}

Result<std::vector<DeadLetter>> Runtime::dead_letters(std::string_view pipeline,
                                                      std::size_t limit) {
    return log_.dead_letters(pipeline, limit);
}

Result<void> Runtime::replay_dead_letter(std::uint64_t id) {
    for (const auto& pipeline : pipelines_) {
        TRIBUTARY_TRY(letters, log_.dead_letters(pipeline->parts.name, kReplaySearchMax));
        for (DeadLetter& letter : letters) {
            if (letter.id == id && never_encoded(letter)) {
                return Error(errors::kValueUndecodable,
                             "dead letter " + std::to_string(id) +
                                 " is an event that could not be encoded for Kafka, so there is no "
                                 "record to send again; `tributary deadletter show " +
                                 std::to_string(id) + "` has its bytes");
            }
            if (letter.id != id) {
                continue;
            }
            const HalfStatus delivery = pipeline->shared->delivery();
            if (delivery.state == PipelineState::parked && delivery.error) {
                return delivery.error->at("dead letter " + std::to_string(id) +
                                          " cannot be sent again, delivery of source " +
                                          pipeline->parts.name + " is parked");
            }
            pipeline->delivery->replay(std::move(letter));
            return success();
        }
    }
    return Error(
        errors::kArgumentInvalid,
        "there is no dead letter " + std::to_string(id) + "; `tributary deadletter ls` lists them");
}

Result<std::uint64_t> Runtime::verify() {
    return verify_log(log_);
}

Result<void> Runtime::ask_snapshots(std::string_view pipeline, SnapshotDesk::Request request) {
    Pipeline* const found = find(pipeline);
    if (found == nullptr) {
        return unknown_source(pipeline);
    }
    if (found->parts.source->snapshots() == nullptr) {
        return Error(errors::kSnapshotRefused,
                     "source " + std::string(pipeline) + " is of a kind that has no snapshots");
    }
    PipelineShared& shared = *found->shared;
    TRIBUTARY_TRY_VOID(shared.desk.ask(std::move(request), kAskBudget));
    if (!shared.channel.wait_durable(shared.channel.appended(), kDurableBudget)) {
        return Error(errors::kSnapshotNotNow, "it was accepted, but it is not on the disk yet");
    }
    return success();
}

Result<void> Runtime::start_snapshot(std::string_view pipeline, const SnapshotRequest& request) {
    return ask_snapshots(pipeline, [request](Snapshots& seat, EntrySink& sink) {
        return seat.start(request, sink);
    });
}

Result<void> Runtime::stop_snapshot(std::string_view pipeline, const std::string& table) {
    return ask_snapshots(
        pipeline, [table](Snapshots& seat, EntrySink& sink) { return seat.stop(table, sink); });
}

bool Runtime::ready() const {
    return std::none_of(pipelines_.begin(), pipelines_.end(), [](const auto& pipeline) {
        const PipelineState intake = pipeline->shared->intake().state;
        return intake == PipelineState::starting || pipeline->shared->parked();
    });
}

}  // namespace tributary::runtime
