// What a snapshot needs to read of the database, and the port it asks through; implemented over SQL
// by the I/O half (chunk_reader.h). One chunk is begin(), describe() where the table may have
// changed, ask(), rows(), end(), or abandon() at any point. Threads: the intake thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/postgresql/lsn.h"
#include "connectors/postgresql/server/catalogue_port.h"
#include "connectors/postgresql/snapshot/snapshot_table.h"
#include "connectors/postgresql/snapshot/visible_set.h"

namespace tributary::postgresql {

// What the chunk sees, and of what.
struct BegunChunk {
    bool exists = true;     // false: there is no such table any more; nothing was begun
    bool published = true;  // false: not any more; nothing was begun
    std::uint32_t oid = 0;
    std::string fingerprint{};  // of the table's structure, and of what of it is published
    std::optional<VisibleSet> visible{};  // of a primary
    Lsn replayed{};                       // of a standby: what commits below is seen
    Lsn place{};                          // everything that is seen commits below
};

class ChunkReader {
  public:
    virtual ~ChunkReader() = default;

    // Top-level and sub-transactions that have an id and are open now, or are leaving.
    [[nodiscard]] virtual Result<std::vector<std::uint32_t>> open_transactions() = 0;

    // Begins a read-only transaction with one snapshot for all that follows; the table can not be
    // altered meanwhile. kSourceRights, kPublicationMissing, kSourceUnreachable (also: somebody has
    // the table locked).
    [[nodiscard]] virtual Result<BegunChunk> begin(const std::string& schema,
                                                   const std::string& table) = 0;
    [[nodiscard]] virtual Result<SnapshotFacts> describe(std::uint32_t oid) = 0;
    [[nodiscard]] virtual Result<CatalogueTable> catalogue(std::uint32_t oid) = 0;
    // Begins a COPY, without waiting for its lines: the server makes them meanwhile.
    [[nodiscard]] virtual Result<void> ask(const std::string& sql) = 0;
    // Each line of it, as it comes; false from `on_line`: no more are wanted.
    [[nodiscard]] virtual Result<void> rows(
        const std::function<bool(std::string_view line)>& on_line) = 0;
    // The next `rows_max` rows of `select`, in the transaction: the first call begins it, each goes
    // on where the one before ended, and the last gives none. A cell is its text, or NULL.
    [[nodiscard]] virtual Result<void> part(
        const std::string& select,
        std::uint64_t rows_max,
        const std::function<bool(const std::vector<std::optional<std::string_view>>& cells)>&
            on_row) = 0;
    // Ends the transaction.
    [[nodiscard]] virtual Result<void> end() = 0;
    // Ends it without a result; the next begin() starts clean.
    virtual void abandon() = 0;
    // Nothing is to be read for a while: what is held for it may be given back.
    virtual void close() {}
};

}  // namespace tributary::postgresql
