// MemoryLog: the smallest EventLog that keeps the port's promises, in memory: the model that the
// contract suite holds against RocksLog, and the log of tests that need no disk. Everything
// appended counts as durable; reopen() keeps what is there. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ports/event_log.h"

namespace tributary {

class MemoryLog final : public EventLog {
  public:
    explicit MemoryLog(LogId id = {{1}}) : id_(id) {}

    // The next append() writes nothing and returns `error`; unless it is kLogFull, so does every
    // later one until reopen().
    void fail_next_append(Error error);

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
    [[nodiscard]] Result<LogUsage> usage() override;

  private:
    struct Stream {
        StreamInfo info;
        std::map<std::uint64_t, BlockPtr> blocks;  // by first sequence
        std::map<std::uint32_t, std::shared_ptr<const TableSchema>> schemas;
        std::map<std::string, std::string, std::less<>> side;
    };

    [[nodiscard]] Stream* live(std::string_view pipeline);
    void take(const BlockPtr& block);

    const LogId id_;
    std::mutex mutex_;
    std::map<std::uint32_t, Stream> streams_;
    std::map<std::string, std::string, std::less<>> cache_;
    std::vector<DeadLetter> letters_;
    std::optional<Error> failure_;
    bool broken_ = false;
};

}  // namespace tributary
