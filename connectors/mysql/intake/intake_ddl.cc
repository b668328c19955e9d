// Statements that change structure: ddl.h says which, entry_payload.h what is kept of them.
#include "base/planted.h"
#include "connectors/mysql/intake/intake_machine.h"
#include "connectors/mysql/letters.h"
#include "connectors/mysql/statements/schema_change.h"

namespace tributary::mysql {

// As the server stores a name and rows events have it. ASCII: other letters have no case that both
// kinds of server fold alike.
void IntakeMachine::fold_case(std::string& name) const {
    if (options_.lower_case_names) {
        name = lower(name);
    }
}

// Each table or database that it names counts, taken or not (position.h).
Result<void> IntakeMachine::on_ddl(const Now& now, const Query& query, std::string_view text) {
    std::vector<DdlTarget> targets = read_ddl(text, query.database);
    for (DdlTarget& target : targets) {
        for (auto* const name :
             {&target.database, &target.table, &target.old_database, &target.old_table}) {
            fold_case(*name);
        }
    }
    if (targets.empty()) {
        tables_.clear();
        return on_single_statement(now);
    }
    const bool told = watcher_ != nullptr && watcher_->wants(mysql_gtid_, transaction_.id().start);
    const auto is_another = [&](const std::string& database, const std::string& table) {
        tables_.forget(database, table);
        if (told) {
            watcher_->on_ddl(database, table);
        }
    };
    for (const DdlTarget& target : targets) {
        is_another(target.database, target.table);
        if (!target.old_table.empty()) {
            is_another(target.old_database, target.old_table);
        }
    }
    for (const DdlTarget& target : targets) {
        TRIBUTARY_TRY_VOID(take_ddl(now, target));
    }
    return on_single_statement(now);
}

Result<void> IntakeMachine::take_ddl(const Now& now, const DdlTarget& target) {
    if (planted::is(planted::Bug::ddl_ordinal_of_selected) &&
        !tables_.selected(target.database, target.table)) {
        return success();
    }
    TRIBUTARY_TRY(ordinal, transaction_.next_ordinal());
    const bool of_table = target.kind != DdlKind::database;
    const bool shown = of_table ? tables_.selected(target.database, target.table)
                                : tables_.database_selected(target.database);
    const bool was_shown =
        !target.old_table.empty() && tables_.selected(target.old_database, target.old_table);
    const bool repeated = transaction_.repeated(ordinal);
    if (!shown && !was_shown) {
        return success();
    }
    SchemaChange change{.kind = target.kind, .text = target.text};
    const bool has_columns =
        target.kind == DdlKind::create_table || target.kind == DdlKind::alter_table;
    if (has_columns && shown && !repeated) {
        TRIBUTARY_TRY(structure, tables_.structure_at(target.database, target.table, behind(now)));
        change.structure = std::move(structure);
    }
    if (!options_.schema_changes) {
        return success();
    }
    transaction_.count_statement();
    if (repeated) {
        return success();
    }
    // The text may quote what is not selected.
    const bool hides = change.structure ? tables_.take_out_columns(
                                              target.database, target.table, *change.structure)
                                        : has_columns && !tables_.takes_every_column();
    if (hides) {
        change.text = {};
    }
    payload_.clear();
    append_event_head(payload_,
                      {.operation = 'S',
                       .offset = now.event.offset,
                       .inner = now.event.inner,
                       .time_s = now.header.time_s});
    append_schema_change(payload_, change);
    return transaction_.append(EntryKind::change,
                               Tables::bare_schema(target.database, target.table, now.sink),
                               ordinal,
                               payload_,
                               now.us,
                               now.sink);
}

}  // namespace tributary::mysql
