// TLS contexts and sessions over OpenSSL, for Transport. At least TLS 1.2; the other side is always
// verified: a broker by its host name or address, a device by `ca` when client certificates are
// asked for. One thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "connectors/mqtt/options.h"

namespace tributary::mqtt {

struct FreeSslContext {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
struct FreeSsl {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;
using SslSession = std::unique_ptr<SSL, FreeSsl>;

// kSourceTls: a file that cannot be read or is not what it should be; key and certificate differ.
[[nodiscard]] Result<SslContext> make_client_context(const TlsOptions& options);
[[nodiscard]] Result<SslContext> make_server_context(const TlsOptions& options);

// A session over the connected socket `fd`, which must outlive it. `host`: whose certificate it
// must be. kSourceTls.
[[nodiscard]] Result<SslSession> make_client_session(SSL_CTX* context,
                                                     int fd,
                                                     const std::string& host);
[[nodiscard]] Result<SslSession> make_server_session(SSL_CTX* context, int fd);

// Common name of the verified certificate of the other side; empty when it has none.
[[nodiscard]] std::string peer_common_name(const SSL* ssl);
// What OpenSSL has to say about its last failure, and forgets it.
[[nodiscard]] std::string take_ssl_error(const SSL* ssl);

}  // namespace tributary::mqtt
