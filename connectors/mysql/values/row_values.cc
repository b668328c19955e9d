// Row images to values: row_values.h.
#include "connectors/mysql/values/row_values.h"

#include <optional>
#include <string>
#include <utility>

#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::uint64_t kPartialJson = 1;  // value option

Value* make_values(std::size_t count, ValueState state, Arena& arena) {
    const auto values = arena.make<Value>(count);
    for (Value& value : values) {
        value.state = state;
    }
    return values.data();
}

}  // namespace

RowReader::RowReader(std::shared_ptr<const TableSchema> schema, Converters& converters)
    : schema_(std::move(schema)) {
    for (const Column& column : schema_->columns) {
        readers_.push_back(make_reader(column, converters));
        layout_.columns.push_back(readers_.back().layout);
        layout_.json_columns += readers_.back().layout.type == BinlogType::json ? 1U : 0U;
    }
}

Error RowReader::corrupt(std::string_view why) const {
    return {errors::kEntryCorrupt,
            "table " + schema_->database + "." + schema_->table + ": a row image that " +
                std::string(why)};
}

Error RowReader::undecodable(std::size_t column, std::string_view why) const {
    const Column& of = schema_->columns[column];
    return {errors::kValueUndecodable,
            schema_->database + "." + schema_->table + "." + of.name + " of type " +
                of.source_type + ": " + std::string(why)};
}

template <typename Each>
Result<void> RowReader::walk(std::string_view present, std::string_view& bytes, Each each) const {
    const std::size_t count = layout_.columns.size();
    if (present.size() < (count + 7) / 8) {
        return corrupt("has no bitmap of its columns");
    }
    std::size_t sent = 0;
    for (std::size_t index = 0; index < count; ++index) {
        sent += bit_of(present, index) ? 1U : 0U;
    }
    const std::size_t null_bytes = (sent + 7) / 8;
    if (bytes.size() < null_bytes) {
        return corrupt("ends within its null bits");
    }
    const std::string_view nulls = bytes.substr(0, null_bytes);
    bytes.remove_prefix(null_bytes);
    sent = 0;
    for (std::size_t index = 0; index < count; ++index) {
        if (!bit_of(present, index)) {
            continue;
        }
        if (bit_of(nulls, sent++)) {
            TRIBUTARY_TRY_VOID(each(index, std::optional<std::string_view>()));
            continue;
        }
        std::size_t size = 0;
        if (!value_size(layout_.columns[index], bytes, size)) {
            return corrupt("ends within column " + schema_->columns[index].name);
        }
        TRIBUTARY_TRY_VOID(each(index, std::optional<std::string_view>(bytes.substr(0, size))));
        bytes.remove_prefix(size);
    }
    return success();
}

Result<Value*> RowReader::read(std::string_view present,
                               std::string_view& bytes,
                               ValueState missing,
                               Arena& arena) const {
    Value* const values = make_values(readers_.size(), missing, arena);
    const auto decode = [&](std::size_t index,
                            std::optional<std::string_view> cell) -> Result<void> {
        Value& value = values[index];
        if (!cell || readers_[index].type->kind == TypeKind::unsupported) {
            value.state = ValueState::null;
            return success();
        }
        const ValueFault fault = decode_value(readers_[index], *cell, arena, value);
        if (fault != ValueFault::none) {
            return undecodable(index, to_string(fault));
        }
        return success();
    };
    TRIBUTARY_TRY_VOID(walk(present, bytes, decode));
    return values;
}

Result<Value*> RowReader::read_partial(std::string_view present_before,
                                       std::string_view before,
                                       std::string_view present,
                                       std::string_view& bytes,
                                       ValueState missing,
                                       Arena& arena) const {
    std::uint64_t options = 0;
    if (!take_packed(bytes, options) || options > kPartialJson) {
        return corrupt("has value options that are not known");
    }
    if (options != kPartialJson) {
        return read(present, bytes, missing, arena);
    }
    const std::size_t partial_bytes = (layout_.json_columns + 7) / 8;
    if (bytes.size() < partial_bytes) {
        return corrupt("ends within its partial bits");
    }
    const std::string_view partial = bytes.substr(0, partial_bytes);
    bytes.remove_prefix(partial_bytes);
    std::vector<std::optional<std::string_view>> old(readers_.size());
    TRIBUTARY_TRY_VOID(
        walk(present_before,
             before,
             [&old](std::size_t index, std::optional<std::string_view> cell) -> Result<void> {
                 old[index] = cell;
                 return success();
             }));
    std::vector<bool> is_diff(readers_.size());
    for (std::size_t index = 0, json = 0; index < readers_.size(); ++index) {
        if (layout_.columns[index].type == BinlogType::json) {
            is_diff[index] = bit_of(partial, json++);
        }
    }
    Value* const values = make_values(readers_.size(), missing, arena);
    const auto decode = [&](std::size_t index,
                            std::optional<std::string_view> cell) -> Result<void> {
        Value& value = values[index];
        value.state = ValueState::null;
        if (!cell || readers_[index].type->kind == TypeKind::unsupported) {
            return success();
        }
        const ValueFault fault =
            !is_diff[index] ? decode_value(readers_[index], *cell, arena, value)
            : old[index]    ? decode_partial_json(*old[index], *cell, arena, value)
                            : ValueFault::no_before;
        if (fault != ValueFault::none) {
            return undecodable(index, to_string(fault));
        }
        return success();
    };
    TRIBUTARY_TRY_VOID(walk(present, bytes, decode));
    return values;
}

}  // namespace tributary::mysql
