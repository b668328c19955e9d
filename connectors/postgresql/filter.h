// Which tables and columns are taken in: names are "schema.table" and "schema.table.column".
#pragma once

#include "model/table_filter.h"

namespace tributary::postgresql {

using Filter = ::tributary::TableFilter;

}  // namespace tributary::postgresql
