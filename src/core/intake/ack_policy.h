// AckPolicy: which of the two numbers that flow back, durable or delivered, is confirmed to the
// source (DESIGN 3, "Confirming to the source"). Pure; one thread.
//
// Where the source notices that it was told to forget what a new log would need
// (Source::notices_gaps), nothing durable is confirmed before Kafka holds a checkpoint of the
// pipeline: a log that is lost before that leaves nothing to hold the source against.
#pragma once

#include "ports/source.h"

namespace tributary::core {

enum class AckMode { buffered, delivered, automatic };

class AckPolicy {
  public:
    explicit AckPolicy(AckMode mode, bool gaps_are_noticed = false)
        : mode_(mode), durable_(mode == AckMode::buffered), remembered_(!gaps_are_noticed) {}

    // What the server keeps for us now. `automatic` goes over to `durable` above the limit and back
    // at half of it.
    void on_pressure(const Pressure& pressure);

    // Kafka holds a checkpoint of the pipeline.
    void on_checkpoint() { remembered_ = true; }

    [[nodiscard]] bool confirms_durable() const { return durable_ && remembered_; }

  private:
    AckMode mode_;
    bool durable_;
    bool remembered_;
};

}  // namespace tributary::core
