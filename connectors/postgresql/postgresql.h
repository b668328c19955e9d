// The PostgreSQL connector as the composition sees it: with options.h the only header of this room
// that src/agent includes. Threads: ports/source.h for the source; check() from the command's main
// thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "connectors/postgresql/options.h"
#include "ports/check.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/source.h"

namespace tributary::postgresql {

// A source that is not connected yet. `clock` and `observer` must outlive it; `options.name` is the
// pipeline that log lines and numbers are reported under.
[[nodiscard]] std::unique_ptr<Source> make_source(Options options,
                                                  const Clock& clock,
                                                  Observer& observer);

// Connects, looks and changes nothing. Every finding that is not ok carries the SQL or command that
// mends it. Returns within about three times connection.connect_timeout_s.
[[nodiscard]] SourceCheck check(const Options& options);

// A resume position from "now" (the server's current LSN; makes the slot when it is missing) or
// from an LSN that the slot can still serve. kSourceGap, kSlotLost, kConfigInvalid, kSourceRewound
// (the server has not written so far yet), and what connecting gives.
[[nodiscard]] Result<Position> resolve_position(const Options& options, std::string_view from);

}  // namespace tributary::postgresql
