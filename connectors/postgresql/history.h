// Whether a server still tells the story that this pipeline has followed so far: pure decisions over
// positions, timelines and identities. PostgreSQL 15 manual 27.2.4 "Timelines" (25.3.5), 55.4
// IDENTIFY_SYSTEM and TIMELINE_HISTORY. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "model/checkpoint.h"
#include "ports/source.h"

namespace tributary::postgresql {

// ports/source.h, Source::reconcile(). `identity` is that of the server, empty when none was
// reached yet.
[[nodiscard]] Verdict reconcile(const LogExtent& log,
                                const Checkpoint& checkpoint,
                                std::string_view identity);

}  // namespace tributary::postgresql
