// Log entries of a PostgreSQL source to typed changes (ports/decoder.h), as a Debezium consumer
// expects them. Rules, beside docs/types.md:
//   before  nothing for an insert, and for an update that sent no old row; the identity columns for
//           DEFAULT and INDEX (the others are `absent`); the whole row for FULL
//   after   an unchanged TOAST value is taken from the old row where that has it, else `unchanged`
//   key     a key column that the old row does not have is taken from the new row
// transaction_id is "<xid>:<commit LSN>", the same for all events of a transaction; source.lsn is
// the LSN of the event itself; source.sequence is ["<end LSN of the transaction before>","<lsn>"].
#pragma once

#include <memory>
#include <string>

#include "ports/decoder.h"

namespace tributary::postgresql {

// `database` stands in the envelope's source.db where an entry has no table.
[[nodiscard]] std::unique_ptr<Decoder> make_decoder(std::string database);

}  // namespace tributary::postgresql
