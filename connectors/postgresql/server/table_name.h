// A table by schema and name, as the server has them. Pure.
#pragma once

#include "core/snapshot/chunk_port.h"

namespace tributary::postgresql {

using core::snapshot::RunTable;
using core::snapshot::TableName;

}  // namespace tributary::postgresql
