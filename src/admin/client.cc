#include "admin/client.h"

// Asio of Boost 1.74 needs <utility> before it under C++20.
#include <utility>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <array>
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
constexpr std::size_t kPathBytesMax = 107;  // unix(7): sockaddr_un.sun_path
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
        if (path_.size() > kPathBytesMax) {
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

// "user tributary and group tributary", as far as this user may see whose the file is.
std::string owners_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 &&
        ::stat(path.substr(0, path.rfind('/')).c_str(), &status) != 0) {
        return "others";
    }
    std::array<char, 4096> buffer{};
    passwd user{};
    group of{};
    passwd* found_user = nullptr;
    group* found_group = nullptr;
    (void)::getpwuid_r(status.st_uid, &user, buffer.data(), buffer.size(), &found_user);
    const std::string name = found_user != nullptr ? user.pw_name : std::to_string(status.st_uid);
    (void)::getgrgid_r(status.st_gid, &of, buffer.data(), buffer.size(), &found_group);
    return "user " + name + " and group " +
           (found_group != nullptr ? of.gr_name : std::to_string(status.st_gid));
}

// Why the socket gave no answer, as an operator has to tell the cases apart.
Error no_answer(const std::string& path, const beast::error_code& error) {
    namespace codes = boost::system::errc;
    const std::string nobody = "no agent answers on " + path + ": ";
    if (error == codes::permission_denied || error == codes::operation_not_permitted) {
        return {errors::kAdminDenied,
                "this user may not ask the agent on " + path + ": the socket is for " +
                    owners_of(path)};
    }
    if (error == codes::no_such_file_or_directory || error == codes::not_a_directory) {
        return {errors::kAdminUnavailable, nobody + "there is no such socket"};
    }
    if (error == codes::connection_refused) {
        return {errors::kAdminUnavailable,
                nobody +
                    "the socket is there, but no process listens on it (an agent that was "
                    "killed leaves it behind)"};
    }
    if (error == beast::error::timeout) {
        return {errors::kAdminUnavailable,
                "an agent listens on " + path + ", but did not answer within " +
                    std::to_string(kBudget.count()) + " s"};
    }
    return {errors::kAdminUnavailable, nobody + error.message()};
}

Error named_error(unsigned status, const std::string& body) {
    const auto object = nlohmann::json::parse(body, nullptr, false);
    std::string name;
    std::string message = "the agent answered " + std::to_string(status);
    if (object.is_object()) {
        name = object.value("error", "");
        message = object.value("message", message);
    }
    if (status == 400) {
        return {errors::kArgumentInvalid, message};
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
            return no_answer(std::string(socket_path), error);
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

std::string escape(std::string_view value) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char byte : value) {
        if (kPlain.find(byte) != std::string_view::npos) {
            out.push_back(byte);
            continue;
        }
        const auto code = static_cast<unsigned char>(byte);
        out += {'%', kDigits[code >> 4U], kDigits[code & 0xFU]};
    }
    return out;
}

}  // namespace tributary::admin
