#include "core/intake/ack_policy.h"

namespace tributary::core {

void AckPolicy::on_pressure(const Pressure& pressure) {
    if (mode_ != AckMode::automatic || pressure.limit_bytes == 0) {
        return;
    }
    if (pressure.held_bytes > pressure.limit_bytes) {
        durable_ = true;
    } else if (pressure.held_bytes <= pressure.limit_bytes / 2) {
        durable_ = false;
    }
}

}  // namespace tributary::core
