// A Debezium connector's configuration as one of ours: what `tributary config from-debezium`
// prints. Properties as the Debezium 3.6 documentation names them ("Connector properties" of the
// PostgreSQL, MySQL and MariaDB connectors). Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tributary::config {

struct Conversion {
    std::string yaml;    // complete but for the secret files that it names
    std::string source;  // its name of the source
    std::vector<std::string>
        notes;  // what was not converted or means something else here, a line each
    // Where the connector stopped, as `tributary reset <source> --from` takes it; empty when no
    // offset was given.
    std::string position;
};

struct DebeziumFiles {
    // The connector: its configuration alone, or as Connect's REST API gives it,
    // {"name":..,"config":..}.
    std::string_view connector;
    // Its stored offset: the answer of GET /connectors/<name>/offsets, or the value of its record
    // in the offsets topic. Empty: none.
    std::string_view offset = {};
    // Connect workers know it, connectors do not.
    std::string_view bootstrap_servers = {};
};

// kConfigInvalid: not JSON, not a connector of a kind that we have, or an offset of no such
// connector. Passwords are never copied: the YAML refers to a file each.
[[nodiscard]] Result<Conversion> from_debezium(const DebeziumFiles& files);

}  // namespace tributary::config
