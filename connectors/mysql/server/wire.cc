#include "connectors/mysql/server/wire.h"

#include <fcntl.h>
#include <ma_pvio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "model/errors.h"

namespace tributary::mysql {
namespace {

// What ma_tls.h calls MARIADB_TLS; ma_pvio.h has it as void.
struct LibraryTls {
    void* data;
    MARIADB_PVIO* pvio;
    void* ssl;
};

std::string system_text(int number) {
    return std::generic_category().message(number);
}

}  // namespace

// 3.3.x and 3.4.x have the same layout (read in both versions' headers).
bool Wire::layout_known() noexcept {
    return mysql_get_client_version() / 10000 == MARIADB_PACKAGE_VERSION_ID / 10000;
}

Result<Wire> Wire::take(Client client, bool joined) {
    Wire wire(std::move(client));
    wire.socket_ = wire.client_.socket();
    wire.joined_ = joined;
    if (wire.joined_) {
        return wire;
    }
    const MARIADB_PVIO* pvio = wire.client_.get()->net.pvio;
    if (pvio == nullptr || wire.client_.get()->net.compress != 0) {
        wire.joined_ = true;
        return wire;
    }
    if (pvio->ctls != nullptr) {
        wire.tls_ = static_cast<const LibraryTls*>(pvio->ctls)->ssl;
    }
    const int flags = ::fcntl(wire.socket_, F_GETFL);
    if (flags < 0 || ::fcntl(wire.socket_, F_SETFL, flags | O_NONBLOCK) < 0) {
        return Error(errors::kSourceUnreachable, "fcntl: " + system_text(errno));
    }
    return wire;
}

Result<std::size_t> Wire::read(char* buffer, std::size_t size) {
    MARIADB_PVIO* pvio = client_.get()->net.pvio;
    // What the library has read ahead comes first.
    if (pvio->cache != nullptr && pvio->cache_size > 0) {
        const auto ahead =
            static_cast<std::size_t>(pvio->cache + pvio->cache_size - pvio->cache_pos);
        if (ahead > 0) {
            const std::size_t taken = std::min(ahead, size);
            std::memcpy(buffer, pvio->cache_pos, taken);
            pvio->cache_pos += taken;
            return taken;
        }
    }
    if (tls_ != nullptr) {
        return read_tls(buffer, size);
    }
    for (;;) {
        const ssize_t got = ::recv(socket_, buffer, size, 0);
        if (got > 0) {
            return static_cast<std::size_t>(got);
        }
        if (got == 0) {
            return Error(errors::kSourceUnreachable, "the server closed the connection");
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return std::size_t{0};
        }
        if (errno != EINTR) {
            return Error(errors::kSourceUnreachable, "reading the binlog: " + system_text(errno));
        }
    }
}

Result<std::string_view> Wire::read_message() {
    MYSQL* handle = client_.get();
    const unsigned long size = mysql_net_read_packet(handle);
    // The library's packet_error, which is 32 bits wide.
    constexpr unsigned long kPacketError = 0xFFFFFFFFUL;
    if (size == kPacketError) {
        return client_.error("reading the binlog");
    }
    return std::string_view(static_cast<const char*>(static_cast<void*>(handle->net.read_pos)),
                            size);
}

bool Wire::readable() const noexcept {
    int waiting = 0;
    return ::ioctl(socket_, FIONREAD, &waiting) == 0 && waiting > 0;
}

Result<std::size_t> Wire::read_tls(char* buffer, std::size_t size) {
    auto* ssl = static_cast<SSL*>(tls_);
    ERR_clear_error();
    const int wanted = static_cast<int>(std::min<std::size_t>(size, 1U << 20U));
    const int got = SSL_read(ssl, buffer, wanted);
    if (got > 0) {
        return static_cast<std::size_t>(got);
    }
    switch (SSL_get_error(ssl, got)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return std::size_t{0};
        case SSL_ERROR_ZERO_RETURN:
            return Error(errors::kSourceUnreachable, "the server closed the connection");
        default:
            return Error(errors::kSourceUnreachable, "the TLS connection broke");
    }
}

}  // namespace tributary::mysql
