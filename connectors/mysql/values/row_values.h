// Row images to values: one reader per table structure. Total over any bytes. One thread (the
// converters of East Asian character sets are shared by the columns of a decoder).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "connectors/mysql/values/row_image.h"
#include "connectors/mysql/values/values.h"
#include "model/schema.h"
#include "model/value.h"

namespace tributary::mysql {

class RowReader {
  public:
    // `converters` outlives it.
    RowReader(std::shared_ptr<const TableSchema> schema, Converters& converters);

    [[nodiscard]] const TableSchema& schema() const noexcept { return *schema_; }
    [[nodiscard]] const RowLayout& layout() const noexcept { return layout_; }

    // One image off the front of `bytes`, which is moved behind it. `present` as in row_image.h;
    // columns that the image does not have get the state `missing`. One Value per column, in the
    // arena. kEntryCorrupt: the image is not whole; kValueUndecodable names the column.
    [[nodiscard]] Result<Value*> read(std::string_view present,
                                      std::string_view& bytes,
                                      ValueState missing,
                                      Arena& arena) const;

    // An after image of a partial update: `before` is the image before it, with `present_before`.
    [[nodiscard]] Result<Value*> read_partial(std::string_view present_before,
                                              std::string_view before,
                                              std::string_view present,
                                              std::string_view& bytes,
                                              ValueState missing,
                                              Arena& arena) const;

  private:
    [[nodiscard]] Error corrupt(std::string_view why) const;
    [[nodiscard]] Error undecodable(std::size_t column, std::string_view why) const;
    // Calls each(column, cell): the bytes of every present value, none for null.
    template <typename Each>
    [[nodiscard]] Result<void> walk(std::string_view present,
                                    std::string_view& bytes,
                                    Each each) const;

    std::shared_ptr<const TableSchema> schema_;
    RowLayout layout_;
    std::vector<ColumnReader> readers_;
};

}  // namespace tributary::mysql
