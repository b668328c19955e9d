// What `tributary check` finds out about an outside system.
#pragma once

#include <string>
#include <vector>

namespace tributary {

enum class Severity { ok, warning, error };

struct Finding {
    Severity severity = Severity::ok;
    std::string subject;  // "wal_level", "right on public.orders", "topic plant.public.orders"
    std::string what;     // what was found
    std::string remedy;   // SQL or command that mends it; empty when ok
};

// What a source of tables finds out, and the tables that it takes, as "schema.table".
struct SourceCheck {
    std::vector<Finding> findings;
    std::vector<std::string> tables = {};
};

}  // namespace tributary
