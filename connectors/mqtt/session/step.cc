#include "connectors/mqtt/session/step.h"

namespace tributary::mqtt {

void Step::clear() {
    intake.clear();
    side.clear();
    side_bytes.clear();
    sends.clear();
    wire.clear();
    resumed.clear();
}

void put_side(Step& step, std::string_view key, std::string_view value) {
    erase_side(step, key);
    SideChange& change = step.side.back();
    change.erase = false;
    set_value(step, step.side.size() - 1, value);
}

void erase_side(Step& step, std::string_view key) {
    SideChange change;
    change.item = step.intake.size();
    change.erase = true;
    change.key_at = step.side_bytes.size();
    change.key_size = key.size();
    step.side_bytes.append(key);
    step.side.push_back(change);
}

void put_side(Step& step, std::span<const SideWrite> writes) {
    for (const SideWrite& write : writes) {
        if (write.value) {
            put_side(step, write.key, *write.value);
        } else {
            erase_side(step, write.key);
        }
    }
}

void set_value(Step& step, std::size_t change, std::string_view value) {
    SideChange& target = step.side[change];
    target.value_at = step.side_bytes.size();
    target.value_size = value.size();
    step.side_bytes.append(value);
}

void sent(Step& step, ConnectionId connection, std::size_t at) {
    const std::size_t size = step.wire.size() - at;
    if (size == 0) {
        return;
    }
    if (!step.sends.empty()) {
        Send& last = step.sends.back();
        if (last.connection == connection && !last.close_after && last.at + last.size == at) {
            last.size += size;
            return;
        }
    }
    step.sends.push_back({.connection = connection, .at = at, .size = size});
}

void close_after(Step& step, ConnectionId connection, ReasonCode reason, const char* why) {
    if (step.sends.empty() || step.sends.back().connection != connection) {
        step.sends.push_back({.connection = connection, .at = step.wire.size()});
    }
    Send& last = step.sends.back();
    last.close_after = true;
    last.reason = reason;
    last.why = why;
}

bool owes_note(const Step& step) {
    return !step.side.empty() && step.side.back().item == step.intake.size();
}

}  // namespace tributary::mqtt
