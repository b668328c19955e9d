// type: mysql, and type: mariadb for the same
#include <utility>

#include "agent/source_kind.h"
#include "agent/table_source.h"
#include "connectors/mysql/mysql.h"

namespace tributary::agent {
namespace {

struct Mysql {
    static Result<mysql::Options> options_of(const config::Loaded& loaded, std::size_t index) {
        config::Reader reader = loaded.source(index);
        TRIBUTARY_TRY(options, mysql::read_options(reader));
        options.name = loaded.config.sources[index].name;
        options.snapshot = loaded.config.sources[index].snapshot;
        options.snapshot_chunk_rows = loaded.config.sources[index].snapshot_chunk_rows;
        options.snapshot_keyless_bytes = loaded.config.sources[index].snapshot_keyless_bytes;
        options.buffer_bytes = loaded.config.buffer.max_bytes;
        return std::move(options);
    }
    static constexpr auto make_source = mysql::make_source;
    static constexpr auto check = mysql::check;
    static constexpr auto resolve_position = mysql::resolve_position;
};

}  // namespace

const SourceKind kMysqlSource = table_source_kind<Mysql>("mysql");
const SourceKind kMariadbSource = table_source_kind<Mysql>("mariadb");

}  // namespace tributary::agent
