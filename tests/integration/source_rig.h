// What the tests of a database's source share, whichever it is: a pipeline without runtime, log and
// Kafka, that is a source and the entries that it appended, through the real BlockAssembler. One
// thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/intake/block_assembler.h"
#include "model/errors.h"
#include "ports/clock.h"
#include "ports/decoder.h"
#include "ports/observer.h"
#include "ports/side.h"
#include "ports/source.h"

namespace tributary::rig {

class RealClock final : public Clock {
  public:
    [[nodiscard]] SteadyTime now() const override;
    [[nodiscard]] std::int64_t wall_time_us() const override;
};

// Keeps log lines.
class KeptObserver final : public Observer {
  public:
    void log(LogLevel level,
             std::string_view pipeline,
             std::string_view message,
             std::initializer_list<LogField> fields) override;
    void error(std::string_view pipeline, const Error& error) override;
    void add(Counter counter, std::string_view pipeline, std::uint64_t amount) override;
    void set(Gauge gauge, std::string_view pipeline, std::int64_t value) override;

    std::string lines;
};

// The side keyspace, as a map; `refresh` takes in what was written since.
class MapSide final : public SideReader {
  public:
    [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) const override;
    [[nodiscard]] Result<std::vector<SideEntry>> scan(std::string_view prefix,
                                                      std::string_view after,
                                                      std::size_t limit) const override;

    std::map<std::string, std::string, std::less<>> values;
    std::function<void()> refresh;
};

// An entry, copied and decoded: "create t id=1 v=a", "end 2", "message p hello".
struct Taken {
    EntryKind kind = EntryKind::change;
    std::uint32_t ordinal = 0;
    std::string context;
    std::string text;
    std::shared_ptr<const TableSchema> schema;
};

using Texts = std::vector<std::string>;

// One pipeline: a source, and what it appended. restart() is what a killed agent does: everything
// is forgotten but the entries, the side values and the position. Whoever derives from it says in
// begin() how the source is made.
class SourceRig {
  public:
    explicit SourceRig(std::size_t pending_bytes_max);

    // From the position of what was appended so far.
    [[nodiscard]] Result<void> open();
    void restart();
    // Opens again as long as errors are transient, at most for 20 s.
    [[nodiscard]] Result<void> reopen();
    // Polls until `done`, an error, or 20 s are over; the last error, or success.
    Result<void> poll_until(const std::function<bool()>& done);
    // Until so many entries (of any kind but position) are there.
    Result<void> poll_until_count(std::size_t count);
    // Takes what the assembler has into `entries`.
    void collect();
    // All entries but positions, and their texts.
    [[nodiscard]] std::vector<Taken> events() const;
    [[nodiscard]] Texts texts() const;

    RealClock clock;
    KeptObserver observer;
    MapSide side;
    std::unique_ptr<Source> source;
    std::unique_ptr<core::BlockAssembler> assembler;
    std::vector<Taken> entries;

  protected:
    void begin(std::function<std::unique_ptr<Source>()> make_source);

  private:
    void make(const core::BlockAssembler::Start& start);

    std::size_t pending_bytes_max_;
    std::function<std::unique_ptr<Source>()> make_source_;
    std::vector<NewSchema> schemas_;
    std::unique_ptr<Decoder> decoder_;
};

}  // namespace tributary::rig
