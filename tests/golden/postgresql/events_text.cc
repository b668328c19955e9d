// Captured bytes to events as text: events_text.h.
#include "events_text.h"

#include <iomanip>
#include <map>
#include <sstream>

#include "connectors/postgresql/decoder.h"
#include "connectors/postgresql/intake/intake.h"
#include "tests/unit/postgresql/support.h"

namespace tributary::postgresql::test {
namespace {

std::string from_hex(const std::string& hex) {
    std::string out;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
        out.push_back(static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16)));
    }
    return out;
}

void print_text(std::ostream& out, std::string_view text) {
    constexpr std::size_t kShown = 60;
    out << '"';
    for (const char c : text.substr(0, kShown)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F) {
            out << "\\x" << std::hex << std::setw(2) << std::setfill('0') << unsigned{byte}
                << std::dec;
        } else {
            out << c;
        }
    }
    out << '"';
    if (text.size() > kShown) {
        out << "..." << text.size();
    }
}

void print_value(std::ostream& out, const ColumnType& type, const Value& value) {
    switch (value.state) {
        case ValueState::null:
            out << "null";
            return;
        case ValueState::unchanged:
            out << "unchanged";
            return;
        case ValueState::absent:
            out << "absent";
            return;
        case ValueState::positive_infinity:
            out << "+infinity";
            return;
        case ValueState::negative_infinity:
            out << "-infinity";
            return;
        case ValueState::value:
            break;
    }
    if (type.kind == TypeKind::array) {
        out << '[';
        for (const Value& element : value.elements) {
            const bool nested = !element.elements.empty();
            print_value(out, nested ? type : *type.element, element);
            out << ' ';
        }
        out << ']';
    } else if (type.kind == TypeKind::float32 || type.kind == TypeKind::float64) {
        out << value.real;
    } else if (type.kind == TypeKind::interval) {
        out << value.months << "mon " << value.days << "d " << value.integer << "us";
    } else if (value.text.data() != nullptr) {
        print_text(out, value.text);
    } else {
        out << value.integer;
    }
}

void print_row(std::ostream& out, const char* name, const TableSchema& schema, Row row) {
    if (row.empty()) {
        return;
    }
    out << ' ' << name << "={";
    for (std::size_t index = 0; index < row.size(); ++index) {
        const Column& column = schema.columns[index];
        if (column.type.kind == TypeKind::unsupported) {
            continue;
        }
        out << (index == 0 ? "" : ", ") << column.name << (column.key_index != 0 ? "*=" : "=");
        print_value(out, column.type, row[index]);
    }
    out << '}';
}

void print_change(std::ostream& out, const Change& change) {
    constexpr const char* kNames[] = {
        "create", "update", "remove", "truncate", "message", "transaction_end"};
    out << kNames[static_cast<std::size_t>(change.operation)] << " tx=" << change.transaction_id
        << " ordinal=" << change.ordinal << " order=" << change.transaction_order << '/'
        << change.transaction_table_order << " sequence=" << change.source_sequence;
    if (change.schema != nullptr) {
        out << ' ' << change.schema->schema << '.' << change.schema->table;
        print_row(out, "before", *change.schema, change.before);
        print_row(out, "after", *change.schema, change.after);
    }
    if (change.operation == Operation::message) {
        out << " prefix=" << change.message_prefix << " content=" << change.message_content;
    }
    if (change.operation == Operation::transaction_end) {
        out << " events=" << change.event_count;
        for (const TableCount& table : change.table_counts) {
            out << ' ' << table.table << ':' << table.count;
        }
    }
    out << '\n';
}

// Facts of the types that capture.sh creates, whose oids the Relation message of their table tells.
// (A Type message names the base type of a domain.)
void learn_types(const RelationMessage& relation, FakeCatalogue& catalogue) {
    constexpr std::uint32_t kFirstUserOid = 16384;
    constexpr std::uint32_t kInt4 = 23;
    std::map<std::string, std::uint32_t, std::less<>> oids;
    RelationColumnReader columns(relation);
    RelationColumn column;
    while (columns.next(column)) {
        if (column.type_oid >= kFirstUserOid) {
            oids[std::string(column.name)] = column.type_oid;
        }
    }
    if (oids.empty()) {
        return;
    }
    CatalogueType mood{.oid = oids["m"], .name = "mood", .kind = 'e'};
    mood.labels = {"sad", "ok", "hap,py"};
    CatalogueType domain{.oid = oids["d"], .name = "dm", .kind = 'd'};
    domain.base_oid = mood.oid;
    CatalogueType number{.oid = oids["id"], .name = "pos", .kind = 'd'};
    number.base_oid = kInt4;
    CatalogueType moods{.oid = oids["ms"], .name = "_mood", .kind = 'b', .category = 'A'};
    moods.element_oid = mood.oid;
    CatalogueType numbers{.oid = oids["ds"], .name = "_pos", .kind = 'b', .category = 'A'};
    numbers.element_oid = number.oid;
    catalogue.types = {mood, domain, number, moods, numbers};
}

}  // namespace

std::string events_text(const std::string& wire) {
    std::ostringstream out;
    FakeCatalogue catalogue;
    RecordingSink sink;
    const auto intake = Intake::make({.database = "db"}, StartPoint{}, catalogue);
    std::istringstream lines(wire);
    std::string lsn;
    std::string hex;
    while (lines >> lsn >> hex) {
        const std::string message = from_hex(hex);
        if (message.front() == 'R') {
            learn_types(parse_relation(message).value(), catalogue);
        }
        const auto at = *parse_lsn(lsn);
        const auto done = intake.value()->on_xlog_data(at, at, 1'000'000, message, sink);
        if (done.has_error()) {
            out << "error: " << done.error().message() << '\n';
            return out.str();
        }
    }
    const auto decoder = make_decoder("db");
    Arena arena;
    for (std::size_t index = 0; index < sink.schemas.size(); ++index) {
        decoder->add_schema(SchemaId(static_cast<std::uint32_t>(index + 1)), sink.schemas[index]);
    }
    for (std::size_t index = 0; index < sink.entries.size(); ++index) {
        Change change;
        const auto decoded = decoder->decode(sink.entry(index), arena, change);
        if (decoded.has_error()) {
            out << "error: " << decoded.error().message() << '\n';
        } else if (decoded.value()) {
            print_change(out, change);
        } else {
            out << "nothing to deliver\n";
        }
    }
    return out.str();
}

}  // namespace tributary::postgresql::test
