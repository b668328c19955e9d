#include "connectors/mqtt/net/transport.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace tributary::mqtt {

Transport::Transport(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

Transport::~Transport() {
    close();
}

IoResult Transport::handshake() {
    if (!ssl_) {
        return {};
    }
    const int returned = SSL_do_handshake(ssl_.get());
    return returned == 1 ? IoResult{} : ssl_result(returned);
}

IoResult Transport::read(std::span<char> buffer) {
    if (ssl_) {
        const int wanted = static_cast<int>(std::min<std::size_t>(buffer.size(), INT_MAX));
        const int returned = SSL_read(ssl_.get(), buffer.data(), wanted);
        return returned > 0 ? IoResult{IoState::done, static_cast<std::size_t>(returned)}
                            : ssl_result(returned);
    }
    const ssize_t returned =
        ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (returned > 0) {
        return {IoState::done, static_cast<std::size_t>(returned)};
    }
    if (returned == 0) {
        return {IoState::closed, 0};
    }
    if (errno == EAGAIN || errno == EINTR) {
        return {IoState::want_read, 0};
    }
    error_ = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe): glibc's is
    return {errno == ECONNRESET ? IoState::closed : IoState::failed, 0};
}

IoResult Transport::write(std::string_view bytes) {
    if (bytes.empty()) {
        return {};
    }
    if (ssl_) {
        const int wanted = static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
        const int returned = SSL_write(ssl_.get(), bytes.data(), wanted);
        return returned > 0 ? IoResult{IoState::done, static_cast<std::size_t>(returned)}
                            : ssl_result(returned);
    }
    const ssize_t returned =
        ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (returned >= 0) {
        return {IoState::done, static_cast<std::size_t>(returned)};
    }
    if (errno == EAGAIN || errno == EINTR) {
        return {IoState::want_write, 0};
    }
    error_ = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
    return {errno == EPIPE || errno == ECONNRESET ? IoState::closed : IoState::failed, 0};
}

IoResult Transport::ssl_result(int returned) {
    switch (SSL_get_error(ssl_.get(), returned)) {
        case SSL_ERROR_WANT_READ:
            return {IoState::want_read, 0};
        case SSL_ERROR_WANT_WRITE:
            return {IoState::want_write, 0};
        case SSL_ERROR_ZERO_RETURN:
            return {IoState::closed, 0};
        default:
            error_ = take_ssl_error(ssl_.get());
            return {IoState::failed, 0};
    }
}

void Transport::close() noexcept {
    if (!socket_.is_open()) {
        return;
    }
    if (ssl_ && SSL_is_init_finished(ssl_.get()) == 1) {
        (void)SSL_shutdown(ssl_.get());
    }
    boost::system::error_code ignored;
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    socket_.close(ignored);
}

void prepare_socket(boost::asio::ip::tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
}

}  // namespace tributary::mqtt
