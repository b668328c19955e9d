// The Kafka sink: records and their checkpoint in one Kafka transaction (ports/sink.h; DESIGN 3).
// This and options.h are all that other rooms include of this one; librdkafka stays behind it.
//
// A sink owns one transactional producer at a time, `tributary.<agent>.<pipeline>`, and the topic
// `_tributary.checkpoint.<agent>.<pipeline>`: one partition, compacted, made by the sink itself.
// Threads: as in ports/sink.h; librdkafka runs its own threads inside and ends them with the
// producer.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/kafka/options.h"
#include "ports/check.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/sink.h"

namespace tributary::kafka {

struct SinkIdentity {
    std::string agent;     // agent.id
    std::string pipeline;  // name of the source; also the key of its checkpoint records
};

// "_tributary.checkpoint.<agent>.<pipeline>" and "tributary.<agent>.<pipeline>".
[[nodiscard]] std::string checkpoint_topic(const SinkIdentity& identity);
[[nodiscard]] std::string transactional_id(const SinkIdentity& identity);

// kKafkaConfig: a property that would break the promise (named, with the reason), one that
// librdkafka does not know or a value it does not take, a topic or transactional id that Kafka's
// rules forbid. No connection is made.
[[nodiscard]] Result<void> check_options(const Options& options, const SinkIdentity& identity);

// A sink that has not connected yet: recover() does. A mistake in `options` is recover()'s error.
// `clock` and `observer` must outlive the sink.
[[nodiscard]] std::unique_ptr<Sink> make_sink(const Options& options,
                                              SinkIdentity identity,
                                              const Clock& clock,
                                              Observer& observer);

// For `tributary check`: connects, and says of the cluster, the checkpoint topic and each of
// `topics` what is there, what is missing and how to mend it. Changes nothing but the transactional
// id "<transactional_id>.check". Blocks for at most about 20 s.
[[nodiscard]] std::vector<Finding> check(const Options& options,
                                         const SinkIdentity& identity,
                                         std::span<const std::string> topics,
                                         const Clock& clock);

}  // namespace tributary::kafka
