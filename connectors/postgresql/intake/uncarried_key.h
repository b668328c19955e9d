// What an operator hears of a table whose key is of a type that is not mapped. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "ports/observer.h"

namespace tributary::postgresql {

struct UncarriedKey {
    std::string table;   // "schema.table"
    std::string column;  // drop_uncarried_key()
    auto operator<=>(const UncarriedKey&) const = default;
};

inline void warn_of_uncarried_key(Observer& observer,
                                  std::string_view source,
                                  const UncarriedKey& key) {
    observer.log(LogLevel::warn,
                 source,
                 "records of a table have no key: a column of its key is of a type that is not "
                 "carried; name other columns in tables.key_columns",
                 {{"table", key.table}, {"column", key.column}});
}

}  // namespace tributary::postgresql
