#include "admin/server.h"

// Asio of Boost 1.74 needs <utility> before it under C++20.
#include <utility>

#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <chrono>
#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>

#include "admin/exchange.h"
#include "model/errors.h"

namespace tributary::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
using Unix = asio::local::stream_protocol;
using Tcp = asio::ip::tcp;
using UnixStream = beast::basic_stream<Unix>;
using TcpStream = beast::basic_stream<Tcp>;
using TlsStream = beast::ssl_stream<TcpStream>;

constexpr std::size_t kConnectionsMax = 32;
constexpr std::chrono::seconds kReadBudget{5};
constexpr std::chrono::seconds kWriteBudget{5};
constexpr std::chrono::milliseconds kAcceptPause{100};  // after an accept failed (too many files)

// What sessions need of their server.
struct Shared {
    Api api;
    std::size_t connections = 0;
};

// One connection: one request, one answer. Kept alive by its own handlers, the last of which ends
// it; that is what the shared_ptr is for.
template <typename Stream>
class Session : public std::enable_shared_from_this<Session<Stream>> {
  public:
    Session(Stream stream, Place place, Shared& shared)
        : stream_(std::move(stream)), shared_(shared), exchange_(shared.api, place) {
        ++shared_.connections;
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() { --shared_.connections; }

    void start() {
        beast::get_lowest_layer(stream_).expires_after(kReadBudget);
        if constexpr (kHasTls) {
            stream_.async_handshake(ssl::stream_base::server,
                                    [self = this->shared_from_this()](beast::error_code error) {
                                        if (!error) {
                                            self->read();
                                        }
                                    });
        } else {
            read();
        }
    }

  private:
    static constexpr bool kHasTls = std::is_same_v<Stream, TlsStream>;

    void read() {
        stream_.async_read_some(
            asio::buffer(chunk_),
            [self = this->shared_from_this()](beast::error_code error, std::size_t size) {
                if (!error) {
                    self->received(size);
                }
            });
    }

    void received(std::size_t size) {
        if (exchange_.take({chunk_.data(), size})) {
            send();
        } else {
            read();
        }
    }

    void send() {
        answer_ = exchange_.answer();
        beast::get_lowest_layer(stream_).expires_after(kWriteBudget);
        asio::async_write(stream_,
                          asio::buffer(answer_),
                          [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                              if (!error) {
                                  self->finish();
                              }
                          });
    }

    void finish() {
        if constexpr (kHasTls) {
            stream_.async_shutdown([self = this->shared_from_this()](beast::error_code) {});
        } else {
            beast::error_code ignored;
            stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
        }
    }

    Stream stream_;
    Shared& shared_;
    Exchange exchange_;
    std::array<char, kBodyBytesMax> chunk_{};
    std::string answer_;
};

template <typename Stream>
void serve(Stream stream, Place place, Shared& shared) {
    std::make_shared<Session<Stream>>(std::move(stream), place, shared)->start();
}

template <typename Protocol>
class Listener {
  public:
    using Serve = std::function<void(typename Protocol::socket)>;

    Listener(asio::io_context& context, Shared& shared, Serve serve)
        : acceptor_(context), pause_(context), shared_(shared), serve_(std::move(serve)) {}

    typename Protocol::acceptor& acceptor() { return acceptor_; }

    void accept() {
        acceptor_.async_accept([this](beast::error_code error, typename Protocol::socket socket) {
            if (error == asio::error::operation_aborted) {
                return;
            }
            if (error) {
                pause_.expires_after(kAcceptPause);
                pause_.async_wait([this](beast::error_code stopped) {
                    if (!stopped) {
                        accept();
                    }
                });
                return;
            }
            if (shared_.connections < kConnectionsMax) {
                serve_(std::move(socket));
            }  // otherwise the socket closes here
            accept();
        });
    }

  private:
    typename Protocol::acceptor acceptor_;
    asio::steady_timer pause_;
    Shared& shared_;
    Serve serve_;
};

Error unusable(const std::string& address, std::string_view why) {
    return {errors::kConfigInvalid, "admin.listen: " + address + ": " + std::string(why)};
}

class HttpServer final : public Server {
  public:
    HttpServer(Api api, Network network)
        : shared_{.api = std::move(api)}, network_(std::move(network)) {}

    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer() override {
        for (const std::string& path : socket_files_) {
            ::unlink(path.c_str());
        }
    }

    Result<void> bind(const std::string& address) {
        constexpr std::string_view kPrefix = "unix:";
        return address.starts_with(kPrefix) ? bind_unix(address, address.substr(kPrefix.size()))
                                            : bind_tcp(address);
    }

    void run() override {
        for (auto& listener : unix_) {
            listener->accept();
        }
        for (auto& listener : tcp_) {
            listener->accept();
        }
        context_.run();
    }

    void stop() override { context_.stop(); }

    [[nodiscard]] const std::vector<std::string>& bound() const override { return bound_; }

  private:
    // Removes a socket file that nobody listens on; anything else in its place is left alone.
    Result<void> clear_stale(const std::string& address, const std::string& path) {
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0) {
            return success();
        }
        if (!S_ISSOCK(status.st_mode)) {
            return unusable(address, "something that is no socket is there");
        }
        Unix::socket probe(context_);
        beast::error_code error;
        probe.connect(Unix::endpoint(path), error);
        if (error != asio::error::connection_refused) {
            return unusable(address, "another process listens there");
        }
        ::unlink(path.c_str());
        return success();
    }

    Result<void> bind_unix(const std::string& address, const std::string& path) {
        if (path.size() >= 108) {  // unix(7): sockaddr_un.sun_path
            return unusable(address, "the path is longer than 107 bytes");
        }
        TRIBUTARY_TRY_VOID(clear_stale(address, path));
        auto listener =
            std::make_unique<Listener<Unix>>(context_, shared_, [this](Unix::socket socket) {
                serve(UnixStream(std::move(socket)), Place::unix_socket, shared_);
            });
        beast::error_code error;
        listener->acceptor().open(Unix(), error);
        if (!error) {
            listener->acceptor().bind(Unix::endpoint(path), error);
        }
        if (error) {
            return unusable(address, error.message());
        }
        socket_files_.push_back(path);
        // Nobody can connect before listen(), so the mode is right from the first connection on.
        if (::chmod(path.c_str(), S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) != 0) {
            return unusable(address, "its mode cannot be set to 0660");
        }
        listener->acceptor().listen(asio::socket_base::max_listen_connections, error);
        if (error) {
            return unusable(address, error.message());
        }
        unix_.push_back(std::move(listener));
        bound_.push_back(address);
        return success();
    }

    Result<void> bind_tcp(const std::string& address) {
        const auto endpoint = parse_tcp(address);
        if (!endpoint) {
            return unusable(address,
                            "not unix:/path, 127.0.0.1:port, [::1]:port or an address:port");
        }
        const bool loopback = endpoint->address().is_loopback();
        if (!loopback) {
            TRIBUTARY_TRY_VOID(prepare_tls(address));
        }
        auto listener = std::make_unique<Listener<Tcp>>(
            context_, shared_, [this, loopback](Tcp::socket socket) {
                if (loopback) {
                    serve(TcpStream(std::move(socket)), Place::loopback, shared_);
                } else {
                    serve(TlsStream(std::move(socket), tls_), Place::network, shared_);
                }
            });
        auto& acceptor = listener->acceptor();
        beast::error_code error;
        acceptor.open(endpoint->protocol(), error);
        if (!error) {
            acceptor.set_option(asio::socket_base::reuse_address(true), error);
        }
        if (!error) {
            acceptor.bind(*endpoint, error);
        }
        if (!error) {
            acceptor.listen(asio::socket_base::max_listen_connections, error);
        }
        if (error) {
            return unusable(address, error.message());
        }
        const std::size_t colon = address.rfind(':');
        bound_.push_back(address.substr(0, colon + 1) +
                         std::to_string(acceptor.local_endpoint().port()));
        tcp_.push_back(std::move(listener));
        return success();
    }

    // What a listener beyond this machine needs.
    Result<void> prepare_tls(const std::string& address) {
        if (network_.certificate.empty() || network_.key.empty() || shared_.api.token.empty()) {
            return unusable(address, "beyond loopback admin.tls and admin.token are needed");
        }
        beast::error_code error;
        tls_.use_certificate_chain_file(network_.certificate, error);
        if (error) {
            return unusable(address, network_.certificate + ": " + error.message());
        }
        tls_.use_private_key_file(network_.key, ssl::context::pem, error);
        if (error) {
            return unusable(address, network_.key + ": " + error.message());
        }
        if (SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION) != 1) {
            return unusable(address, "no TLS 1.2");
        }
        return success();
    }

    static std::optional<Tcp::endpoint> parse_tcp(const std::string& address) {
        const std::size_t colon = address.rfind(':');
        if (colon == std::string::npos) {
            return std::nullopt;
        }
        std::string host = address.substr(0, colon);
        if (host.starts_with('[') && host.ends_with(']')) {
            host = host.substr(1, host.size() - 2);
        }
        std::uint16_t port = 0;
        const char* const end = address.data() + address.size();
        const auto [after, code] = std::from_chars(address.data() + colon + 1, end, port);
        beast::error_code error;
        const auto parsed = asio::ip::make_address(host, error);
        if (error || code != std::errc{} || after != end) {
            return std::nullopt;
        }
        return Tcp::endpoint(parsed, port);
    }

    Shared shared_;  // outlives the sessions, which die with context_
    const Network network_;
    ssl::context tls_{ssl::context::tls_server};
    asio::io_context context_{1};
    std::vector<std::unique_ptr<Listener<Unix>>> unix_;
    std::vector<std::unique_ptr<Listener<Tcp>>> tcp_;
    std::vector<std::string> bound_;
    std::vector<std::string> socket_files_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(const std::vector<std::string>& addresses,
                                               Network network,
                                               Control& control,
                                               MetricsText metrics,
                                               Observer& observer) {
    std::string token = std::move(network.token);
    auto server = std::make_unique<HttpServer>(Api{.control = control,
                                                   .metrics = std::move(metrics),
                                                   .observer = observer,
                                                   .token = std::move(token)},
                                               std::move(network));
    for (const std::string& address : addresses) {
        TRIBUTARY_TRY_VOID(server->bind(address));
    }
    return std::unique_ptr<Server>(std::move(server));
}

}  // namespace tributary::admin
