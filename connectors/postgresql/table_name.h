// A table by schema and name, as the server has them. Pure.
#pragma once

#include <string>

namespace tributary::postgresql {

struct TableName {
    std::string schema;
    std::string table;
};

}  // namespace tributary::postgresql
