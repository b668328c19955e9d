// SimChunkReader: the SQL side of a snapshot over SimPostgres
// (connectors/postgresql/snapshot/chunk_port.h): each answer takes its time, while the application
// goes on and the server may go away. One thread (the agent's intake fiber).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connectors/postgresql/snapshot/chunk_port.h"
#include "tests/sim/sim_postgres.h"

namespace tributary::sim {

class SimChunkReader final : public postgresql::ChunkReader {
  public:
    // Waits as long as a statement takes; kSourceUnreachable.
    using RoundTrip = std::function<Result<void>(const char* doing)>;

    SimChunkReader(Scheduler& scheduler, SimPostgres& server, Rng random, RoundTrip round_trip)
        : scheduler_(scheduler),
          server_(server),
          random_(random),
          round_trip_(std::move(round_trip)) {}

    [[nodiscard]] Result<std::vector<std::uint32_t>> open_transactions() override;
    [[nodiscard]] Result<postgresql::BegunChunk> begin(const std::string& schema,
                                                       const std::string& table) override;
    [[nodiscard]] Result<postgresql::SnapshotFacts> describe(std::uint32_t oid) override;
    [[nodiscard]] Result<postgresql::CatalogueTable> catalogue(std::uint32_t oid) override;
    [[nodiscard]] Result<void> ask(const std::string& sql) override;
    [[nodiscard]] Result<void> rows(
        const std::function<bool(std::string_view line)>& on_line) override;
    [[nodiscard]] Result<void> part(
        const std::string& select,
        std::uint64_t rows_max,
        const std::function<bool(const std::vector<std::optional<std::string_view>>& cells)>&
            on_row) override;
    [[nodiscard]] Result<void> end() override;
    void abandon() override { view_.reset(); }
    void close() override { view_.reset(); }

  private:
    [[nodiscard]] Result<void> wait(const char* doing);

    Scheduler& scheduler_;
    SimPostgres& server_;
    Rng random_;
    RoundTrip round_trip_;
    std::string asked_;
    std::shared_ptr<SimPostgres::View> view_;
};

}  // namespace tributary::sim
