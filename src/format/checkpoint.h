// Bytes of a checkpoint: the value of the record in `_tributary.checkpoint.<agent>.<pipeline>`,
// whose key is the pipeline's name. JSON, one object, so that an operator can read it with any
// consumer; positions are base64. "format": 2, or 1 when it names no block. docs/log-format.md,
// "Checkpoint".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/checkpoint.h"

namespace tributary::format {

inline constexpr int kCheckpointFormat = 2;

[[nodiscard]] std::string pack_checkpoint(const Checkpoint& checkpoint);

// kCheckpointTooNew for a later format; kCheckpointInvalid for anything that we did not write.
// Total over any bytes.
[[nodiscard]] Result<Checkpoint> unpack_checkpoint(std::string_view bytes);

}  // namespace tributary::format
