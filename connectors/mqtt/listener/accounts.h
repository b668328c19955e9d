// Accounts: who may connect to the listener and what each may publish (ListenerPolicy). Users come
// from a password file as mosquitto_passwd 2.0 writes it ($7$, PBKDF2 with SHA-512; $6$, salted
// SHA-512 of 1.x), or from the common names of client certificates. One thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mqtt/options.h"
#include "connectors/mqtt/routes/routes.h"
#include "connectors/mqtt/session/listener_session.h"

namespace tributary::mqtt {

// What accept() is told of a device: its address, and the name in its certificate.
struct Peer {
    std::string address;
    std::string certificate_name;  // empty: none
};
[[nodiscard]] std::string pack_peer(const Peer& peer);
[[nodiscard]] Peer unpack_peer(std::string_view packed);

// One line's hash.
struct PasswordHash {
    bool pbkdf2 = true;
    std::uint32_t iterations = 0;
    std::string salt;
    std::string digest;  // 64 bytes
};
// nullopt when it is not one of the two forms.
[[nodiscard]] std::optional<PasswordHash> parse_password_hash(std::string_view text);
[[nodiscard]] bool matches(const PasswordHash& hash, std::string_view password);

class Accounts final : public ListenerPolicy {
  public:
    // kConfigInvalid, with the file's line. `routes` decide what is taken at all.
    [[nodiscard]] static Result<std::unique_ptr<Accounts>> make(const Options& options);

    [[nodiscard]] ReasonCode authenticate(const Connect& connect,
                                          std::string_view peer,
                                          std::string& user) override;
    // An ACL row allows it, and a route takes it to an allowed Kafka topic.
    [[nodiscard]] bool may_publish(std::string_view user,
                                   std::string_view client_id,
                                   std::string_view topic) override;

  private:
    Accounts(Options options, Routes routes)
        : options_(std::move(options)), routes_(std::move(routes)) {}

    Options options_;
    Routes routes_;
    std::map<std::string, PasswordHash, std::less<>> users_;
};

// Whether an ACL filter, with {user} and {client} standing for one whole level, allows `topic`.
[[nodiscard]] bool acl_allows(std::string_view filter,
                              std::string_view user,
                              std::string_view client_id,
                              std::string_view topic);

}  // namespace tributary::mqtt
