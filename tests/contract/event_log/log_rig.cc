// What tests of a log need; see the header.
#include "tests/contract/event_log/log_rig.h"

#include <cstdlib>
#include <random>

#include "base/assert.h"
#include "format/block.h"

namespace tributary::testing {

ScratchDirectory::ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "tributary-log-XXXXXX").string();
    TRIBUTARY_ASSERT(::mkdtemp(name.data()) != nullptr);
    path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

LogOptions small_log(const std::filesystem::path& parent) {
    LogOptions options;
    options.directory = parent / "log";
    options.max_bytes = 64U << 20U;
    options.min_free_disk_bytes = 0;
    options.ballast_bytes = 0;
    options.memtable_bytes = 1U << 20U;
    return options;
}

BlockPtr make_block(StreamId stream,
                    std::uint64_t first,
                    std::uint64_t count,
                    std::string_view text) {
    format::BlockWriter writer;
    writer.begin(stream, Sequence(first));
    writer.context("transaction", 1'700'000'000'000'000);
    for (std::uint64_t index = 0; index < count; ++index) {
        writer.append(EntryKind::message,
                      SchemaId(),
                      static_cast<std::uint32_t>(index),
                      std::string(text) + std::to_string(first + index));
    }
    const std::string last = std::to_string(first + count - 1);
    return writer.finish(Position{"r" + last}, Position{"d" + last});
}

std::shared_ptr<const TableSchema> make_schema(std::string_view column) {
    TableSchema schema;
    schema.database = "plant";
    schema.schema = "public";
    schema.table = "orders";
    schema.source_table_id = 16384;
    Column only;
    only.name = column;
    only.type.kind = TypeKind::int32;
    only.source_type = "integer";
    only.key_index = 1;
    schema.columns.push_back(std::move(only));
    return std::make_shared<const TableSchema>(std::move(schema));
}

std::string noise(std::size_t count, std::uint32_t seed) {
    std::mt19937 generator(seed);
    std::string bytes(count, '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(generator() & 0xFFU);
    }
    return bytes;
}

}  // namespace tributary::testing
