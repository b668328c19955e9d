// From configuration to parts: which connector, encoder and options each pipeline gets; `run`,
// `check` and `reset` all build from here. What is special to a kind of source: source_kind.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/loaded.h"
#include "log/log_options.h"
#include "ports/check.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "runtime/runtime.h"
#include "telemetry/observer.h"

namespace tributary::agent {

[[nodiscard]] std::unique_ptr<telemetry::ProcessObserver> make_observer(
    const config::AgentConfig& config, const Clock& clock);
[[nodiscard]] LogOptions log_options(const config::AgentConfig& config, const Clock* clock);

// The parts of source `index`. kConfigInvalid, kKafkaConfig.
[[nodiscard]] Result<runtime::PipelineParts> make_pipeline(const config::Loaded& loaded,
                                                           std::size_t index,
                                                           const Clock& clock,
                                                           Observer& observer);

// A decoder and an encoder of source `index`, to look into its log. What it is given must outlive
// it.
[[nodiscard]] runtime::ViewFactory view_factory(const config::Loaded& loaded,
                                                std::size_t index,
                                                const Clock& clock,
                                                Observer& observer);

// What source `index` and its server say.
[[nodiscard]] SourceCheck check_source(const config::Loaded& loaded, std::size_t index);
// Without a connection.
[[nodiscard]] Finding check_kafka_properties(const config::Loaded& loaded);
// What the Kafka cluster says, for every source.
[[nodiscard]] std::vector<Finding> check_kafka(const config::Loaded& loaded);

// A position of source `index` from "now" or the connector's own text of one.
[[nodiscard]] Result<Position> resolve_position(const config::Loaded& loaded,
                                                std::size_t index,
                                                std::string_view from);

}  // namespace tributary::agent
