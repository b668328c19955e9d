// Joins a Relation message with the catalogue: table_schema.h.
#include "connectors/postgresql/values/table_schema.h"

#include <algorithm>
#include <vector>

#include "connectors/postgresql/values/text_values.h"
#include "connectors/postgresql/values/types.h"

namespace tributary::postgresql {
namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool same_set(const Names& left, const Names& right) {
    return left.size() == right.size() &&
           std::all_of(left.begin(), left.end(), [&right](const std::string& name) {
               return contains(right, name);
           });
}

OldRow old_row(ReplicaIdentity identity) {
    switch (identity) {
        case ReplicaIdentity::key:
            return OldRow::key;
        case ReplicaIdentity::nothing:
            return OldRow::nothing;
        case ReplicaIdentity::full:
            return OldRow::full;
        case ReplicaIdentity::index:
            return OldRow::index;
    }
    return OldRow::key;
}

const CatalogueColumn* find_column(const CatalogueTable& catalogue, const RelationColumn& column) {
    const auto found = std::find_if(
        catalogue.columns.begin(), catalogue.columns.end(), [&column](const CatalogueColumn& c) {
            return c.name == column.name && c.type_oid == column.type_oid &&
                   c.type_modifier == column.type_modifier;
        });
    return found == catalogue.columns.end() ? nullptr : &*found;
}

std::string source_type(const RelationColumn& column, const CatalogueTable& catalogue) {
    const auto name = built_in_name(column.type_oid);
    if (!name.empty()) {
        return std::string(name);
    }
    const auto found = std::find_if(
        catalogue.types.begin(), catalogue.types.end(), [&column](const CatalogueType& type) {
            return type.oid == column.type_oid;
        });
    return found == catalogue.types.end() ? std::to_string(column.type_oid) : found->name;
}

Column merge_column(const RelationColumn& from,
                    ReplicaIdentity identity,
                    const CatalogueTable& catalogue) {
    Column out;
    out.name = from.name;
    out.source_type_id = from.type_oid;
    out.source_type_modifier = from.type_modifier;
    out.identity = from.identity;
    const CatalogueColumn* known = find_column(catalogue, from);
    out.type = map_type(from.type_oid,
                        from.type_modifier,
                        known != nullptr ? known->dimensions : 0,
                        catalogue.types);
    out.source_type = known != nullptr ? known->type_name : source_type(from, catalogue);
    // Columns of a primary key or of an identity index are NOT NULL whatever the catalogue says
    // now.
    const bool not_null_then = from.identity && identity != ReplicaIdentity::full;
    out.nullable = !not_null_then && !(known != nullptr && known->not_null);
    if (known != nullptr && default_is_shipped(from.type_oid, out.type.kind) &&
        is_utf8(known->default_expression.value_or(""))) {
        out.default_expression = known->default_expression;
    }
    return out;
}

Names key_columns(const TableSchema& table, const CatalogueTable& catalogue) {
    Names flagged;
    Names all;
    for (const auto& column : table.columns) {
        all.push_back(column.name);
        if (column.identity) {
            flagged.push_back(column.name);
        }
    }
    const auto within = [](const Names& key, const Names& names) {
        return !key.empty() &&
               std::all_of(key.begin(), key.end(), [&names](const std::string& name) {
                   return contains(names, name);
               });
    };
    const auto unique = [&] {
        return within(catalogue.unique_index, all) ? catalogue.unique_index : Names{};
    };
    switch (table.old_row) {
        case OldRow::key:
            if (flagged.empty()) {  // no primary key then: rows were only inserted
                return unique();
            }
            return same_set(catalogue.primary_key, flagged) ? catalogue.primary_key : flagged;
        case OldRow::index:
            if (within(catalogue.primary_key, flagged)) {
                return catalogue.primary_key;
            }
            return same_set(catalogue.identity_index, flagged) ? catalogue.identity_index : flagged;
        case OldRow::full:
        case OldRow::nothing:
            return within(catalogue.primary_key, all) ? catalogue.primary_key : unique();
    }
    return {};
}

void rename(Names& names, const std::string& from, const std::string& to) {
    std::replace(names.begin(), names.end(), from, to);
}

// The catalogue with the columns' names of the message. Columns that were only renamed since are
// still in their places, with their types; anything else is left as it is.
CatalogueTable as_named_then(CatalogueTable now, const RelationMessage& relation) {
    std::vector<RelationColumn> then;
    RelationColumnReader reader(relation);
    for (RelationColumn column; reader.next(column);) {
        then.push_back(column);
    }
    const auto stayed = [&](const std::string& name) {
        return std::any_of(then.begin(), then.end(), [&name](const RelationColumn& column) {
            return column.name == name;
        });
    };
    const bool in_place =
        std::equal(then.begin(),
                   then.end(),
                   now.columns.begin(),
                   now.columns.end(),
                   [&stayed](const RelationColumn& old, const CatalogueColumn& column) {
                       return old.type_oid == column.type_oid &&
                              (old.name == column.name || !stayed(column.name));
                   });
    for (std::size_t place = 0; in_place && place < then.size(); ++place) {
        const std::string name(then[place].name);
        for (Names* key : {&now.primary_key, &now.unique_index, &now.identity_index}) {
            rename(*key, now.columns[place].name, name);
        }
        now.columns[place].name = name;
    }
    return now;
}

}  // namespace

TableSchema merge_table(const std::string& database,
                        const RelationMessage& relation,
                        const CatalogueTable& now) {
    const CatalogueTable catalogue = as_named_then(now, relation);
    TableSchema out;
    out.database = database;
    out.schema = relation.schema;
    out.table = relation.table;
    out.source_table_id = relation.oid;
    out.old_row = old_row(relation.identity);
    RelationColumnReader columns(relation);
    RelationColumn column;
    while (columns.next(column)) {
        out.columns.push_back(merge_column(column, relation.identity, catalogue));
    }
    const Names key = key_columns(out, catalogue);
    for (auto& each : out.columns) {
        const auto at = std::find(key.begin(), key.end(), each.name);
        each.key_index =
            at == key.end() ? std::uint16_t{0} : static_cast<std::uint16_t>(at - key.begin() + 1);
    }
    return out;
}

std::string unsent_key(const TableSchema& table, const CatalogueTable& catalogue) {
    const auto has_identity = [](const Column& column) { return column.identity; };
    if (std::none_of(table.columns.begin(), table.columns.end(), has_identity)) {
        return {};  // the server refuses updates and deletes
    }
    for (const Column& column : table.columns) {
        // A partition's old rows are as its own identity has them, whatever its root's flags say.
        const bool sent = column.identity && (!catalogue.partial_partitions ||
                                              contains(catalogue.primary_key, column.name));
        if (column.key_index != 0 && !sent) {
            return column.name;
        }
    }
    return {};
}

std::string drop_uncarried_key(TableSchema& table) {
    const auto lost =
        std::find_if(table.columns.begin(), table.columns.end(), [](const Column& column) {
            return column.key_index != 0 && column.type.kind == TypeKind::unsupported;
        });
    if (lost == table.columns.end()) {
        return {};
    }
    for (Column& column : table.columns) {
        column.key_index = 0;
    }
    return lost->name + " of type " + lost->source_type;
}

std::string column_signature(const TableSchema& table) {
    std::string out;
    for (const Column& column : table.columns) {
        out += column.name;
        out += '\0';
        out += std::to_string(column.source_type_id) + "," +
               std::to_string(column.source_type_modifier) + ";";
    }
    return out;
}

}  // namespace tributary::postgresql
