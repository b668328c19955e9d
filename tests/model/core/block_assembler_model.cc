// BlockAssembler in every small world: every run of small and large entries cut into transactions
// in every way, and between any two entries nothing, a hand-over, a source that is opened again, or
// a process that starts again from the last block it kept. The source re-sends from `resume` and
// skips up to `done`; the blocks that were kept must hold every entry once, in order.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "core/intake/block_assembler.h"

namespace tributary::core {
namespace {

constexpr std::size_t kEntries = 4;
constexpr std::size_t kLarge = format::kBlockBytesMax - 100;

enum class Between { nothing, take, reopen, restart };
constexpr std::size_t kBetween = 4;

struct World {
    std::array<bool, kEntries> large{};
    std::array<bool, kEntries> ends{};  // the entry is the last of its transaction
    std::array<Between, kEntries> after{};
};

Position place(std::size_t number) {
    std::string bytes;
    append_fixed(bytes, static_cast<std::uint8_t>(number), Endian::big);
    return {bytes};
}

std::size_t number_of(const Position& position) {
    return position.empty() ? 0 : static_cast<std::size_t>(position.bytes[0]);
}

std::string payload(const World& world, std::size_t index) {
    return std::string(world.large[index] ? kLarge : 8, static_cast<char>('a' + index));
}

// Identities and positions number the entries from 1; `resume` is that of a transaction's last.
class Walk {
  public:
    explicit Walk(const World& world) : world_(world) { open(); }

    void all() {
        while (cursor_ < kEntries) {
            send(cursor_);
            const std::size_t sent = cursor_++;
            if (done_once_[sent]) {
                continue;
            }
            done_once_[sent] = true;
            between(world_.after[sent]);
        }
        keep();
    }

    void check() const {
        std::size_t index = 0;
        std::uint64_t sequence = 1;
        std::size_t resume = 0;
        for (const BlockPtr& block : kept_) {
            ASSERT_EQ(block->first.value(), sequence);
            std::size_t count = 0;
            format::BlockReader reader(*block);
            Entry entry;
            for (auto more = reader.next(entry); more && more.value(); more = reader.next(entry)) {
                ASSERT_LT(index, kEntries) << "an entry too many";
                ASSERT_EQ(entry.payload, payload(world_, index));
                ASSERT_EQ(entry.ordinal, index);
                ASSERT_EQ(entry.context, transaction_of(index));
                resume = world_.ends[index] ? index + 1 : resume;
                ++index;
                ++count;
            }
            sequence += count;
            ASSERT_EQ(block->last.value() + 1, sequence);
            ASSERT_EQ(number_of(block->done), index);
            ASSERT_EQ(number_of(block->resume), resume);
            ASSERT_TRUE(count == 1 || block->bytes.size() <= format::kBlockBytesMax + 64);
        }
        ASSERT_EQ(index, kEntries) << "an entry is missing";
    }

  private:
    static BlockAssembler::Start start() {
        return {
            .stream = StreamId(1), .next = Sequence(1), .resume = {}, .done = {}, .schemas = {}};
    }

    [[nodiscard]] std::string transaction_of(std::size_t index) const {
        std::size_t ended = 0;
        for (std::size_t before = 0; before < index; ++before) {
            ended += world_.ends[before] ? 1U : 0U;
        }
        return "tx" + std::to_string(ended);
    }

    void open() {
        const StartPoint from = assembler_.position();
        cursor_ = std::max(number_of(from.resume), number_of(from.done));
        ASSERT_GE(number_of(from.done), number_of(from.resume));
    }

    void send(std::size_t index) {
        assembler_.context(transaction_of(index), 1);
        assembler_.append(EntryKind::change,
                          SchemaId(0),
                          static_cast<std::uint32_t>(index),
                          payload(world_, index),
                          place(index + 1));
        if (world_.ends[index]) {
            assembler_.resume(place(index + 1));
        }
    }

    void keep() {
        for (BlockPtr& block : assembler_.take()) {
            kept_.push_back(std::move(block));
        }
    }

    void between(Between what) {
        switch (what) {
            case Between::nothing:
                return;
            case Between::take:
                keep();
                return;
            case Between::reopen:
                open();
                return;
            case Between::restart: {
                BlockAssembler::Start from = start();
                if (!kept_.empty()) {
                    from.next = next(kept_.back()->last);
                    from.resume = kept_.back()->resume;
                    from.done = kept_.back()->done;
                }
                assembler_ = BlockAssembler(std::move(from), 1U << 20U);
                open();
                return;
            }
        }
    }

    World world_;
    BlockAssembler assembler_{start(), 1U << 20U};
    std::vector<BlockPtr> kept_;
    std::size_t cursor_ = 0;
    std::array<bool, kEntries> done_once_{};
};

TEST(BlockAssemblerModel, neither_repeats_nor_loses_an_entry_however_it_is_cut_and_opened_again) {
    std::size_t worlds = 0;
    for (std::size_t shape = 0; shape < 1U << (2 * kEntries); ++shape) {
        World world;
        for (std::size_t index = 0; index < kEntries; ++index) {
            world.large[index] = (shape >> index & 1U) != 0;
            world.ends[index] = (shape >> (kEntries + index) & 1U) != 0;
        }
        for (std::size_t cuts = 0; cuts < 1U << (2 * kEntries); cuts += 1) {
            for (std::size_t index = 0; index < kEntries; ++index) {
                world.after[index] = static_cast<Between>(cuts >> (2 * index) & (kBetween - 1));
            }
            Walk walk(world);
            walk.all();
            walk.check();
            ++worlds;
            ASSERT_FALSE(testing::Test::HasFatalFailure()) << "shape " << shape << " cuts " << cuts;
        }
    }
    EXPECT_EQ(worlds, 1U << (4 * kEntries));
}

}  // namespace
}  // namespace tributary::core
