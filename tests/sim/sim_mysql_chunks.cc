// The reader; see the header. In the order of connectors/mysql/snapshot/chunk_reader.cc.
#include "tests/sim/sim_mysql_chunks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "model/errors.h"

namespace tributary::sim {
namespace {

using mysql::BegunChunk;
using mysql::ChunkRule;

mysql::Place place_of(const LogPlace& place) {
    return {SimMysql::file_name(place.file), place.offset};
}

}  // namespace

// A statement in the transaction of the view, if there is one.
Result<void> SimMysqlChunks::wait(const char* doing) {
    TRIBUTARY_TRY_VOID(round_trip_(doing));
    if (view_ && !view_->alive) {
        return Error(errors::kSourceUnreachable, "the connection is gone");
    }
    return success();
}

// What the chunk will surely see, asked before it is read.
Result<void> SimMysqlChunks::see(BegunChunk& begun) {
    view_.reset();
    if (rule_ == ChunkRule::gtids) {
        TRIBUTARY_TRY_VOID(wait("SELECT @@GLOBAL.gtid_executed"));
        begun.executed = server_.executed_now();
    } else if (rule_ == ChunkRule::place) {
        TRIBUTARY_TRY_VOID(wait("performance_schema.log_status"));
        begun.place = place_of(server_.seen_below());
    }
    TRIBUTARY_TRY_VOID(wait("START TRANSACTION"));
    view_ = server_.open_view();
    server_.look(*view_);
    if (rule_ == ChunkRule::exactly) {
        begun.place = place_of(server_.seen_below());
        begun.ends = begun.place;
        return wait("SHOW STATUS");
    }
    return success();
}

Result<BegunChunk> SimMysqlChunks::begin(const std::string& /*database*/,
                                         const std::string& table) {
    BegunChunk begun;
    TRIBUTARY_TRY_VOID(see(begun));
    table_ = 0;
    while (table_name(table_) != table) {
        ++table_;
    }
    TRIBUTARY_TRY_VOID(wait("SELECT .. LIMIT 0"));
    view_->holds = table_;
    TRIBUTARY_TRY_VOID(wait("SHOW CREATE TABLE"));
    part_after_ = 0;
    begun.fingerprint = std::to_string(table_) + "." + std::to_string(server_.version(table_));
    if (rule_ != ChunkRule::exactly) {
        TRIBUTARY_TRY_VOID(wait("SELECT .. LIMIT 1"));
        server_.look(*view_);
        TRIBUTARY_TRY_VOID(wait("SHOW BINARY LOG STATUS"));
        begun.ends = place_of(server_.log_end());
    }
    return begun;
}

Result<mysql::TableFacts> SimMysqlChunks::describe(const std::string& database,
                                                   const std::string& table) {
    TRIBUTARY_TRY_VOID(wait("information_schema"));
    mysql::TableFacts facts{.database = database, .table = table};
    const bool mariadb = server_.setup().kind == mysql::ServerKind::mariadb;
    facts.structure.exists = true;
    facts.structure.character_set = "utf8mb4";
    if (!server_.keyless(table_)) {
        facts.structure.primary_key = {"id"};
    }
    mysql::CatalogueColumn id;
    id.name = "id";
    id.data_type = "int";
    id.column_type = "int";
    id.nullable = false;
    facts.structure.columns.push_back(std::move(id));
    facts.octets.push_back(0);
    const auto add_text = [&](const std::string& name, int characters) {
        mysql::CatalogueColumn text;
        text.name = name;
        text.data_type = "varchar";
        text.column_type = "varchar(" + std::to_string(characters) + ")";
        text.collation = mariadb ? "utf8mb4_general_ci" : "utf8mb4_0900_ai_ci";
        text.character_set = "utf8mb4";
        text.nullable = false;
        facts.structure.columns.push_back(std::move(text));
        facts.octets.push_back(static_cast<std::uint64_t>(characters) * 4);
    };
    add_text("v", 10'000);
    for (std::size_t more = 0; more < server_.version(table_); ++more) {
        add_text("more" + std::to_string(more), 40);
    }
    return facts;
}

// SELECT .. [WHERE [(id > 7\n)] [AND] `id` > 12] ORDER BY `id` LIMIT 9
Result<void> SimMysqlChunks::ask(const std::string& sql) {
    if (server_.was_altered(*view_, table_)) {
        return Error(errors::kSourceUnreachable, "the table was altered behind the view");
    }
    asked_ = sql;
    return success();
}

bool SimMysqlChunks::give(int key,
                          const RowState& row,
                          const std::function<bool(Cells cells)>& on_row) const {
    const std::string id = std::to_string(key);
    std::vector<std::optional<std::string_view>> cells{id, row.value};
    for (std::size_t more = 0; more < server_.version(table_); ++more) {
        cells.emplace_back(more == 0 ? std::string_view(row.toast) : "m");
    }
    return on_row(cells);
}

Result<void> SimMysqlChunks::rows(const std::function<bool(Cells cells)>& on_row) {
    TRIBUTARY_TRY_VOID(wait("SELECT"));
    const int after =
        std::max(number_after(asked_, "`id` > ", 0), number_after(asked_, "(id > ", 0));
    int left = number_after(asked_, "LIMIT ", 0);
    const TableState& table = view_->tables[table_];
    for (auto row = table.upper_bound(after); row != table.end() && left > 0; ++row, --left) {
        if (!give(row->first, row->second, on_row)) {
            break;
        }
    }
    // It may have been cut short.
    return wait("SELECT");
}

Result<void> SimMysqlChunks::part(const std::string& /*sql*/,
                                  std::uint64_t rows_max,
                                  const std::function<bool(Cells cells)>& on_row) {
    TRIBUTARY_TRY_VOID(wait("SELECT"));
    if (server_.was_altered(*view_, table_)) {
        return Error(errors::kSourceUnreachable, "the table was altered behind the view");
    }
    const TableState& table = view_->tables[table_];
    auto row = table.upper_bound(part_after_);
    for (; row != table.end() && rows_max > 0; ++row, --rows_max) {
        part_after_ = row->first;
        if (!give(row->first, row->second, on_row)) {
            break;
        }
    }
    return wait("SELECT");
}

Result<void> SimMysqlChunks::end() {
    TRIBUTARY_TRY_VOID(wait("COMMIT"));
    view_.reset();
    return success();
}

}  // namespace tributary::sim
