// Decoder: log entries to typed changes. One per delivery thread; keeps per-schema plans and
// per-transaction state, so entries must be given in sequence order (begin_at() after a jump).
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "base/result.h"
#include "model/change.h"
#include "model/entry.h"

namespace tributary {

class Decoder {
  public:
    virtual ~Decoder() = default;

    // What stands in every envelope of this source.
    [[nodiscard]] virtual std::string_view connector_name() const = 0;  // "postgresql"
    [[nodiscard]] virtual std::span<const SourceField> source_fields() const = 0;

    // The structure behind entry.schema of the entries to come.
    virtual void add_schema(SchemaId id, std::shared_ptr<const TableSchema> schema) = 0;
    [[nodiscard]] virtual bool has_schema(SchemaId id) const = 0;

    // Forgets per-transaction state: the next entry need not follow the one before.
    virtual void begin_at(Sequence sequence) = 0;

    // Decodes one entry. false: nothing to deliver for it (position entries). Views in `change`
    // point into the entry's block, the decoder's plans or `arena`, which is reset before the next
    // entry. kValueUndecodable names column and reason, never the value.
    [[nodiscard]] virtual Result<bool> decode(const Entry& entry, Arena& arena, Change& change) = 0;
};

}  // namespace tributary
