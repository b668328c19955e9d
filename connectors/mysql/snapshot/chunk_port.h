// What a snapshot needs to read of the database, and the port it asks through; implemented over SQL
// by the I/O half (chunk_reader.h). One chunk is begin(), describe() where the table may have
// changed, ask(), rows(), end(), or abandon() at any point. Threads: the intake thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/binlog/gtid.h"
#include "connectors/mysql/position.h"
#include "connectors/mysql/server/catalogue_port.h"

namespace tributary::mysql {

// How a server says what a chunk sees (docs/snapshots.md).
enum class ChunkRule : std::uint8_t {
    gtids,   // MySQL: @@gtid_executed as of before
    place,   // MySQL without GTIDs: performance_schema.log_status as of before
    exactly  // MariaDB: the place of a consistent snapshot
};

struct BegunChunk {
    bool exists = true;         // false: there is no such table any more; nothing was begun
    std::string fingerprint{};  // of the table's structure; differs after any ALTER
    std::optional<MysqlGtidSet> executed{};  // rule gtids: every one of them is seen
    Place place{};                           // else: what begins below is seen
    Place ends{};                            // everything that is seen ends below
};

struct TableFacts {
    std::string database{};
    std::string table{};
    TableStructure structure{};
    std::vector<std::uint64_t> octets{};  // by column: CHARACTER_OCTET_LENGTH, 0 where none
};

class ChunkReader {
  public:
    using Cells = std::span<const std::optional<std::string_view>>;

    virtual ~ChunkReader() = default;

    // Begins a read-only transaction with one view, in which the table cannot be altered. What is
    // not in `executed`, or begins at `place` or later, is not seen under the rule `exactly`; under
    // the others it may be. kSourceRights, kSourceUnreachable (also: somebody has the table
    // locked).
    [[nodiscard]] virtual Result<BegunChunk> begin(const std::string& database,
                                                   const std::string& table) = 0;
    [[nodiscard]] virtual Result<TableFacts> describe(const std::string& database,
                                                      const std::string& table) = 0;
    // Begins a SELECT, without waiting for its rows: the server makes them meanwhile.
    [[nodiscard]] virtual Result<void> ask(const std::string& sql) = 0;
    // Each row of it, as it comes; false from `on_row`: no more are wanted.
    [[nodiscard]] virtual Result<void> rows(const std::function<bool(Cells cells)>& on_row) = 0;
    // The next rows of a SELECT, in the view: the first call begins it, each goes on where the one
    // before ended, and the last gives none.
    [[nodiscard]] virtual Result<void> part(const std::string& sql,
                                            std::uint64_t rows_max,
                                            const std::function<bool(Cells cells)>& on_row) = 0;
    // Ends the transaction.
    [[nodiscard]] virtual Result<void> end() = 0;
    // Ends it, whatever state it is in; the next begin() starts clean.
    virtual void abandon() = 0;
    // Nothing is to be read for a while: what is held for it may be given back.
    virtual void close() {}
};

}  // namespace tributary::mysql
