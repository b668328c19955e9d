#include "rows_text.h"

#include <map>
#include <memory>
#include <sstream>
#include <vector>

#include "base/bytes.h"
#include "connectors/mysql/values/row_values.h"
#include "connectors/mysql/values/table_map.h"
#include "encode/debezium.h"

namespace tributary::mysql::test {
namespace {

std::string from_hex(const std::string& hex) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
        bytes.push_back(static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16)));
    }
    return bytes;
}

struct Table {
    RowLayout layout;
    std::shared_ptr<const TableSchema> schema;
    std::unique_ptr<RowReader> reader;
    SchemaId id;
};

class Printer {
  public:
    explicit Printer(ServerKind kind) : kind_(kind) {
        encode::DebeziumOptions options;
        options.topic_prefix = "p";
        options.schemas = true;
        options.tombstones = false;
        options.times = encode::TimePrecision::adaptive_time_microseconds;
        encoder_ = encode::make_debezium_encoder(options, "mysql", {});
    }

    void event(const std::string& name, const std::string& body) {
        if (name == "table") {
            table(body);
            return;
        }
        const auto found = tables_.find(table_id_of(body));
        if (found == tables_.end()) {
            out_ << "rows of a table that was not mapped\n";
            return;
        }
        rows(name, body, found->second);
    }

    [[nodiscard]] std::string text() const { return out_.str(); }

  private:
    void table(const std::string& body) {
        const auto map = parse_table_map(body, kind_);
        if (!map) {
            out_ << map.error().message() << '\n';
            return;
        }
        auto schema = make_schema(map.value(), kind_, {});
        if (!schema) {
            out_ << schema.error().message() << '\n';
            return;
        }
        Table table;
        table.layout = row_layout(map.value());
        table.schema = std::make_shared<const TableSchema>(std::move(schema.value()));
        table.reader = std::make_unique<RowReader>(table.schema, converters_);
        table.id = SchemaId(++schemas_);
        tables_[map.value().table_id] = std::move(table);
        fresh_ = schemas_;
    }

    void rows(const std::string& name, const std::string& body, const Table& table) {
        const bool version1 = name.ends_with('1');
        std::string_view rest = std::string_view(body).substr(8);
        if (!version1) {
            rest.remove_prefix(load<std::uint16_t>(rest.data(), Endian::little));
        }
        std::uint64_t count = 0;
        static_cast<void>(take_packed(rest, count));
        const auto bitmap = static_cast<std::size_t>((count + 7) / 8);
        const std::string_view first = rest.substr(0, bitmap);
        rest.remove_prefix(bitmap);
        std::string_view second = first;
        const bool update = name.starts_with("update") || name == "partial";
        if (update) {
            second = rest.substr(0, bitmap);
            rest.remove_prefix(bitmap);
        }
        while (!rest.empty()) {
            if (!row(name, {first, second}, rest, table)) {
                return;
            }
        }
    }

    struct Bitmaps {
        std::string_view first;
        std::string_view second;
    };

    bool fail(const Error& error) {
        out_ << error.message() << '\n';
        return false;
    }

    bool row(const std::string& name, Bitmaps present, std::string_view& rest, const Table& table) {
        Arena arena;
        Change change;
        change.schema = table.schema.get();
        change.schema_id = table.id;
        const std::size_t columns = table.schema->columns.size();
        const auto size = row_image_size(table.layout, present.first, rest);
        if (!size) {
            return fail(size.error());
        }
        std::string_view image = rest.substr(0, size.value());
        const std::string_view before = image;
        rest.remove_prefix(image.size());
        const bool insert = name.starts_with("write");
        const auto missing = insert ? ValueState::null : ValueState::unchanged;
        auto values = table.reader->read(present.first, image, missing, arena);
        if (!values || !image.empty()) {
            return values ? fail({errors_(), "rest"}) : fail(values.error());
        }
        (insert ? change.after : change.before) = {values.value(), columns};
        change.operation = insert                       ? Operation::create
                           : name.starts_with("delete") ? Operation::remove
                                                        : Operation::update;
        if (change.operation == Operation::update) {
            const auto after_size = name == "partial"
                                        ? partial_image_size(table.layout, present.second, rest)
                                        : row_image_size(table.layout, present.second, rest);
            if (!after_size) {
                return fail(after_size.error());
            }
            image = rest.substr(0, after_size.value());
            rest.remove_prefix(image.size());
            auto after =
                name == "partial"
                    ? table.reader->read_partial(present.first,
                                                 before,
                                                 present.second,
                                                 image,
                                                 ValueState::unchanged,
                                                 arena)
                    : table.reader->read(present.second, image, ValueState::unchanged, arena);
            if (!after) {
                return fail(after.error());
            }
            change.after = {after.value(), columns};
        }
        print(change, arena, table);
        return true;
    }

    static const ErrorKind& errors_() { return kUnsetError; }

    void print(const Change& change, Arena& arena, const Table& table) {
        std::vector<Record> records;
        const auto done = encoder_->encode(change, arena, records);
        if (!done) {
            out_ << table.schema->table << " not encoded: " << done.error().what() << '\n';
            return;
        }
        for (const Record& record : records) {
            const std::string_view value = *record.value;
            const auto payload = value.find(",\"payload\":{\"before\":");
            if (fresh_ != 0) {
                constexpr std::string_view kEnd = "\"field\":\"before\"}";
                out_ << value.substr(0, value.find(kEnd) + kEnd.size()) << '\n';
                fresh_ = 0;
            }
            const auto source = value.find(",\"source\":{\"version\"");
            out_ << record.topic << ' ' << record.key.value_or("no key") << ' '
                 << value.substr(payload + 11, source - payload - 11) << "}\n";
        }
    }

    ServerKind kind_;
    Converters converters_;
    std::unique_ptr<Encoder> encoder_;
    std::map<std::uint64_t, Table> tables_;
    std::uint32_t schemas_ = 0;
    std::uint32_t fresh_ = 0;  // a structure whose Connect schema was not printed yet
    std::ostringstream out_;
};

}  // namespace

std::string rows_text(const std::string& rows, ServerKind kind) {
    Printer printer(kind);
    std::istringstream in(rows);
    std::string name;
    std::string hex;
    while (in >> name >> hex) {
        printer.event(name, from_hex(hex));
    }
    return printer.text();
}

}  // namespace tributary::mysql::test
