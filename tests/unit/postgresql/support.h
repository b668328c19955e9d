// What the tests of PostgreSQL's decoding half share: a sink that keeps everything, a catalogue
// that says what it is told, and a writer of pgoutput messages (PostgreSQL 15 manual 55.9).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "connectors/postgresql/lsn.h"
#include "connectors/postgresql/server/catalogue_port.h"
#include "connectors/postgresql/stream/pgoutput.h"
#include "model/entry.h"
#include "ports/source.h"

namespace tributary::postgresql::test {

struct Kept {
    EntryKind kind;
    SchemaId schema;
    std::uint32_t ordinal;
    std::string context;
    std::string payload;
    Position done;
    std::int64_t intake_time_us;
    friend bool operator==(const Kept&, const Kept&) = default;
};

class RecordingSink final : public EntrySink {
  public:
    SchemaId intern(std::shared_ptr<const TableSchema> schema) override {
        for (std::size_t index = 0; index < schemas.size(); ++index) {
            if (*schemas[index] == *schema) {
                return SchemaId(static_cast<std::uint32_t>(index + 1));
            }
        }
        schemas.push_back(std::move(schema));
        return SchemaId(static_cast<std::uint32_t>(schemas.size()));
    }
    std::shared_ptr<const TableSchema> schema(SchemaId id) const override {
        return id.value() <= schemas.size() ? schemas[id.value() - 1] : nullptr;
    }
    void context(std::string_view bytes, std::int64_t intake_time_us) override {
        context_ = bytes;
        time_ = intake_time_us;
    }
    void append(EntryKind kind,
                SchemaId schema,
                std::uint32_t ordinal,
                std::string_view payload,
                const Position& done) override {
        entries.push_back({kind, schema, ordinal, context_, std::string(payload), done, time_});
    }
    void put_side(std::string_view key, std::string_view value) override {
        side.insert_or_assign(std::string(key), std::string(value));
    }
    void erase_side(std::string_view key) override { side.erase(std::string(key)); }
    void resume(const Position& position) override { resumes.push_back(position); }
    bool full() const override { return false; }

    Entry entry(std::size_t index) const {
        const Kept& kept = entries[index];
        Entry out;
        out.sequence = Sequence(index + 1);
        out.kind = kept.kind;
        out.schema = kept.schema;
        out.ordinal = kept.ordinal;
        out.intake_time_us = kept.intake_time_us;
        out.context = kept.context;
        out.payload = kept.payload;
        return out;
    }

    std::vector<std::shared_ptr<const TableSchema>> schemas;
    std::vector<Kept> entries;
    std::vector<Position> resumes;
    std::map<std::string, std::string> side;

  private:
    std::string context_;
    std::int64_t time_ = 0;
};

class FakeCatalogue final : public CatalogueReader {
  public:
    Result<void> await_visible(std::uint32_t xid) override {
        awaited.push_back(xid);
        return success();
    }
    Result<CatalogueTable> read(std::uint32_t relation_oid,
                                std::span<const std::uint32_t> /*type_oids*/) override {
        ++reads;
        CatalogueTable out;
        const auto found = tables.find(relation_oid);
        if (found != tables.end()) {
            out = found->second;
        }
        out.types.insert(out.types.end(), types.begin(), types.end());
        return out;
    }

    std::map<std::uint32_t, CatalogueTable> tables;
    std::vector<CatalogueType> types;
    std::vector<std::uint32_t> awaited;
    int reads = 0;
};

// Cells of a tuple: nullopt is null.
using Cells = std::vector<std::optional<std::string>>;

class Wire {
  public:
    explicit Wire(char type) { bytes_.push_back(type); }
    Wire& u8(unsigned value) {
        bytes_.push_back(static_cast<char>(static_cast<unsigned char>(value)));
        return *this;
    }
    Wire& u16(std::uint16_t value) { return number(value); }
    Wire& u32(std::uint32_t value) { return number(value); }
    Wire& u64(std::uint64_t value) { return number(value); }
    Wire& text(std::string_view value) {
        bytes_.append(value).push_back('\0');
        return *this;
    }
    Wire& raw(std::string_view value) {
        bytes_.append(value);
        return *this;
    }
    Wire& tuple(char marker, const Cells& cells) {
        bytes_.push_back(marker);
        u16(static_cast<std::uint16_t>(cells.size()));
        for (const auto& cell : cells) {
            if (!cell) {
                bytes_.push_back('n');
            } else {
                bytes_.push_back('t');
                u32(static_cast<std::uint32_t>(cell->size())).raw(*cell);
            }
        }
        return *this;
    }
    operator std::string() const { return bytes_; }  // NOLINT(google-explicit-constructor)

  private:
    template <typename T>
    Wire& number(T value) {
        append_fixed(bytes_, value, Endian::big);
        return *this;
    }
    std::string bytes_;
};

inline std::string begin(std::uint64_t final_lsn, std::uint32_t xid = 700) {
    return Wire('B').u64(final_lsn).u64(1'000'000).u32(xid);
}
inline std::string commit(std::uint64_t commit_lsn, std::uint64_t end_lsn) {
    return Wire('C').u8(0).u64(commit_lsn).u64(end_lsn).u64(1'000'000);
}

struct WireColumn {
    bool identity;
    std::string name;
    std::uint32_t type_oid;
};
inline std::string relation(std::uint32_t oid,
                            std::string_view table,
                            const std::vector<WireColumn>& columns,
                            char identity = 'd') {
    Wire wire('R');
    wire.u32(oid).text("public").text(table).u8(static_cast<unsigned char>(identity));
    wire.u16(static_cast<std::uint16_t>(columns.size()));
    for (const auto& column : columns) {
        wire.u8(column.identity ? 1 : 0).text(column.name).u32(column.type_oid).u32(0xFFFFFFFFU);
    }
    return wire;
}
inline std::string insert(std::uint32_t oid, const Cells& cells) {
    return Wire('I').u32(oid).tuple('N', cells);
}

}  // namespace tributary::postgresql::test
