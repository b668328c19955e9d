#include "tests/integration/postgresql/rig.h"

#include <gtest/gtest.h>

#include "base/arena.h"
#include "format/block.h"

namespace tributary::postgresql::testing {
namespace {

constexpr std::chrono::seconds kPatience{20};

std::string row_text(const TableSchema& schema, Row row) {
    std::string text;
    for (std::size_t index = 0; index < row.size(); ++index) {
        const Value& value = row[index];
        if (value.state == ValueState::absent) {
            continue;
        }
        text += " " + schema.columns[index].name + "=";
        if (value.state == ValueState::null) {
            text += "null";
        } else if (value.state == ValueState::unchanged) {
            text += "unchanged";
        } else if (schema.columns[index].type.kind <= TypeKind::int64) {
            text += std::to_string(value.integer);
        } else {
            text += value.text.substr(0, 40);
        }
    }
    return text;
}

std::string change_text(const Change& change) {
    switch (change.operation) {
        case Operation::message:
            return "message " + std::string(change.message_prefix) + " " +
                   std::string(change.message_content);
        case Operation::read:
            return "read";
        case Operation::schema_change:
            return "schema change";
        case Operation::transaction_end:
            return "end " + std::to_string(change.event_count);
        case Operation::truncate:
            return "truncate " + change.schema->table;
        case Operation::create:
            return "create " + change.schema->table + row_text(*change.schema, change.after);
        case Operation::update:
            return "update " + change.schema->table + row_text(*change.schema, change.after);
        case Operation::remove:
            return "delete " + change.schema->table + row_text(*change.schema, change.before);
    }
    return "";
}

}  // namespace

SteadyTime RealClock::now() const {
    return std::chrono::steady_clock::now();
}

std::int64_t RealClock::wall_time_us() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void KeptObserver::log(LogLevel,
                       std::string_view,
                       std::string_view message,
                       std::initializer_list<LogField> fields) {
    lines += message;
    for (const LogField& field : fields) {
        lines += " " + std::string(field.name) + "=" + std::string(field.value);
    }
    lines += "\n";
}

void KeptObserver::error(std::string_view, const Error& error) {
    lines += error.message() + "\n";
}

void KeptObserver::add(Counter, std::string_view, std::uint64_t) {}
void KeptObserver::set(Gauge, std::string_view, std::int64_t) {}

Server::Server(Settings settings) {
    postgres = std::make_unique<servers::Postgres>(servers::PostgresOptions{
        .directory = directory.path() / "pg", .settings = std::move(settings)});
    postgres->create_user("tributary", "secret-of-the-test", "REPLICATION");
    postgres->sql("CREATE DATABASE plant");
}

Options Server::options(const std::string& slot) const {
    Options options;
    options.name = "plant";
    options.connection.host = "127.0.0.1";
    options.connection.port = postgres->port();
    options.connection.dbname = "plant";
    options.connection.user = "tributary";
    options.connection.password = config::Secret("secret-of-the-test");
    options.connection.sslmode = "disable";
    options.slot = slot;
    options.publication = "plant";
    options.position_interval_ms = 200;
    return options;
}

Pipeline::Pipeline(Options chosen, std::size_t pending_bytes_max)
    : options(std::move(chosen)), pending_bytes_max_(pending_bytes_max) {
    make({.stream = StreamId(1), .next = Sequence(1), .resume = {}, .done = {}, .schemas = {}});
}

void Pipeline::make(const core::BlockAssembler::Start& start) {
    source = make_source(options, clock, observer);
    decoder_ = source->make_decoder();
    for (const NewSchema& schema : schemas_) {
        decoder_->add_schema(schema.id, schema.schema);
    }
    assembler = std::make_unique<core::BlockAssembler>(start, pending_bytes_max_);
}

Result<void> Pipeline::open() {
    return source->open(assembler->position(), side);
}

void Pipeline::restart() {
    collect();
    const StartPoint position = assembler->position();
    const Sequence next_sequence = assembler->next_sequence();
    source.reset();
    make({.stream = StreamId(1),
          .next = next_sequence,
          .resume = position.resume,
          .done = position.done,
          .schemas = schemas_});
    decoder_->begin_at(next_sequence);
}

Result<void> Pipeline::poll_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
        auto polled = source->poll(*assembler, std::chrono::milliseconds(50));
        collect();
        if (!polled) {
            return polled;
        }
        if (std::chrono::steady_clock::now() > deadline) {
            ADD_FAILURE() << "not reached in time; " << entries.size() << " entries";
            return success();
        }
    }
    return success();
}

Result<void> Pipeline::poll_until_count(std::size_t count) {
    return poll_until([this, count] { return texts().size() >= count; });
}

void Pipeline::collect() {
    for (const BlockPtr& block : assembler->take()) {
        for (const NewSchema& schema : block->schemas) {
            schemas_.push_back(schema);
            decoder_->add_schema(schema.id, schema.schema);
        }
        format::BlockReader reader(*block);
        Arena arena;
        for (;;) {
            Entry entry;
            auto more = reader.next(entry);
            ASSERT_TRUE(more) << more.error().message();
            if (!more.value()) {
                break;
            }
            Change change;
            auto decoded = decoder_->decode(entry, arena, change);
            ASSERT_TRUE(decoded) << decoded.error().message();
            entries.push_back({entry.kind,
                               entry.ordinal,
                               std::string(entry.context),
                               decoded.value() ? change_text(change) : std::string(),
                               nullptr});
            if (change.schema_id.value() > 0 && entry.kind == EntryKind::change) {
                entries.back().schema = schemas_[change.schema_id.value() - 1].schema;
            }
        }
    }
}

std::vector<Taken> Pipeline::events() const {
    std::vector<Taken> all;
    for (const Taken& entry : entries) {
        if (entry.kind != EntryKind::position) {
            all.push_back(entry);
        }
    }
    return all;
}

std::vector<std::string> Pipeline::texts() const {
    std::vector<std::string> all;
    for (const Taken& entry : events()) {
        all.push_back(entry.text);
    }
    return all;
}

}  // namespace tributary::postgresql::testing
