// Which tables and columns are taken in: names are "database.table" and "database.table.column".
#pragma once

#include "model/table_filter.h"

namespace tributary::mysql {

using Filter = TableFilter;

}  // namespace tributary::mysql
