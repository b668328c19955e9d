#include "admin/client.h"

// Asio of Boost 1.74 needs <utility> before it under C++20.
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "model/errors.h"

namespace tributary::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::chrono::seconds kBudget{10};
constexpr std::uint64_t kBodyBytesMax = 256ULL << 20U;

// Connect, write, read: one step after the other on one io_context.
class Exchange {
  public:
    Exchange(std::string_view path, std::string_view method, std::string_view target)
        : path_(path), stream_(context_) {
        const http::verb verb = http::string_to_verb({method.data(), method.size()});
        request_.version(11);
        request_.method(verb);
        request_.target({target.data(), target.size()});
        request_.set(http::field::host, "localhost");
        request_.prepare_payload();
        parser_.body_limit(kBodyBytesMax);
    }

    // The error of the step that failed.
    [[nodiscard]] beast::error_code run() {
        if (path_.size() >= 108) {  // unix(7): sockaddr_un.sun_path
            return beast::errc::make_error_code(beast::errc::filename_too_long);
        }
        stream_.expires_after(kBudget);
        stream_.async_connect(asio::local::stream_protocol::endpoint(path_),
                              [this](beast::error_code error) { connected(error); });
        context_.run();
        return error_;
    }

    [[nodiscard]] const http::response<http::string_body>& response() const {
        return parser_.get();
    }

  private:
    void connected(beast::error_code error) {
        error_ = error;
        if (!error) {
            http::async_write(
                stream_, request_, [this](beast::error_code code, std::size_t) { written(code); });
        }
    }

    void written(beast::error_code error) {
        error_ = error;
        if (!error) {
            http::async_read(
                stream_, buffer_, parser_, [this](beast::error_code code, std::size_t) {
                    error_ = code;
                });
        }
    }

    std::string path_;
    asio::io_context context_{1};
    beast::basic_stream<asio::local::stream_protocol> stream_;
    beast::flat_buffer buffer_;
    http::request<http::empty_body> request_;
    http::response_parser<http::string_body> parser_;
    beast::error_code error_;
};

Error named_error(unsigned status, const std::string& body) {
    const auto object = nlohmann::json::parse(body, nullptr, false);
    std::string name;
    std::string message = "the agent answered " + std::to_string(status);
    if (object.is_object()) {
        name = object.value("error", "");
        message = object.value("message", message);
    }
    for (const ErrorKind* kind : errors::all()) {
        if (kind->name == name) {
            return {*kind, message};
        }
    }
    return {errors::kAdminUnavailable, message};
}

}  // namespace

Result<std::string> request(std::string_view socket_path,
                            std::string_view method,
                            std::string_view target) {
    constexpr std::string_view kPrefix = "unix:";
    if (socket_path.starts_with(kPrefix)) {
        socket_path.remove_prefix(kPrefix.size());
    }
    try {
        Exchange exchange(socket_path, method, target);
        if (const auto error = exchange.run()) {
            return Error(errors::kAdminUnavailable,
                         "no answer on " + std::string(socket_path) + ": " + error.message());
        }
        const auto& response = exchange.response();
        if (response.result_int() / 100 != 2) {
            return named_error(response.result_int(), response.body());
        }
        return response.body();
    } catch (const std::exception& error) {
        return Error(errors::kAdminUnavailable,
                     "no answer on " + std::string(socket_path) + ": " + error.what());
    }
}

}  // namespace tributary::admin
