// The admin API without its transport: a request to an answer. Any thread.
//
//   GET  /metrics                         Prometheus text
//   GET  /healthz                         200 while the process answers
//   GET  /readyz                          200 when every pipeline has begun, else 503
//   GET  /v1/status                       AgentStatus
//   GET  /v1/buffer                       streams of the log
//   GET  /v1/buffer/peek?pipeline=..[&from=..][&limit=1..1000][&values=true]   JSON lines; *
//   GET  /v1/deadletter[?pipeline=..][&limit=1..1000]                          *
//   POST /v1/deadletter/{id}/replay                                            *
//   POST /v1/verify                                                            *
//   POST /v1/snapshot/start?pipeline=..&table=..[&where=..]                    *
//   POST /v1/snapshot/stop?pipeline=..[&table=..]                              *
//
// * Socket only: over TCP these answer 403, because any local user can reach a loopback port while
// the unix socket has an owner; they change something or may show row values. Errors are
// {"error": <name>, "message": <text>}. Values of a query may have %XX for any byte but a control
// character.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ports/control.h"

namespace tributary::admin {

struct Request {
    std::string_view method;
    std::string_view target;  // path and query
    bool on_unix_socket = false;
};

struct Answer {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::string allow{};  // 405: the methods there are
};

using MetricsText = std::function<std::string()>;

[[nodiscard]] Answer answer(const Request& request, Control& control, const MetricsText& metrics);

// The answer to a request that no route sees (malformed, too large).
[[nodiscard]] Answer refusal(unsigned status, std::string_view message);

}  // namespace tributary::admin
