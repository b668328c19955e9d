// Transport: one connected stream, plain TCP or TLS, that never blocks. Bytes are read into and
// written from buffers of the caller; waiting is done with the Asio socket below. One thread.
#pragma once

#include <utility>  // Boost 1.74 Asio uses std::exchange without it

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "connectors/mqtt/net/tls.h"

namespace tributary::mqtt {

enum class IoState {
    done,        // `bytes` were moved
    want_read,   // nothing now: wait until the socket is readable
    want_write,  // nothing now: wait until the socket is writable
    closed,      // the other side ended the stream
    failed,      // error() says why
};

struct IoResult {
    IoState state = IoState::done;
    std::size_t bytes = 0;
};

class Transport {
  public:
    explicit Transport(boost::asio::ip::tcp::socket socket);
    Transport(Transport&&) noexcept = default;
    Transport& operator=(Transport&&) noexcept = default;
    ~Transport();

    // TLS from now on; handshake() must be called until it is done.
    void secure(SslSession session) { ssl_ = std::move(session); }
    [[nodiscard]] IoResult handshake();
    [[nodiscard]] IoResult read(std::span<char> buffer);
    [[nodiscard]] IoResult write(std::string_view bytes);
    // Says goodbye as far as that does not block, and closes.
    void close() noexcept;

    [[nodiscard]] boost::asio::ip::tcp::socket& socket() noexcept { return socket_; }
    [[nodiscard]] const SSL* ssl() const noexcept { return ssl_.get(); }
    [[nodiscard]] const std::string& error() const noexcept { return error_; }

  private:
    [[nodiscard]] IoResult ssl_result(int returned);

    boost::asio::ip::tcp::socket socket_;
    SslSession ssl_;
    std::string error_;
};

// Non-blocking, without Nagle's delay; TCP finds out about a peer that is gone without a word.
void prepare_socket(boost::asio::ip::tcp::socket& socket);

}  // namespace tributary::mqtt
