// SqlChunkReader: chunks of a snapshot over a connection of their own, so that the catalogue and
// the checks never wait for one. Each chunk is one short read-only transaction that holds what any
// SELECT holds. Threads: the intake thread. Spec: PostgreSQL 15 manual, 13.2.2 "Repeatable Read",
// COPY, 9.27.8 "Transaction ID and Snapshot Information Functions".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/postgresql/options.h"
#include "connectors/postgresql/server/connection.h"
#include "connectors/postgresql/snapshot/chunk_port.h"

namespace tributary::postgresql {

// `at` without a page header that only comes before the next record: no record ends in it, and an
// idle server's stream never comes to it. PostgreSQL source, xlog_internal.h: short and long
// header.
[[nodiscard]] Lsn without_page_header(Lsn at,
                                      std::uint64_t page_bytes,
                                      std::uint64_t segment_bytes);

class SqlChunkReader final : public ChunkReader {
  public:
    // Connects at the first use and after each failure. All outlive this.
    SqlChunkReader(const Connection& connection,
                   const std::string& publication,
                   const Interrupter& interrupter)
        : connection_(connection), publication_(publication), interrupter_(interrupter) {}

    [[nodiscard]] Result<std::vector<std::uint32_t>> open_transactions() override;
    [[nodiscard]] Result<BegunChunk> begin(const std::string& schema,
                                           const std::string& table) override;
    [[nodiscard]] Result<SnapshotFacts> describe(std::uint32_t oid) override;
    [[nodiscard]] Result<CatalogueTable> catalogue(std::uint32_t oid) override;
    [[nodiscard]] Result<void> ask(const std::string& sql) override;
    [[nodiscard]] Result<void> rows(
        const std::function<bool(std::string_view line)>& on_line) override;
    [[nodiscard]] Result<void> part(
        const std::string& select,
        std::uint64_t rows_max,
        const std::function<bool(const std::vector<std::optional<std::string_view>>& cells)>&
            on_row) override;
    [[nodiscard]] Result<void> end() override;
    void abandon() override;

    // The connection is given back; the next use makes another.
    void close() override { session_.reset(); }

  private:
    Result<Session*> session();

    const Connection& connection_;
    const std::string& publication_;
    const Interrupter& interrupter_;
    std::optional<Session> session_;
    bool cursor_open_ = false;  // of the transaction
    std::uint64_t page_bytes_ = 8192;
    std::uint64_t segment_bytes_ = 16ULL << 20U;
};

}  // namespace tributary::postgresql
