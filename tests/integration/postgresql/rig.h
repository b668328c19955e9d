// What the tests of the PostgreSQL source share: a server of their own, a source on it, and the
// entries that it appended, through the real BlockAssembler. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connectors/postgresql/postgresql.h"
#include "core/intake/block_assembler.h"
#include "model/errors.h"
#include "ports/no_side.h"
#include "tests/servers/places.h"
#include "tests/servers/postgres.h"

namespace tributary::postgresql::testing {

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

// An entry, copied and decoded: "0 create public.t id=1 v=a", "end 2", "message p hello".
struct Taken {
    EntryKind kind = EntryKind::change;
    std::uint32_t ordinal = 0;
    std::string context;
    std::string text;
    std::shared_ptr<const TableSchema> schema;
};

using Settings = std::vector<std::pair<std::string, std::string>>;

// A server for one test or one suite: database `plant`, role `tributary` with REPLICATION and a
// password.
class Server {
  public:
    explicit Server(Settings settings = {});

    servers::SqlRows sql(const std::string& text) { return postgres->sql(text, "plant"); }
    // Over TCP, as role tributary, without TLS.
    [[nodiscard]] Options options(const std::string& slot) const;

    servers::TemporaryDirectory directory{"tributary-pgio"};
    std::unique_ptr<servers::Postgres> postgres;
};

// One pipeline: a source, and what it appended. restart() is what a killed agent does: everything
// is forgotten but the entries and the position.
class Pipeline {
  public:
    explicit Pipeline(Options options, std::size_t pending_bytes_max = 64U << 20U);

    // From the position of what was appended so far.
    [[nodiscard]] Result<void> open();
    void restart();
    // Polls until `done`, an error, or 20 s are over; the last error, or success.
    Result<void> poll_until(const std::function<bool()>& done);
    // Until so many entries (of any kind but position) are there.
    Result<void> poll_until_count(std::size_t count);
    // Takes what the assembler has into `entries`.
    void collect();
    // All entries but positions, and their texts.
    [[nodiscard]] std::vector<Taken> events() const;
    [[nodiscard]] std::vector<std::string> texts() const;

    Options options;
    RealClock clock;
    KeptObserver observer;
    NoSide side;
    std::unique_ptr<Source> source;
    std::unique_ptr<core::BlockAssembler> assembler;
    std::vector<Taken> entries;

  private:
    void make(const core::BlockAssembler::Start& start);
    std::size_t pending_bytes_max_;
    std::vector<NewSchema> schemas_;
    std::unique_ptr<Decoder> decoder_;
};

}  // namespace tributary::postgresql::testing
