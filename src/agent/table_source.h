// What every source of tables does alike: Debezium's envelopes, and options that are read before
// anything else is done. `Connector` names one connector by static functions:
//   options_of(loaded, index)   Result<Options>
//   make_source(options, clock, observer), check(options), resolve_position(options, from)
#pragma once

#include <string>
#include <utility>

#include "agent/debezium_options.h"
#include "agent/source_kind.h"
#include "encode/debezium.h"

namespace tributary::agent {

template <typename Connector>
Result<SourceParts> make_table_source(const config::Loaded& loaded,
                                      std::size_t index,
                                      const Clock& clock,
                                      Observer& observer) {
    TRIBUTARY_TRY(options, Connector::options_of(loaded, index));
    SourceParts parts;
    parts.source = Connector::make_source(std::move(options), clock, observer);
    parts.decoder = parts.source->make_decoder();
    parts.encoder = encode::make_debezium_encoder(debezium_options(loaded.config.sources[index]),
                                                  std::string(parts.decoder->connector_name()),
                                                  parts.decoder->source_fields());
    return parts;
}

template <typename Connector>
SourceCheck check_table_source(const config::Loaded& loaded, std::size_t index) {
    const auto options = Connector::options_of(loaded, index);
    if (!options) {
        return {.findings = {{Severity::error, "configuration", options.error().what(), ""}}};
    }
    return Connector::check(options.value());
}

template <typename Connector>
Result<Position> resolve_table_position(const config::Loaded& loaded,
                                        std::size_t index,
                                        std::string_view from) {
    TRIBUTARY_TRY(options, Connector::options_of(loaded, index));
    return Connector::resolve_position(options, from);
}

template <typename Connector>
constexpr SourceKind table_source_kind(std::string_view type) {
    return {.type = type,
            .make = make_table_source<Connector>,
            .check = check_table_source<Connector>,
            .resolve_position = resolve_table_position<Connector>};
}

}  // namespace tributary::agent
