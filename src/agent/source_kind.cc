#include "agent/source_kind.h"

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace tributary::agent {

const SourceKind& source_kind(std::string_view type) {
    static const std::array kinds{&kMariadbSource, &kMqttSource, &kMysqlSource, &kPostgresqlSource};
    const auto found = std::find_if(
        kinds.begin(), kinds.end(), [&](const SourceKind* kind) { return kind->type == type; });
    TRIBUTARY_ASSERT(found != kinds.end());
    return **found;
}

}  // namespace tributary::agent
