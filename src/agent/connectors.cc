#include "agent/connectors.h"

#include "connectors/kafka/options.h"
#include "connectors/postgresql/options.h"

namespace tributary::agent {

config::Connectors connectors() {
    // The mistakes stay with the reader, whose document reports all of them at once.
    return {
        .kafka = [](config::Reader& reader) { static_cast<void>(kafka::read_options(reader)); },
        .sources =
            {
                {"postgresql",
                 {.read =
                      [](config::Reader& reader) {
                          static_cast<void>(postgresql::read_options(reader));
                      },
                  .has_snapshots = true}},
            },
    };
}

}  // namespace tributary::agent
