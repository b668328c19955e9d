#include "runtime/log_writer.h"

#include <algorithm>
#include <utility>

#include "base/planted.h"
#include "model/errors.h"
#include "model/source_errors.h"

namespace tributary::runtime {
namespace {

constexpr std::chrono::milliseconds kFullPause(200);
constexpr std::chrono::milliseconds kIdleWait(1000);
constexpr std::chrono::milliseconds kStoppingPause(100);

std::int64_t to_ms(SteadyTime time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

LogWriter::LogWriter(EventLog& log, const Clock& clock, Observer& observer, Execution* execution)
    : log_(log),
      clock_(clock),
      observer_(observer),
      backoff_(std::chrono::milliseconds(50), std::chrono::seconds(5)),
      execution_(execution),
      wake_(execution),
      job_done_(execution) {}

LogWriter::~LogWriter() {
    stop(std::chrono::milliseconds(0));
}

void LogWriter::add_lane(Lane lane) {
    lanes_.push_back(std::make_unique<Lane>(std::move(lane)));
}

void LogWriter::start() {
    beat_ = to_ms(clock_.now());
    thread_ = Thread(execution_, "trib-log", [this] { run(); });
}

void LogWriter::stop(std::chrono::milliseconds budget) {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        deadline_ = clock_.now() + budget;
        wake_.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

void LogWriter::wake() {
    const std::lock_guard lock(mutex_);
    pending_ = true;
    wake_.notify_one();
}

void LogWriter::hurry() {
    const std::lock_guard lock(mutex_);
    hurry_ = true;
    pending_ = true;
    wake_.notify_one();
}

Result<std::uint64_t> LogWriter::put_dead_letter(const DeadLetter& letter) {
    return on_thread<std::uint64_t>([&]() -> Result<std::uint64_t> {
        auto id = log_.put_dead_letter(letter);
        if (!id) {
            reopen_after(id.error());
        }
        return id;
    });
}

Result<StreamInfo> LogWriter::create_stream(const std::string& pipeline, const StreamBase& base) {
    return on_thread<StreamInfo>([&]() -> Result<StreamInfo> {
        auto stream = log_.create_stream(pipeline, base);
        if (!stream) {
            reopen_after(stream.error());
        }
        return stream;
    });
}

Result<StreamInfo> LogWriter::drop(const std::string& pipeline, Sequence before) {
    return on_thread<StreamInfo>([&]() -> Result<StreamInfo> {
        TRIBUTARY_TRY(stream, log_.find_stream(pipeline));
        if (!stream) {
            return no_events_of(pipeline);
        }
        const auto dropped = log_.drop(stream->id, before);
        if (!dropped) {
            if (!dropped.error().is(errors::kArgumentInvalid)) {
                reopen_after(dropped.error());
            }
            return dropped.error();
        }
        TRIBUTARY_TRY(after, log_.find_stream(pipeline));
        return *after;
    });
}

// A log that failed to write takes nothing more until it was reopened.
void LogWriter::reopen_after(const Error& error) {
    if (error.is(errors::kLogFull)) {
        return;
    }
    (void)reopen();
}

bool LogWriter::reopen() {
    const auto reopened = log_.reopen();
    closed_ = !reopened;
    if (closed_) {
        observer_.error({}, reopened.error());
    }
    const std::lock_guard lock(mutex_);
    trouble_ = closed_ ? std::optional(reopened.error()) : std::nullopt;
    return !closed_;
}

std::optional<Error> LogWriter::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

std::optional<Error> LogWriter::failed() const {
    auto error = trouble();
    return error && !error->transient() ? error : std::nullopt;
}

template <typename T>
Result<T> LogWriter::on_thread(const std::function<Result<T>()>& job) {
    std::optional<Result<T>> answer;
    std::unique_lock lock(mutex_);
    if (stopping_) {
        return Error(errors::kLogIo, "the log writer is stopping");
    }
    jobs_.emplace_back([&] {
        Result<T> result = job();
        const std::lock_guard answer_lock(mutex_);
        answer.emplace(std::move(result));
        job_done_.notify_all();
    });
    pending_ = true;
    wake_.notify_one();
    job_done_.wait(lock, [&] { return answer.has_value(); });
    return std::move(*answer);
}

void LogWriter::run() {
    for (;;) {
        beat_ = to_ms(clock_.now());
        run_jobs();
        if (write_once()) {
            continue;
        }
        if (closed_ && !failed()) {
            // There is nothing to write, but others read: without a log delivery cannot even begin.
            (void)reopen();
        }
        std::unique_lock lock(mutex_);
        if (stopping_ && jobs_.empty()) {
            return;
        }
        wake_.wait_for(lock, kIdleWait, [&] { return pending_ || stopping_ || !jobs_.empty(); });
        pending_ = false;
    }
}

void LogWriter::run_jobs() {
    std::vector<std::function<void()>> jobs;
    {
        const std::lock_guard lock(mutex_);
        jobs.swap(jobs_);
    }
    for (const auto& job : jobs) {
        job();
    }
}

// True when everything that waits to be written is little and of patient lanes.
bool LogWriter::nobody_waits() const {
    std::size_t bytes = 0;
    for (const auto& lane : lanes_) {
        const std::size_t waiting = lane->channel->append_bytes();
        if (waiting > 0 && !lane->patient) {
            return false;
        }
        bytes += waiting;
    }
    return bytes < kPaceBytes;
}

// Each write costs a page of the disk beyond its bytes, and a wait for the disk.
void LogWriter::wait_for_more() {
    const auto since =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - last_write_);
    if (since < kPace) {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, kPace - since, [&] {
            return hurry_ || stopping_ || !jobs_.empty() || !nobody_waits();
        });
    }
}

bool LogWriter::write_once() {
    wait_for_more();
    {
        const std::lock_guard lock(mutex_);
        pending_ = false;  // what comes from here on is news
        hurry_ = false;
    }
    std::vector<Batch> batches = collect();
    if (batches.empty()) {
        return false;
    }
    last_write_ = clock_.now();
    if (planted::is(planted::Bug::ack_before_fsync)) {
        std::for_each(
            batches.begin(), batches.end(), [this](const Batch& batch) { publish(batch); });
    }
    const auto appended = append(batches);
    if (appended) {
        backoff_.reset();
        for (const Batch& batch : batches) {
            publish(batch);
        }
        return true;
    }
    if (appended.error().is(errors::kLogFull)) {
        append_apart(batches);
    } else {
        observer_.error({}, appended.error());
        recover(batches);
    }
    for (Batch& batch : batches) {
        batch.lane->channel->put_back(std::move(batch.blocks));
    }
    const bool hopeless = failed().has_value();
    const std::lock_guard lock(mutex_);
    return !(stopping_ && (hopeless || clock_.now() >= deadline_));
}

std::vector<LogWriter::Batch> LogWriter::collect() {
    std::vector<Batch> batches;
    for (const auto& lane : lanes_) {
        auto blocks = lane->channel->take_for_append(kQuotaBytes);
        if (!blocks.empty()) {
            batches.push_back({lane.get(), std::move(blocks)});
        }
    }
    return batches;
}

Result<void> LogWriter::append(std::span<const Batch> batches) {
    std::vector<BlockPtr> blocks;
    for (const Batch& batch : batches) {
        blocks.insert(blocks.end(), batch.blocks.begin(), batch.blocks.end());
    }
    return log_.append(blocks);
}

// One pipeline's bound must not stop the others: each batch by itself. Those written are emptied.
void LogWriter::append_apart(std::vector<Batch>& batches) {
    bool any = false;
    for (Batch& batch : batches) {
        const auto appended = append({&batch, 1});
        const bool news = batch.lane->channel->set_full(batch.blocks.front()->stream, !appended);
        if (appended) {
            publish(batch);
            batch.blocks.clear();
            any = true;
        } else if (news) {
            observer_.error(batch.lane->pipeline, appended.error());
        }
    }
    if (!any) {
        pause(kFullPause, true);
    }
}

// What of `batches` survived is published and taken out of them; the rest is written again.
void LogWriter::recover(std::vector<Batch>& batches) {
    pause(backoff_.next(0xFFFFFFFFU), false);
    if (!reopen()) {
        return;
    }
    for (Batch& batch : batches) {
        const auto stream = log_.find_stream(batch.lane->pipeline);
        if (!stream || !stream.value() || stream.value()->id != batch.blocks.front()->stream) {
            continue;
        }
        std::vector<BlockPtr> survived;
        while (!batch.blocks.empty() && batch.blocks.front()->last <= stream.value()->extent.last) {
            survived.push_back(std::move(batch.blocks.front()));
            batch.blocks.erase(batch.blocks.begin());
        }
        if (!survived.empty()) {
            const BlockPtr& last = survived.back();
            batch.lane->channel->set_full(last->stream, false);
            batch.lane->channel->set_durable(last->stream, {last->last, last->resume});
        }
    }
}

void LogWriter::publish(const Batch& batch) {
    const BlockPtr& last = batch.blocks.back();
    batch.lane->channel->set_full(last->stream, false);
    batch.lane->channel->set_durable(last->stream, {last->last, last->resume});
    observer_.set(Gauge::durable_sequence,
                  batch.lane->pipeline,
                  static_cast<std::int64_t>(last->last.value()));
}

// Ends early for a job or a stop, and with `until_pending` for new blocks. While stopping the
// writer tries again until its deadline, without spinning.
void LogWriter::pause(std::chrono::milliseconds wait, bool until_pending) {
    std::unique_lock lock(mutex_);
    const bool stopped_before = stopping_;
    if (stopped_before) {
        wait = std::min(wait, kStoppingPause);
    }
    wake_.wait_for(lock, wait, [&] {
        return !jobs_.empty() || stopping_ != stopped_before || (until_pending && pending_);
    });
}

}  // namespace tributary::runtime
