// Store; see the header.
#include "log/store.h"

#include <rocksdb/cache.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "log/records.h"
#include "model/errors.h"

namespace tributary {

namespace {

// RocksDB insists on "default", which stays empty. A keyspace is never removed from this list.
constexpr std::array<const char*, 6> kKeyspaces = {
    "default", "blocks", "schemas", "meta", "dead_letters", "side"};
constexpr std::size_t kBlocksIndex = 1;
constexpr std::size_t kSmallMemtableBytes = 256U << 10U;
constexpr std::uint64_t kWalBytesMin = 16U << 20U;
constexpr std::size_t kManifestBytesMax = 4U << 20U;

// RocksDB's information log, to the agent's own: never a file, because RocksDB as Debian builds it
// ends the process when that file cannot be written.
class InfoLog : public rocksdb::Logger {
  public:
    explicit InfoLog(Observer* observer)
        : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), observer_(observer) {}

    using rocksdb::Logger::Logv;
    void Logv(const char* format, va_list arguments) override {
        Logv(rocksdb::InfoLogLevel::WARN_LEVEL, format, arguments);
    }
    void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
        if (level < GetInfoLogLevel() || level == rocksdb::InfoLogLevel::HEADER_LEVEL) {
            return;
        }
        std::array<char, 512> text{};
        const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
        if (length > 0) {
            observer_->log(
                level >= rocksdb::InfoLogLevel::ERROR_LEVEL ? LogLevel::error : LogLevel::warn,
                "",
                "rocksdb",
                {{"text", text.data()}});
        }
    }

  private:
    Observer* observer_;
};

[[nodiscard]] rocksdb::DBOptions database_options(const LogOptions& options,
                                                  Store::Mode mode,
                                                  Observer* observer) {
    rocksdb::DBOptions database;
    database.create_if_missing = mode == Store::Mode::create;
    database.create_missing_column_families = mode != Store::Mode::read_only;
    database.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    database.paranoid_checks = true;
    database.manual_wal_flush = false;
    database.max_total_wal_size = std::max<std::uint64_t>(kWalBytesMin, 4 * options.memtable_bytes);
    database.max_open_files = options.open_files_max;
    database.max_file_opening_threads = 1;
    database.max_background_jobs = 2;
    database.max_subcompactions = 1;
    database.max_manifest_file_size = kManifestBytesMax;
    database.writable_file_max_buffer_size = 256U << 10U;
    database.compaction_readahead_size = 256U << 10U;
    database.bytes_per_sync = 1U << 20U;
    database.stats_dump_period_sec = 0;
    database.stats_persist_period_sec = 0;
    database.skip_stats_update_on_db_open = true;
    database.max_bgerror_resume_count = 0;  // recovery is reopen()
    database.info_log = std::make_shared<InfoLog>(observer);
    if (options.env != nullptr) {
        database.env = options.env;
    }
    return database;
}

[[nodiscard]] rocksdb::ColumnFamilyOptions keyspace_options(
    const LogOptions& options, const std::shared_ptr<rocksdb::Cache>& cache, bool blocks) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.block_size = 32U << 10U;
    table.cache_index_and_filter_blocks = true;

    rocksdb::ColumnFamilyOptions keyspace;
    keyspace.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    keyspace.write_buffer_size = blocks ? options.memtable_bytes : kSmallMemtableBytes;
    keyspace.max_write_buffer_number = 2;
    keyspace.compression = rocksdb::kNoCompression;
    keyspace.bottommost_compression = rocksdb::kNoCompression;
    keyspace.compaction_style = rocksdb::kCompactionStyleLevel;
    keyspace.ttl = 0;
    keyspace.periodic_compaction_seconds = 0;
    return keyspace;
}

}  // namespace

// Called by the thread whose write closes a memtable.
class Store::Seals : public rocksdb::EventListener {
  public:
    void OnMemTableSealed(const rocksdb::MemTableInfo& info) override {
        if (info.cf_name == kKeyspaces[kBlocksIndex]) {
            count_.fetch_add(1);
        }
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_.load(); }

  private:
    std::atomic<std::uint64_t> count_{0};
};

Store::Store() : seals_(std::make_shared<Seals>()) {}

std::uint64_t Store::memtables_sealed() const noexcept {
    return seals_->count();
}

Error store_error(const rocksdb::Status& status, std::string_view what) {
    const std::string text = std::string(what) + ": " + status.ToString();
    if (status.IsCorruption() || status.IsPathNotFound() || status.IsInvalidArgument()) {
        return {errors::kLogCorrupt, text};
    }
    // A disk that has become read only cannot open the file for it: nobody else holds that lock.
    const bool held = text.find("While lock file") != std::string::npos ||
                      text.find("lock hold by current process") != std::string::npos;
    if (status.IsIOError() && held) {
        return {errors::kStateDirLocked, text};
    }
    return {errors::kLogIo, text};
}

std::string name_of(StreamId stream) {
    return "stream " + std::to_string(stream.value());
}

Error unknown_stream(StreamId stream) {
    return {errors::kInternal, name_of(stream) + " is not in this log"};
}

bool is_block_of(const rocksdb::Iterator& at, StreamId stream) {
    const BlockKey prefix = block_key(stream, Sequence());
    return at.Valid() && at.key().starts_with({prefix.data(), sizeof(std::uint32_t)});
}

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& directory,
                                           const LogOptions& options,
                                           Mode mode,
                                           Observer* observer) {
    const auto cache = rocksdb::NewLRUCache(options.cache_bytes, 0);
    std::vector<rocksdb::ColumnFamilyDescriptor> keyspaces;
    for (std::size_t index = 0; index < kKeyspaces.size(); ++index) {
        keyspaces.emplace_back(kKeyspaces[index],
                               keyspace_options(options, cache, index == kBlocksIndex));
    }
    std::unique_ptr<Store> store(new Store());
    rocksdb::DBOptions database = database_options(options, mode, observer);
    database.listeners.push_back(store->seals_);
    rocksdb::DB* raw = nullptr;
    const rocksdb::Status status =
        mode == Mode::read_only
            ? rocksdb::DB::OpenForReadOnly(
                  database, directory.string(), keyspaces, &store->handles_, &raw)
            : rocksdb::DB::Open(database, directory.string(), keyspaces, &store->handles_, &raw);
    store->db_.reset(raw);
    if (!status.ok()) {
        return store_error(status, "open " + directory.string());
    }
    return store;
}

Store::~Store() {
    if (!db_) {
        return;
    }
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
        db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    db_->Close().PermitUncheckedError();
}

}  // namespace tributary
