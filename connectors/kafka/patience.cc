#include "connectors/kafka/patience.h"

#include "model/errors.h"

namespace tributary::kafka {

Result<void> Patience::go_on(Client& client, std::string_view doing) {
    client.serve(std::chrono::milliseconds(0));
    if (interrupted_.exchange(false)) {
        return Error(errors::kKafkaUnreachable, std::string(doing) + ": interrupted");
    }
    const SteadyTime now = clock_.now();
    const bool late = spent();
    const auto& lasting = client.lasting_error();
    if (lasting) {
        lasting_since_ = lasting_since_.value_or(now);
        if (late || now - *lasting_since_ >= kLastingFor) {
            return lasting->at(doing);
        }
    }
    if (!late) {
        return success();
    }
    const auto& last = client.last_error();
    return Error(errors::kKafkaUnreachable,
                 std::string(doing) + ": no answer in time" + (last ? ": " + last->what() : ""));
}

}  // namespace tributary::kafka
