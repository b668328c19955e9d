// `tributary check` of an MQTT source. At a broker it connects under a client identifier of its
// own, so that a running agent keeps its session; for a listener it reads what the agent would read
// and binds what it would bind.
#include <utility>  // Boost 1.74 Asio uses std::exchange without it

#include <algorithm>
#include <boost/asio/io_context.hpp>

#include "connectors/mqtt/codec/codec.h"
#include "connectors/mqtt/listener/accounts.h"
#include "connectors/mqtt/mqtt.h"
#include "connectors/mqtt/net/connect.h"
#include "connectors/mqtt/net/tls.h"
#include "connectors/mqtt/net/transport.h"
#include "connectors/mqtt/session/refusal.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 4096;

Finding bad(std::string subject, const Error& error) {
    return {Severity::error, std::move(subject), error.what(), std::string(error.kind().next)};
}

// Waits until the transport can go on; false when the time is over.
bool wait_for(boost::asio::io_context& io,
              Transport& transport,
              IoState state,
              const Clock& clock,
              SteadyTime deadline) {
    bool ready = false;
    transport.socket().async_wait(
        state == IoState::want_write ? tcp::socket::wait_write : tcp::socket::wait_read,
        [&ready](boost::system::error_code /*error*/) { ready = true; });
    while (!ready && clock.now() < deadline) {
        io.restart();
        io.run_one_for(milliseconds(100));
    }
    if (!ready) {
        transport.socket().cancel();
        io.restart();
        io.poll();
    }
    return ready;
}

std::string greeting(const Options& options, const std::string& client_id) {
    Connect packet;
    packet.version = options.protocol == Protocol::v5 ? Version::v5 : Version::v3_1_1;
    packet.clean_start = true;
    packet.keep_alive_s = 30;
    packet.client_id = client_id;
    if (!options.username.empty()) {
        packet.user_name = options.username;
    }
    if (!options.password.empty()) {
        packet.password = options.password.reveal();
    }
    std::string out;
    encode(packet, out);
    return out;
}

Error hung_up(const Transport& transport, IoState how) {
    const bool closed = how == IoState::closed;
    return {errors::kMqttRefused,
            (closed ? "the broker closed the connection" : transport.error()) + " after CONNECT" +
                kOtherProtocol};
}

Result<void> await_connack(const Options& options,
                           boost::asio::io_context& io,
                           Transport& transport,
                           const Clock& clock,
                           SteadyTime deadline) {
    const Version version = options.protocol == Protocol::v5 ? Version::v5 : Version::v3_1_1;
    std::string got;
    char buffer[kReadBytes];
    while (got.size() < kReadBytes) {
        const IoResult result = transport.read(buffer);
        if (result.state == IoState::want_read || result.state == IoState::want_write) {
            if (!wait_for(io, transport, result.state, clock, deadline)) {
                return Error(errors::kSourceUnreachable, "no CONNACK in time");
            }
            continue;
        }
        if (result.state != IoState::done) {
            return hung_up(transport, result.state);
        }
        got.append(buffer, result.bytes);
        const auto frame = next_frame(got, kReadBytes);
        if (!frame) {
            return Error(errors::kProtocolViolation, frame.error().message());
        }
        if (!frame.value()) {
            continue;
        }
        const auto connack = decode_connack(*frame.value(), version);
        if (!connack) {
            return Error(errors::kProtocolViolation, connack.error().message());
        }
        if (connack.value().reason != ReasonCode::success) {
            return refusal(
                "refused the connection", connack.value().reason, connack.value().properties);
        }
        return success();
    }
    return Error(errors::kProtocolViolation, "no CONNACK in what the broker sent");
}

Result<void> greet_broker(const Options& options, const Clock& clock) {
    const SteadyTime deadline = clock.now() + std::chrono::seconds(options.connect_timeout_s);
    boost::asio::io_context io(1);
    TRIBUTARY_TRY(socket, connect_to(io, *options.broker, clock, deadline, [] { return false; }));
    Transport transport(std::move(socket));
    SslContext context;
    if (options.broker->tls) {
        TRIBUTARY_TRY(made, make_client_context(options.tls));
        context = std::move(made);
        TRIBUTARY_TRY(ssl,
                      make_client_session(
                          context.get(), transport.socket().native_handle(), options.broker->host));
        transport.secure(std::move(ssl));
        for (IoResult result = transport.handshake(); result.state != IoState::done;
             result = transport.handshake()) {
            if (result.state == IoState::failed) {
                return Error(errors::kSourceTls, transport.error());
            }
            if (result.state == IoState::closed ||
                !wait_for(io, transport, result.state, clock, deadline)) {
                return Error(errors::kSourceUnreachable, "the TLS handshake did not end");
            }
        }
    }
    // A greeting fits any socket's buffer.
    const std::string hello = greeting(options, options.client_id + "-check");
    const IoResult sent = transport.write(hello);
    if (sent.state != IoState::done) {
        return hung_up(transport, sent.state);
    }
    if (sent.bytes != hello.size()) {
        return Error(errors::kSourceUnreachable, "CONNECT could not be sent");
    }
    return await_connack(options, io, transport, clock, deadline);
}

Finding check_address(const Address& address) {
    boost::asio::io_context io(1);
    boost::system::error_code error;
    const auto ip = boost::asio::ip::make_address(address.host, error);
    tcp::acceptor acceptor(io);
    if (!error) {
        const tcp::endpoint endpoint(ip, address.port);
        acceptor.open(endpoint.protocol(), error);
        acceptor.set_option(tcp::acceptor::reuse_address(true), error);
        acceptor.bind(endpoint, error);
    }
    if (error == boost::asio::error::address_in_use) {
        return {Severity::warning,
                "listener " + to_string(address),
                "something listens there already: this agent, if it runs",
                "otherwise free the address"};
    }
    if (error) {
        return {Severity::error,
                "listener " + to_string(address),
                error.message(),
                "name an address of this machine, or grant the right to bind it"};
    }
    return {Severity::ok, "listener " + to_string(address), "can be bound", ""};
}

std::vector<Finding> check_listener(const Options& options) {
    std::vector<Finding> out;
    for (const Address& address : options.listen->addresses) {
        out.push_back(check_address(address));
    }
    const auto accounts = Accounts::make(options);
    out.push_back(accounts ? Finding{Severity::ok, "accounts", "can be read", ""}
                           : bad("accounts", accounts.error()));
    if (!options.tls.cert.empty()) {
        const auto context = make_server_context(options.tls);
        out.push_back(context ? Finding{Severity::ok, "tls", "certificate and key fit", ""}
                              : bad("tls", context.error()));
    }
    const bool open = options.listen->anonymous && !std::all_of(options.listen->addresses.begin(),
                                                                options.listen->addresses.end(),
                                                                is_loopback);
    if (open) {
        out.push_back({Severity::warning,
                       "listener",
                       "anyone who reaches it may publish",
                       "set password_file, or tls.client_certificates"});
    }
    return out;
}

}  // namespace

std::vector<Finding> check(const Options& options, const Clock& clock) {
    if (options.listen) {
        return check_listener(options);
    }
    const auto greeted = greet_broker(options, clock);
    std::vector<Finding> out;
    out.push_back(
        greeted
            ? Finding{Severity::ok, "broker " + to_string(*options.broker), "lets this user in", ""}
            : bad("broker " + to_string(*options.broker), greeted.error()));
    if (!options.broker->tls && !options.password.empty() && !is_loopback(*options.broker)) {
        out.push_back({Severity::warning,
                       "broker " + to_string(*options.broker),
                       "the password goes over an unprotected connection",
                       "use mqtts://"});
    }
    return out;
}

}  // namespace tributary::mqtt
