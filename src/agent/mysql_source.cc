// type: mysql, and type: mariadb for the same
#include <string>
#include <utility>

#include "agent/debezium_options.h"
#include "agent/source_kind.h"
#include "connectors/mysql/mysql.h"
#include "encode/debezium.h"

namespace tributary::agent {
namespace {

Result<mysql::Options> options_of(const config::Loaded& loaded, std::size_t index) {
    config::Reader reader = loaded.source(index);
    TRIBUTARY_TRY(options, mysql::read_options(reader));
    options.name = loaded.config.sources[index].name;
    return std::move(options);
}

Result<SourceParts> make(const config::Loaded& loaded,
                         std::size_t index,
                         const Clock& clock,
                         Observer& observer) {
    TRIBUTARY_TRY(options, options_of(loaded, index));
    SourceParts parts;
    parts.source = mysql::make_source(std::move(options), clock, observer);
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
    return mysql::check(options.value());
}

Result<Position> resolve_position(const config::Loaded& loaded,
                                  std::size_t index,
                                  std::string_view from) {
    TRIBUTARY_TRY(options, options_of(loaded, index));
    return mysql::resolve_position(options, from);
}

}  // namespace

const SourceKind kMysqlSource{
    .type = "mysql", .make = make, .check = check, .resolve_position = resolve_position};
const SourceKind kMariadbSource{
    .type = "mariadb", .make = make, .check = check, .resolve_position = resolve_position};

}  // namespace tributary::agent
