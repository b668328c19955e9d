// Store: one open RocksDB with its keyspaces, options tuned for a log in a small process
// (docs/log-format.md, "RocksDB"), and the mapping of its statuses to our errors. Private to
// src/log. Threads: as RocksDB (any), but opened and closed by one.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/log_options.h"
#include "model/ids.h"
#include "ports/observer.h"

namespace tributary {

// kLogCorrupt, kStateDirLocked or kLogIo, with `what` and RocksDB's own text.
[[nodiscard]] Error store_error(const rocksdb::Status& status, std::string_view what);

// Owned by whatever the slice is owned by.
[[nodiscard]] inline std::string_view to_view(const rocksdb::Slice& slice) noexcept {
    return {slice.data(), slice.size()};
}

// How messages name a stream.
[[nodiscard]] std::string name_of(StreamId stream);
// kInternal: the caller made the stream up.
[[nodiscard]] Error unknown_stream(StreamId stream);
// Whether the iterator stands on a block of this stream.
[[nodiscard]] bool is_block_of(const rocksdb::Iterator& at, StreamId stream);

class Store {
  public:
    enum class Mode { create, existing, read_only };

    // `directory` is the database's own. kLogCorrupt: damage that recovery must not skip.
    [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::filesystem::path& directory,
                                                             const LogOptions& options,
                                                             Mode mode,
                                                             Observer* observer);
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store();

    [[nodiscard]] rocksdb::DB& db() const noexcept { return *db_; }
    [[nodiscard]] rocksdb::ColumnFamilyHandle* blocks() const noexcept { return handles_[1]; }
    [[nodiscard]] rocksdb::ColumnFamilyHandle* schemas() const noexcept { return handles_[2]; }
    [[nodiscard]] rocksdb::ColumnFamilyHandle* meta() const noexcept { return handles_[3]; }
    [[nodiscard]] rocksdb::ColumnFamilyHandle* dead_letters() const noexcept { return handles_[4]; }
    [[nodiscard]] rocksdb::ColumnFamilyHandle* side() const noexcept { return handles_[5]; }

    // How often the memtable of `blocks` was closed, to become a file. A write that finds it full
    // closes it before it is applied.
    [[nodiscard]] std::uint64_t memtables_sealed() const noexcept;

  private:
    class Seals;
    Store();

    std::shared_ptr<Seals> seals_;  // RocksDB holds it too
    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // owned; in the order of kKeyspaces
};

}  // namespace tributary
