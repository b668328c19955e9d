// AckPolicy: which of the two numbers that flow back, durable or delivered, is confirmed to the
// source (DESIGN 3, "Confirming to the source"). Pure; one thread.
#pragma once

#include "ports/source.h"

namespace tributary::core {

enum class AckMode { buffered, delivered, automatic };

class AckPolicy {
  public:
    explicit AckPolicy(AckMode mode) : mode_(mode), durable_(mode == AckMode::buffered) {}

    // What the server keeps for us now. `automatic` goes over to `durable` above the limit and back
    // at half of it.
    void on_pressure(const Pressure& pressure);

    [[nodiscard]] bool confirms_durable() const { return durable_; }

  private:
    AckMode mode_;
    bool durable_;
};

}  // namespace tributary::core
