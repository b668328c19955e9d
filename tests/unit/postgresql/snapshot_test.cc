// The pure parts of a snapshot: what a statement sees, rows of COPY, statements, pages. The whole
// is in tests/model/postgresql/snapshot_model.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/postgresql/snapshot/chunk_reader.h"
#include "connectors/postgresql/snapshot/copy_text.h"
#include "connectors/postgresql/snapshot/snapshot_table.h"
#include "connectors/postgresql/snapshot/visible_set.h"
#include "model/errors.h"
#include "support.h"

namespace tributary::postgresql {
namespace {

TEST(VisibleSet, sees_what_ended_before_and_neither_what_runs_nor_what_comes) {
    const auto set = VisibleSet::parse("100:105:101,103");
    ASSERT_TRUE(set);
    for (const std::uint32_t seen : {3U, 99U, 100U, 102U, 104U}) {
        EXPECT_TRUE(set->sees(seen)) << seen;
    }
    for (const std::uint32_t unseen : {101U, 103U, 105U, 106U, 1'000'000U}) {
        EXPECT_FALSE(set->sees(unseen)) << unseen;
    }
}

TEST(VisibleSet, compares_ids_modulo_two_to_the_32) {
    // xmax is 2^32 + 5: ids below 5 are newer than those at the end of the epoch before.
    const auto set = VisibleSet::parse("4294967290:4294967301:4294967298");
    ASSERT_TRUE(set);
    EXPECT_TRUE(set->sees(4'294'967'295U));
    EXPECT_TRUE(set->sees(4));
    EXPECT_FALSE(set->sees(2));  // 4294967298
    EXPECT_FALSE(set->sees(5));
    EXPECT_FALSE(set->sees(100));
}

TEST(VisibleSet, takes_no_other_text) {
    EXPECT_TRUE(VisibleSet::parse("7:7:"));
    for (const char* text : {"", "7", "7:7", ":7:", "7::", "a:7:", "7:7:x", "7:7:1 2", "7:7:1:2"}) {
        EXPECT_FALSE(VisibleSet::parse(text)) << text;
    }
}

std::vector<std::string> cells_of(const std::string& bytes) {
    std::vector<std::string> out;
    const Tuple tuple = tuple_of(bytes);
    CellReader cells(tuple);
    Cell cell;
    while (cells.next(cell)) {
        out.push_back(cell.kind == CellKind::null        ? "<null>"
                      : cell.kind == CellKind::unchanged ? "<unchanged>"
                                                         : std::string(cell.bytes));
    }
    EXPECT_TRUE(cells.at_end());
    return out;
}

using Texts = std::vector<std::string>;

TEST(CopyText, gives_the_tuple_of_the_row) {
    std::string out = "kept";
    ASSERT_TRUE(append_copy_tuple(out, "1\t\\N\t\ta\\tb\\\\c\\n\\r\\b\\f\\v\n", 4));
    EXPECT_EQ(out.substr(0, 4), "kept");
    EXPECT_EQ(cells_of(out.substr(4)), (Texts{"1", "<null>", "", "a\tb\\c\n\r\b\f\v"}));
    out.clear();
    ASSERT_TRUE(append_copy_tuple(out, "\\\\N\n", 1));
    EXPECT_EQ(cells_of(out), Texts{"\\N"});
    out.clear();
    ASSERT_TRUE(append_copy_tuple(out, "\n", 0));
    EXPECT_EQ(cells_of(out), Texts{});
}

TEST(CopyText, refuses_lines_of_other_columns_and_foreign_escapes) {
    for (const char* line : {"1", "1\t2\t3", "1\t\\", "1\t\\x41", "1\t\\N2", ""}) {
        std::string out = "kept";
        EXPECT_FALSE(append_copy_tuple(out, line, 2)) << line;
        EXPECT_EQ(out, "kept");
    }
    std::string out;
    EXPECT_FALSE(append_copy_tuple(out, "x", 0));
}

CatalogueTable catalogue(const Texts& columns, const Texts& key, std::uint32_t key_type = 25) {
    CatalogueTable out;
    out.exists = true;
    for (const std::string& name : columns) {
        CatalogueColumn column;
        column.name = name;
        column.type_oid = name == key.front() ? key_type : 25;
        out.columns.push_back(column);
    }
    out.primary_key = key;
    return out;
}

SnapshotTable table(const Texts& columns, const Texts& key) {
    const TableFilter filter = TableFilter::make({}).value();
    return make_snapshot_table(
               "db",
               {.oid = 42, .schema = "public", .table = "T\"x", .published = columns},
               catalogue(columns, key),
               filter)
        .value();
}

TEST(SnapshotTable, reads_in_the_order_of_the_key_after_the_last_row) {
    const SnapshotTable t = table({"v", "b", "a"}, {"a", "b"});
    EXPECT_EQ(chunk_sql(t, {}, 7),
              "COPY (SELECT \"v\", \"b\", \"a\" FROM ONLY \"public\".\"T\"\"x\" ORDER BY \"a\", "
              "\"b\" LIMIT 7) TO STDOUT");
    EXPECT_EQ(chunk_sql(t, {"it's", "2"}, 7),
              "COPY (SELECT \"v\", \"b\", \"a\" FROM ONLY \"public\".\"T\"\"x\" WHERE (\"a\", "
              "\"b\") > ('it''s', '2') ORDER BY \"a\", \"b\" LIMIT 7) TO STDOUT");
    EXPECT_EQ(
        chunk_sql(t, {"x", "2"}, 7, "v > 3 -- all"),
        "COPY (SELECT \"v\", \"b\", \"a\" FROM ONLY \"public\".\"T\"\"x\" WHERE (v > 3 -- all\n)"
        " AND (\"a\", \"b\") > ('x', '2') ORDER BY \"a\", \"b\" LIMIT 7) TO STDOUT");
    EXPECT_EQ(t.order_at, (std::vector<std::size_t>{2, 1}));
    EXPECT_EQ(t.match_at, t.order_at);
}

TEST(SnapshotTable, leaves_out_columns_and_rows_that_the_stream_does_not_have) {
    const TableFilter filter =
        TableFilter::make({.exclude_columns = {"public\\.t\\.secret"}}).value();
    const SnapshotFacts facts{.oid = 42,
                              .schema = "public",
                              .table = "t",
                              .partitioned = true,
                              .published = {"id", "secret", "v"},
                              .row_filter = "v <> 'x'"};
    const auto made = make_snapshot_table(
        "db", facts, catalogue({"id", "secret", "v", "unpublished"}, {"id"}), filter);
    ASSERT_TRUE(made);
    EXPECT_EQ(chunk_sql(made.value(), {"1"}, 2),
              "COPY (SELECT \"id\", \"v\" FROM \"public\".\"t\" WHERE (v <> 'x') AND (\"id\") > "
              "('1') ORDER BY \"id\" LIMIT 2) TO STDOUT");
    const TableFilter all = TableFilter::make({.exclude_columns = {"public\\.t\\.id"}}).value();
    const auto refused =
        make_snapshot_table("db", facts, catalogue({"id", "secret", "v"}, {"id"}), all);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kConfigInvalid));
}

TEST(SnapshotTable, names_the_operators_of_a_type_that_is_not_built_in) {
    const TableFilter filter = TableFilter::make({}).value();
    SnapshotFacts facts{.oid = 42, .schema = "s", .table = "t", .published = {"id", "n"}};
    facts.own_orders = {{.column = "id",
                         .type = "ext.citext",
                         .less = "OPERATOR(ext.<)",
                         .greater = "OPERATOR(ext.>)"}};
    const auto of = [&](const std::vector<std::string>& key) {
        return make_snapshot_table("db", facts, catalogue({"id", "n"}, key), filter).value();
    };
    EXPECT_EQ(chunk_sql(of({"id"}), {"it's"}, 7),
              R"(COPY (SELECT "id", "n" FROM ONLY "s"."t" WHERE "id"::ext.citext OPERATOR(ext.>) )"
              R"('it''s'::ext.citext ORDER BY "id"::ext.citext USING OPERATOR(ext.<) LIMIT 7) TO )"
              "STDOUT");
    EXPECT_EQ(chunk_sql(of({"n", "id"}), {"1", "a"}, 7),
              R"(COPY (SELECT "id", "n" FROM ONLY "s"."t" WHERE NOT "n" < '1' AND ("n" > '1' OR )"
              R"("id"::ext.citext OPERATOR(ext.>) 'a'::ext.citext) ORDER BY "n", )"
              R"("id"::ext.citext USING OPERATOR(ext.<) LIMIT 7) TO STDOUT)");
    // An enum has PostgreSQL's own operators: an index is read from one row of the key on.
    facts.own_orders = {{.column = "id",
                         .type = "s.mood",
                         .less = "OPERATOR(pg_catalog.<)",
                         .greater = "OPERATOR(pg_catalog.>)"}};
    EXPECT_THAT(chunk_sql(of({"n", "id"}), {"1", "a"}, 7),
                testing::HasSubstr(R"(("n", "id"::s.mood) > ('1', 'a'::s.mood) ORDER BY)"));
}

TEST(SnapshotTable, puts_an_event_over_a_row) {
    std::string row;
    ASSERT_TRUE(append_copy_tuple(row, "1\told\tbig", 3));
    std::string event;
    append_fixed(event, std::uint16_t{3}, Endian::big);
    event += std::string("t\0\0\0\1", 5) + "9" + "n" + "u";
    EXPECT_EQ(cells_of(put_over(tuple_of(row), tuple_of(event))), (Texts{"9", "<null>", "big"}));
}

TEST(ChunkReader, steps_back_over_a_page_header_that_no_record_follows_yet) {
    constexpr std::uint64_t kPage = 8192;
    constexpr std::uint64_t kSegment = 16 << 20;
    EXPECT_EQ(without_page_header(Lsn(3 * kPage + 24), kPage, kSegment), Lsn(3 * kPage));
    EXPECT_EQ(without_page_header(Lsn(kSegment + 40), kPage, kSegment), Lsn(kSegment));
    for (const std::uint64_t at : {3 * kPage, 3 * kPage + 32, 3 * kPage + 40, kSegment + 48}) {
        EXPECT_EQ(without_page_header(Lsn(at), kPage, kSegment), Lsn(at)) << at;
    }
}

}  // namespace
}  // namespace tributary::postgresql
