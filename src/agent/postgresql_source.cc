// type: postgresql
#include <utility>

#include "agent/source_kind.h"
#include "agent/table_source.h"
#include "connectors/postgresql/postgresql.h"

namespace tributary::agent {
namespace {

postgresql::SnapshotMode mode(config::SnapshotMode mode) {
    switch (mode) {
        case config::SnapshotMode::no_data:
            return postgresql::SnapshotMode::no_data;
        case config::SnapshotMode::initial:
            return postgresql::SnapshotMode::initial;
        case config::SnapshotMode::initial_only:
            return postgresql::SnapshotMode::initial_only;
        case config::SnapshotMode::always:
            return postgresql::SnapshotMode::always;
        case config::SnapshotMode::when_needed:
            return postgresql::SnapshotMode::when_needed;
    }
    return postgresql::SnapshotMode::no_data;
}

struct Postgresql {
    static Result<postgresql::Options> options_of(const config::Loaded& loaded, std::size_t index) {
        config::Reader reader = loaded.source(index);
        TRIBUTARY_TRY(options, postgresql::read_options(reader));
        options.name = loaded.config.sources[index].name;
        options.snapshot = mode(loaded.config.sources[index].snapshot);
        options.snapshot_chunk_rows = loaded.config.sources[index].snapshot_chunk_rows;
        options.snapshot_keyless_bytes = loaded.config.sources[index].snapshot_keyless_bytes;
        return std::move(options);
    }
    static constexpr auto make_source = postgresql::make_source;
    static constexpr auto check = postgresql::check;
    static constexpr auto resolve_position = postgresql::resolve_position;
};

}  // namespace

const SourceKind kPostgresqlSource = table_source_kind<Postgresql>("postgresql");

}  // namespace tributary::agent
