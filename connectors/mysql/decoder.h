// The Decoder of this connector: entries that its intake wrote, to typed changes. Pure but for the
// plans and the transaction it remembers; one per delivery thread.
#pragma once

#include <memory>

#include "connectors/mysql/server_kind.h"
#include "ports/decoder.h"

namespace tributary::mysql {

// connector_name() is "mysql" or "mariadb". Entries are told by their own context which server they
// are of; `kind` is what the source is configured to be.
[[nodiscard]] std::unique_ptr<Decoder> make_decoder(ServerKind kind);

}  // namespace tributary::mysql
