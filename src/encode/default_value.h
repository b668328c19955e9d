// PostgreSQL default expressions, as pg_get_expr prints them, to the `default` of a Connect schema.
// Literals become their value; a function that the server would have to call becomes the type's
// zero on a NOT NULL column (serial keys have 0); all else is no default. Pure.
#pragma once

#include <optional>
#include <string>

#include "encode/value_format.h"
#include "model/schema.h"

namespace tributary::encode {

// JSON text of the schema's `default`; none when it has none.
[[nodiscard]] std::optional<std::string> default_json(const Column& column, const Format& format);

}  // namespace tributary::encode
