#include "cli/agent_socket.h"

#include <filesystem>
#include <utility>

#include "admin/client.h"
#include "agent/connectors.h"
#include "model/errors.h"

namespace tributary::cli {

Result<config::Loaded> load(const Common& common) {
    return config::load(common.config_file, agent::connectors(), config::process_surroundings());
}

namespace {

// The admin socket of the configuration, when an agent listens there.
std::optional<std::string> socket_of(const config::Loaded& loaded) {
    constexpr std::string_view kUnix = "unix:";
    for (const std::string& listen : loaded.config.admin.listen) {
        if (listen.starts_with(kUnix) && std::filesystem::exists(listen.substr(kUnix.size()))) {
            return listen.substr(kUnix.size());
        }
    }
    return std::nullopt;
}

}  // namespace

bool socket_is_there(const config::Loaded& loaded) {
    return socket_of(loaded).has_value();
}

Result<std::string> request(const config::Loaded& loaded,
                            std::string_view method,
                            const std::string& target) {
    const auto socket = socket_of(loaded);
    if (!socket) {
        return nobody_answers(loaded);
    }
    return admin::request(*socket, method, target);
}

std::optional<std::string> ask(const config::Loaded& loaded,
                               std::string_view method,
                               const std::string& target) {
    auto answer = request(loaded, method, target);
    return answer ? std::optional(std::move(answer.value())) : std::nullopt;
}

Error nobody_answers(const config::Loaded& loaded) {
    std::string listeners;
    for (const std::string& listen : loaded.config.admin.listen) {
        listeners += " " + listen;
    }
    return {errors::kAdminUnavailable, "no agent answers on" + listeners};
}

}  // namespace tributary::cli
