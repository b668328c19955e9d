// Log entries to changes, through intake: old rows by replica identity, key changes, unchanged
// TOAST, dropped columns, origin, truncates, messages, counts and orders; and corrupt entries.
#include "connectors/postgresql/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/postgresql/entry_payload.h"
#include "connectors/postgresql/intake/intake.h"
#include "model/errors.h"
#include "support.h"

namespace tributary::postgresql {
namespace {

using test::Cells;
using test::Wire;
using test::WireColumn;
using testing::HasSubstr;

constexpr std::uint32_t kTable = 42;
constexpr std::uint32_t kOther = 43;
constexpr std::int64_t kNow = 50'000'000;

const std::vector<WireColumn> kById{{true, "id", 23}, {false, "a", 25}, {false, "b", 25}};
const std::vector<WireColumn> kNoFlags{{false, "id", 23}, {false, "a", 25}, {false, "b", 25}};
const std::vector<WireColumn> kAllFlags{{true, "id", 23}, {true, "a", 25}, {true, "b", 25}};

// A tuple whose cells are given as on the wire: "tx" text x, "n", "u", "bx" binary x.
Wire& cells(Wire& wire, char marker, const std::vector<std::string>& kinds) {
    wire.u8(static_cast<unsigned char>(marker)).u16(static_cast<std::uint16_t>(kinds.size()));
    for (const std::string& kind : kinds) {
        wire.raw(kind.substr(0, 1));
        if (kind[0] == 't' || kind[0] == 'b') {
            wire.u32(static_cast<std::uint32_t>(kind.size() - 1)).raw(kind.substr(1));
        }
    }
    return wire;
}

class DecoderTest : public testing::Test {
  protected:
    void take(const std::vector<std::string>& messages, FilterRules filter = {}) {
        IntakeOptions options;
        options.database = "db";
        options.filter = std::move(filter);
        auto intake = Intake::make(options, {}, catalogue_).value();
        std::uint64_t at = 1000;
        for (const std::string& message : messages) {
            const auto done = intake->on_xlog_data(Lsn(at), Lsn(at), kNow, message, sink_);
            ASSERT_TRUE(done.has_value()) << done.error().message();
            at += 8;
        }
        for (std::size_t index = 0; index < sink_.schemas.size(); ++index) {
            decoder_->add_schema(SchemaId(static_cast<std::uint32_t>(index + 1)),
                                 sink_.schemas[index]);
        }
    }
    // One transaction over the table, described with `columns` and `identity`.
    void take_rows(const std::vector<WireColumn>& columns,
                   char identity,
                   std::vector<std::string> rows,
                   FilterRules filter = {}) {
        rows.insert(rows.begin(),
                    {test::begin(2000), test::relation(kTable, "t", columns, identity)});
        rows.push_back(test::commit(2000, 2008));
        take(rows, std::move(filter));
    }
    Change change(std::size_t index) {
        Change out;
        const auto decoded = decoder_->decode(sink_.entry(index), arena_, out);
        EXPECT_TRUE(decoded.has_value()) << decoded.error().message();
        EXPECT_TRUE(!decoded || decoded.value());
        return out;
    }
    Error refused(const Entry& entry) {
        Change out;
        const auto decoded = decoder_->decode(entry, arena_, out);
        EXPECT_TRUE(decoded.has_error());
        return decoded ? Error() : decoded.error();
    }
    // "1|x|-" : null is "null", unchanged "~", absent "-".
    static std::string text(Row row) {
        std::string out;
        for (const Value& value : row) {
            out += out.empty() ? "" : "|";
            switch (value.state) {
                case ValueState::null:
                    out += "null";
                    break;
                case ValueState::unchanged:
                    out += "~";
                    break;
                case ValueState::absent:
                    out += "-";
                    break;
                case ValueState::value:
                case ValueState::positive_infinity:
                case ValueState::negative_infinity:
                    out += value.text.empty() ? std::to_string(value.integer)
                                              : std::string(value.text);
                    break;
            }
        }
        return out;
    }

    test::FakeCatalogue catalogue_;
    test::RecordingSink sink_;
    Arena arena_;
    std::unique_ptr<Decoder> decoder_ = make_decoder("db");
};

TEST_F(DecoderTest, default_identity_has_an_old_row_only_where_the_key_changed) {
    take_rows(kById,
              'd',
              {test::insert(kTable, {"1", "x", std::nullopt}),
               Wire('U').u32(kTable).tuple('N', {"1", "y", "z"}),
               Wire('U')
                   .u32(kTable)
                   .tuple('K', {"1", std::nullopt, std::nullopt})
                   .tuple('N', {"2", "y", "z"}),
               Wire('D').u32(kTable).tuple('K', {"2", std::nullopt, std::nullopt})});
    EXPECT_EQ(change(0).operation, Operation::create);
    EXPECT_EQ(text(change(0).after), "1|x|null");
    EXPECT_TRUE(change(0).before.empty());
    EXPECT_EQ(change(1).operation, Operation::update);
    EXPECT_TRUE(change(1).before.empty());
    EXPECT_EQ(text(change(2).before), "1|-|-");
    EXPECT_EQ(text(change(2).after), "2|y|z");
    EXPECT_EQ(change(3).operation, Operation::remove);
    EXPECT_EQ(text(change(3).before), "2|-|-");
    EXPECT_TRUE(change(3).after.empty());
}

TEST_F(DecoderTest, full_identity_has_the_whole_old_row_nulls_included) {
    take_rows(kAllFlags,
              'f',
              {Wire('U')
                   .u32(kTable)
                   .tuple('O', {"1", "x", std::nullopt})
                   .tuple('N', {"1", "y", std::nullopt}),
               Wire('D').u32(kTable).tuple('O', {"1", "y", std::nullopt})});
    EXPECT_EQ(text(change(0).before), "1|x|null");
    EXPECT_EQ(text(change(0).after), "1|y|null");
    EXPECT_EQ(text(change(1).before), "1|y|null");
}

TEST_F(DecoderTest, nothing_identity_has_inserts_and_no_key) {
    take_rows(kNoFlags, 'n', {test::insert(kTable, {"1", "x", "y"})});
    EXPECT_EQ(text(change(0).after), "1|x|y");
    EXPECT_EQ(change(0).schema->old_row, OldRow::nothing);
    EXPECT_EQ(change(0).schema->columns[0].key_index, 0);
}

TEST_F(DecoderTest, an_index_identity_has_its_columns_in_the_old_row) {
    catalogue_.tables[kTable].identity_index = {"a"};
    take_rows({{false, "id", 23}, {true, "a", 25}, {false, "b", 25}},
              'i',
              {Wire('U')
                   .u32(kTable)
                   .tuple('K', {std::nullopt, "x", std::nullopt})
                   .tuple('N', {"1", "y", "z"})});
    EXPECT_EQ(text(change(0).before), "-|x|-");
    EXPECT_EQ(change(0).schema->columns[1].key_index, 1);
}

TEST_F(DecoderTest, an_unchanged_value_comes_from_a_full_old_row_and_stays_unchanged_without) {
    Wire full('U');
    full.u32(kTable);
    cells(full, 'O', {"t1", "tlong", "n"});
    cells(full, 'N', {"t1", "u", "u"});
    take_rows(kAllFlags, 'f', {full});
    EXPECT_EQ(text(change(0).after), "1|long|null");
    sink_ = {};
    Wire plain('U');
    plain.u32(kTable);
    cells(plain, 'N', {"t1", "u", "n"});
    take_rows(kById, 'd', {plain});
    EXPECT_EQ(text(change(0).after), "1|~|null");
}

TEST_F(DecoderTest, a_key_change_beside_an_unchanged_value_leaves_it_unchanged) {
    Wire moved('U');
    moved.u32(kTable);
    cells(moved, 'K', {"t1", "n", "n"});
    cells(moved, 'N', {"t2", "u", "tz"});
    take_rows(kById, 'd', {moved});
    EXPECT_EQ(text(change(0).before), "1|-|-");
    EXPECT_EQ(text(change(0).after), "2|~|z");
}

TEST_F(DecoderTest, an_excluded_column_is_in_no_image) {
    take_rows(
        kAllFlags,
        'f',
        {test::insert(kTable, {"1", "secret", "z"}),
         Wire('U').u32(kTable).tuple('O', {"1", "secret", "y"}).tuple('N', {"1", "other", "z"}),
         Wire('D').u32(kTable).tuple('O', {"1", "other", "z"})},
        {.exclude_columns = {R"(public\.t\.a)"}});
    EXPECT_EQ(text(change(0).after), "1|z");
    EXPECT_EQ(text(change(1).before), "1|y");
    EXPECT_EQ(text(change(1).after), "1|z");
    EXPECT_EQ(text(change(2).before), "1|z");
    for (const test::Kept& kept : sink_.entries) {
        EXPECT_EQ(kept.payload.find("secret"), std::string::npos);
        EXPECT_EQ(kept.payload.find("other"), std::string::npos);
    }
}

const Value& source(Decoder& decoder, const Change& change, std::string_view name) {
    const auto fields = decoder.source_fields();
    for (std::size_t index = 0; index < fields.size(); ++index) {
        if (fields[index].name == name) {
            return change.source_values[index];
        }
    }
    ADD_FAILURE() << "no source field " << name;
    return change.source_values[0];
}

TEST_F(DecoderTest, the_source_block_says_transaction_lsn_and_origin) {
    take({test::begin(2000, 700),
          Wire('O').u64(77).text("upstream"),
          test::relation(kTable, "t", kById),
          test::insert(kTable, {"1", "x", "y"}),
          test::commit(2000, 2008),
          test::begin(3000, 701),
          test::insert(kTable, {"2", "x", "y"}),
          test::commit(3000, 3008)});
    const Change first = change(0);
    EXPECT_EQ(source(*decoder_, first, "schema").text, "public");
    EXPECT_EQ(source(*decoder_, first, "table").text, "t");
    EXPECT_EQ(source(*decoder_, first, "txId").integer, 700);
    EXPECT_EQ(source(*decoder_, first, "lsn").integer, 1024);
    EXPECT_EQ(source(*decoder_, first, "xmin").state, ValueState::null);
    EXPECT_EQ(source(*decoder_, first, "origin").text, "upstream");
    EXPECT_EQ(source(*decoder_, first, "origin_lsn").integer, 77);
    EXPECT_EQ(first.transaction_id, "700:2000");
    EXPECT_EQ(first.source_sequence, "[null,\"1024\"]");
    EXPECT_EQ(first.source_time_us, kPostgresqlEpochUs + 1'000'000);
    EXPECT_EQ(first.database, "db");
    EXPECT_EQ(first.source_position, std::string_view("\0\0\0\0\0\0\x07\xD0", 8));
    const Change second = change(2);
    EXPECT_EQ(source(*decoder_, second, "origin").state, ValueState::null);
    EXPECT_EQ(source(*decoder_, second, "origin_lsn").state, ValueState::null);
    EXPECT_EQ(second.source_sequence, "[\"2008\",\"1048\"]");
    EXPECT_EQ(second.transaction_id, "701:3000");
}

TEST_F(DecoderTest, orders_count_selected_events_of_the_transaction_and_of_each_table) {
    take({test::begin(2000),
          test::relation(kTable, "t", kById),
          test::relation(kOther, "o", {{true, "id", 23}}),
          test::relation(44, "hidden", {{true, "id", 23}}),
          test::insert(44, {"0"}),
          test::insert(kTable, {"1", "x", "y"}),
          test::insert(kOther, {"1"}),
          test::insert(44, {"1"}),
          Wire('M').u8(1).u64(1500).text("p").u32(1).raw("c"),
          test::insert(kTable, {"2", "x", "y"}),
          Wire('T').u32(2).u8(1).u32(kTable).u32(kOther),
          test::commit(2000, 2008)},
         {.exclude = {R"(public\.hidden)"}});
    const struct {
        Operation operation;
        std::uint32_t ordinal;
        std::uint64_t order;
        std::uint64_t table_order;
    } kExpected[] = {{Operation::create, 1, 1, 1},
                     {Operation::create, 2, 2, 1},
                     {Operation::message, 4, 3, 0},
                     {Operation::create, 5, 4, 2},
                     {Operation::truncate, 6, 5, 3},
                     {Operation::truncate, 7, 6, 2}};
    for (std::size_t index = 0; index < std::size(kExpected); ++index) {
        SCOPED_TRACE(index);
        const Change each = change(index);
        EXPECT_EQ(each.operation, kExpected[index].operation);
        EXPECT_EQ(each.ordinal, kExpected[index].ordinal);
        EXPECT_EQ(each.transaction_order, kExpected[index].order);
        EXPECT_EQ(each.transaction_table_order, kExpected[index].table_order);
        EXPECT_EQ(each.first_of_transaction, index == 0);
    }
    const Change end = change(6);
    EXPECT_EQ(end.operation, Operation::transaction_end);
    EXPECT_EQ(end.event_count, 6U);
    ASSERT_EQ(end.table_counts.size(), 2U);
    EXPECT_EQ(end.table_counts[0].table, "public.t");
    EXPECT_EQ(end.table_counts[0].count, 3U);
    EXPECT_EQ(end.table_counts[1].table, "public.o");
    EXPECT_EQ(end.table_counts[1].count, 2U);
    EXPECT_EQ(end.transaction_id, "700:2000");
}

TEST_F(DecoderTest, a_message_has_prefix_and_bytes_inside_and_outside_a_transaction) {
    const std::string_view bytes("a\0b", 3);
    take({Wire('M').u8(0).u64(1500).text("free").u32(3).raw(bytes),
          test::begin(2000),
          Wire('M').u8(1).u64(1600).text("held").u32(0),
          test::commit(2000, 2008)});
    const Change free = change(0);
    EXPECT_EQ(free.operation, Operation::message);
    EXPECT_EQ(free.message_prefix, "free");
    EXPECT_EQ(free.message_content, bytes);
    EXPECT_EQ(free.transaction_id, "");
    EXPECT_EQ(free.transaction_order, 0U);
    EXPECT_EQ(free.source_time_us, kNow);
    EXPECT_EQ(source(*decoder_, free, "txId").state, ValueState::null);
    EXPECT_EQ(source(*decoder_, free, "lsn").integer, 1500);
    EXPECT_EQ(source(*decoder_, free, "table").text, "");
    const Change held = change(1);
    EXPECT_EQ(held.message_prefix, "held");
    EXPECT_EQ(held.message_content, "");
    EXPECT_EQ(held.transaction_order, 1U);
    EXPECT_EQ(held.transaction_id, "700:2000");
    EXPECT_EQ(source(*decoder_, held, "lsn").integer, 1600);
}

TEST_F(DecoderTest, positions_and_gaps_are_no_changes) {
    Change out;
    Entry entry;
    entry.kind = EntryKind::position;
    EXPECT_FALSE(decoder_->decode(entry, arena_, out).value());
    entry.kind = EntryKind::gap;
    EXPECT_FALSE(decoder_->decode(entry, arena_, out).value());
}

TEST_F(DecoderTest, a_value_that_is_not_of_its_type_names_the_column_and_not_the_value) {
    take_rows(kById, 'd', {test::insert(kTable, {"12345x", "x", "y"})});
    const Error error = refused(sink_.entry(0));
    EXPECT_TRUE(error.is(errors::kValueUndecodable));
    EXPECT_THAT(error.what(), HasSubstr("public.t.id of type integer"));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("12345")));
}

TEST_F(DecoderTest, refuses_entries_whose_bytes_are_not_as_written) {
    take_rows(kById, 'd', {test::insert(kTable, {"1", "x", "y"})});
    const Entry good = sink_.entry(0);
    for (std::size_t size = 0; size < good.context.size(); ++size) {
        Entry cut = good;
        cut.context = good.context.substr(0, size);
        EXPECT_TRUE(refused(cut).is(errors::kEntryCorrupt)) << "context cut at " << size;
    }
    for (std::size_t size = 0; size < good.payload.size(); ++size) {
        Entry cut = good;
        cut.payload = good.payload.substr(0, size);
        EXPECT_NE(refused(cut).kind().name, errors::kValueUndecodable.name) << size;
    }
    Entry unknown = good;
    unknown.schema = SchemaId(9);
    EXPECT_TRUE(refused(unknown).is(errors::kEntryCorrupt));
    std::string payload(good.payload);
    payload[0] = 'X';
    Entry operation = good;
    operation.payload = payload;
    EXPECT_TRUE(refused(operation).is(errors::kEntryCorrupt));
    Entry message = good;
    message.kind = EntryKind::message;
    EXPECT_TRUE(refused(message).is(errors::kEntryCorrupt));
    // And the good one still is.
    EXPECT_EQ(text(change(0).after), "1|x|y");
}

TEST_F(DecoderTest, an_empty_context_is_refused_and_never_takes_the_one_before) {
    take_rows(kById, 'd', {test::insert(kTable, {"1", "x", "y"})});
    Entry entry = sink_.entry(0);
    entry.context = {};
    EXPECT_TRUE(refused(entry).is(errors::kEntryCorrupt));
    EXPECT_EQ(text(change(0).after), "1|x|y");
    decoder_->begin_at(Sequence(1));
    EXPECT_TRUE(refused(entry).is(errors::kEntryCorrupt));
}

TEST_F(DecoderTest, refuses_a_row_whose_columns_are_not_those_of_its_schema) {
    take_rows(kById, 'd', {test::insert(kTable, {"1", "x", "y"})});
    auto narrow = std::make_shared<TableSchema>(*sink_.schemas[0]);
    narrow->columns.pop_back();
    decoder_->add_schema(SchemaId(1), narrow);
    EXPECT_THAT(refused(sink_.entry(0)).what(), HasSubstr("3 columns, its schema has 2"));
}

TEST(EntryPayload, refuses_a_transaction_end_cut_at_every_byte_and_hostile_counts) {
    TransactionEnd end;
    end.end_lsn = Lsn(7);
    end.event_count = 300;
    end.tables = {{"public.t", 200}, {"public.o", 100}};
    std::string bytes;
    append_transaction_end(bytes, end);
    EXPECT_EQ(parse_transaction_end(bytes).value().tables[1].count, 100U);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_TRUE(parse_transaction_end(bytes.substr(0, size)).has_error()) << size;
    }
    EXPECT_TRUE(parse_transaction_end(bytes + "x").has_error());
    std::string hostile(8, '\0');
    append_varint(hostile, 1);
    append_varint(hostile, 0xFFFFFFFFFFFFFFFFU);
    EXPECT_TRUE(parse_transaction_end(hostile).has_error());
}

TEST(EntryPayload, contexts_read_back_by_kind_and_refuse_other_kinds_and_versions) {
    for (const ContextKind kind :
         {ContextKind::transaction, ContextKind::message, ContextKind::position}) {
        std::string bytes;
        append_context(bytes, {.kind = kind, .lsn = Lsn(5), .last_commit_end = Lsn(4)});
        EXPECT_EQ(parse_context(bytes).value().kind, kind);
        EXPECT_EQ(parse_context(bytes).value().lsn, Lsn(5));
        std::string other = bytes;
        other[1] = 2;
        EXPECT_TRUE(parse_context(other).has_error());
        other[1] = 1;
        other[0] = 4;
        EXPECT_TRUE(parse_context(other).has_error());
        EXPECT_TRUE(parse_context(bytes + "x").has_error());
    }
}

}  // namespace
}  // namespace tributary::postgresql
