// SimMysqlChunks: the SQL side of a snapshot over SimMysql
// (connectors/mysql/snapshot/chunk_port.h): each answer takes its time, while the application goes
// on and the server may go away. One thread (the agent's intake fiber).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "connectors/mysql/snapshot/chunk_port.h"
#include "tests/sim/sim_mysql.h"

namespace tributary::sim {

class SimMysqlChunks final : public mysql::ChunkReader {
  public:
    // Waits as long as a statement takes; kSourceUnreachable.
    using RoundTrip = std::function<Result<void>(const char* doing)>;

    SimMysqlChunks(SimMysql& server, RoundTrip round_trip)
        : server_(server), round_trip_(std::move(round_trip)) {}

    void use(mysql::ChunkRule rule) { rule_ = rule; }

    [[nodiscard]] Result<mysql::BegunChunk> begin(const std::string& database,
                                                  const std::string& table) override;
    [[nodiscard]] Result<mysql::TableFacts> describe(const std::string& database,
                                                     const std::string& table) override;
    [[nodiscard]] Result<void> ask(const std::string& sql) override;
    [[nodiscard]] Result<void> rows(const std::function<bool(Cells cells)>& on_row) override;
    [[nodiscard]] Result<void> part(const std::string& sql,
                                    std::uint64_t rows_max,
                                    const std::function<bool(Cells cells)>& on_row) override;
    [[nodiscard]] Result<void> end() override;
    void abandon() override { view_.reset(); }
    void close() override { view_.reset(); }

  private:
    [[nodiscard]] Result<void> wait(const char* doing);
    bool give(int key, const RowState& row, const std::function<bool(Cells cells)>& on_row) const;
    [[nodiscard]] Result<void> see(mysql::BegunChunk& begun);

    SimMysql& server_;
    RoundTrip round_trip_;
    mysql::ChunkRule rule_ = mysql::ChunkRule::gtids;
    std::size_t table_ = 0;
    std::string asked_;
    int part_after_ = 0;  // key of the last row of part()
    std::shared_ptr<MysqlView> view_;
};

}  // namespace tributary::sim
