// What the tests of the MySQL source share: a server of their own, a source on it, and the entries
// that it appended, through the real BlockAssembler. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/mysql/mysql.h"
#include "core/intake/block_assembler.h"
#include "model/errors.h"
#include "ports/side.h"
#include "tests/servers/mysqld.h"
#include "tests/servers/places.h"

namespace tributary::mysql::testing {

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

// An entry, copied and decoded: "create t id=1 v=a", "end 2".
struct Taken {
    EntryKind kind = EntryKind::change;
    std::uint32_t ordinal = 0;
    std::string text;
};

using Settings = std::vector<std::pair<std::string, std::string>>;
using Texts = std::vector<std::string>;

// A server for one test or one suite: database `plant`, account `tributary` with what it needs.
class Server {
  public:
    explicit Server(servers::MysqldKind kind, Settings settings = {});

    servers::SqlRows sql(const std::string& text) { return mysqld->sql(text, "plant"); }
    // Over TCP, as tributary, without TLS.
    [[nodiscard]] Options options() const;

    servers::TemporaryDirectory directory{"tributary-myio"};
    std::unique_ptr<servers::Mysqld> mysqld;
};

// One pipeline: a source, and what it appended. restart() is what a killed agent does: everything
// is forgotten but the entries, the side values and the position.
class Pipeline {
  public:
    explicit Pipeline(Options options, std::size_t pending_bytes_max = 64U << 20U);

    // From the position of what was appended so far.
    [[nodiscard]] Result<void> open();
    void restart();
    // Opens again as long as errors are transient, at most for 60 s.
    [[nodiscard]] Result<void> reopen();
    // Polls until `done`, an error, or 60 s are over; the last error, or success.
    Result<void> poll_until(const std::function<bool()>& done);
    // Until so many entries (of any kind but position) are there.
    Result<void> poll_until_count(std::size_t count);
    // Takes what the assembler has into `entries`.
    void collect();
    // All entries but positions, and their texts.
    [[nodiscard]] std::vector<Taken> events() const;
    [[nodiscard]] Texts texts() const;

    Options options;
    RealClock clock;
    KeptObserver observer;
    MapSide side;
    std::unique_ptr<Source> source;
    std::unique_ptr<core::BlockAssembler> assembler;
    std::vector<Taken> entries;

  private:
    void make(const core::BlockAssembler::Start& start);
    std::size_t pending_bytes_max_;
    std::vector<NewSchema> schemas_;
    std::unique_ptr<Decoder> decoder_;
};

}  // namespace tributary::mysql::testing
