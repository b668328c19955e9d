// Text forms of types that need more than a number or a copy: money, bit strings, hstore. Total
// over any bytes, nothing allocated but from the arena. Pure; any thread. PostgreSQL 15
// manual 8.2, 8.10, F.18.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "connectors/postgresql/values/text_values.h"
#include "model/value.h"

namespace tributary::postgresql {

// Plain digits with two after the point.
[[nodiscard]] ValueFault parse_money(std::string_view text, Arena& arena, Value& out);

// Bytes of the number that the digits are, the lowest first, without zeros at the end.
[[nodiscard]] ValueFault parse_bits(std::string_view text, Arena& arena, Value& out);

// `json` becomes a view of the arena: an object in the order of `text`, its UTF-8 not checked;
// false when `text` is not an hstore.
[[nodiscard]] bool hstore_to_json(std::string_view text, Arena& arena, std::string_view& json);

}  // namespace tributary::postgresql
