// Text forms of the types of pgvector and PostGIS. Total over any bytes, nothing allocated but from
// the arena. Pure; any thread. pgvector README, "Reference"; PostGIS 3.3 manual 4.1.4 "Geometry
// Data Type Representations": a value is written as extended well-known binary, in hexadecimal.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "connectors/postgresql/values/text_values.h"
#include "model/value.h"

namespace tributary::postgresql {

// [1,2.5]: the bytes of Real, float or double, as model/value.h has them.
template <typename Real>
[[nodiscard]] ValueFault parse_vector(std::string_view text, Arena& arena, Value& out);

// {1:1.5,3:-2}/5
[[nodiscard]] ValueFault parse_sparse_vector(std::string_view text, Arena& arena, Value& out);

// Its bytes, and the SRID where it names one.
[[nodiscard]] ValueFault parse_geometry(std::string_view text, Arena& arena, Value& out);

}  // namespace tributary::postgresql
