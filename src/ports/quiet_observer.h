// An Observer that says nothing, for where nobody listens: reading a log that no agent runs, checks
// that report by their findings, tests. Any thread.
#pragma once

#include "ports/observer.h"

namespace tributary {

class QuietObserver final : public Observer {
  public:
    void log(LogLevel /*level*/,
             std::string_view /*pipeline*/,
             std::string_view /*message*/,
             std::initializer_list<LogField> /*fields*/) override {}
    void error(std::string_view /*pipeline*/, const Error& /*error*/) override {}
    void add(Counter /*counter*/,
             std::string_view /*pipeline*/,
             std::uint64_t /*amount*/) override {}
    void set(Gauge /*gauge*/, std::string_view /*pipeline*/, std::int64_t /*value*/) override {}
};

}  // namespace tributary
