// One line of COPY ... TO STDOUT (text format) as the tuple that pgoutput would send for the row:
// both carry the output text of each column. Pure; total over any bytes; any thread. PostgreSQL 15
// manual, COPY, "Text Format"; 55.9 "TupleData".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tributary::postgresql {

// Appends the tuple; false (and `out` as before) when the line does not have `columns` columns or
// has an escape that COPY does not write. `line` with or without its newline.
[[nodiscard]] bool append_copy_tuple(std::string& out,
                                     std::string_view line,
                                     std::uint16_t columns);

}  // namespace tributary::postgresql
