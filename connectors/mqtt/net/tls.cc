#include "connectors/mqtt/net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>

#include "model/errors.h"

namespace tributary::mqtt {
namespace {

Error tls_error(const std::string& what) {
    return {errors::kSourceTls, what + ": " + take_ssl_error(nullptr)};
}

Result<void> load_own(SSL_CTX* context, const TlsOptions& options) {
    if (options.cert.empty()) {
        return success();
    }
    if (SSL_CTX_use_certificate_chain_file(context, options.cert.c_str()) != 1) {
        return tls_error("certificate " + options.cert);
    }
    if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return tls_error("key " + options.key);
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        return tls_error("key " + options.key + " is not that of " + options.cert);
    }
    return success();
}

Result<SslContext> make_context(const SSL_METHOD* method, const TlsOptions& options) {
    SslContext context(SSL_CTX_new(method));
    if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
        return tls_error("TLS");
    }
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                         SSL_MODE_RELEASE_BUFFERS);
    TRIBUTARY_TRY_VOID(load_own(context.get(), options));
    return context;
}

bool is_address(const std::string& host) {
    std::array<unsigned char, 16> bytes{};
    return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

Result<SslSession> make_session(SSL_CTX* context, int fd) {
    SslSession session(SSL_new(context));
    if (!session || SSL_set_fd(session.get(), fd) != 1) {
        return tls_error("TLS");
    }
    return session;
}

}  // namespace

Result<SslContext> make_client_context(const TlsOptions& options) {
    TRIBUTARY_TRY(context, make_context(TLS_client_method(), options));
    const bool loaded = options.ca.empty() ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                                           : SSL_CTX_load_verify_locations(
                                                 context.get(), options.ca.c_str(), nullptr) == 1;
    if (!loaded) {
        return tls_error("certificates " + options.ca);
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    return std::move(context);
}

Result<SslContext> make_server_context(const TlsOptions& options) {
    TRIBUTARY_TRY(context, make_context(TLS_server_method(), options));
    if (options.client_certificates) {
        if (SSL_CTX_load_verify_locations(context.get(), options.ca.c_str(), nullptr) != 1) {
            return tls_error("certificates " + options.ca);
        }
        SSL_CTX_set_client_CA_list(context.get(), SSL_load_client_CA_file(options.ca.c_str()));
        SSL_CTX_set_verify(
            context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        constexpr std::array<unsigned char, 9> kSessions{
            't', 'r', 'i', 'b', 'u', 't', 'a', 'r', 'y'};
        SSL_CTX_set_session_id_context(context.get(), kSessions.data(), kSessions.size());
    }
    return std::move(context);
}

Result<SslSession> make_client_session(SSL_CTX* context, int fd, const std::string& host) {
    TRIBUTARY_TRY(session, make_session(context, fd));
    // What the macro SSL_set_tlsext_host_name does, without its C cast.
    std::string server_name = host;
    const bool named = is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(
                                              SSL_get0_param(session.get()), host.c_str()) == 1
                                        : SSL_set1_host(session.get(), host.c_str()) == 1 &&
                                              SSL_ctrl(session.get(),
                                                       SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                                       TLSEXT_NAMETYPE_host_name,
                                                       server_name.data()) == 1;
    if (!named) {
        return tls_error("host name " + host);
    }
    SSL_set_connect_state(session.get());
    return std::move(session);
}

Result<SslSession> make_server_session(SSL_CTX* context, int fd) {
    TRIBUTARY_TRY(session, make_session(context, fd));
    SSL_set_accept_state(session.get());
    return std::move(session);
}

std::string peer_common_name(const SSL* ssl) {
    struct FreeCertificate {
        void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    };
    const std::unique_ptr<X509, FreeCertificate> certificate(SSL_get1_peer_certificate(ssl));
    if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK) {
        return {};
    }
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) {
        return {};
    }
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size < 0) {
        return {};
    }
    std::string name;
    for (int index = 0; index < size; ++index) {
        name.push_back(static_cast<char>(text[index]));
    }
    OPENSSL_free(text);
    return name.find('\0') == std::string::npos ? name : std::string();
}

std::string take_ssl_error(const SSL* ssl) {
    std::string text;
    if (ssl != nullptr) {
        const long verified = SSL_get_verify_result(ssl);
        if (verified != X509_V_OK) {
            text = std::string("certificate refused: ") + X509_verify_cert_error_string(verified);
        }
    }
    if (const unsigned long code = ERR_peek_last_error(); text.empty() && code != 0) {
        std::array<char, 256> buffer{};
        ERR_error_string_n(code, buffer.data(), buffer.size());
        text = buffer.data();
    }
    ERR_clear_error();
    return text.empty() ? "TLS failed" : text;
}

}  // namespace tributary::mqtt
