// The parser of pgoutput protocol 1, message by message: what each says, every truncation of it,
// and the hostile neighbours. PostgreSQL 15 manual 55.9.
#include "connectors/postgresql/stream/pgoutput.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/errors.h"
#include "support.h"

namespace tributary::postgresql {
namespace {

using test::Wire;
using testing::HasSubstr;

std::string origin() {
    return Wire('O').u64(77).text("upstream");
}
std::string logical(unsigned flags = 1) {
    return Wire('M').u8(flags).u64(5000).text("audit").u32(3).raw(std::string_view("a\0b", 3));
}
std::string type_message() {
    return Wire('Y').u32(16400).text("public").text("mood");
}
std::string truncate(unsigned options = 3) {
    return Wire('T').u32(2).u8(options).u32(42).u32(43);
}
std::string update() {
    return Wire('U').u32(42).tuple('K', {"1", std::nullopt}).tuple('N', {"2", "b"});
}
std::string remove_row() {
    return Wire('D').u32(42).tuple('O', {"1", "a"});
}

// One of each type, and of each shape of it.
std::vector<std::string> all_messages() {
    return {test::begin(100),
            test::commit(100, 108),
            origin(),
            logical(),
            test::relation(42, "t", {{true, "id", 23}, {false, "x", 25}}),
            type_message(),
            test::insert(42, {"1", std::nullopt}),
            update(),
            remove_row(),
            truncate()};
}

void expect_violation(const std::string& message, std::string_view what) {
    const auto parsed = parse_message(message);
    ASSERT_TRUE(parsed.has_error()) << testing::PrintToString(message);
    EXPECT_TRUE(parsed.error().is(errors::kProtocolViolation));
    EXPECT_THAT(parsed.error().what(), HasSubstr(std::string(what)));
}

TEST(Pgoutput, reads_every_type_of_message) {
    for (const std::string& message : all_messages()) {
        const auto parsed = parse_message(message);
        EXPECT_TRUE(parsed.has_value()) << message.front() << ": " << parsed.error().what();
    }
}

TEST(Pgoutput, refuses_every_message_cut_at_every_byte) {
    for (const std::string& message : all_messages()) {
        for (std::size_t size = 0; size < message.size(); ++size) {
            // A copy of its own, so that a sanitizer sees a read past the end.
            const std::string cut(message.data(), size);
            const auto parsed = parse_message(cut);
            ASSERT_TRUE(parsed.has_error()) << message.front() << " cut at " << size;
            EXPECT_TRUE(parsed.error().is(errors::kProtocolViolation));
            EXPECT_THAT(parsed.error().what(), HasSubstr("byte offset "));
        }
    }
}

TEST(Pgoutput, refuses_every_message_with_a_byte_too_many) {
    for (const std::string& message : all_messages()) {
        const auto parsed = parse_message(message + '\0');
        ASSERT_TRUE(parsed.has_error()) << message.front();
        EXPECT_TRUE(parsed.error().is(errors::kProtocolViolation));
    }
}

TEST(Pgoutput, refuses_every_byte_that_is_no_type_naming_it_and_its_offset) {
    const std::string known = "BMCORYIUDT";
    for (unsigned byte = 0; byte < 256; ++byte) {
        const char type = static_cast<char>(static_cast<unsigned char>(byte));
        const auto result = message_type(std::string(1, type));
        EXPECT_EQ(result.has_value(), known.find(type) != std::string::npos) << byte;
    }
    expect_violation("X", "'X', byte offset 0: unknown message type");
    expect_violation(std::string(1, '\x07'), "byte 7, byte offset 0");
    expect_violation("", "byte offset 0: empty");
    // Streaming is protocol 2, which is never asked for.
    expect_violation(Wire('S').u32(1).u8(1), "'S'");
}

TEST(Pgoutput, refuses_the_message_of_another_type) {
    EXPECT_TRUE(parse_begin(test::commit(100, 108)).has_error());
    EXPECT_TRUE(parse_commit(test::begin(100)).has_error());
    EXPECT_TRUE(parse_row(test::begin(100)).has_error());
    EXPECT_TRUE(parse_row("").has_error());
}

TEST(Pgoutput, begin_and_commit_have_times_since_1970) {
    const auto begin = parse_begin(test::begin(0x1'0000'0001, 4'294'967'295U)).value();
    EXPECT_EQ(begin.final_lsn, Lsn(0x1'0000'0001));
    EXPECT_EQ(begin.commit_time_us, kPostgresqlEpochUs + 1'000'000);
    EXPECT_EQ(begin.xid, 4'294'967'295U);
    const auto commit = parse_commit(test::commit(100, 108)).value();
    EXPECT_EQ(commit.commit_lsn, Lsn(100));
    EXPECT_EQ(commit.end_lsn, Lsn(108));
    EXPECT_EQ(commit.commit_time_us, begin.commit_time_us);
}

TEST(Pgoutput, a_time_before_2000_is_negative_from_there) {
    const std::string message = Wire('B').u64(1).u64(static_cast<std::uint64_t>(-1)).u32(1);
    EXPECT_EQ(parse_begin(message).value().commit_time_us, kPostgresqlEpochUs - 1);
}

TEST(Pgoutput, refuses_flags_and_options_that_protocol_1_does_not_have) {
    expect_violation(Wire('C').u8(1).u64(1).u64(2).u64(3), "'C', byte offset 1: unknown flags");
    EXPECT_TRUE(parse_logical_message(logical(0)).has_value());
    expect_violation(logical(2), "'M', byte offset 1: unknown flags");
    EXPECT_TRUE(parse_truncate(truncate(0)).has_value());
    expect_violation(truncate(4), "'T', byte offset 5: unknown options");
}

TEST(Pgoutput, a_logical_message_keeps_bytes_that_are_no_text) {
    const std::string bytes = logical();
    const auto message = parse_logical_message(bytes).value();
    EXPECT_TRUE(message.transactional);
    EXPECT_EQ(message.lsn, Lsn(5000));
    EXPECT_EQ(message.prefix, "audit");
    EXPECT_EQ(message.content, std::string_view("a\0b", 3));
    EXPECT_FALSE(parse_logical_message(logical(0)).value().transactional);
}

TEST(Pgoutput, refuses_a_length_that_the_message_does_not_have) {
    expect_violation(Wire('M').u8(0).u64(1).text("p").u32(0xFFFFFFFFU).raw("x"), "too short");
    expect_violation(Wire('M').u8(0).u64(1).text("p").u32(2).raw("x"), "too short");
    expect_violation(Wire('M').u8(0).u64(1).text("p").u32(0).raw("x"), "1 bytes too many");
    // The largest length, and the one that would wrap round with its own five bytes.
    for (const std::uint32_t length : {2U, 0x7FFFFFFFU, 0xFFFFFFFBU, 0xFFFFFFFFU}) {
        expect_violation(Wire('I').u32(42).raw("N").u16(1).raw("t").u32(length).raw("x"),
                         "'I', byte offset 9: column of " + std::to_string(length));
    }
    expect_violation(Wire('I').u32(42).raw("N").u16(0xFFFF).raw("nn"), "byte offset 10");
    expect_violation(Wire('T').u32(0xFFFFFFFFU).u8(0).u32(42), "does not fit the number");
    expect_violation(Wire('T').u32(0x40000000U).u8(0), "does not fit the number");
    expect_violation(Wire('R').u32(1).text("s").text("t").u8('d').u16(0xFFFF), "too short");
}

TEST(Pgoutput, refuses_a_kind_of_column_it_does_not_know) {
    expect_violation(Wire('I').u32(42).raw("N").u16(1).raw("z"), "byte offset 8: unknown kind");
}

TEST(Pgoutput, reads_each_kind_of_column) {
    const std::string message =
        Wire('I').u32(42).raw("N").u16(4).raw("nu").raw("t").u32(0).raw("b").u32(2).raw("xy");
    const auto row = parse_row(message).value();
    EXPECT_TRUE(row.new_tuple.has_binary);
    CellReader cells(row.new_tuple);
    Cell cell;
    ASSERT_TRUE(cells.next(cell));
    EXPECT_EQ(cell.kind, CellKind::null);
    ASSERT_TRUE(cells.next(cell));
    EXPECT_EQ(cell.kind, CellKind::unchanged);
    ASSERT_TRUE(cells.next(cell));
    EXPECT_EQ(cell.kind, CellKind::text);
    EXPECT_EQ(cell.bytes, "");
    ASSERT_TRUE(cells.next(cell));
    EXPECT_EQ(cell.kind, CellKind::binary);
    EXPECT_EQ(cell.bytes, "xy");
    EXPECT_FALSE(cells.next(cell));
    EXPECT_TRUE(cells.at_end());
}

TEST(Pgoutput, cells_stop_where_bytes_do_not_fit) {
    for (const std::string_view bytes : {std::string_view(),
                                         std::string_view("z"),
                                         std::string_view("t"),
                                         std::string_view("t\0\0\0\2x", 6)}) {
        Tuple tuple;
        tuple.column_count = 1;
        tuple.cells = bytes;
        CellReader cells(tuple);
        Cell cell;
        EXPECT_FALSE(cells.next(cell));
        EXPECT_FALSE(cells.ok());
    }
}

TEST(Pgoutput, an_update_has_the_old_row_that_the_replica_identity_sends) {
    const auto plain = parse_row(std::string(Wire('U').u32(42).tuple('N', {"1"}))).value();
    EXPECT_EQ(plain.old_kind, OldTuple::none);
    EXPECT_EQ(parse_row(update()).value().old_kind, OldTuple::key);
    EXPECT_EQ(parse_row(remove_row()).value().old_kind, OldTuple::full);
}

TEST(Pgoutput, refuses_rows_without_the_tuples_of_their_kind) {
    expect_violation(Wire('I').u32(42).tuple('O', {"1"}), "byte offset 5: new tuple expected");
    expect_violation(Wire('U').u32(42).tuple('O', {"1"}), "new tuple expected");
    expect_violation(Wire('D').u32(42).tuple('N', {"1"}), "byte offset 5: old tuple expected");
    expect_violation(Wire('D').u32(42).tuple('K', {"1"}).tuple('N', {"1"}), "bytes too many");
    expect_violation(Wire('U').u32(42).tuple('N', {"1"}).tuple('N', {"1"}), "bytes too many");
}

TEST(Pgoutput, an_image_is_what_follows_the_relation_and_reads_the_same) {
    const std::string message = update();
    const auto row = parse_row(message).value();
    EXPECT_EQ(row.image, std::string_view(message).substr(5));
    const auto again = parse_image(MessageType::update, row.image).value();
    EXPECT_EQ(again.new_tuple.cells, row.new_tuple.cells);
    EXPECT_EQ(again.old_tuple.cells, row.old_tuple.cells);
    const auto cut = parse_image(MessageType::update, row.image.substr(0, 4));
    ASSERT_TRUE(cut.has_error());
    EXPECT_THAT(cut.error().what(), HasSubstr("byte offset 4"));
}

TEST(Pgoutput, a_relation_of_the_empty_schema_is_in_pg_catalog) {
    const std::string message = Wire('R').u32(1).text("").text("t").u8('i').u16(0);
    const auto relation = parse_relation(message).value();
    EXPECT_EQ(relation.schema, "pg_catalog");
    EXPECT_EQ(relation.identity, ReplicaIdentity::index);
}

TEST(Pgoutput, refuses_relations_next_to_a_good_one) {
    expect_violation(Wire('R').u32(1).text("s").text("t").u8('x').u16(0), "replica identity");
    expect_violation(
        Wire('R').u32(1).text("s").text("t").u8('d').u16(1).u8(0).text("").u32(23).u32(0),
        "column without a name");
    expect_violation(Wire('R').u32(1).text("s").text("t").u8('d').u16(0).u8(0), "too many");
}

TEST(Pgoutput, a_relation_names_flags_types_and_modifiers) {
    const std::string message =
        Wire('R').u32(9).text("s").text("t").u8('f').u16(1).u8(1).text("n").u32(1700).u32(655366);
    const auto relation = parse_relation(message).value();
    RelationColumnReader columns(relation);
    RelationColumn column;
    ASSERT_TRUE(columns.next(column));
    EXPECT_TRUE(column.identity);
    EXPECT_EQ(column.name, "n");
    EXPECT_EQ(column.type_oid, 1700U);
    EXPECT_EQ(column.type_modifier, 655366);
    EXPECT_FALSE(columns.next(column));
    EXPECT_TRUE(columns.ok());
}

TEST(Pgoutput, a_truncate_lists_its_tables_and_options) {
    const std::string message = truncate(2);
    const auto parsed = parse_truncate(message).value();
    EXPECT_FALSE(parsed.cascade);
    EXPECT_TRUE(parsed.restart_identity);
    ASSERT_EQ(parsed.relation_count, 2U);
    EXPECT_EQ(parsed.relation(0), 42U);
    EXPECT_EQ(parsed.relation(1), 43U);
}

}  // namespace
}  // namespace tributary::postgresql
