// Channel: the queue to the log, the ring with holes, and the two numbers.
#include <gtest/gtest.h>

#include "runtime/channel.h"

namespace tributary::runtime {
namespace {

using std::chrono::milliseconds;

BlockPtr block(std::uint64_t first, std::uint64_t last, std::size_t bytes, StreamId stream) {
    auto made = std::make_shared<Block>();
    made->stream = stream;
    made->first = Sequence(first);
    made->last = Sequence(last);
    made->bytes.assign(bytes, 'x');
    return made;
}

class ChannelTest : public testing::Test {
  protected:
    ChannelTest() { channel.reset(StreamId(1), {Sequence(0), {}}, {Sequence(0), {}}); }
    void push(std::uint64_t first, std::uint64_t last, std::size_t bytes) {
        channel.push(block(first, last, bytes, StreamId(1)));
    }
    Channel channel{{.append_bytes = 100, .ring_bytes = 100}};
};

TEST_F(ChannelTest, gives_delivery_the_block_that_holds_a_sequence) {
    push(1, 3, 10);
    push(4, 4, 10);
    EXPECT_EQ(channel.wait_block(Sequence(2), milliseconds(0)).block->first, Sequence(1));
    EXPECT_EQ(channel.wait_block(Sequence(4), milliseconds(0)).block->first, Sequence(4));
    const auto none = channel.wait_block(Sequence(5), milliseconds(0));
    EXPECT_FALSE(none.block);
    EXPECT_FALSE(none.in_log);
}

TEST_F(ChannelTest, sends_delivery_to_the_log_for_a_hole_once_it_is_durable) {
    push(1, 1, 90);
    push(2, 2, 50);  // does not fit beside it
    ASSERT_TRUE(channel.wait_block(Sequence(1), milliseconds(0)).block);
    EXPECT_FALSE(channel.wait_block(Sequence(2), milliseconds(0)).in_log);
    channel.set_durable(StreamId(1), {Sequence(2), {}});
    EXPECT_TRUE(channel.wait_block(Sequence(2), milliseconds(0)).in_log);
}

TEST_F(ChannelTest, sends_delivery_to_the_log_for_what_it_has_let_go) {
    push(1, 1, 10);
    push(2, 2, 10);
    ASSERT_TRUE(channel.wait_block(Sequence(2), milliseconds(0)).block);
    channel.set_durable(StreamId(1), {Sequence(2), {}});
    EXPECT_TRUE(channel.wait_block(Sequence(1), milliseconds(0)).in_log);
    EXPECT_TRUE(channel.wait_block(Sequence(2), milliseconds(0)).block);
}

TEST_F(ChannelTest, keeps_one_block_of_any_size_in_the_ring) {
    push(1, 1, 1000);
    EXPECT_TRUE(channel.wait_block(Sequence(1), milliseconds(0)).block);
    EXPECT_FALSE(channel.has_room());
}

TEST_F(ChannelTest, hands_out_by_quota_but_at_least_one_and_takes_back_in_order) {
    push(1, 1, 60);
    push(2, 2, 30);
    push(3, 3, 30);
    auto taken = channel.take_for_append(10);
    ASSERT_EQ(taken.size(), 1U);
    channel.put_back(std::move(taken));
    taken = channel.take_for_append(90);
    ASSERT_EQ(taken.size(), 2U);
    EXPECT_EQ(taken[0]->first, Sequence(1));
    channel.put_back(std::move(taken));
    EXPECT_EQ(channel.take_for_append(1000).size(), 3U);
    EXPECT_TRUE(channel.has_room());
}

TEST_F(ChannelTest, forgets_everything_of_an_older_stream) {
    push(1, 1, 60);
    auto taken = channel.take_for_append(1000);
    push(2, 2, 60);
    channel.set_full(StreamId(1), true);
    channel.reset(StreamId(2), {Sequence(9), {}}, {Sequence(9), {}});
    EXPECT_FALSE(channel.full());
    channel.put_back(std::move(taken));
    EXPECT_TRUE(channel.take_for_append(1000).empty());
    channel.set_durable(StreamId(1), {Sequence(50), {}});
    channel.set_full(StreamId(1), true);
    EXPECT_FALSE(channel.full());
    EXPECT_EQ(channel.durable().sequence, Sequence(9));
    EXPECT_EQ(channel.appended(), Sequence(9));
}

TEST_F(ChannelTest, interrupt_ends_every_wait_at_once) {
    channel.interrupt();
    EXPECT_FALSE(channel.wait_block(Sequence(1), std::chrono::hours(1)).block);
    EXPECT_FALSE(channel.wait_durable(Sequence(1), std::chrono::hours(1)));
}

using ChannelDeathTest = ChannelTest;

TEST_F(ChannelDeathTest, refuses_a_block_that_leaves_a_gap_or_belongs_elsewhere) {
    EXPECT_DEATH(push(2, 2, 1), "next\\(appended_\\)");
    EXPECT_DEATH(channel.push(block(1, 1, 1, StreamId(2))), "stream_");
}

}  // namespace
}  // namespace tributary::runtime
