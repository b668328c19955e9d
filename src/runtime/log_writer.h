// LogWriter: the one thread that writes to the log. It takes what every pipeline has waiting,
// within a quota each so that none starves another, writes it as one batch with one fsync, and
// moves each pipeline's durable number. After a failed write it reopens the log and goes by what
// reopening recovered.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/retry.h"
#include "ports/clock.h"
#include "ports/event_log.h"
#include "ports/observer.h"
#include "runtime/channel.h"
#include "runtime/execution.h"

namespace tributary::runtime {

class LogWriter {
  public:
    struct Lane {
        std::string pipeline;
        Channel* channel;
        // Nobody waits for what this lane has, unless hurry() says so: small writes may wait for
        // more, which spares the disk.
        bool patient = false;
    };

    // `log`, `clock`, `observer`, `execution` (null: a thread) and the channels outlive the writer.
    LogWriter(EventLog& log,
              const Clock& clock,
              Observer& observer,
              Execution* execution = nullptr);
    ~LogWriter();

    void add_lane(Lane lane);  // before start()
    void start();
    // Writes what waits, then ends; at most `budget`.
    void stop(std::chrono::milliseconds budget);

    // Something was pushed to a channel. Any thread.
    void wake();
    // Somebody waits for what was pushed: it is written at once. Any thread.
    void hurry();
    // Stores a dead letter through the writer thread and waits; the log is reopened when it failed.
    // Any other thread.
    [[nodiscard]] Result<std::uint64_t> put_dead_letter(const DeadLetter& letter);
    // Creates a stream between two writes and waits, so that no block of an older stream is on its
    // way into the log when that is set aside: the channel must have been reset before. Any other
    // thread.
    [[nodiscard]] Result<StreamInfo> create_stream(const std::string& pipeline,
                                                   const StreamBase& base);

    // Gives up entries of the pipeline's live stream (EventLog::drop); the stream as it is then.
    // kArgumentInvalid: there is none, or it ends before. Any other thread.
    [[nodiscard]] Result<StreamInfo> drop(const std::string& pipeline, Sequence before);

    // The error by which the log cannot be opened again after a failure. Any thread.
    [[nodiscard]] std::optional<Error> trouble() const;
    // The same, when trying once more is of no use. Any thread.
    [[nodiscard]] std::optional<Error> failed() const;

    // Steady milliseconds of the last sign of life.
    [[nodiscard]] std::int64_t last_beat_ms() const {
        return beat_.load(std::memory_order_relaxed);
    }

  private:
    // Per pipeline and write: what waits for an fsync hardly depends on how much it is.
    static constexpr std::size_t kQuotaBytes = 1U << 20U;
    // Patient lanes: the shortest time between two writes of less than this.
    static constexpr std::chrono::milliseconds kPace{25};
    static constexpr std::size_t kPaceBytes = 128U << 10U;

    struct Batch {
        Lane* lane;
        std::vector<BlockPtr> blocks;
    };

    void run();
    void wait_for_more();
    [[nodiscard]] bool nobody_waits() const;
    [[nodiscard]] bool write_once();  // false: nothing was there
    [[nodiscard]] std::vector<Batch> collect();
    [[nodiscard]] Result<void> append(std::span<const Batch> batches);
    void append_apart(std::vector<Batch>& batches);
    void recover(std::vector<Batch>& batches);
    void publish(const Batch& batch);
    void run_jobs();
    void reopen_after(const Error& error);
    [[nodiscard]] bool reopen();
    template <typename T>
    [[nodiscard]] Result<T> on_thread(const std::function<Result<T>()>& job);
    void pause(std::chrono::milliseconds wait, bool until_pending);

    EventLog& log_;
    const Clock& clock_;
    Observer& observer_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    core::Backoff backoff_;
    Execution* execution_;
    Thread thread_;
    mutable std::mutex mutex_;
    Condition wake_;
    Condition job_done_;
    bool pending_ = false;
    bool hurry_ = false;
    SteadyTime last_write_;  // the thread's own
    bool stopping_ = false;
    std::optional<Error> trouble_;
    SteadyTime deadline_;
    std::vector<std::function<void()>> jobs_;
    bool closed_ = false;  // the log, after a reopen() that failed; the thread's own
    std::atomic<std::int64_t> beat_{0};
};

}  // namespace tributary::runtime
