// Wire: the socket of a dump connection, taken over from the client library once the dump command
// was sent: plain or TLS, never waiting. Why below the library: its own reader joins packets, so
// that one event of 1 GiB needs 1 GiB of memory, and it can only wait. The library's structures are
// public in its headers but not promised by its soname: where the library at run time is not one of
// those that were read, or the connection is not a plain one, messages come joined, by the
// library's own call, and may wait. Threads: one.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "connectors/mysql/server/client.h"

namespace tributary::mysql {

class Wire {
  public:
    // `client` has sent the dump command and read nothing of its answer. `joined` forces joined
    // messages.
    [[nodiscard]] static Result<Wire> take(Client client, bool joined);

    // Whether the library at run time is one whose structures are known.
    [[nodiscard]] static bool layout_known() noexcept;

    [[nodiscard]] bool joined() const noexcept { return joined_; }

    // Not joined(): up to `size` bytes into `buffer`; 0: none now, wait for socket() to be
    // readable. kSourceUnreachable.
    [[nodiscard]] Result<std::size_t> read(char* buffer, std::size_t size);

    // joined(): the next message, valid until the next call. Waits for it, at most for the
    // connection's read timeout: the server must send a heartbeat earlier. kSourceUnreachable.
    [[nodiscard]] Result<std::string_view> read_message();
    // joined(): bytes wait in the socket; the library may hold more.
    [[nodiscard]] bool readable() const noexcept;

    [[nodiscard]] int socket() const noexcept { return socket_; }
    [[nodiscard]] bool tls() const noexcept { return tls_ != nullptr; }

  private:
    explicit Wire(Client client) : client_(std::move(client)) {}
    [[nodiscard]] Result<std::size_t> read_tls(char* buffer, std::size_t size);

    Client client_;
    int socket_ = -1;
    bool joined_ = false;
    void* tls_ = nullptr;  // SSL*, the client library's
};

}  // namespace tributary::mysql
