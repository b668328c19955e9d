// Rows events into rows, and row images without the columns that are not kept. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/binlog/events.h"
#include "connectors/mysql/values/row_image.h"

namespace tributary::mysql {

struct RowSpan {
    std::string_view before{};
    std::string_view after{};
};

class RowSplitter {
  public:
    // `layout`, and what `event` views, outlive it. event.columns must be the layout's.
    RowSplitter(const RowLayout& layout, const RowsEvent& event)
        : layout_(layout), event_(event), left_(event.rows) {}

    // The next row; false after the last one. kProtocolViolation.
    [[nodiscard]] Result<bool> next(RowSpan& row);

  private:
    Result<std::string_view> take(std::string_view present, bool partial);

    const RowLayout& layout_;
    const RowsEvent& event_;
    std::string_view left_;
    bool first_ = true;
};

// Whether an update changes a value of a column in `key` (by column): of those that both images
// have. The images are whole ones, as RowSplitter gives them.
[[nodiscard]] bool changes_key(const RowLayout& layout,
                               const std::vector<bool>& key,
                               const RowsEvent& event,
                               const RowSpan& row);

// Appends the bits of the kept columns, their order kept, rounded up to bytes.
void append_kept_bits(std::string& out, std::string_view bits, const std::vector<bool>& keep);

// Appends `image` (a whole one, as RowSplitter gives it) without the columns that are not kept, in
// the form of entry_payload.h. kProtocolViolation.
[[nodiscard]] Result<void> append_kept_image(std::string& out,
                                             const RowLayout& layout,
                                             const std::vector<bool>& keep,
                                             std::string_view present,
                                             std::string_view image,
                                             bool partial);

}  // namespace tributary::mysql
