// Rows of a table without a key: kept aside, and gone on with after a kill.
#include <gtest/gtest.h>

#include <map>

#include "core/snapshot/spool.h"
#include "model/errors.h"

namespace tributary::core::snapshot {
namespace {

// A side keyspace whose writes come with the entry appended next.
class Side final : public SideReader, public EntrySink {
  public:
    Result<std::optional<std::string>> get(std::string_view key) const override {
        const auto found = values.find(std::string(key));
        return found == values.end() ? std::optional<std::string>() : found->second;
    }
    Result<std::vector<SideEntry>> scan(std::string_view prefix,
                                        std::string_view after,
                                        std::size_t limit) const override {
        std::vector<SideEntry> out;
        for (const auto& [key, value] : values) {
            if (key.starts_with(prefix) && key > after && out.size() < limit) {
                out.push_back({key, value});
            }
        }
        return out;
    }
    SchemaId intern(std::shared_ptr<const TableSchema>) override { return SchemaId(1); }
    std::shared_ptr<const TableSchema> schema(SchemaId) const override { return nullptr; }
    void context(std::string_view, std::int64_t) override {}
    void append(EntryKind, SchemaId, std::uint32_t, std::string_view, const Position&) override {}
    void put_side(std::string_view key, std::string_view value) override {
        values[std::string(key)] = value;
    }
    void erase_side(std::string_view key) override { values.erase(std::string(key)); }
    void resume(const Position&) override {}
    bool full() const override { return false; }

    std::map<std::string, std::string> values;
};

using Rows = std::vector<std::string>;

Spool spool_of(const Rows& rows, Side& side) {
    Spool spool({"snapshot/table/t", SchemaId(7), 42});
    for (const std::string& row : rows) {
        spool.add(row, side);
    }
    return spool;
}

Rows rest_of(Spool& spool, Side& side) {
    Rows all;
    while (!spool.at_end()) {
        const auto rows = spool.take(side);
        EXPECT_TRUE(rows);
        all.insert(all.end(), rows.value().begin(), rows.value().end());
        if (spool.at_last()) {
            spool.finish(side);
        } else {
            spool.pass(side);
        }
    }
    return all;
}

TEST(Spool, gives_back_what_was_read_and_leaves_nothing_behind) {
    Side side;
    Spool spool = spool_of({"a", "b", "a", ""}, side);
    spool.close(side);
    EXPECT_EQ(rest_of(spool, side), (Rows{"a", "b", "a", ""}));
    EXPECT_TRUE(side.values.empty());
}

TEST(Spool, goes_on_after_a_kill_at_every_piece) {
    Rows rows;
    for (int at = 0; at < 5000; ++at) {
        rows.push_back("row " + std::to_string(at % 50) + std::string(100, 'x'));
    }
    Side whole;
    Spool first = spool_of(rows, whole);
    first.close(whole);
    const Side closed = whole;
    const Rows wanted = rest_of(first, whole);
    ASSERT_EQ(wanted.size(), rows.size());
    for (int kill_after = 0; kill_after < 10; ++kill_after) {
        Side side = closed;
        Rows got;
        auto spool = Spool::load(side);
        ASSERT_TRUE(spool && spool.value());
        EXPECT_EQ(spool.value()->table().schema, SchemaId(7));
        EXPECT_EQ(spool.value()->table().read_time_us, 42);
        for (int piece = 0; piece < kill_after; ++piece) {
            const auto taken = spool.value()->take(side);
            ASSERT_TRUE(taken);
            got.insert(got.end(), taken.value().begin(), taken.value().end());
            spool.value()->pass(side);
        }
        auto again = Spool::load(side);
        ASSERT_TRUE(again && again.value());
        const Rows rest = rest_of(*again.value(), side);
        got.insert(got.end(), rest.begin(), rest.end());
        EXPECT_EQ(got, wanted) << kill_after;
    }
}

TEST(Spool, that_was_not_read_to_its_end_is_none) {
    Side side;
    const Spool spool = spool_of(Rows(3000, std::string(100, 'x')), side);
    EXPECT_FALSE(side.values.empty());
    const auto loaded = Spool::load(side);
    ASSERT_TRUE(loaded);
    EXPECT_FALSE(loaded.value());
    EXPECT_TRUE(Spool::erase(side, side));
    EXPECT_TRUE(side.values.empty());
}

TEST(Spool, refuses_a_state_that_is_not_as_written) {
    Side side;
    Spool spool = spool_of({"a", "b"}, side);
    spool.close(side);
    const std::string state = side.values.at("snapshot/spool/state");
    for (std::size_t size = 0; size < state.size(); ++size) {
        side.values["snapshot/spool/state"] = state.substr(0, size);
        EXPECT_FALSE(Spool::load(side)) << size;
    }
}

}  // namespace
}  // namespace tributary::core::snapshot
