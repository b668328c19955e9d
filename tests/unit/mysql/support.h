// What the tests of MySQL's stream half share: a sink that keeps everything, its side keyspace, a
// reader of binlog files, and a writer of events.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "connectors/mysql/binlog/events.h"
#include "connectors/mysql/intake/intake.h"
#include "model/entry.h"
#include "ports/source.h"

namespace tributary::mysql::test {

struct Kept {
    EntryKind kind;
    SchemaId schema;
    std::uint32_t ordinal;
    std::string context;
    std::string payload;
    Position done;
    friend bool operator==(const Kept&, const Kept&) = default;
};

// The log: entries, the side keyspace (written with the entry appended next), positions.
class RecordingSink final : public EntrySink, public SideReader {
  public:
    SchemaId intern(std::shared_ptr<const TableSchema> schema) override;
    std::shared_ptr<const TableSchema> schema(SchemaId id) const override {
        return id.value() <= schemas.size() ? schemas[id.value() - 1] : nullptr;
    }
    void context(std::string_view bytes, std::int64_t intake_time_us) override;
    void append(EntryKind kind,
                SchemaId schema,
                std::uint32_t ordinal,
                std::string_view payload,
                const Position& done) override;
    void put_side(std::string_view key, std::string_view value) override;
    void erase_side(std::string_view key) override;
    void resume(const Position& position) override { now.resume = position; }
    bool full() const override { return entries.size() >= room; }

    Result<std::optional<std::string>> get(std::string_view key) const override;
    Result<std::vector<SideEntry>> scan(std::string_view prefix,
                                        std::string_view after,
                                        std::size_t limit) const override;

    // The changes and transaction ends alone.
    std::vector<Kept> told() const;

    // What a crash may leave: taken just before each entry (without the writes that wait for it),
    // and at the end.
    struct Crash {
        std::size_t entries = 0;
        StartPoint start;
        std::map<std::string, std::string> side;
    };
    std::vector<Crash> crashes() const;
    // As a crash left it: entries up to there, side and positions.
    [[nodiscard]] RecordingSink restarted(const Crash& crash) const;

    std::vector<std::shared_ptr<const TableSchema>> schemas;
    std::vector<Kept> entries;
    StartPoint now;                           // where a restart goes on
    std::map<std::string, std::string> side;  // as intake sees it
    std::size_t room = SIZE_MAX;
    std::size_t side_puts = 0;

  private:
    std::string context_;
    std::map<std::string, std::string> durable_side_;
    std::vector<SideWrite> waiting_;
    std::vector<Crash> crashes_;
};

// One event of a binlog file, without CRC32.
struct FileEvent {
    std::string bytes;
    std::uint64_t offset = 0;
    std::uint32_t inner = 0;
    std::uint64_t next = 0;
};

// Events of a binlog file with CRC32 checksums, those inside TRANSACTION_PAYLOAD one by one.
std::vector<FileEvent> read_binlog(const std::string& path);

EventView view(const FileEvent& event, std::string_view file);

// One line about an entry: what golden tests compare.
std::string describe(const RecordingSink& sink, const Kept& entry);

// What two logs told differently, at the first place; empty when nothing.
std::string difference(const RecordingSink& left, const RecordingSink& right);

// Writes events one behind another into a file called "bin.000001".
class Wire {
  public:
    explicit Wire(std::uint64_t offset = 4) : offset_(offset) {}
    FileEvent event(EventType type, std::string_view body, std::uint16_t flags = 0);
    FileEvent gtid(std::uint64_t number);
    FileEvent anonymous();
    FileEvent mariadb_gtid(std::uint64_t number,
                           std::uint8_t flags,
                           std::string_view xid = {},
                           std::uint32_t domain = 0);
    FileEvent query(std::string_view text, std::string_view database = "shop");
    FileEvent xid() { return event(EventType::xid, std::string(8, '\1')); }
    // shop.t or other.hidden (id int, name varchar(40)) with full metadata.
    FileEvent table_map(std::uint64_t id, std::string_view database, std::string_view table);
    FileEvent write_rows(std::uint64_t id, const std::vector<std::pair<int, std::string>>& rows);
    // Of one row: before and after.
    FileEvent update_row(std::uint64_t id,
                         const std::pair<int, std::string>& before,
                         const std::pair<int, std::string>& after);
    FileEvent xa_prepare(bool one_phase, std::string_view gtrid);

  private:
    std::uint64_t offset_;
};

std::string xid_bytes(std::string_view gtrid);

// A pipeline that begins to read: at the start of "bin.000001".
ResumePoint beginning(ServerKind server, bool by_gtid);

// What a server sends to one that has `start`: from its place on, or the transactions that are not
// in its set.
std::vector<FileEvent> sent_after(const std::vector<FileEvent>& events, const StartPoint& start);

// Feeds `events` to an intake that begins at sink.now, as the source does; the first error, if any.
Result<void> take_in(const IntakeOptions& options,
                     const std::vector<FileEvent>& events,
                     RecordingSink& sink,
                     Catalogue* catalogue = nullptr);

}  // namespace tributary::mysql::test
