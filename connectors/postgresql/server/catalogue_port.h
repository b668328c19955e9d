// What intake needs to know from PostgreSQL's catalogue, and the port it asks through; implemented
// over SQL by the I/O half. The Relation message has neither types' names nor keys in order,
// nullability, defaults or labels (DESIGN 5).
// Threads: called by the intake thread, from within Intake::on_xlog_data().
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace tributary::postgresql {

// One row of pg_type, with what its kind needs.
struct CatalogueType {
    std::uint32_t oid = 0;
    std::string name;  // typname: "citext", "mood"
    char kind =
        'b';  // typtype: b base, c composite, d domain, e enum, m multirange, p pseudo, r range
    char category = 'U';                // typcategory: A array, S string, ...
    std::uint32_t element_oid = 0;      // typelem of a true array (category A), else 0
    std::uint32_t base_oid = 0;         // typbasetype of a domain, else 0
    std::int32_t base_modifier = -1;    // typtypmod of a domain
    std::uint32_t base_dimensions = 0;  // typndims of a domain
    std::vector<std::string> labels{};  // pg_enum.enumlabel by enumsortorder
};

struct CatalogueColumn {
    std::string name;                 // attname
    std::uint32_t type_oid = 0;       // atttypid
    std::int32_t type_modifier = -1;  // atttypmod
    std::string type_name;            // format_type(atttypid, atttypmod)
    std::uint32_t dimensions = 0;     // attndims
    bool not_null = false;            // attnotnull, or a NOT NULL domain
    std::optional<std::string>
        default_expression;  // pg_get_expr(adbin, adrelid), not of generated columns
};

struct CatalogueTable {
    bool exists = false;  // false: dropped meanwhile; only `types` may be filled
    std::string schema;
    std::string table;
    bool partial_partitions = false;       // it has some without REPLICA IDENTITY FULL
    std::vector<CatalogueColumn> columns;  // attnum order, without dropped ones
    std::vector<std::string> primary_key;  // column names in index order; empty when none
    // Without a primary key: of a unique index without nullable columns; else empty.
    std::vector<std::string> unique_index;
    std::vector<std::string>
        identity_index;  // of REPLICA IDENTITY USING INDEX, in index order; else empty
    // The closure of `type_oids` over elements, array bases and domain bases, and of the columns'
    // types; built-in types may be left out.
    std::vector<CatalogueType> types;
};

class CatalogueReader {
  public:
    virtual ~CatalogueReader() = default;

    // Returns when the committed transaction `xid` is visible to read(). A server sends a
    // transaction to a logical stream when its commit is in the log, which is before other sessions
    // see it: by microseconds, or with synchronous replication by as long as the standby takes.
    // Transient error: not visible within some seconds.
    [[nodiscard]] virtual Result<void> await_visible(std::uint32_t /*xid*/) { return success(); }

    // What the catalogue says now about the table `relation_oid` and the types `type_oids` (those
    // of the Relation message, which the table may not have any more). Transient errors: the
    // connection is lost. Nothing is cached below this call.
    [[nodiscard]] virtual Result<CatalogueTable> read(std::uint32_t relation_oid,
                                                      std::span<const std::uint32_t> type_oids) = 0;
};

}  // namespace tributary::postgresql
