// SideOverlay: what is on its way covers what the log has, until the log has it too.
#include "core/intake/side_overlay.h"

#include <gtest/gtest.h>

#include "format/block.h"
#include "tests/contract/event_log/log_rig.h"
#include "tests/contract/event_log/memory_log.h"

namespace tributary::core {
namespace {

class SideOverlayTest : public ::testing::Test {
  protected:
    void store(std::vector<SideWrite> side) {
        auto block = std::make_shared<Block>(*testing::make_block(stream_, next_, 1));
        block->side = std::move(side);
        const std::vector<BlockPtr> blocks{block};
        ASSERT_TRUE(log_.append(blocks));
        ++next_;
    }
    std::string scan(std::string_view prefix, std::string_view after, std::size_t limit) {
        std::string all;
        const auto found = overlay_.scan(prefix, after, limit);
        EXPECT_TRUE(found);
        for (const SideEntry& entry : found.value()) {
            all += entry.key + "=" + entry.value + " ";
        }
        return all;
    }

    MemoryLog log_;
    StreamId stream_ = log_.create_stream("plant", {Sequence(1), {}, {}}).value().id;
    std::uint64_t next_ = 1;
    SideOverlay overlay_{log_, stream_};
};

TEST_F(SideOverlayTest, covers_the_log_with_what_is_on_its_way) {
    store({{"a1", "old"}, {"a2", "old"}, {"b1", "old"}});
    overlay_.write({"a1", "new"}, Sequence(2));
    overlay_.write({"a2", std::nullopt}, Sequence(2));
    overlay_.write({"a3", "new"}, Sequence(3));
    EXPECT_EQ(overlay_.get("a1").value(), "new");
    EXPECT_EQ(overlay_.get("a2").value(), std::nullopt);
    EXPECT_EQ(overlay_.get("b1").value(), "old");
    EXPECT_EQ(scan("", "", 10), "a1=new a3=new b1=old ");
    EXPECT_EQ(scan("a", "a1", 10), "a3=new ");
    EXPECT_EQ(scan("a", "", 1), "a1=new ");
}

TEST_F(SideOverlayTest, lets_go_of_what_became_durable_but_not_of_a_later_write_of_the_same_key) {
    overlay_.write({"a", "first"}, Sequence(1));
    overlay_.write({"b", "first"}, Sequence(1));
    overlay_.write({"a", "second"}, Sequence(2));
    overlay_.settle(Sequence(1));
    EXPECT_EQ(overlay_.get("a").value(), "second");
    EXPECT_EQ(overlay_.get("b").value(), std::nullopt) << "the log has the say, and is empty here";
    overlay_.settle(Sequence(2));
    EXPECT_EQ(overlay_.get("a").value(), std::nullopt);
}

}  // namespace
}  // namespace tributary::core
