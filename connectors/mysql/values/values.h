// Column values from their binlog form. Total over any bytes; nothing is allocated but from the
// arena, and a bounded document of nodes for a partial JSON update. Pure; any thread. MySQL source
// documentation, "Table_map_event", "Column types"; forms as MySQL 5.6 and later and MariaDB 10.1
// and later write them, the older ones of DATE, TIME, DATETIME and TIMESTAMP included.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "connectors/mysql/values/charset.h"
#include "connectors/mysql/values/table_map.h"
#include "model/schema.h"
#include "model/value.h"

namespace tributary::mysql {

enum class ValueFault : std::uint8_t {
    none,
    malformed,    // not the form of this type
    inflate,      // COMPRESSED value that cannot be inflated, or is over kInflatedBytesMax
    no_before,    // partial JSON without the document before
    unsupported,  // the column's type has no mapping
};
[[nodiscard]] std::string_view to_string(ValueFault fault) noexcept;

// What decoding a column needs, made once per schema.
struct ColumnReader {
    const ColumnType* type = nullptr;  // of the schema, which outlives it
    ColumnLayout layout{};
    bool nullable = true;
    bool is_unsigned = false;
    bool pad = false;                          // BINARY: trailing zero bytes are not stored
    const TextConverter* converter = nullptr;  // text; owned by the Converters
    enum class Inet : std::uint8_t { none, inet4, inet6 } inet = Inet::none;
};

// Converters of the character sets in use, each made once.
class Converters {
  public:
    // null when the collation's character set is not known.
    [[nodiscard]] const TextConverter* of(std::uint16_t collation);

  private:
    std::map<std::string, std::unique_ptr<TextConverter>, std::less<>> made_;
};

[[nodiscard]] ColumnReader make_reader(const Column& column, Converters& converters);

// `bytes`: the value with its length prefix, as value_size() measured it. Zero dates (and dates
// that the calendar does not have) are null in a nullable column, else 1970-01-01.
[[nodiscard]] ValueFault decode_value(const ColumnReader& reader,
                                      std::string_view bytes,
                                      Arena& arena,
                                      Value& out);

// A JSON column of a partial update: `diffs` with its length prefix; `before` the same of the row
// before.
[[nodiscard]] ValueFault decode_partial_json(std::string_view before,
                                             std::string_view diffs,
                                             Arena& arena,
                                             Value& out);

}  // namespace tributary::mysql
