// Server: HTTP/1.1 for operators and Prometheus, on unix sockets (mode 0660), loopback TCP, and TLS
// with a token beyond. It starts no thread: run() is given one by the runtime. Bounds: 32
// connections, 5 s for a request (its TLS handshake included) and 5 s for taking its answer; one
// request per connection, bounded by exchange.h. Paths: routes.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "admin/routes.h"
#include "base/result.h"
#include "ports/control.h"
#include "ports/observer.h"

namespace tributary::admin {

// What listeners beyond loopback need, all of it; none for the others.
struct Network {
    std::string certificate;  // file, PEM, with its chain
    std::string key;          // file, PEM
    std::string token;
};

class Server {
  public:
    virtual ~Server() = default;

    // Binds every address: "unix:/path", "127.0.0.1:7070", "[::1]:7070", or another of this machine
    // (port 0: any free one). A stale socket file is replaced, a living one refused.
    // kConfigInvalid: in use, or beyond loopback without a usable `network`. `control` and
    // `observer` outlive the result. `metrics` is called by run()'s thread.
    [[nodiscard]] static Result<std::unique_ptr<Server>> listen(
        const std::vector<std::string>& addresses,
        Network network,
        Control& control,
        MetricsText metrics,
        Observer& observer);

    // Serves until stop(). One thread, once.
    virtual void run() = 0;
    // Makes run() return soon, also when it has not begun yet. Any thread.
    virtual void stop() = 0;

    // The addresses as bound, with real ports.
    [[nodiscard]] virtual const std::vector<std::string>& bound() const = 0;
};

}  // namespace tributary::admin
