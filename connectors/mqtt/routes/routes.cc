#include "connectors/mqtt/routes/routes.h"

#include <algorithm>
#include <utility>

#include "model/errors.h"

namespace tributary::mqtt {
namespace {

constexpr std::size_t kTopicBytesMax = 249;  // Kafka: Topic.MAX_NAME_LENGTH

// Kafka: Topic.validate.
bool is_kafka_topic(std::string_view name) {
    return !name.empty() && name.size() <= kTopicBytesMax && name != "." && name != ".." &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
           });
}

bool is_internal(std::string_view name) {
    return name.starts_with("__") || name == "_tributary" || name.starts_with("_tributary.");
}

// A name that may be long and hostile, for a message.
std::string shown(std::string_view name) {
    constexpr std::size_t kShownMax = 80;
    std::string out = "\"";
    for (const char c : name.substr(0, kShownMax)) {
        out += c >= ' ' && c <= '~' ? c : '?';
    }
    return out + (name.size() > kShownMax ? "...\"" : "\"");
}

Result<void> check_headers(const RouteOptions& options) {
    const auto refuse = [](const std::string& key, const std::string& name) {
        return Error(errors::kConfigInvalid,
                     key + ": \"" + name +
                         "\" is a header that Tributary writes itself (tributary, mqtt.*); "
                         "choose another name");
    };
    for (const auto& [name, text] : options.headers) {
        if (is_own_header(name)) {
            return refuse("headers", name);
        }
    }
    for (const std::string& name : options.user_properties) {
        if (is_own_header(name)) {
            return refuse("user_properties", name);
        }
    }
    return success();
}

}  // namespace

std::string topic_refusal(std::string_view name) {
    if (!is_kafka_topic(name)) {
        return shown(name) + " is no Kafka topic: letters, digits, ., _ and -, at most 249";
    }
    return is_internal(name) ? shown(name) + " is an internal topic: __ is Kafka's, _tributary ours"
                             : std::string();
}

bool is_own_header(std::string_view name) {
    return name == "tributary" || name.starts_with("mqtt.");
}

Result<Route> Route::make(const RouteOptions& options) {
    TRIBUTARY_TRY(pattern, Pattern::parse(options.match));
    Route route(options, std::move(pattern));
    const auto& names = route.pattern.names();
    TRIBUTARY_TRY(topic, Template::parse(options.topic, names));
    route.topic = std::move(topic);
    TRIBUTARY_TRY(key, Template::parse(options.key, names));
    route.key = std::move(key);
    TRIBUTARY_TRY_VOID(check_headers(options));
    for (const auto& [name, text] : options.headers) {
        TRIBUTARY_TRY(value, Template::parse(text, names));
        route.headers.emplace_back(name, std::move(value));
    }
    auto allowed = NamePattern::compile_all(options.topics);
    if (!allowed) {
        return allowed.error().at("topics");
    }
    route.allowed = std::move(allowed).value();
    if (std::string why = topic_refusal(options.topic); route.topic.fixed() && !why.empty()) {
        return Error(errors::kConfigInvalid, std::move(why));
    }
    if (!route.topic.fixed() && route.allowed.empty()) {
        return Error(errors::kConfigInvalid,
                     "topic \"" + options.topic +
                         "\" depends on the message, so `topics` must say which may come out");
    }
    return route;
}

Result<Routes> Routes::make(std::span<const RouteOptions> options) {
    std::vector<Route> routes;
    for (const RouteOptions& each : options) {
        TRIBUTARY_TRY(route, Route::make(each));
        routes.push_back(std::move(route));
    }
    return Routes(std::move(routes));
}

const Routed& Routes::find(std::string_view topic, std::string_view client) {
    lookup_.assign(topic);
    lookup_ += '\0';
    lookup_ += client;
    const auto known = known_.find(lookup_);
    if (known != known_.end()) {
        return known->second;
    }
    if (lookup_.size() > kRememberedBytesMax) {
        long_ = work_out(topic, client);
        return long_;
    }
    if (known_.size() >= kRememberedMax) {
        known_.clear();
    }
    return known_.emplace(lookup_, work_out(topic, client)).first->second;
}

Routed Routes::work_out(std::string_view topic, std::string_view client) const {
    Routed out;
    std::vector<std::string_view> captures;
    for (const Route& route : *routes_) {
        if (!route.pattern.match(topic, captures)) {
            continue;
        }
        out.route = &route;
        const TemplateValues values{.captures = captures, .topic = topic, .client = client};
        route.topic.render(values, out.kafka_topic);
        out.refusal = topic_refusal(out.kafka_topic);
        if (out.refusal.empty() && !route.allowed.empty() &&
            !matches_any(route.allowed, out.kafka_topic)) {
            out.refusal = "the Kafka topic " + shown(out.kafka_topic) + " is not among `topics`";
        }
        if (!route.options.key.empty()) {
            out.key.emplace();
            route.key.render(values, *out.key);
        }
        for (std::size_t at = 0; at < captures.size(); ++at) {
            out.captures.emplace_back(route.pattern.names()[at], captures[at]);
        }
        for (const auto& [name, value] : route.headers) {
            out.headers.emplace_back(name, std::string());
            value.render(values, out.headers.back().second);
        }
        break;
    }
    return out;
}

Result<std::vector<RouteFilter>> subscriptions(std::span<const RouteOptions> routes) {
    std::vector<RouteFilter> all;
    for (const RouteOptions& route : routes) {
        TRIBUTARY_TRY(pattern, Pattern::parse(route.match));
        all.push_back({pattern.filter(), route.qos});
    }
    std::vector<RouteFilter> least;
    for (std::size_t at = 0; at < all.size(); ++at) {
        bool covered = false;
        for (std::size_t other = 0; other < all.size(); ++other) {
            const bool wider = other != at && covers(all[other].filter, all[at].filter);
            // Of two that are the same the first stays.
            if (wider && (other < at || !covers(all[at].filter, all[other].filter))) {
                covered = true;
                all[other].qos = std::max(all[other].qos, all[at].qos);
            }
        }
        if (!covered) {
            least.push_back(all[at]);
        }
    }
    // The highest QoS of what each stands for.
    for (RouteFilter& filter : least) {
        for (const RouteFilter& each : all) {
            if (covers(filter.filter, each.filter)) {
                filter.qos = std::max(filter.qos, each.qos);
            }
        }
    }
    for (std::size_t at = 0; at < least.size(); ++at) {
        for (std::size_t other = at + 1; other < least.size(); ++other) {
            if (overlap(least[at].filter, least[other].filter)) {
                return Error(errors::kConfigInvalid,
                             "\"" + least[at].filter + "\" and \"" + least[other].filter +
                                 "\" match common topics, of which some brokers would send each "
                                 "message twice; make one cover the other");
            }
        }
    }
    return least;
}

}  // namespace tributary::mqtt
