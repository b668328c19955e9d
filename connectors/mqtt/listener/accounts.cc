#include "connectors/mqtt/listener/accounts.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <fstream>

#include "base/base64.h"
#include "connectors/mqtt/codec/codec.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

constexpr std::size_t kDigestBytes = 64;
constexpr std::uint32_t kIterationsMax = 1'000'000;
constexpr std::size_t kUsersMax = 100'000;

using Digest = std::array<unsigned char, kDigestBytes>;

// OpenSSL counts bytes as unsigned char.
const unsigned char* bytes_of(std::string_view text) {
    return static_cast<const unsigned char*>(static_cast<const void*>(text.data()));
}

bool hash_pbkdf2(const PasswordHash& hash, std::string_view password, Digest& out) {
    return PKCS5_PBKDF2_HMAC(password.data(),
                             static_cast<int>(password.size()),
                             bytes_of(hash.salt),
                             static_cast<int>(hash.salt.size()),
                             static_cast<int>(hash.iterations),
                             EVP_sha512(),
                             static_cast<int>(out.size()),
                             out.data()) == 1;
}

bool hash_sha512(const PasswordHash& hash, std::string_view password, Digest& out) {
    const std::string whole = std::string(password) + hash.salt;
    unsigned size = 0;
    return EVP_Digest(whole.data(), whole.size(), out.data(), &size, EVP_sha512(), nullptr) == 1 &&
           size == out.size();
}

// Fields between '$'.
std::vector<std::string_view> fields_of(std::string_view text) {
    std::vector<std::string_view> fields;
    while (text.starts_with('$') && fields.size() < 5) {
        text.remove_prefix(1);
        const std::size_t end = text.find('$');
        fields.push_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end);
    }
    return fields;
}

}  // namespace

std::string pack_peer(const Peer& peer) {
    return peer.address + '\n' + peer.certificate_name;
}

Peer unpack_peer(std::string_view packed) {
    const std::size_t end = packed.find('\n');
    return {std::string(packed.substr(0, end)),
            end == std::string_view::npos ? std::string() : std::string(packed.substr(end + 1))};
}

std::optional<PasswordHash> parse_password_hash(std::string_view text) {
    const auto fields = fields_of(text);
    PasswordHash hash;
    std::size_t at = 1;
    if (fields.size() == 4 && fields[0] == "7") {
        const auto [end, error] =
            std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), hash.iterations);
        if (error != std::errc() || end != fields[1].data() + fields[1].size() ||
            hash.iterations == 0 || hash.iterations > kIterationsMax) {
            return std::nullopt;
        }
        at = 2;
    } else if (fields.size() == 3 && fields[0] == "6") {
        hash.pbkdf2 = false;
    } else {
        return std::nullopt;
    }
    const auto salt = from_base64(fields[at]);
    const auto digest = from_base64(fields[at + 1]);
    if (!salt || !digest || salt->empty() || digest->size() != kDigestBytes) {
        return std::nullopt;
    }
    hash.salt = *salt;
    hash.digest = *digest;
    return hash;
}

bool matches(const PasswordHash& hash, std::string_view password) {
    Digest digest{};
    const bool made =
        hash.pbkdf2 ? hash_pbkdf2(hash, password, digest) : hash_sha512(hash, password, digest);
    return made && CRYPTO_memcmp(digest.data(), hash.digest.data(), digest.size()) == 0;
}

Result<std::unique_ptr<Accounts>> Accounts::make(const Options& options) {
    TRIBUTARY_TRY(routes, Routes::make(options.routes));
    std::unique_ptr<Accounts> made(new Accounts(options, std::move(routes)));
    const std::string& path = options.listen->password_file;
    if (path.empty()) {
        return made;
    }
    std::ifstream file(path);
    if (!file) {
        return Error(errors::kConfigInvalid, path + ": the password file cannot be read");
    }
    std::size_t number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const std::size_t colon = line.find(':');
        const auto hash = colon == std::string::npos
                              ? std::nullopt
                              : parse_password_hash(std::string_view(line).substr(colon + 1));
        if (!hash || colon == 0 || made->users_.size() == kUsersMax) {
            return Error(
                errors::kConfigInvalid,
                path + ":" + std::to_string(number) + ": not a line that mosquitto_passwd writes");
        }
        made->users_.insert_or_assign(line.substr(0, colon), *hash);
    }
    return made;
}

ReasonCode Accounts::authenticate(const Connect& connect,
                                  std::string_view peer,
                                  std::string& user) {
    const Peer known = unpack_peer(peer);
    if (options_.tls.client_certificates && !known.certificate_name.empty()) {
        user = known.certificate_name;
        return ReasonCode::success;
    }
    if (!connect.user_name) {
        user.clear();
        return options_.listen->anonymous ? ReasonCode::success : ReasonCode::not_authorized;
    }
    // The same work for a name that nobody has, so that time tells nothing.
    static const PasswordHash kNobody{true, 101, "nobody", std::string(kDigestBytes, '\0')};
    const auto found = users_.find(*connect.user_name);
    const bool good = matches(found == users_.end() ? kNobody : found->second,
                              connect.password.value_or(std::string_view()));
    if (found == users_.end() || !good) {
        return ReasonCode::bad_user_name_or_password;
    }
    user = found->first;
    return ReasonCode::success;
}

bool Accounts::may_publish(std::string_view user,
                           std::string_view client_id,
                           std::string_view topic) {
    const auto& acl = options_.listen->acl;
    bool allowed = acl.empty();
    for (const AclOptions& row : acl) {
        if (row.user != "*" && row.user != user) {
            continue;
        }
        for (const std::string& filter : row.publish) {
            allowed = allowed || acl_allows(filter, user, client_id, topic);
        }
    }
    return allowed && routes_.find(topic, client_id).good();
}

bool acl_allows(std::string_view filter,
                std::string_view user,
                std::string_view client_id,
                std::string_view topic) {
    // The names may hold what filters give a meaning to, so levels are compared, not text replaced.
    if (topic.starts_with('$') && (filter.starts_with('+') || filter.starts_with('#'))) {
        return false;
    }
    for (;;) {
        const std::size_t filter_end = filter.find('/');
        const std::size_t topic_end = topic.find('/');
        const std::string_view expected = filter.substr(0, filter_end);
        const std::string_view level = topic.substr(0, topic_end);
        if (expected == "#") {
            return true;
        }
        const std::string_view wanted = expected == "{user}"     ? user
                                        : expected == "{client}" ? client_id
                                                                 : expected;
        const bool own = expected == "{user}" || expected == "{client}";
        if (own ? (wanted.empty() || level != wanted) : (expected != "+" && level != wanted)) {
            return false;
        }
        const bool filter_ends = filter_end == std::string_view::npos;
        const bool topic_ends = topic_end == std::string_view::npos;
        if (filter_ends || topic_ends) {
            return (filter_ends && topic_ends) ||
                   (topic_ends && filter.substr(filter_end + 1) == "#");
        }
        filter.remove_prefix(filter_end + 1);
        topic.remove_prefix(topic_end + 1);
    }
}

}  // namespace tributary::mqtt
