// The MQTT connector as the composition sees it: with options.h the only header of this room that
// src/agent includes. Threads: ports/source.h for the source; check() from the command's main
// thread.
#pragma once

#include <memory>
#include <vector>

#include "connectors/mqtt/options.h"
#include "ports/check.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/source.h"

namespace tributary::mqtt {

// A subscriber or a listener, as the options say; not open yet. `clock` and `observer` must outlive
// it; `options.name` is the pipeline that log lines and numbers are reported under.
[[nodiscard]] std::unique_ptr<Source> make_source(Options options,
                                                  const Clock& clock,
                                                  Observer& observer);

// Connects to the broker, or binds the addresses, and changes nothing. Returns within about
// connect_timeout.
[[nodiscard]] std::vector<Finding> check(const Options& options, const Clock& clock);

}  // namespace tributary::mqtt
