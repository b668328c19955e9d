// Connects a TCP socket within a deadline, trying each address of a name. The name is looked up by
// the resolver of the C library, which blocks as it does in every client library. One thread.
#pragma once

#include <utility>  // Boost 1.74 Asio uses std::exchange without it

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>

#include "base/result.h"
#include "connectors/mqtt/options.h"
#include "ports/clock.h"

namespace tributary::mqtt {

// `interrupted` is asked several times a second. kSourceUnreachable.
[[nodiscard]] Result<boost::asio::ip::tcp::socket> connect_to(
    boost::asio::io_context& io,
    const Address& address,
    const Clock& clock,
    SteadyTime deadline,
    const std::function<bool()>& interrupted);

[[nodiscard]] std::string to_string(const Address& address);

}  // namespace tributary::mqtt
