// Routes: from an MQTT topic to a Kafka topic, key and headers. A topic that nobody allowed cannot
// come out: a template with names must meet one of the route's regular expressions, so a hostile
// device can never make a Kafka topic. Pure, except that Routes remembers what it worked out;
// one thread each.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "connectors/mqtt/options.h"
#include "connectors/mqtt/routes/pattern.h"
#include "connectors/mqtt/routes/template.h"
#include "model/name_pattern.h"

namespace tributary::mqtt {

// One route, compiled.
class Route {
  public:
    // kConfigInvalid, naming what is wrong.
    [[nodiscard]] static Result<Route> make(const RouteOptions& options);

    RouteOptions options;
    Pattern pattern;
    Template topic;
    Template key;
    std::vector<std::pair<std::string, Template>> headers;
    std::vector<NamePattern> allowed;

  private:
    Route(RouteOptions from, Pattern compiled)
        : options(std::move(from)), pattern(std::move(compiled)) {}
};

// Why no record may go to Kafka topic `name`: it is no name of one, or an internal one of Kafka's
// or ours. Empty: it may. What it shows of `name` is bounded.
[[nodiscard]] std::string topic_refusal(std::string_view name);

// Whether Tributary itself writes the header: nobody else may.
[[nodiscard]] bool is_own_header(std::string_view name);

// What one MQTT topic (of one client) comes to.
struct Routed {
    const Route* route = nullptr;  // null: no route takes it
    std::string refusal;           // why its Kafka topic is not allowed; empty when it is
    std::string kafka_topic;
    std::optional<std::string> key;
    std::vector<std::pair<std::string, std::string>> captures;
    std::vector<std::pair<std::string, std::string>> headers;

    [[nodiscard]] bool good() const { return route != nullptr && refusal.empty(); }
};

class Routes {
  public:
    // More topics than this, or longer ones, are worked out again and again.
    static constexpr std::size_t kRememberedMax = 4096;
    static constexpr std::size_t kRememberedBytesMax = 512;

    [[nodiscard]] static Result<Routes> make(std::span<const RouteOptions> options);

    // Valid until the next call.
    [[nodiscard]] const Routed& find(std::string_view topic, std::string_view client);

  private:
    explicit Routes(std::vector<Route> routes)
        : routes_(std::make_unique<const std::vector<Route>>(std::move(routes))) {}
    [[nodiscard]] Routed work_out(std::string_view topic, std::string_view client) const;

    std::unique_ptr<const std::vector<Route>> routes_;
    std::unordered_map<std::string, Routed> known_;
    std::string lookup_;
    Routed long_;  // of a topic too long to remember
};

// One subscription at a broker.
struct RouteFilter {
    std::string filter;
    std::uint8_t qos = 0;
};

// The least filters that bring everything the routes take, each message once: one that is covered
// by another is left out. kConfigInvalid when two cover each other in part, which makes some
// brokers send a message twice.
[[nodiscard]] Result<std::vector<RouteFilter>> subscriptions(std::span<const RouteOptions> routes);

}  // namespace tributary::mqtt
