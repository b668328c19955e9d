#include "cli/agent_socket.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "admin/client.h"
#include "agent/connectors.h"
#include "model/errors.h"

namespace tributary::cli {

namespace {

constexpr std::string_view kExample = "/usr/share/doc/tributary/examples/tributary.yaml";
constexpr std::string_view kCredentials = "CREDENTIALS_DIRECTORY";
// Where systemd keeps them while the service runs, for root.
constexpr const char* kServiceCredentials = "/run/credentials/tributary.service";

config::Surroundings surroundings(Secrets secrets) {
    config::Surroundings real = config::process_surroundings();
    config::Surroundings around;
    around.variable = [variable = real.variable](const std::string& name) {
        auto value = variable(name);
        return value || name != kCredentials ? value
                                             : std::optional<std::string>(kServiceCredentials);
    };
    around.file = [file = real.file, secrets](const std::string& path) {
        // What a verb has no use for need not be there, nor right.
        return secrets == Secrets::needed ? file(path) : std::optional<std::string>("not read");
    };
    return around;
}

// Why the configuration cannot be read, for somebody who begins; nullopt when it can.
std::optional<Error> unreadable(const std::string& file) {
    if (::access(file.c_str(), R_OK) == 0) {
        return std::nullopt;
    }
    if (errno == EACCES) {
        return Error(errors::kConfigInvalid, file + ": this user may not read it; use sudo");
    }
    if (errno == ENOENT) {
        return Error(
            errors::kConfigInvalid,
            file + ": there is no such file; begin with a copy of " + std::string(kExample));
    }
    return std::nullopt;
}

}  // namespace

Result<config::Loaded> load(const Common& common, Secrets secrets) {
    if (const auto error = unreadable(common.config_file)) {
        return *error;
    }
    return config::load(common.config_file, agent::connectors(), surroundings(secrets));
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
