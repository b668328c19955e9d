// SqlChunkReader: reads chunks of a snapshot over a connection of its own, made when it is needed.
// Threads: the intake thread. MySQL 9 manual 17.7.2.3 "Consistent Nonlocking Reads"; MariaDB
// knowledge base, "START TRANSACTION WITH CONSISTENT SNAPSHOT", "binlog_snapshot_position".
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "connectors/mysql/options.h"
#include "connectors/mysql/server/sql.h"
#include "connectors/mysql/snapshot/chunk_port.h"

namespace tributary::mysql {

class SqlChunkReader final : public ChunkReader {
  public:
    explicit SqlChunkReader(const Connection& connection) : connection_(connection) {}

    // Before anything else, and when the server may be another.
    void use(ServerKind kind, ChunkRule rule);

    [[nodiscard]] Result<BegunChunk> begin(const std::string& database,
                                           const std::string& table) override;
    [[nodiscard]] Result<TableFacts> describe(const std::string& database,
                                              const std::string& table) override;
    [[nodiscard]] Result<void> ask(const std::string& sql) override;
    [[nodiscard]] Result<void> rows(const std::function<bool(Cells cells)>& on_row) override;
    [[nodiscard]] Result<void> part(const std::string& sql,
                                    std::uint64_t rows_max,
                                    const std::function<bool(Cells cells)>& on_row) override;
    [[nodiscard]] Result<void> end() override;
    void abandon() override;
    void close() override;

  private:
    Result<SqlSession*> session();
    Result<void> run(const std::string& statement);
    Result<void> see(BegunChunk& begun);
    Result<void> view(const std::string& name, BegunChunk& begun);
    Result<Place> binlog_end();
    Result<void> open_cursor(const std::string& sql);
    void kill();

    const Connection& connection_;
    ServerKind kind_ = ServerKind::mysql;
    ChunkRule rule_ = ChunkRule::gtids;
    std::optional<SqlSession> session_;
    std::string connection_id_;
    std::optional<SqlCursor> cursor_;  // of ask(), or of part()
    bool parts_ended_ = false;
};

}  // namespace tributary::mysql
