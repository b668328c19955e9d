// Wire: the socket of a dump connection, taken over from the client library once the dump command
// was sent: plain or TLS, never waiting. Why below the library: its own reader joins packets, so
// that one event of 1 GiB needs 1 GiB of memory, and it can only wait. The library's structures are
// public in its headers but not promised by its soname; take() refuses when the library at run time
// is not the one that was compiled against. Threads: one.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "connectors/mysql/client.h"

namespace tributary::mysql {

class Wire {
  public:
    // `client` has sent the dump command and read nothing of its answer. kInternal when the library
    // is another one.
    [[nodiscard]] static Result<Wire> take(Client client);

    // Up to `size` bytes into `buffer`; 0: none now, wait for socket() to be readable.
    // kSourceUnreachable.
    [[nodiscard]] Result<std::size_t> read(char* buffer, std::size_t size);

    [[nodiscard]] int socket() const noexcept { return socket_; }
    [[nodiscard]] bool tls() const noexcept { return tls_ != nullptr; }

  private:
    explicit Wire(Client client) : client_(std::move(client)) {}
    [[nodiscard]] Result<std::size_t> read_tls(char* buffer, std::size_t size);

    Client client_;
    int socket_ = -1;
    void* tls_ = nullptr;  // SSL*, the client library's
};

}  // namespace tributary::mysql
