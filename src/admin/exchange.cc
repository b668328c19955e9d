#include "admin/exchange.h"

#include <openssl/crypto.h>

// Asio of Boost 1.74 needs <utility> before it under C++20.
#include <utility>

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <sstream>

#include "base/assert.h"

namespace tributary::admin {

namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

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

// RFC 6750 2.1. Takes the same time wherever they differ.
bool is_bearer(std::string_view authorization, std::string_view token) {
    constexpr std::string_view kScheme = "Bearer ";
    if (token.empty() || !authorization.starts_with(kScheme)) {
        return false;
    }
    authorization.remove_prefix(kScheme.size());
    return authorization.size() == token.size() &&
           CRYPTO_memcmp(authorization.data(), token.data(), token.size()) == 0;
}

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

std::string bytes_of(Answer answer) {
    http::response<http::string_body> response;
    response.result(answer.status);
    response.version(11);
    response.set(http::field::server, "tributary");
    response.set(http::field::content_type, answer.content_type);
    response.set(http::field::cache_control, "no-store");
    if (!answer.allow.empty()) {
        response.set(http::field::allow, answer.allow);
    }
    if (answer.status == 401) {
        response.set(http::field::www_authenticate, "Bearer");
    }
    response.keep_alive(false);
    response.body() = std::move(answer.body);
    response.prepare_payload();
    std::ostringstream out;
    out << response;
    return out.str();
}

}  // namespace

struct Exchange::Parsing {
    std::string unread;  // of an element that has not arrived whole
    http::request_parser<http::string_body> parser;
    std::optional<Answer> refused;
};

Exchange::Exchange(Api& api, Place place)
    : api_(api), place_(place), parsing_(std::make_unique<Parsing>()) {
    parsing_->parser.eager(true);
    parsing_->parser.header_limit(kHeaderBytesMax);
    parsing_->parser.body_limit(kBodyBytesMax);
}

Exchange::~Exchange() = default;

bool Exchange::take(std::string_view bytes) {
    TRIBUTARY_ASSERT(bytes.size() <= kBodyBytesMax);
    auto& [unread, parser, refused] = *parsing_;
    unread.append(bytes);
    beast::error_code error;
    unread.erase(0, parser.put(boost::asio::buffer(unread), error));
    if (error == http::error::need_more) {
        error = {};
    }
    if (error == http::error::header_limit) {
        refused = refusal(431, "the request's header is too large");
    } else if (error == http::error::body_limit || unread.size() > kHeaderBytesMax) {
        refused = refusal(413, "the request's body is too large");
    } else if (error) {
        refused = refusal(400, "this is no HTTP request");
    }
    return refused || parser.is_done();
}

std::string Exchange::answer() {
    TRIBUTARY_ASSERT(parsing_->refused || parsing_->parser.is_done());
    return bytes_of(parsing_->refused ? std::move(*parsing_->refused) : serve());
}

Answer Exchange::serve() {
    const auto& request = parsing_->parser.get();
    if (place_ == Place::loopback && !is_local_host(view(request[http::field::host]))) {
        return refusal(403, "the Host header must name this machine's loopback");
    }
    if (place_ == Place::network &&
        !is_bearer(view(request[http::field::authorization]), api_.token)) {
        return refusal(401, "needs the header Authorization: Bearer and admin.token");
    }
    const Request asked{.method = view(request.method_string()),
                        .target = view(request.target()),
                        .on_unix_socket = place_ == Place::unix_socket};
    Answer out = admin::answer(asked, api_.control, api_.metrics);
    if (request.method() == http::verb::post && out.status < 400) {
        api_.observer.log(LogLevel::info,
                          {},
                          "operator's request",
                          {{"method", asked.method}, {"target", asked.target}});
    }
    return out;
}

}  // namespace tributary::admin
