#include "admin/server.h"

// Asio of Boost 1.74 needs <utility> before it under C++20.
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include "model/errors.h"

namespace tributary::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Unix = asio::local::stream_protocol;
using Tcp = asio::ip::tcp;

constexpr std::size_t kConnectionsMax = 32;
constexpr std::uint32_t kHeaderBytesMax = 8U * 1024U;
constexpr std::uint64_t kBodyBytesMax = 4U * 1024U;
constexpr std::chrono::seconds kReadBudget{5};
constexpr std::chrono::seconds kWriteBudget{5};
constexpr std::chrono::milliseconds kAcceptPause{100};  // after an accept failed (too many files)

// What sessions need of their server.
struct Shared {
    Control& control;
    MetricsText metrics;
    Observer& observer;
    std::size_t connections = 0;
};

// A loopback name. A page in a browser that had its own name resolved to 127.0.0.1 sends that name,
// and is refused by it.
bool is_local_host(std::string_view host) {
    if (host.starts_with("[::1]")) {
        return true;
    }
    const std::string_view name = host.substr(0, host.find(':'));
    return name == "localhost" || (name.starts_with("127.") &&
                                   name.find_first_not_of("0123456789.") == std::string_view::npos);
}

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

// One connection: one request, one answer. Kept alive by its own handlers, the last of which ends
// it; that is what the shared_ptr is for.
template <typename Protocol>
class Session : public std::enable_shared_from_this<Session<Protocol>> {
  public:
    Session(typename Protocol::socket socket, Shared& shared)
        : stream_(std::move(socket)), shared_(shared) {
        ++shared_.connections;
        parser_.header_limit(kHeaderBytesMax);
        parser_.body_limit(kBodyBytesMax);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() { --shared_.connections; }

    void start() {
        stream_.expires_after(kReadBudget);
        http::async_read(stream_,
                         buffer_,
                         parser_,
                         [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                             self->received(error);
                         });
    }

  private:
    static constexpr bool kIsUnix = std::is_same_v<Protocol, Unix>;

    void received(beast::error_code error) {
        if (error == http::error::header_limit) {
            send(refusal(431, "the request's header is too large"));
        } else if (error == http::error::body_limit) {
            send(refusal(413, "the request's body is too large"));
        } else if (error.category() == http::make_error_code(http::error::bad_method).category() &&
                   error != http::error::end_of_stream && error != http::error::partial_message) {
            send(refusal(400, "this is no HTTP request"));
        } else if (!error) {
            send(serve());
        }
    }

    Answer serve() {
        const auto& request = parser_.get();
        if (!kIsUnix && !is_local_host(view(request[http::field::host]))) {
            return refusal(403, "the Host header must name this machine's loopback");
        }
        const Request asked{.method = view(request.method_string()),
                            .target = view(request.target()),
                            .on_unix_socket = kIsUnix};
        Answer out = answer(asked, shared_.control, shared_.metrics);
        if (request.method() == http::verb::post && out.status < 400) {
            shared_.observer.log(LogLevel::info,
                                 {},
                                 "operator's request",
                                 {{"method", asked.method}, {"target", asked.target}});
        }
        return out;
    }

    void send(Answer answer) {
        response_.result(answer.status);
        response_.version(11);
        response_.set(http::field::server, "tributary");
        response_.set(http::field::content_type, answer.content_type);
        response_.set(http::field::cache_control, "no-store");
        if (!answer.allow.empty()) {
            response_.set(http::field::allow, answer.allow);
        }
        response_.keep_alive(false);
        response_.body() = std::move(answer.body);
        response_.prepare_payload();
        stream_.expires_after(kWriteBudget);
        http::async_write(
            stream_, response_, [self = this->shared_from_this()](beast::error_code, std::size_t) {
                beast::error_code ignored;
                self->stream_.socket().shutdown(Protocol::socket::shutdown_send, ignored);
            });
    }

    beast::basic_stream<Protocol> stream_;
    beast::flat_buffer buffer_{kHeaderBytesMax + kBodyBytesMax};
    http::request_parser<http::string_body> parser_;
    http::response<http::string_body> response_;
    Shared& shared_;
};

template <typename Protocol>
class Listener {
  public:
    Listener(asio::io_context& context, Shared& shared)
        : acceptor_(context), pause_(context), shared_(shared) {}

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
                std::make_shared<Session<Protocol>>(std::move(socket), shared_)->start();
            }  // otherwise the socket closes here
            accept();
        });
    }

  private:
    typename Protocol::acceptor acceptor_;
    asio::steady_timer pause_;
    Shared& shared_;
};

Error unusable(const std::string& address, std::string_view why) {
    return {errors::kConfigInvalid, "admin.listen: " + address + ": " + std::string(why)};
}

class HttpServer final : public Server {
  public:
    HttpServer(Control& control, MetricsText metrics, Observer& observer)
        : shared_{control, std::move(metrics), observer} {}

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
        auto listener = std::make_unique<Listener<Unix>>(context_, shared_);
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
            return unusable(address, "not unix:/path, 127.0.0.1:port or [::1]:port");
        }
        if (!endpoint->address().is_loopback()) {
            return unusable(address, "not a loopback address; the admin API has no login");
        }
        auto listener = std::make_unique<Listener<Tcp>>(context_, shared_);
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
    asio::io_context context_{1};
    std::vector<std::unique_ptr<Listener<Unix>>> unix_;
    std::vector<std::unique_ptr<Listener<Tcp>>> tcp_;
    std::vector<std::string> bound_;
    std::vector<std::string> socket_files_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(const std::vector<std::string>& addresses,
                                               Control& control,
                                               MetricsText metrics,
                                               Observer& observer) {
    auto server = std::make_unique<HttpServer>(control, std::move(metrics), observer);
    for (const std::string& address : addresses) {
        TRIBUTARY_TRY_VOID(server->bind(address));
    }
    return std::unique_ptr<Server>(std::move(server));
}

}  // namespace tributary::admin
