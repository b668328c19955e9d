// One HTTP/1.1 request as bytes, and its answer as bytes: the bounds, who may ask from where, the
// routes. No socket, no clock, so that the server and a fuzzer drive the same code. One thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "admin/routes.h"
#include "ports/control.h"
#include "ports/observer.h"

namespace tributary::admin {

constexpr std::size_t kHeaderBytesMax = 8U * 1024U;
constexpr std::size_t kBodyBytesMax = 4U * 1024U;

// Where a connection came from.
enum class Place {
    unix_socket,  // its owner and mode say who may; takes every verb
    loopback,     // any local user: reads only, and only by a loopback's name
    network,      // over TLS: reads only, and only with the token
};

// What the exchanges of a server share.
struct Api {
    Control& control;
    MetricsText metrics;
    Observer& observer;
    std::string token{};  // Place::network asks for it; while it is empty nobody may
};

class Exchange {
  public:
    // `api` outlives it.
    Exchange(Api& api, Place place);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange();

    // Takes what arrived, at most kBodyBytesMax at once. True when no more is wanted: the request
    // is whole, or it is to be refused.
    [[nodiscard]] bool take(std::string_view bytes);

    // What to send then, once; the connection ends after it.
    [[nodiscard]] std::string answer();

  private:
    struct Parsing;

    [[nodiscard]] Answer serve();

    Api& api_;
    const Place place_;
    std::unique_ptr<Parsing> parsing_;
};

}  // namespace tributary::admin
