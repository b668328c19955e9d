#include "tests/integration/source_rig.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "base/arena.h"
#include "format/block.h"

namespace tributary::rig {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::size_t kTextMax = 40;

std::string row_text(const TableSchema& schema, Row row) {
    std::string text;
    for (std::size_t index = 0; index < row.size(); ++index) {
        const Value& value = row[index];
        const TypeKind kind = schema.columns[index].type.kind;
        if (value.state == ValueState::absent) {
            continue;
        }
        text += " " + schema.columns[index].name + "=";
        if (value.state == ValueState::unchanged) {
            text += "(not sent)";
            continue;
        }
        if (value.state == ValueState::null) {
            text += "null";
        } else if (kind <= TypeKind::int64 || kind == TypeKind::date) {
            text += std::to_string(value.integer);
        } else {
            text += value.text.substr(0, kTextMax);
        }
    }
    return text;
}

std::string change_text(const Change& change) {
    switch (change.operation) {
        case Operation::message:
            return "message " + std::string(change.message_prefix) + " " +
                   std::string(change.message_content);
        case Operation::transaction_end:
            return "end " + std::to_string(change.event_count);
        case Operation::truncate:
            return "truncate " + change.schema->table;
        case Operation::schema_change: {
            std::string text = std::string(change.structure->statement);
            for (const ColumnDescription& column : change.structure->columns) {
                text.append(" ")
                    .append(column.name)
                    .append("=")
                    .append(column.default_text.value_or("none"));
            }
            return text;
        }
        case Operation::read:
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

Result<std::optional<std::string>> MapSide::get(std::string_view key) const {
    refresh();
    const auto found = values.find(key);
    return found == values.end() ? std::optional<std::string>() : std::optional(found->second);
}

Result<std::vector<SideEntry>> MapSide::scan(std::string_view prefix,
                                             std::string_view after,
                                             std::size_t limit) const {
    refresh();
    std::vector<SideEntry> found;
    auto at = values.lower_bound(prefix);
    for (; at != values.end() && at->first.starts_with(prefix) && found.size() < limit; ++at) {
        if (at->first > after) {
            found.push_back({at->first, at->second});
        }
    }
    return found;
}

SourceRig::SourceRig(std::size_t pending_bytes_max) : pending_bytes_max_(pending_bytes_max) {
    side.refresh = [this] { collect(); };
}

void SourceRig::begin(std::function<std::unique_ptr<Source>()> make_source) {
    make_source_ = std::move(make_source);
    make({.stream = StreamId(1), .next = Sequence(1), .resume = {}, .done = {}, .schemas = {}});
}

void SourceRig::make(const core::BlockAssembler::Start& start) {
    source = make_source_();
    decoder_ = source->make_decoder();
    for (const NewSchema& schema : schemas_) {
        decoder_->add_schema(schema.id, schema.schema);
    }
    assembler = std::make_unique<core::BlockAssembler>(start, pending_bytes_max_);
}

Result<void> SourceRig::open() {
    return source->open(assembler->position(), side);
}

void SourceRig::restart() {
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

Result<void> SourceRig::reopen() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        auto opened = open();
        if (opened || !opened.error().transient() || std::chrono::steady_clock::now() > deadline) {
            return opened;
        }
    }
}

Result<void> SourceRig::poll_until(const std::function<bool()>& done) {
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

Result<void> SourceRig::poll_until_count(std::size_t count) {
    return poll_until([this, count] { return events().size() >= count; });
}

void SourceRig::collect() {
    for (const BlockPtr& block : assembler->take()) {
        for (const NewSchema& schema : block->schemas) {
            schemas_.push_back(schema);
            decoder_->add_schema(schema.id, schema.schema);
        }
        for (const SideWrite& write : block->side) {
            if (write.value) {
                side.values[write.key] = *write.value;
            } else {
                side.values.erase(write.key);
            }
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

std::vector<Taken> SourceRig::events() const {
    std::vector<Taken> all;
    for (const Taken& entry : entries) {
        if (entry.kind != EntryKind::position) {
            all.push_back(entry);
        }
    }
    return all;
}

Texts SourceRig::texts() const {
    Texts all;
    for (const Taken& entry : events()) {
        all.push_back(entry.text);
    }
    return all;
}

}  // namespace tributary::rig
