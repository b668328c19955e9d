// From Options to librdkafka's configuration: what the promise needs is set here and cannot be
// overridden; what the operator gives is refused by name, with the reason, when it would break it.
// Names: CONFIGURATION.md of librdkafka 2.0. Pure, but for librdkafka's own checks; one thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "connectors/kafka/handles.h"
#include "connectors/kafka/kafka.h"

namespace tributary::kafka {

// How batches are cut; narrowed after a broker refused one (sink.cc).
struct Batching {
    std::uint32_t batch_bytes = 1'000'000;
    bool one_record_per_batch = false;
};

// kKafkaConfig names the property that librdkafka does not take; secrets are never quoted.
[[nodiscard]] Result<ConfHandle> producer_conf(const Options& options,
                                               std::string_view transactional_id,
                                               const Batching& batching);
// A consumer that reads one partition without a group, committed records only.
[[nodiscard]] Result<ConfHandle> reader_conf(const Options& options);
// A client that only asks and administers.
[[nodiscard]] Result<ConfHandle> admin_conf(const Options& options);

// The batch size that `options` ask for, or ours.
[[nodiscard]] std::uint32_t batch_bytes_of(const Options& options);

}  // namespace tributary::kafka
