// type: postgresql
#include <utility>

#include "agent/source_kind.h"
#include "agent/table_source.h"
#include "connectors/postgresql/postgresql.h"

namespace tributary::agent {
namespace {

struct Postgresql {
    static Result<postgresql::Options> options_of(const config::Loaded& loaded, std::size_t index) {
        config::Reader reader = loaded.source(index);
        TRIBUTARY_TRY(options, postgresql::read_options(reader));
        options.name = loaded.config.sources[index].name;
        options.snapshot = loaded.config.sources[index].snapshot;
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
