// What the composition needs from each kind of source. One file per kind, <kind>_source.cc, names
// that connector; source_kind.cc lists them.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/loaded.h"
#include "ports/check.h"
#include "ports/clock.h"
#include "ports/decoder.h"
#include "ports/encoder.h"
#include "ports/observer.h"
#include "ports/source.h"

namespace tributary::agent {

struct SourceParts {
    std::unique_ptr<Source> source;
    std::unique_ptr<Decoder> decoder;
    std::unique_ptr<Encoder> encoder;
};

// Each function gets the index of a source of its kind. Threads: those of composition.h.
struct SourceKind {
    std::string_view type;  // as in the configuration
    // kConfigInvalid.
    Result<SourceParts> (*make)(const config::Loaded& loaded,
                                std::size_t index,
                                const Clock& clock,
                                Observer& observer);
    SourceCheck (*check)(const config::Loaded& loaded, std::size_t index);
    // From "now" or the connector's own text of a position.
    Result<Position> (*resolve_position)(const config::Loaded& loaded,
                                         std::size_t index,
                                         std::string_view from);
};

// Asserts that there is one: config::load() took the type from connectors().
[[nodiscard]] const SourceKind& source_kind(std::string_view type);

extern const SourceKind kMqttSource;
extern const SourceKind kPostgresqlSource;
extern const SourceKind kMysqlSource;
extern const SourceKind kMariadbSource;

}  // namespace tributary::agent
