// In-memory stand-ins for the four outside things of a pipeline: a source server, the log, Kafka
// and the observer. Each keeps the rules of its port (and reports a breach as a test failure) and
// fails when it is told to: appends that land or not before an error, commits whose outcome stays
// unknown. Any thread; one Bell wakes whoever waits for a change.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ports/clock.h"
#include "ports/decoder.h"
#include "ports/encoder.h"
#include "ports/event_log.h"
#include "ports/observer.h"
#include "ports/sink.h"
#include "ports/source.h"

namespace tributary::runtime_test {

inline constexpr std::chrono::seconds kPatience(20);

// Rung at every change that a test may wait for.
class Bell {
  public:
    void ring() {
        const std::lock_guard lock(mutex_);
        ++rings_;
        changed_.notify_all();
    }
    // True as soon as `holds` does, false after kPatience. `holds` is called without a lock held.
    [[nodiscard]] bool wait(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!holds()) {
            std::unique_lock lock(mutex_);
            const auto seen = rings_;
            changed_.wait_for(lock, std::chrono::milliseconds(5), [&] { return rings_ != seen; });
            if (std::chrono::steady_clock::now() > end) {
                return false;
            }
        }
        return true;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t rings_ = 0;
};

class TestClock final : public Clock {
  public:
    [[nodiscard]] SteadyTime now() const override {
        return std::chrono::steady_clock::now() + std::chrono::seconds(ahead_seconds);
    }
    // Stands still unless a test moves it: nothing may depend on its moving.
    [[nodiscard]] std::int64_t wall_time_us() const override { return wall_us; }
    std::atomic<std::int64_t> wall_us{1};
    std::atomic<std::int64_t> ahead_seconds{0};
};

class TestObserver final : public Observer {
  public:
    explicit TestObserver(Bell& bell) : bell_(bell) {}
    void log(LogLevel level,
             std::string_view pipeline,
             std::string_view message,
             std::initializer_list<LogField> fields) override;
    void error(std::string_view pipeline, const Error& error) override;
    void add(Counter counter, std::string_view pipeline, std::uint64_t amount) override;
    void set(Gauge gauge, std::string_view pipeline, std::int64_t value) override;

    [[nodiscard]] std::size_t errors(std::string_view name) const;
    [[nodiscard]] std::uint64_t count(Counter counter, const std::string& pipeline) const;
    [[nodiscard]] std::optional<std::int64_t> gauge(Gauge gauge, const std::string& pipeline) const;

  private:
    Bell& bell_;
    mutable std::mutex mutex_;
    std::vector<std::string> errors_;
    std::map<std::pair<Counter, std::string>, std::uint64_t> counters_;
    std::map<std::pair<Gauge, std::string>, std::int64_t> gauges_;
};

// The log: what was appended is durable at once, or fails as scripted and stays broken until
// reopen().
class MemoryLog final : public EventLog {
  public:
    enum class Failure { lost, landed };

    MemoryLog(Bell& bell, std::uint8_t id) : bell_(bell) { id_.bytes.fill(id); }

    [[nodiscard]] LogId id() const override { return id_; }
    [[nodiscard]] Result<std::optional<StreamInfo>> find_stream(std::string_view pipeline) override;
    [[nodiscard]] Result<StreamInfo> create_stream(std::string_view pipeline,
                                                   const StreamBase& base) override;
    [[nodiscard]] Result<std::vector<StreamInfo>> streams() override;
    [[nodiscard]] Result<void> append(std::span<const BlockPtr> blocks) override;
    [[nodiscard]] Result<void> reopen() override;
    [[nodiscard]] Result<BlockPtr> read(StreamId stream, Sequence at) override;
    [[nodiscard]] Result<std::shared_ptr<const TableSchema>> schema(StreamId stream,
                                                                    SchemaId id) override;
    [[nodiscard]] Result<std::vector<NewSchema>> schemas(StreamId stream) override;
    [[nodiscard]] Result<std::optional<std::string>> side(StreamId stream,
                                                          std::string_view key) override;
    [[nodiscard]] Result<std::vector<SideEntry>> scan_side(StreamId stream,
                                                           std::string_view prefix,
                                                           std::string_view after,
                                                           std::size_t limit) override;
    [[nodiscard]] Result<void> trim(StreamId stream, Sequence through) override;
    [[nodiscard]] Result<void> drop(StreamId stream, Sequence before) override;
    [[nodiscard]] Result<std::optional<std::string>> cached(std::string_view pipeline) override;
    [[nodiscard]] Result<void> cache(std::string_view pipeline, std::string_view value) override;
    [[nodiscard]] Result<std::uint64_t> put_dead_letter(const DeadLetter& letter) override;
    [[nodiscard]] Result<std::vector<DeadLetter>> dead_letters(std::string_view pipeline,
                                                               std::size_t limit) override;
    [[nodiscard]] Result<void> mark_replayed(std::uint64_t id) override;
    [[nodiscard]] Result<LogUsage> usage() override { return LogUsage{}; }

    // The next appends fail so; every call fails after each until reopen().
    void fail_appends(std::initializer_list<Failure> failures);
    void fail_next_dead_letter();
    void hold_appends(bool held);          // each waits until told otherwise
    void set_dead(bool dead);              // appends and reopen() fail until told otherwise
    void fail_reopen(const Error& error);  // from the next append on, for ever
    void set_blocks_max(const std::string& pipeline, std::size_t blocks);
    [[nodiscard]] std::size_t appends_of_many() const;  // that carried more than one pipeline
    [[nodiscard]] std::size_t reopened() const;
    [[nodiscard]] std::size_t blocks(const std::string& pipeline) const;
    [[nodiscard]] std::size_t replayed() const;
    // The greatest resume position that ever was durable for the pipeline.
    [[nodiscard]] Position durable_resume(const std::string& pipeline) const;

  private:
    struct Stream {
        StreamInfo info;
        std::vector<BlockPtr> blocks;
        std::vector<NewSchema> schemas;
        std::map<std::string, std::string> side;
    };
    [[nodiscard]] Stream* live(std::string_view pipeline);
    [[nodiscard]] Stream* find(StreamId id);
    [[nodiscard]] Result<void> admit(std::span<const BlockPtr> blocks);
    void store(std::span<const BlockPtr> blocks);

    Bell& bell_;
    LogId id_;
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Stream>> streams_;
    std::map<std::string, std::string, std::less<>> cache_;
    std::vector<DeadLetter> letters_;
    std::deque<Failure> failures_;
    std::map<std::string, std::size_t> blocks_max_;
    std::map<std::string, Position> durable_resume_;
    std::condition_variable released_;
    bool held_ = false;
    bool fail_dead_letter_ = false;
    bool broken_ = false;
    bool dead_ = false;
    Error dead_error_;
    std::size_t appends_of_many_ = 0;
    std::size_t reopened_ = 0;
};

// Positions of the source: 8 bytes of a transaction's place, and for identities 4 of the ordinal;
// both order as bytes do.
[[nodiscard]] Position at_transaction(std::uint64_t lsn);
[[nodiscard]] Position at_entry(std::uint64_t lsn, std::uint32_t ordinal);

// The source server: transactions in commit order, kept until they were confirmed.
class Upstream {
  public:
    explicit Upstream(Bell& bell) : bell_(bell) {}

    std::uint64_t commit(std::vector<std::string> rows);  // the transaction's place
    std::uint64_t keepalive();
    void fail_polls(std::size_t after_rows, std::size_t times);
    void fail_open(const Error& error);
    void set_pressure(Pressure pressure);
    void set_blocking(bool blocking);  // open() and poll() wait for interrupt()
    void set_identity(std::string identity);
    void set_snapshots(bool there);    // the source has the seat
    void set_complete(bool complete);  // what is committed now is all that there will be
    // What the seat was asked and took, in order: "start t where", "stop t".
    [[nodiscard]] std::vector<std::string> asked() const;
    void confirm_by_another(const Position& position);  // a twin of ours, or whoever moved the slot
    // What confirm() may say at most; beyond it is a test failure.
    std::function<Position()> held;

    [[nodiscard]] Position confirmed() const;
    [[nodiscard]] std::size_t opens() const;
    [[nodiscard]] std::size_t waiting() const;  // calls that block
    // Every row ever committed, in order.
    [[nodiscard]] std::vector<std::string> rows() const;

  private:
    friend class UpstreamSource;
    struct Item {
        std::uint64_t lsn = 0;
        std::vector<std::string> rows;
        bool keepalive = false;
    };

    Bell& bell_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Item> items_;
    Position confirmed_;
    std::optional<Pressure> pressure_;
    std::optional<Error> open_error_;
    std::string identity_ = "server 1";
    std::size_t fail_after_rows_ = 0;
    std::size_t failures_ = 0;
    std::size_t opens_ = 0;
    std::size_t waiting_ = 0;
    bool blocking_ = false;
    bool snapshots_ = false;
    bool complete_ = false;
    std::vector<std::string> asked_;
};

class UpstreamSource final : public Source, private Snapshots {
  public:
    // Reads `rows_per_poll` rows at most in one poll(), so that blocks end inside transactions.
    UpstreamSource(Upstream& server, std::size_t rows_per_poll)
        : server_(server), rows_per_poll_(rows_per_poll) {}

    [[nodiscard]] Result<void> open(const StartPoint& start, const SideReader& side) override;
    [[nodiscard]] Result<void> poll(EntrySink& sink, std::chrono::milliseconds wait) override;
    [[nodiscard]] Result<void> idle(std::chrono::milliseconds wait) override;
    void confirm(const Position& position) override;
    [[nodiscard]] bool notices_gaps() const override { return true; }
    [[nodiscard]] Result<std::optional<Pressure>> pressure() override;
    void close(std::chrono::milliseconds) override {}
    [[nodiscard]] Verdict reconcile(const LogExtent& log,
                                    const Checkpoint& checkpoint) const override;
    [[nodiscard]] std::unique_ptr<Decoder> make_decoder() const override;
    [[nodiscard]] std::string identity() const override;
    [[nodiscard]] std::string describe(const Position&) const override { return "somewhere"; }
    void interrupt() override;
    [[nodiscard]] Snapshots* snapshots() override;
    [[nodiscard]] bool complete() const override;

  private:
    // Refuses table "unknown"; takes requests between transactions only.
    [[nodiscard]] Result<bool> start(const SnapshotRequest& request, EntrySink& sink) override;
    [[nodiscard]] Result<bool> stop(const std::string& table, EntrySink& sink) override;
    [[nodiscard]] SnapshotStatus status() const override;
    void allow(std::uint64_t /*rows*/) override {}
    [[nodiscard]] Result<bool> take(const std::string& text, EntrySink& sink);
    [[nodiscard]] bool wait_for_item(std::unique_lock<std::mutex>& lock,
                                     std::chrono::milliseconds wait);
    void emit_row(EntrySink& sink, const Upstream::Item& item);
    void block(std::unique_lock<std::mutex>& lock);

    Upstream& server_;
    std::size_t rows_per_poll_;
    std::size_t item_ = 0;      // next to send
    std::uint32_t row_ = 0;     // of it
    bool interrupted_ = false;  // kept until noticed
};

// Kafka as one pipeline sees it.
class Cluster {
  public:
    enum class Outcome {
        spotless,
        committed,       // landed, but not beyond doubt
        unknown_landed,  // an error, yet it landed
        unknown_lost,    // an error, and it never lands
    };
    struct Landed {
        std::string topic;
        std::optional<std::string> key;
        std::optional<std::string> value;
        Sequence sequence;
        std::uint16_t sub_index = 0;
        SteadyTime handed_over{};
        SteadyTime landed{};
    };

    explicit Cluster(Bell& bell) : bell_(bell) {}

    void commits(std::initializer_list<Outcome> outcomes);  // of the next commits; then spotless
    void set_reachable(bool reachable);
    void set_hanging(bool hanging);  // every call waits for interrupt()
    void set_answers(bool answers) { answers_ = answers; }
    void refuse_with(std::string reason);  // what is said of "REFUSED"
    void refuse_dead_letters();            // the broker refuses every record of topic "dead"
    void take_large();                     // "TOO-LARGE" no longer is
    void set_settle_time(std::chrono::milliseconds time);  // before the rig starts
    void set_gather_bytes(std::uint64_t bytes);            // the same
    void seed(const Checkpoint& checkpoint);
    void forget_checkpoints();
    void fence();  // another producer took the transactional id

    [[nodiscard]] std::vector<Landed> records(std::string_view topic) const;
    [[nodiscard]] std::vector<std::string> values(std::string_view topic) const;
    [[nodiscard]] std::vector<Checkpoint> checkpoints() const;
    [[nodiscard]] std::optional<Checkpoint> newest() const;
    [[nodiscard]] std::size_t begun() const;
    [[nodiscard]] std::size_t recoveries() const;
    [[nodiscard]] std::size_t waiting() const;

  private:
    friend class ClusterSink;
    Bell& bell_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Landed> records_;
    std::vector<Checkpoint> checkpoints_;
    std::deque<Outcome> outcomes_;
    std::uint64_t epoch_ = 0;
    std::size_t begun_ = 0;
    std::size_t recoveries_ = 0;
    std::size_t waiting_ = 0;
    std::atomic<bool> answers_ = true;
    std::string reason_ = "refused";
    bool reachable_ = true;
    bool hanging_ = false;
    bool refuse_dead_letters_ = false;
    bool takes_large_ = false;
    std::chrono::milliseconds settle_time_{0};
    std::uint64_t gather_bytes_ = 0;
};

// Refuses at produce() a value with "TOO-LARGE" in it, and by the broker, at commit(), one with
// "REFUSED".
class ClusterSink final : public Sink {
  public:
    explicit ClusterSink(Cluster& cluster) : cluster_(cluster) {}

    [[nodiscard]] Result<std::optional<Checkpoint>> recover(
        std::chrono::milliseconds budget) override;
    [[nodiscard]] Result<void> prepare_topic(std::string_view topic) override;
    [[nodiscard]] Result<void> begin() override;
    [[nodiscard]] Result<void> produce(const Record& record) override;
    [[nodiscard]] std::chrono::milliseconds settle_time() const override {
        return cluster_.settle_time_;
    }
    [[nodiscard]] std::uint64_t gather_bytes() const override { return cluster_.gather_bytes_; }
    [[nodiscard]] Result<CommitOutcome> commit(const Checkpoint& checkpoint) override;
    [[nodiscard]] std::vector<Poison> take_poison() override;
    void close(std::chrono::milliseconds budget) override;
    [[nodiscard]] bool answers() const override { return cluster_.answers_; }
    void interrupt() override;

  private:
    enum class State { unusable, ready, open };
    struct Held {
        Record record;
        Cluster::Landed copy;
    };
    [[nodiscard]] Result<void> reach(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] Error fail(const char* what);
    void check_views();
    void land(const Checkpoint& checkpoint);

    Cluster& cluster_;
    State state_ = State::unusable;
    std::uint64_t epoch_ = 0;
    std::vector<Held> held_;
    std::vector<Poison> poison_;
    bool interrupted_ = false;
};

// One record per row, to topic "events": the row as it is. A row with "UNDECODABLE" in it gives
// kValueUndecodable.
class RowEncoder final : public Encoder {
  public:
    [[nodiscard]] Result<void> encode(const Change& change,
                                      Arena& arena,
                                      std::vector<Record>& out) override;
};

}  // namespace tributary::runtime_test
