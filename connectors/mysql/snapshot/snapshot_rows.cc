// Events beside rows of a chunk: snapshot_rows.h.
#include "connectors/mysql/snapshot/snapshot_rows.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "connectors/mysql/values/table_map.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

Error corrupt() {
    return {errors::kEntryCorrupt, "mysql entry: a row image that is not whole"};
}

RowLayout layout_of(const TableSchema& schema) {
    RowLayout layout;
    for (const Column& column : schema.columns) {
        layout.columns.push_back(unpack(column.source_type_id).layout);
        layout.json_columns += layout.columns.back().type == BinlogType::json ? 1U : 0U;
    }
    return layout;
}

// The event's cells in the table's order.
ImageCells in_order(const EventShape& shape, const ImageCells& cells) {
    ImageCells out;
    out.reserve(shape.columns.size());
    for (const std::size_t at : shape.columns) {
        out.push_back(cells[at]);
    }
    return out;
}

// Moves `bytes` from the value options to the null bits of a partial after image (row_image.h).
bool skip_value_options(const RowLayout& layout, std::string_view& bytes) {
    std::uint64_t options = 0;
    if (!take_packed(bytes, options)) {
        return false;
    }
    const std::size_t partial = (options & 1U) != 0 ? (layout.json_columns + 7) / 8 : 0;
    if (partial > bytes.size()) {
        return false;
    }
    bytes.remove_prefix(partial);
    return true;
}

// Bitmap and image of `event`, with what it leaves out from `under`; nullopt: it does not mean the
// same.
std::optional<std::string> append_image(std::string out,
                                        const EventShape& shape,
                                        const ImageCells& under,
                                        const ImageCells& event) {
    if (under.size() != event.size()) {
        return std::nullopt;
    }
    const std::size_t bitmap = (event.size() + 7) / 8;
    const std::size_t nulls = out.size() + bitmap;
    out.append(bitmap, '\xFF').append(bitmap, '\0');
    for (std::size_t at = 0; at < event.size(); ++at) {
        if (event[at].present && event[at].bytes && !shape.same[at]) {
            return std::nullopt;
        }
        const ImageCell& cell = event[at].present ? event[at] : under[at];
        if (cell.bytes) {
            out += *cell.bytes;
        } else {
            char& byte = out[nulls + at / 8];
            byte = static_cast<char>(static_cast<unsigned char>(byte) | 1U << (at % 8));
        }
    }
    return out;
}

}  // namespace

bool read_cells(const RowLayout& layout,
                std::string_view present,
                std::string_view& bytes,
                ImageCells& out) {
    const std::size_t count = layout.columns.size();
    out.assign(count, {});
    std::size_t sent = 0;
    for (std::size_t at = 0; at < count; ++at) {
        out[at].present = bit_of(present, at);
        sent += out[at].present ? 1U : 0U;
    }
    const std::size_t null_bytes = (sent + 7) / 8;
    if (bytes.size() < null_bytes) {
        return false;
    }
    const std::string_view nulls = bytes.substr(0, null_bytes);
    bytes.remove_prefix(null_bytes);
    sent = 0;
    for (std::size_t at = 0; at < count; ++at) {
        if (!out[at].present || bit_of(nulls, sent++)) {
            continue;
        }
        std::size_t size = 0;
        if (!value_size(layout.columns[at], bytes, size)) {
            return false;
        }
        out[at].bytes = bytes.substr(0, size);
        bytes.remove_prefix(size);
    }
    return true;
}

EventShape event_shape(const TableSchema& events, const SnapshotTable& table) {
    EventShape out;
    out.ours = events.database == table.structure.database && events.table == table.structure.table;
    if (!out.ours) {
        return out;
    }
    out.layout = layout_of(events);
    out.row_end = row_end_column(events);
    for (std::size_t at = 0; at < table.structure.columns.size(); ++at) {
        const auto found =
            std::find_if(events.columns.begin(), events.columns.end(), [&](const Column& column) {
                return column.name == table.structure.columns[at].name;
            });
        if (found == events.columns.end()) {
            return out;
        }
        out.columns.push_back(static_cast<std::size_t>(found - events.columns.begin()));
        out.same.push_back(out.layout.columns[out.columns.back()] == table.forms[at].layout);
    }
    // Hidden columns, and those that have no mapping, are not read.
    const auto known = static_cast<std::size_t>(
        std::count_if(events.columns.begin(), events.columns.end(), [](const Column& column) {
            return column.type.kind != TypeKind::unsupported;
        }));
    out.fits = known <= table.structure.columns.size();
    return out;
}

Result<RowEvent> read_event(const EventShape& shape, std::string_view payload) {
    TRIBUTARY_TRY(head, parse_event_head(payload));
    TRIBUTARY_TRY(split, split_images(head, shape.layout.columns.size()));
    RowEvent out;
    out.operation = head.operation;
    std::string_view rest = split.images;
    ImageCells cells;
    if (head.operation != 'I') {
        out.history = head.operation == 'D' &&
                      !is_current_row(shape.layout, split.present_before, rest, shape.row_end);
        if (!read_cells(shape.layout, split.present_before, rest, cells)) {
            return corrupt();
        }
        out.before = in_order(shape, cells);
    }
    if (head.operation == 'P' && !skip_value_options(shape.layout, rest)) {
        return corrupt();
    }
    if (head.operation != 'D') {
        out.history = head.operation == 'I' &&
                      !is_current_row(shape.layout, split.present_after, rest, shape.row_end);
        if (!read_cells(shape.layout, split.present_after, rest, cells)) {
            return corrupt();
        }
        out.after = in_order(shape, cells);
        for (std::size_t at = 0; at < out.before.size(); ++at) {
            if (!out.after[at].present) {
                out.after[at] = out.before[at];
            }
        }
    }
    const auto is_present = [](const ImageCell& cell) { return cell.present; };
    out.whole =
        head.operation == 'D' || std::all_of(out.after.begin(), out.after.end(), is_present);
    return out;
}

bool append_name(std::string& out,
                 const SnapshotTable& table,
                 const EventShape* shape,
                 const ImageCells& cells) {
    for (const std::size_t at : table.match_at) {
        // The binary form of a document is not ours alone.
        const bool alike =
            shape == nullptr || (shape->same[at] && table.forms[at].text != CellText::json);
        if (at >= cells.size() || !cells[at].present || !alike) {
            return false;
        }
        out.push_back(cells[at].bytes ? '\1' : '\0');
        append_sized(out, cells[at].bytes.value_or(std::string_view()));
    }
    return true;
}

ImageCells cells_of(const SnapshotTable& table, std::string_view row) {
    RowLayout layout;
    for (const CellForm& form : table.forms) {
        layout.columns.push_back(form.layout);
    }
    ImageCells cells;
    const std::size_t bitmap = (table.forms.size() + 7) / 8;
    const std::string_view held = image_of_held(row);
    std::string_view image = held.substr(std::min(bitmap, held.size()));
    if (!read_cells(layout, held.substr(0, bitmap), image, cells)) {
        cells.clear();
    }
    return cells;
}

std::optional<std::string> held_row(const EventShape& shape, const ImageCells& cells) {
    std::string out;
    append_fixed(out, std::uint32_t{0}, Endian::little);  // no key
    return append_image(std::move(out), shape, cells, cells);
}

std::optional<std::string> put_over(const SnapshotTable& table,
                                    const EventShape& shape,
                                    std::string_view row,
                                    const ImageCells& event) {
    const ImageCells cells = cells_of(table, row);
    // Its place in the order of the key is that of the row as it was read.
    std::string key(row.substr(0, row.size() - image_of_held(row).size()));
    return append_image(std::move(key), shape, cells, event);
}

}  // namespace tributary::mysql
