// Rows events into rows: row_split.h.
#include "connectors/mysql/binlog/row_split.h"

#include <algorithm>

#include "model/errors.h"

namespace tributary::mysql {
namespace {

bool bit(std::string_view bits, std::size_t index) {
    return index / 8 < bits.size() &&
           (static_cast<unsigned char>(bits[index / 8]) >> (index % 8) & 1U) != 0;
}

// Bits appended one after another, least significant first.
class BitWriter {
  public:
    explicit BitWriter(std::string& out) : out_(out) {}
    void push(bool value) {
        if (count_ % 8 == 0) {
            out_.push_back('\0');
        }
        if (value) {
            out_.back() =
                static_cast<char>(static_cast<unsigned char>(out_.back()) | 1U << (count_ % 8));
        }
        ++count_;
    }

  private:
    std::string& out_;
    std::size_t count_ = 0;
};

// The columns of one whole image, front to back.
class ImageCells {
  public:
    ImageCells(const RowLayout& layout,
               std::string_view present,
               std::string_view image,
               bool partial)
        : layout_(layout), present_(present), rest_(image) {
        std::size_t present_count = 0;
        for (std::size_t column = 0; column < layout.columns.size(); ++column) {
            present_count += bit(present, column) ? 1 : 0;
        }
        if (partial && !rest_.empty()) {  // one byte of value options
            const std::size_t bits = rest_.front() == 1 ? (layout.json_columns + 7) / 8 : 0;
            rest_.remove_prefix(std::min(rest_.size(), 1 + bits));
        }
        nulls_ = rest_.substr(0, (present_count + 7) / 8);
        rest_.remove_prefix(nulls_.size());
    }

    struct Cell {
        bool sent = false;
        bool null = false;
        std::string_view bytes{};
    };
    Cell next() {
        const std::size_t column = column_++;
        if (!bit(present_, column)) {
            return {};
        }
        Cell cell{.sent = true, .null = bit(nulls_, sent_++)};
        std::size_t size = 0;
        if (!cell.null && value_size(layout_.columns[column], rest_, size)) {
            cell.bytes = rest_.substr(0, size);
            rest_.remove_prefix(size);
        }
        return cell;
    }

  private:
    const RowLayout& layout_;
    std::string_view present_;
    std::string_view nulls_;
    std::string_view rest_;
    std::size_t column_ = 0;
    std::size_t sent_ = 0;
};

Error violation(std::string_view what) {
    return {errors::kProtocolViolation, "row image: " + std::string(what)};
}

}  // namespace

Result<std::string_view> RowSplitter::take(std::string_view present, bool partial) {
    TRIBUTARY_TRY(size,
                  partial ? partial_image_size(layout_, present, left_)
                          : row_image_size(layout_, present, left_));
    const std::string_view image = left_.substr(0, size);
    left_.remove_prefix(image.size());
    return image;
}

Result<bool> RowSplitter::next(RowSpan& row) {
    // Rows without any column present have no bytes: such an event has one row.
    if (left_.empty() && !first_) {
        return false;
    }
    const bool was_first = first_;
    first_ = false;
    const std::size_t before = left_.size();
    row = {};
    if (event_.kind != RowsKind::write) {
        TRIBUTARY_TRY(image, take(event_.present_before, false));
        row.before = image;
    }
    if (event_.kind != RowsKind::remove) {
        TRIBUTARY_TRY(image, take(event_.present_after, event_.partial));
        row.after = image;
    }
    if (left_.size() == before && !(was_first && before == 0)) {
        return violation("no columns, and bytes left");
    }
    return true;
}

bool changes_key(const RowLayout& layout,
                 const std::vector<bool>& key,
                 const RowsEvent& event,
                 const RowSpan& row) {
    ImageCells before(layout, event.present_before, row.before, false);
    ImageCells after(layout, event.present_after, row.after, event.partial);
    for (const bool of_key : key) {
        const auto old_cell = before.next();
        const auto new_cell = after.next();
        if (of_key && old_cell.sent && new_cell.sent &&
            (old_cell.null != new_cell.null || old_cell.bytes != new_cell.bytes)) {
            return true;
        }
    }
    return false;
}

void append_kept_bits(std::string& out, std::string_view bits, const std::vector<bool>& keep) {
    BitWriter writer(out);
    for (std::size_t column = 0; column < keep.size(); ++column) {
        if (keep[column]) {
            writer.push(bit(bits, column));
        }
    }
}

Result<void> append_kept_image(std::string& out,
                               const RowLayout& layout,
                               const std::vector<bool>& keep,
                               std::string_view present,
                               std::string_view image,
                               bool partial) {
    std::size_t at = 0;
    if (partial) {
        // Value options are a packed integer with one flag defined: one byte.
        if (image.empty() || static_cast<unsigned char>(image.front()) > 1) {
            return violation("value options that are not known");
        }
        out.push_back(image.front());
        at = 1;
        if (image.front() == 1) {
            const std::string_view bits = image.substr(at, (layout.json_columns + 7) / 8);
            BitWriter writer(out);
            std::size_t json = 0;
            for (std::size_t column = 0; column < layout.columns.size(); ++column) {
                if (layout.columns[column].type == BinlogType::json) {
                    if (keep[column]) {
                        writer.push(bit(bits, json));
                    }
                    ++json;
                }
            }
            at += bits.size();
        }
    }
    std::size_t present_count = 0;
    for (std::size_t column = 0; column < layout.columns.size(); ++column) {
        present_count += bit(present, column) ? 1 : 0;
    }
    if (image.size() - at < (present_count + 7) / 8) {
        return violation("too short");
    }
    const std::string_view nulls = image.substr(at, (present_count + 7) / 8);
    at += nulls.size();
    BitWriter kept_nulls(out);
    std::size_t index = 0;
    for (std::size_t column = 0; column < layout.columns.size(); ++column) {
        if (bit(present, column)) {
            if (keep[column]) {
                kept_nulls.push(bit(nulls, index));
            }
            ++index;
        }
    }
    index = 0;
    for (std::size_t column = 0; column < layout.columns.size(); ++column) {
        if (!bit(present, column) || bit(nulls, index++)) {
            continue;
        }
        std::size_t size = 0;
        if (!value_size(layout.columns[column], image.substr(at), size) ||
            size > image.size() - at) {
            return violation("a value that does not end");
        }
        if (keep[column]) {
            out.append(image.substr(at, size));
        }
        at += size;
    }
    return success();
}

}  // namespace tributary::mysql
