// type: postgresql
#include <string>
#include <utility>

#include "agent/debezium_options.h"
#include "agent/source_kind.h"
#include "connectors/postgresql/postgresql.h"
#include "encode/debezium.h"

namespace tributary::agent {
namespace {

postgresql::SnapshotMode mode(config::SnapshotMode mode) {
    switch (mode) {
        case config::SnapshotMode::no_data:
            return postgresql::SnapshotMode::no_data;
        case config::SnapshotMode::initial:
            return postgresql::SnapshotMode::initial;
        case config::SnapshotMode::always:
            return postgresql::SnapshotMode::always;
    }
    return postgresql::SnapshotMode::no_data;
}

Result<postgresql::Options> options_of(const config::Loaded& loaded, std::size_t index) {
    config::Reader reader = loaded.source(index);
    TRIBUTARY_TRY(options, postgresql::read_options(reader));
    options.name = loaded.config.sources[index].name;
    options.snapshot = mode(loaded.config.sources[index].snapshot);
    options.snapshot_chunk_rows = loaded.config.sources[index].snapshot_chunk_rows;
    return std::move(options);
}

Result<SourceParts> make(const config::Loaded& loaded,
                         std::size_t index,
                         const Clock& clock,
                         Observer& observer) {
    TRIBUTARY_TRY(options, options_of(loaded, index));
    SourceParts parts;
    parts.source = postgresql::make_source(std::move(options), clock, observer);
    parts.decoder = parts.source->make_decoder();
    parts.encoder = encode::make_debezium_encoder(debezium_options(loaded.config.sources[index]),
                                                  std::string(parts.decoder->connector_name()),
                                                  parts.decoder->source_fields());
    return parts;
}

std::vector<Finding> check(const config::Loaded& loaded, std::size_t index) {
    const auto options = options_of(loaded, index);
    if (!options) {
        return {{Severity::error, "configuration", options.error().what(), ""}};
    }
    return postgresql::check(options.value());
}

Result<Position> resolve_position(const config::Loaded& loaded,
                                  std::size_t index,
                                  std::string_view from) {
    TRIBUTARY_TRY(options, options_of(loaded, index));
    return postgresql::resolve_position(options, from);
}

}  // namespace

const SourceKind kPostgresqlSource{
    .type = "postgresql", .make = make, .check = check, .resolve_position = resolve_position};

}  // namespace tributary::agent
