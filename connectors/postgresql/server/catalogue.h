// SqlCatalogue: the catalogue of the source database, read by SQL whenever the stream describes a
// table. Why here: the Relation message carries neither keys in order, nullability, defaults,
// labels nor type names (DESIGN 5). Threads: the intake thread, like the session it borrows. Spec:
// PostgreSQL 15 manual, 53 "System Catalogs" (pg_class, pg_attribute, pg_index, pg_type, pg_enum).
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "connectors/postgresql/server/catalogue_port.h"
#include "connectors/postgresql/server/connection.h"

namespace tributary::postgresql {

class SqlCatalogue final : public CatalogueReader {
  public:
    // `session` gives the session to ask, connecting first where it has to; it outlives this.
    using SessionProvider = std::function<Result<Session*>()>;
    explicit SqlCatalogue(SessionProvider session) : session_(std::move(session)) {}

    // Asks every 2 ms, for 10 s; then kSourceUnreachable.
    [[nodiscard]] Result<void> await_visible(std::uint32_t xid) override;

    // Three short statements. kSourceUnreachable when the connection is lost or a catalogue lock is
    // held for more than 3 s.
    [[nodiscard]] Result<CatalogueTable> read(std::uint32_t relation_oid,
                                              std::span<const std::uint32_t> type_oids) override;

  private:
    SessionProvider session_;
};

}  // namespace tributary::postgresql
