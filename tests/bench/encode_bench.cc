// How long the Debezium encoder takes per row of six columns, with and without schemas, on one
// thread: an insert, an update with its old row, a delete. Prints ns of CPU per row, rows per
// CPU-second and bytes per record. Budget: 0.3 us per insert without schemas (docs/performance.md).
// encode_bench [rows]
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "encode/debezium.h"

namespace tributary {
namespace {

constexpr std::size_t kBatchRows = 5000;

TableSchema make_table() {
    TableSchema schema;
    schema.database = "plant";
    schema.schema = "public";
    schema.table = "measurements";
    const std::pair<const char*, TypeKind> columns[] = {{"id", TypeKind::int64},
                                                        {"device", TypeKind::text},
                                                        {"value", TypeKind::float64},
                                                        {"price", TypeKind::decimal},
                                                        {"at", TypeKind::timestamp_tz},
                                                        {"note", TypeKind::text}};
    for (const auto& [name, kind] : columns) {
        Column column;
        column.name = name;
        column.type.kind = kind;
        schema.columns.push_back(column);
    }
    schema.columns[0].key_index = 1;
    schema.columns[0].nullable = false;
    schema.columns[3].type.precision = 10;
    schema.columns[3].type.scale = 2;
    schema.columns[4].type.precision = 6;
    return schema;
}

Value number(std::int64_t value) {
    Value result;
    result.state = ValueState::value;
    result.integer = value;
    return result;
}

Value text(std::string_view value) {
    Value result;
    result.state = ValueState::value;
    result.text = value;
    return result;
}

// CPU, not wall time: other programs may run meanwhile.
double thread_cpu_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Case {
    const char* name;
    Operation operation;
    bool schemas;
};

void run(const Case& what, std::size_t rows) {
    const SourceField fields[] = {{"schema", TypeKind::text, false},
                                  {"table", TypeKind::text, false},
                                  {"txId", TypeKind::int64, true},
                                  {"lsn", TypeKind::int64, true},
                                  {"xmin", TypeKind::int64, true},
                                  {"origin", TypeKind::text, true},
                                  {"origin_lsn", TypeKind::int64, true}};
    encode::DebeziumOptions options;
    options.pipeline = "plant";
    options.topic_prefix = "plant";
    options.schemas = what.schemas;
    const auto encoder = encode::make_debezium_encoder(options, "postgresql", fields);
    const TableSchema schema = make_table();
    Value real;
    real.state = ValueState::value;
    std::vector<Value> row = {number(1),
                              text("press-17/sensor-4"),
                              real,
                              text("1234.56"),
                              number(1795228203123456),
                              text("a note of some length, as rows have them, with no escapes")};
    const std::vector<Value> source = {text("public"),
                                       text("measurements"),
                                       number(755),
                                       number(335865072),
                                       Value{},
                                       Value{},
                                       Value{}};
    Change change;
    change.operation = what.operation;
    change.schema = &schema;
    change.schema_id = SchemaId(1);
    change.database = "plant";
    change.source_sequence = R"(["335865000","335865072"])";
    change.source_values = source;
    change.source_position = "0123456789abcdef";
    change.source_time_us = 1795228203123456;
    if (what.operation != Operation::remove) {
        change.after = row;
    }
    if (what.operation != Operation::create) {
        change.before = row;
    }
    Arena arena(256U * 1024U, 16U * 1024U * 1024U);
    std::vector<Record> out;
    out.reserve(kBatchRows * 2);
    std::size_t bytes = 0;
    const double start = thread_cpu_seconds();
    for (std::size_t index = 0; index < rows; ++index) {
        if (index % kBatchRows == 0) {
            arena.reset();
            out.clear();
        }
        row[0].integer = static_cast<std::int64_t>(index);
        row[2].real = static_cast<double>(index % 1000) / 16;
        change.intake_time_us = 1795228203123456 + static_cast<std::int64_t>(index);
        change.sequence = Sequence(index + 1);
        if (!encoder->encode(change, arena, out)) {
            std::fputs("encode failed\n", stderr);
            std::exit(1);
        }
        bytes += out.back().value ? out.back().value->size() : 0;
    }
    const double took = thread_cpu_seconds() - start;
    std::printf("%-28s %8.1f ns/row %10.0f rows/s %6zu bytes/value\n",
                what.name,
                took * 1e9 / static_cast<double>(rows),
                static_cast<double>(rows) / took,
                bytes / rows);
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
    using tributary::Operation;
    const std::size_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    tributary::run({"insert", Operation::create, false}, rows);
    tributary::run({"update with old row", Operation::update, false}, rows);
    tributary::run({"delete and tombstone", Operation::remove, false}, rows);
    tributary::run({"insert with schema", Operation::create, true}, rows / 5);
    return 0;
}
