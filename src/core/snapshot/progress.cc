#include "core/snapshot/progress.h"

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::core::snapshot {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kVersionAdHoc = 2;
constexpr std::uint8_t kVersionKeyless = 3;

std::uint8_t version_of(const TableProgress& table) {
    return table.ad_hoc ? kVersionAdHoc : table.keyless ? kVersionKeyless : kVersion;
}

Error corrupt() {
    return {errors::kLogCorrupt, "the stored progress of a snapshot is not as written"};
}

void append_texts(std::string& out, const std::vector<std::string>& texts) {
    append_varint(out, texts.size());
    for (const std::string& text : texts) {
        append_sized(out, text);
    }
}

std::vector<std::string> read_texts(ByteReader& reader) {
    std::vector<std::string> out;
    const std::uint64_t count = reader.varint();
    if (count > reader.remaining()) {  // each takes a byte at least
        reader.fail();
        return out;
    }
    for (std::uint64_t index = 0; index < count; ++index) {
        out.emplace_back(reader.sized());
    }
    return out;
}

}  // namespace

std::string encode(const Run& run) {
    std::string out;
    out.push_back(static_cast<char>(kVersion));
    out.push_back(static_cast<char>(run.state));
    append_varint(out, run.rows_ever);
    append_varint(out, run.rows);
    return out;
}

std::string encode(const TableProgress& table) {
    std::string out;
    out.push_back(static_cast<char>(version_of(table)));
    out.push_back(table.done ? '\1' : '\0');
    append_varint(out, table.rows);
    append_texts(out, table.key_columns);
    append_texts(out, table.last_key);
    if (table.ad_hoc) {
        append_sized(out, table.where);
    }
    return out;
}

Result<Run> parse_run(std::string_view bytes) {
    ByteReader reader(bytes);
    Run run;
    const auto version = reader.fixed<std::uint8_t>();
    const auto state = reader.fixed<std::uint8_t>();
    run.rows_ever = reader.varint();
    run.rows = reader.varint();
    if (!reader.ok() || !reader.at_end() || version != kVersion || state < 1 || state > 2) {
        return corrupt();
    }
    run.state = static_cast<RunState>(state);
    return run;
}

Result<TableProgress> parse_table(std::string_view bytes) {
    ByteReader reader(bytes);
    TableProgress table;
    const auto version = reader.fixed<std::uint8_t>();
    const auto done = reader.fixed<std::uint8_t>();
    table.rows = reader.varint();
    table.key_columns = read_texts(reader);
    table.last_key = read_texts(reader);
    table.ad_hoc = version == kVersionAdHoc;
    table.keyless = version == kVersionKeyless;
    if (table.ad_hoc) {
        table.where = reader.sized();
    }
    const bool known = version >= kVersion && version <= kVersionKeyless;
    const bool whole = table.last_key.empty() || table.last_key.size() == table.key_columns.size();
    if (!reader.ok() || !reader.at_end() || !known || done > 1 || !whole) {
        return corrupt();
    }
    table.done = done == 1;
    return table;
}

}  // namespace tributary::core::snapshot
