#include "connectors/mqtt/mqtt.h"

#include <utility>

#include "connectors/mqtt/listener/source.h"
#include "connectors/mqtt/subscriber/source.h"

namespace tributary::mqtt {

std::unique_ptr<Source> make_source(Options options, const Clock& clock, Observer& observer) {
    if (options.listen) {
        return std::make_unique<ListenerSource>(std::move(options), clock, observer);
    }
    return std::make_unique<SubscriberSource>(std::move(options), clock, observer);
}

}  // namespace tributary::mqtt
