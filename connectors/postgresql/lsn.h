// Lsn: a byte position in PostgreSQL's write-ahead log, and its text form. Pure; any thread.
// PostgreSQL 15 manual 8.20, "pg_lsn Type".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/strong.h"

namespace tributary::postgresql {

// 0 is InvalidXLogRecPtr: no position.
using Lsn = Strong<std::uint64_t, struct LsnTag>;

// "0/1A2B3C4": two hexadecimal numbers of 32 bits, upper case, without leading zeros.
[[nodiscard]] std::string to_string(Lsn lsn);

// The reverse; digits of either case. nullopt for anything that pg_lsn's input would refuse.
[[nodiscard]] std::optional<Lsn> parse_lsn(std::string_view text);

}  // namespace tributary::postgresql
