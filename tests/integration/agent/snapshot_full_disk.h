// A disk that is full amid a snapshot, the same for every server.
#pragma once

#include "tests/integration/agent/snapshot_kills.h"

namespace tributary::agent_testing {

// Reading of t, which has `rows` rows, pauses with a named reason; with room again it goes on
// exactly. Table `ending` is there, as write_ending() wants it.
void expect_full_disk_pauses(const Taking& taking, int rows);

}  // namespace tributary::agent_testing
