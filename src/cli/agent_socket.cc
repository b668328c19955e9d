#include "cli/agent_socket.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

Result<std::string> request(const config::Loaded& loaded,
                            std::string_view method,
                            const std::string& target) {
    constexpr std::string_view kUnix = "unix:";
    const auto& listen = loaded.config.admin.listen;
    const auto socket = std::find_if(listen.begin(), listen.end(), [](const std::string& each) {
        return each.starts_with(kUnix);
    });
    if (socket == listen.end()) {
        return Error(errors::kAdminUnavailable,
                     "admin.listen has no unix:/path, by which this command asks the agent");
    }
    return admin::request(*socket, method, target);
}

}  // namespace tributary::cli
