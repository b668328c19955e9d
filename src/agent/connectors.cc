#include "agent/connectors.h"

#include "connectors/kafka/options.h"
#include "connectors/mqtt/options.h"
#include "connectors/mysql/options.h"
#include "connectors/postgresql/options.h"

namespace tributary::agent {
namespace {

void read_mysql(config::Reader& reader) {
    static_cast<void>(mysql::read_options(reader));
}

}  // namespace

config::Connectors connectors() {
    // The mistakes stay with the reader, whose document reports all of them at once.
    return {
        .kafka = [](config::Reader& reader) { static_cast<void>(kafka::read_options(reader)); },
        .sources =
            {
                {"mariadb", {.read = read_mysql}},
                {"mqtt",
                 {.read =
                      [](config::Reader& reader) { static_cast<void>(mqtt::read_options(reader)); },
                  .has_tables = false,
                  .ack = config::Ack::buffered,
                  .poison = config::Poison::dead_letter}},
                {"mysql", {.read = read_mysql}},
                {"postgresql",
                 {.read =
                      [](config::Reader& reader) {
                          static_cast<void>(postgresql::read_options(reader));
                      }}},
            },
    };
}

}  // namespace tributary::agent
