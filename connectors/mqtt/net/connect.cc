#include "connectors/mqtt/net/connect.h"

#include <memory>
#include <optional>

#include "connectors/mqtt/net/transport.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

using boost::asio::ip::tcp;

// Shared with the handler, which may outlive the attempt.
struct Attempt {
    std::optional<boost::system::error_code> result;
};

}  // namespace

Result<tcp::socket> connect_to(boost::asio::io_context& io,
                               const Address& address,
                               const Clock& clock,
                               SteadyTime deadline,
                               const std::function<bool()>& interrupted) {
    const auto fail = [&](const std::string& why) {
        return Error(errors::kSourceUnreachable, to_string(address) + ": " + why);
    };
    tcp::resolver resolver(io);
    boost::system::error_code error;
    const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
    if (error) {
        return fail(error.message());
    }
    std::string why = "no address";
    for (const auto& entry : found) {
        tcp::socket socket(io);
        const auto attempt = std::make_shared<Attempt>();
        socket.async_connect(entry.endpoint(),
                             [attempt](boost::system::error_code code) { attempt->result = code; });
        while (!attempt->result) {
            if (clock.now() >= deadline || interrupted()) {
                return fail(interrupted() ? "interrupted" : "no answer in time");
            }
            io.restart();
            io.run_one_for(std::chrono::milliseconds(100));
        }
        if (!*attempt->result) {
            prepare_socket(socket);
            return socket;
        }
        why = attempt->result->message();
    }
    return fail(why);
}

std::string to_string(const Address& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return (address.tls ? "mqtts://" : "mqtt://") + (v6 ? "[" + address.host + "]" : address.host) +
           ":" + std::to_string(address.port);
}

}  // namespace tributary::mqtt
