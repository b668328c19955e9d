// TableMap and catalogue to TableSchema: make_schema of table_map.h.
#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "connectors/mysql/numbers.h"
#include "connectors/mysql/values/charset.h"
#include "connectors/mysql/values/column_types.h"
#include "connectors/mysql/values/table_map.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

// Hidden columns of a table with implicit system versioning.
constexpr std::size_t kVersionColumns = 2;

Error mismatch(const TableMap& map, const std::string& why) {
    return {
        errors::kSchemaMismatch,
        "table " + map.database + "." + map.table + ": " + why +
            "; SET GLOBAL binlog_row_metadata = FULL puts the structure into the binlog of what "
            "comes; what was written before needs `tributary reset --from now`, and a "
            "snapshot"};
}

bool is_text_type(BinlogType type) {
    return type == BinlogType::varchar || type == BinlogType::var_string ||
           type == BinlogType::string || type == BinlogType::varchar_compressed ||
           type == BinlogType::blob || type == BinlogType::blob_compressed;
}

bool is_old_temporal(BinlogType type) {
    return type == BinlogType::timestamp || type == BinlogType::time ||
           type == BinlogType::datetime;
}

bool is_version_type(const ColumnLayout& layout) {
    return (layout.type == BinlogType::timestamp2 && layout.metadata == 6) ||
           layout.type == BinlogType::longlong;
}

bool is_row_end(std::string_view generation_expression) {
    constexpr std::string_view kRowEnd = "ROW END";
    return std::equal(generation_expression.begin(),
                      generation_expression.end(),
                      kRowEnd.begin(),
                      kRowEnd.end(),
                      [](char left, char right) {
                          return std::toupper(static_cast<unsigned char>(left)) == right;
                      });
}

class SchemaMaker {
  public:
    SchemaMaker(const TableMap& map, ServerKind kind, TableStructure structure)
        : map_(map), kind_(kind), structure_(std::move(structure)) {}

    Result<TableSchema> make() {
        if (!map_.has_names) {
            TRIBUTARY_TRY_VOID(match_by_place());
        }
        out_.database = map_.database;
        out_.table = map_.table;
        out_.old_row = OldRow::full;
        find_versioning();
        described_ = is_described();
        for (std::size_t index = 0; index < map_.columns.size(); ++index) {
            TRIBUTARY_TRY(column, make_column(index));
            out_.columns.push_back(std::move(column));
        }
        number_keys();
        return std::move(out_);
    }

    [[nodiscard]] bool is_described() const {
        if (!structure_.exists || structure_.columns.size() > map_.columns.size()) {
            return false;
        }
        const std::size_t hidden = map_.columns.size() - structure_.columns.size();
        if (hidden != 0 && !(kind_ == ServerKind::mariadb && structure_.system_versioned &&
                             hidden == kVersionColumns)) {
            return false;
        }
        for (std::size_t index = 0; index < structure_.columns.size(); ++index) {
            const CatalogueColumn& known = structure_.columns[index];
            if (known_of(index) != &known || !has_type_of(index, known)) {
                return false;
            }
        }
        return true;
    }

  private:
    // Without names in the event the catalogue must describe exactly its columns.
    Result<void> match_by_place() {
        if (!structure_.exists) {
            return mismatch(map_,
                            "its row metadata has no names and the catalogue has no such table");
        }
        const std::size_t hidden =
            structure_.system_versioned &&
                    map_.columns.size() == structure_.columns.size() + kVersionColumns
                ? kVersionColumns
                : 0;
        if (map_.columns.size() != structure_.columns.size() + hidden) {
            return mismatch(map_,
                            "the binlog has " + std::to_string(map_.columns.size()) +
                                " columns, the catalogue " +
                                std::to_string(structure_.columns.size()));
        }
        for (std::size_t index = 0; index < structure_.columns.size(); ++index) {
            const CatalogueColumn& known = structure_.columns[index];
            if (!has_type_of(index, known)) {
                return mismatch(map_,
                                "column " + known.name + " is " + known.column_type +
                                    " in the catalogue and of type " +
                                    type_name(map_.columns[index], nullptr) + " in the binlog");
            }
        }
        return success();
    }

    static bool is_unsigned(const CatalogueColumn& known) {
        return known.data_type == "year" ||
               known.column_type.find(" unsigned") != std::string::npos ||
               known.column_type.find(" zerofill") != std::string::npos;
    }

    // What the catalogue says of a column, if it is of the same column.
    [[nodiscard]] const CatalogueColumn* known_of(std::size_t index) const {
        const TableMapColumn& column = map_.columns[index];
        if (!map_.has_names) {
            return index < structure_.columns.size() ? &structure_.columns[index] : nullptr;
        }
        const bool in_place =
            index < structure_.columns.size() && structure_.columns[index].name == column.name;
        const CatalogueColumn* known = in_place ? &structure_.columns[index] : find(column.name);
        return known != nullptr && has_type_of(index, *known) ? known : nullptr;
    }

    [[nodiscard]] bool has_type_of(std::size_t index, const CatalogueColumn& known) const {
        const TableMapColumn& column = map_.columns[index];
        return is_same_type(column, known) &&
               (!map_.has_signedness || column.is_unsigned == is_unsigned(known));
    }

    [[nodiscard]] const CatalogueColumn* find(const std::string& name) const {
        const auto at = std::find_if(structure_.columns.begin(),
                                     structure_.columns.end(),
                                     [&name](const CatalogueColumn& c) { return c.name == name; });
        return at == structure_.columns.end() ? nullptr : &*at;
    }

    void find_versioning() {
        const std::size_t count = map_.columns.size();
        if (kind_ != ServerKind::mariadb || count <= kVersionColumns) {
            return;
        }
        for (std::size_t index = 0; index < count; ++index) {
            const CatalogueColumn* known = known_of(index);
            if (known != nullptr && is_row_end(known->generation_expression)) {
                row_end_ = index;
                return;
            }
        }
        const TableMapColumn& start = map_.columns[count - 2];
        const TableMapColumn& end = map_.columns[count - 1];
        const bool named = map_.has_names && start.name == "row_start" && end.name == "row_end" &&
                           find(end.name) == nullptr;
        const bool counted = !map_.has_names && count > structure_.columns.size();
        if ((named || counted) && is_version_type(start.layout) && is_version_type(end.layout)) {
            row_end_ = count - 1;
            hidden_from_ = count - kVersionColumns;
        }
    }

    Result<Column> make_column(std::size_t index) {
        TableMapColumn from = map_.columns[index];
        const CatalogueColumn* known = known_of(index);
        const bool hidden = hidden_from_ && index >= *hidden_from_;
        // After ALTER TABLE .. FORCE too: what was logged before has the old form.
        if (known != nullptr && is_old_temporal(from.layout.type) &&
            modifiers_of(known->column_type).first > 0) {
            return old_fractions(map_.database, map_.table, *known);
        }
        if (known != nullptr && !map_.has_signedness) {
            from.is_unsigned = is_unsigned(*known);
        }
        if (known != nullptr && !map_.has_charsets) {
            from.collation = known->character_set.empty() ? kBinaryCollation
                                                          : collation_of(known->character_set);
        }
        if (known != nullptr && from.name.empty()) {
            from.name = known->name;
        }
        if (from.name.empty()) {
            from.name = index == row_end_ ? "row_end" : "row_start";
        }
        Column out;
        out.name = from.name;
        // What updates do not have is in no event of the table.
        const bool left_out = hidden || (known != nullptr && !known->in_updates);
        out.type = left_out ? ColumnType{} : map_type(from, known);
        out.source_type = type_name(from, known);
        out.source_type_id = pack(
            {from.layout, from.is_unsigned, known != nullptr && described_, index == row_end_});
        out.nullable = from.nullable;
        out.identity = true;
        if (out.type.kind == TypeKind::text && is_text_type(from.layout.type)) {
            TRIBUTARY_TRY_VOID(check_charset(from));
        }
        if (is_text_type(from.layout.type)) {
            out.source_type_modifier = from.collation;
        }
        if (known != nullptr && described_) {
            out.default_expression = default_expression(*known, out.type, kind_);
        }
        out.key_index = index == row_end_ || hidden ? std::uint16_t{0} : key_index(from);
        return out;
    }

    Result<void> check_charset(const TableMapColumn& column) const {
        if (column.collation == 0 || column.collation == kBinaryCollation ||
            make_converter_of(column.collation) != nullptr) {
            return success();
        }
        return mismatch(map_,
                        "column " + column.name + " has collation " +
                            std::to_string(column.collation) + ", which is not known");
    }

    [[nodiscard]] std::uint16_t key_index(const TableMapColumn& column) const {
        if (map_.has_names) {
            return column.key_index;
        }
        const auto at =
            std::find(structure_.primary_key.begin(), structure_.primary_key.end(), column.name);
        return at == structure_.primary_key.end()
                   ? std::uint16_t{0}
                   : static_cast<std::uint16_t>(at - structure_.primary_key.begin() + 1);
    }

    // Places from 1 without gaps: ROW END was taken out.
    void number_keys() {
        std::vector<Column*> keys;
        for (Column& column : out_.columns) {
            if (column.key_index != 0) {
                keys.push_back(&column);
            }
        }
        std::sort(keys.begin(), keys.end(), [](const Column* left, const Column* right) {
            return left->key_index < right->key_index;
        });
        std::uint16_t place = 0;
        for (Column* column : keys) {
            column->key_index = ++place;
        }
    }

    const TableMap& map_;
    ServerKind kind_;
    TableStructure structure_;
    TableSchema out_;
    bool described_ = false;
    std::optional<std::size_t> row_end_;
    std::optional<std::size_t> hidden_from_;
};

}  // namespace

std::uint32_t pack(const StoredType& type) noexcept {
    return static_cast<std::uint32_t>(type.layout.type) |
           static_cast<std::uint32_t>(type.layout.metadata) << 8U |
           (type.is_unsigned ? 1U << 24U : 0U) | (type.catalogue_known ? 1U << 25U : 0U) |
           (type.row_end ? 1U << 26U : 0U);
}

StoredType unpack(std::uint32_t source_type_id) noexcept {
    StoredType out;
    out.layout.type = static_cast<BinlogType>(source_type_id & 0xFFU);
    out.layout.metadata = static_cast<std::uint16_t>(source_type_id >> 8U & 0xFFFFU);
    out.is_unsigned = (source_type_id >> 24U & 1U) != 0;
    out.catalogue_known = (source_type_id >> 25U & 1U) != 0;
    out.row_end = (source_type_id >> 26U & 1U) != 0;
    return out;
}

Result<TableSchema> make_schema(const TableMap& map, ServerKind kind, TableStructure structure) {
    return SchemaMaker(map, kind, structure.exists ? std::move(structure) : TableStructure{})
        .make();
}

bool describes(const TableStructure& structure, const TableMap& map, ServerKind kind) {
    return SchemaMaker(map, kind, structure).is_described();
}

std::size_t row_end_column(const TableSchema& schema) noexcept {
    const auto at =
        std::find_if(schema.columns.begin(), schema.columns.end(), [](const Column& column) {
            return unpack(column.source_type_id).row_end;
        });
    return static_cast<std::size_t>(at - schema.columns.begin());
}

}  // namespace tributary::mysql
