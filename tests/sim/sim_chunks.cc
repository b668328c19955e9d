// The reader; see the header.
#include "tests/sim/sim_chunks.h"

#include <algorithm>
#include <utility>

#include "connectors/postgresql/lsn.h"
#include "model/errors.h"

namespace tributary::sim {
namespace {

using postgresql::BegunChunk;
using postgresql::VisibleSet;

constexpr Us kLockTimeout{200'000};

}  // namespace

// A statement in the transaction of the view, if there is one.
Result<void> SimChunkReader::wait(const char* doing) {
    TRIBUTARY_TRY_VOID(round_trip_(doing));
    if (view_ && !view_->alive) {
        return Error(errors::kSourceUnreachable, "the connection is gone");
    }
    return success();
}

Result<std::vector<std::uint32_t>> SimChunkReader::open_transactions() {
    TRIBUTARY_TRY_VOID(wait("pg_locks"));
    return server_.standby() ? std::vector<std::uint32_t>() : server_.running();
}

Result<BegunChunk> SimChunkReader::begin(const std::string& /*schema*/, const std::string& table) {
    view_.reset();
    TRIBUTARY_TRY_VOID(wait("BEGIN"));
    std::size_t at = 0;
    while (table_name(at) != table) {
        ++at;
    }
    BegunChunk begun;
    begun.replayed = postgresql::Lsn(server_.wal_flushed());
    if (!scheduler_.wait_for(kLockTimeout, [&] { return !server_.locked(at); })) {
        return Error(errors::kSourceUnreachable, "the table is locked");
    }
    view_ = server_.open_view(at);
    // The end of the log is read after the snapshot is taken.
    scheduler_.sleep(Us(random_.between(0, 300)));
    if (!view_->alive) {
        return Error(errors::kSourceUnreachable, "the connection is gone");
    }
    begun.oid = kFirstOid + static_cast<std::uint32_t>(at);
    begun.fingerprint = std::to_string(at) + "." + std::to_string(view_->version);
    if (!server_.standby()) {
        begun.visible = VisibleSet::parse(view_->visible);
    }
    begun.place = postgresql::Lsn(server_.wal_end());
    return begun;
}

Result<postgresql::SnapshotFacts> SimChunkReader::describe(std::uint32_t oid) {
    TRIBUTARY_TRY(table, catalogue(oid));
    postgresql::SnapshotFacts facts{.oid = oid, .schema = table.schema, .table = table.table};
    for (const postgresql::CatalogueColumn& column : table.columns) {
        facts.published.push_back(column.name);
    }
    return facts;
}

Result<postgresql::CatalogueTable> SimChunkReader::catalogue(std::uint32_t oid) {
    TRIBUTARY_TRY_VOID(wait("catalogue"));
    return server_.catalogue(oid);
}

// COPY (SELECT .. [WHERE [(id > 7)] [AND] ("id") > ('12')] ORDER BY "id" LIMIT 9) TO STDOUT
Result<void> SimChunkReader::ask(const std::string& sql) {
    asked_ = sql;
    return success();
}

Result<void> SimChunkReader::rows(const std::function<bool(std::string_view line)>& on_line) {
    TRIBUTARY_TRY_VOID(wait("COPY"));
    const int after =
        std::max(number_after(asked_, "(\"id\") > ('", 0), number_after(asked_, "(id > ", 0));
    int left = number_after(asked_, "LIMIT ", 0);
    for (auto row = view_->rows.upper_bound(after); row != view_->rows.end() && left > 0;
         ++row, --left) {
        std::string line = std::to_string(row->first) + "\t" + row->second.value;
        for (std::size_t column = 0; column < view_->version; ++column) {
            line += column == 0 ? "\t" + row->second.toast : "\tm";
        }
        if (!on_line(line)) {
            break;
        }
    }
    // It may have been cut short.
    return wait("COPY");
}

Result<void> SimChunkReader::part(
    const std::string& /*select*/,
    std::uint64_t /*rows_max*/,
    const std::function<bool(const std::vector<std::optional<std::string_view>>& cells)>&
    /*on_row*/) {
    return Error(errors::kSourceUnreachable, "there is no table without a key");
}

Result<void> SimChunkReader::end() {
    TRIBUTARY_TRY_VOID(wait("COMMIT"));
    view_.reset();
    return success();
}

}  // namespace tributary::sim
