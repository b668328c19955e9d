// Server: HTTP/1.1 for operators and Prometheus, on unix sockets (mode 0660) and loopback TCP. It
// starts no thread: run() is given one by the runtime. Bounds: 32 connections, 8 KiB of header, 4
// KiB of body, 5 s for a request and 5 s for taking its answer; one request per connection. Paths:
// routes.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "admin/routes.h"
#include "base/result.h"
#include "ports/control.h"
#include "ports/observer.h"

namespace tributary::admin {

class Server {
  public:
    virtual ~Server() = default;

    // Binds every address: "unix:/path" or "127.0.0.1:7070", "[::1]:7070" (port 0: any free one). A
    // stale socket file is replaced, a living one refused. kConfigInvalid: not loopback, or in use.
    // `control` and `observer` outlive the result. `metrics` is called by run()'s thread.
    [[nodiscard]] static Result<std::unique_ptr<Server>> listen(
        const std::vector<std::string>& addresses,
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
