// Tripwire: what survives torn and damaged slots.
#include "log/tripwire.h"

#include <gtest/gtest.h>

#include <fstream>

#include "model/errors.h"
#include "tests/contract/event_log/log_rig.h"

namespace tributary {
namespace {

const LogId kLog{{1, 2, 3}};

class TripwireFile : public ::testing::Test {
  protected:
    Tripwire open() {
        auto opened = Tripwire::open(file_, false);
        EXPECT_TRUE(opened) << opened.error().message();
        return std::move(opened.value());
    }
    void write(Tripwire& tripwire, std::uint64_t last) {
        const std::vector<TripwireMark> marks = {{StreamId(1), Sequence(last)}};
        ASSERT_TRUE(tripwire.write(kLog, marks));
    }
    void damage(std::uint64_t at) {
        std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(at));
        file.put('\x5A');
    }

    testing::ScratchDirectory scratch_;
    const std::filesystem::path file_ = scratch_.path() / "tripwire";
};

TEST_F(TripwireFile, is_empty_at_first_and_gives_back_the_newest_write) {
    {
        Tripwire tripwire = open();
        EXPECT_FALSE(tripwire.state());
        write(tripwire, 5);
        write(tripwire, 9);
        write(tripwire, 12);
    }
    const Tripwire again = open();
    ASSERT_TRUE(again.state());
    EXPECT_EQ(again.state()->log_id, kLog);
    EXPECT_EQ(again.state()->generation, 3U);
    EXPECT_EQ(again.state()->marks.at(0), (TripwireMark{StreamId(1), Sequence(12)}));
}

TEST_F(TripwireFile, falls_back_to_the_other_slot_when_one_is_torn) {
    {
        Tripwire tripwire = open();
        write(tripwire, 5);
        write(tripwire, 9);  // generation 2: slot 0
    }
    damage(40);
    EXPECT_EQ(open().state()->marks.at(0).last, Sequence(5));
}

TEST_F(TripwireFile, is_corrupt_when_neither_slot_is_whole) {
    {
        Tripwire tripwire = open();
        write(tripwire, 5);
        write(tripwire, 9);
    }
    damage(40);
    damage(kTripwireSlotBytes + 40);
    const auto opened = Tripwire::open(file_, false);
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().is(errors::kLogCorrupt));
}

TEST(TripwireSlot, refuses_every_flipped_byte) {
    const std::string slot =
        pack_tripwire({.log_id = kLog, .generation = 7, .marks = {{StreamId(3), Sequence(4)}}});
    ASSERT_EQ(slot.size(), kTripwireSlotBytes);
    ASSERT_TRUE(unpack_tripwire(slot));
    for (std::size_t at = 0; at < slot.size(); ++at) {
        std::string damaged = slot;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        EXPECT_FALSE(unpack_tripwire(damaged)) << "byte " << at;
    }
    EXPECT_FALSE(unpack_tripwire(std::string_view(slot).substr(1)));
}

TEST(TripwireSlot, keeps_the_newest_streams_when_there_are_too_many) {
    TripwireState state{.log_id = kLog, .generation = 1, .marks = {}};
    for (std::uint32_t id = 1; id <= kTripwireMarksMax + 5; ++id) {
        state.marks.push_back({StreamId(id), Sequence(id)});
    }
    const auto unpacked = unpack_tripwire(pack_tripwire(state));
    ASSERT_TRUE(unpacked);
    ASSERT_EQ(unpacked->marks.size(), kTripwireMarksMax);
    EXPECT_EQ(unpacked->marks.front().stream, StreamId(6));
}

}  // namespace
}  // namespace tributary
