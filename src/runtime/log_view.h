// LogView: entries of one pipeline's log as people read them, a bounded page at a time, without
// disturbing the pipeline: for `tap`, `buffer export` and the search by time. It has a decoder and
// an encoder of its own, made when the first page is asked for. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/result.h"
#include "ports/control.h"
#include "ports/decoder.h"
#include "ports/encoder.h"
#include "ports/event_log.h"

namespace tributary::runtime {

struct ViewParts {
    std::unique_ptr<Decoder> decoder;
    std::unique_ptr<Encoder> encoder;
};
using ViewFactory = std::function<Result<ViewParts>()>;

class LogView {
  public:
    LogView(std::string pipeline, ViewFactory make)
        : pipeline_(std::move(pipeline)), make_(std::move(make)) {}

    // As Control::events(). An entry that cannot be decoded is a line with "undecodable".
    [[nodiscard]] Result<EventsPage> page(EventLog& log, const EventsQuery& query);

  private:
    [[nodiscard]] Result<void> prepare(StreamId stream);
    [[nodiscard]] Result<void> add_block(EventLog& log,
                                         const Block& block,
                                         const EventsQuery& query,
                                         EventsPage& page);
    [[nodiscard]] Result<void> add_entry(EventLog& log,
                                         StreamId stream,
                                         const Entry& entry,
                                         const EventsQuery& query,
                                         EventsPage& page);

    const std::string pipeline_;
    const ViewFactory make_;
    std::mutex mutex_;
    ViewParts parts_;
    std::optional<StreamId> stream_;  // that parts_ know the schemas of
    Sequence next_;                   // that the decoder expects
    Arena arena_;
    std::vector<Record> records_;
};

// When the entry `at` of the block was taken in; nullopt: it is not in it.
[[nodiscard]] std::optional<std::int64_t> intake_time_us(const Block& block, Sequence at);

// When the entry `at` of the stream was taken in; nullopt: it is not in the log (any more, or yet).
[[nodiscard]] std::optional<std::int64_t> intake_time_us(EventLog& log,
                                                         StreamId stream,
                                                         Sequence at);

// The first entry of the pipeline's live stream that was taken in at or after `time_us` (the wall
// clock of its transaction's intake, taken to be rising); one past the last when there is none.
// kArgumentInvalid: the log has no such stream.
[[nodiscard]] Result<std::uint64_t> find_time(EventLog& log,
                                              std::string_view pipeline,
                                              std::int64_t time_us);

}  // namespace tributary::runtime
