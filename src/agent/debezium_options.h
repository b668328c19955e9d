// `topics:` of a source of tables as the Debezium encoder's options.
#pragma once

#include "config/loaded.h"
#include "encode/debezium.h"

namespace tributary::agent {

[[nodiscard]] encode::DebeziumOptions debezium_options(const config::SourceConfig& source);

}  // namespace tributary::agent
