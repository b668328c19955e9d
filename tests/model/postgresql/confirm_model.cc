// The confirm automaton in every world of seven steps over three positions: receive, confirm,
// reconnect. Its feedback is compared with what the whole history allows (confirm.h,
// delivery-and-faults 2).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "connectors/postgresql/stream/confirm.h"

namespace tributary::postgresql {
namespace {

constexpr int kDepth = 7;
constexpr std::uint64_t kPositions = 3;
constexpr int kActions = 1 + 2 * static_cast<int>(kPositions);

// What happened on this connection, kept apart from the automaton.
struct History {
    std::uint64_t received = 0;
    std::uint64_t confirmed = 0;
    std::uint64_t reported = 0;  // flush, greatest
};

class Walk {
  public:
    void from(const Confirmer& confirmer, const History& history, int depth) {
        ++worlds;
        if (depth == kDepth) {
            return;
        }
        for (int action = 0; action < kActions && !testing::Test::HasFailure(); ++action) {
            trace_[static_cast<std::size_t>(depth)] = action;
            Confirmer after = confirmer;
            History now = history;
            step(after, now, action);
            check(after.feedback(), now, depth + 1);
            now.reported = after.feedback().flush.value();
            from(after, now, depth + 1);
        }
    }

    std::uint64_t worlds = 0;

  private:
    static void step(Confirmer& confirmer, History& history, int action) {
        const auto position = static_cast<std::uint64_t>((action + 1) / 2);
        if (action == 0) {
            confirmer.on_connect();
            history = {};
        } else if (action % 2 == 1) {
            confirmer.on_received(Lsn(position));
            history.received = std::max(history.received, position);
        } else {
            confirmer.on_confirm(Lsn(position));
            history.confirmed = std::max(history.confirmed, position);
        }
    }

    void check(const Feedback& feedback, const History& now, int depth) {
        const std::uint64_t flush = feedback.flush.value();
        std::string steps;
        for (int index = 0; index < depth; ++index) {
            steps += ' ' + std::to_string(trace_[static_cast<std::size_t>(index)]);
        }
        SCOPED_TRACE("actions:" + steps);
        EXPECT_EQ(feedback.write.value(), now.received);
        EXPECT_EQ(feedback.apply, feedback.flush);
        EXPECT_LE(flush, now.confirmed) << "reported what is not held";
        EXPECT_LE(flush, now.received) << "reported what this connection never sent";
        EXPECT_GE(flush, now.reported) << "moved back on a connection";
        if (now.confirmed <= now.received) {
            EXPECT_EQ(flush, now.confirmed) << "held back what is held and was received";
        }
    }

    std::array<int, kDepth> trace_{};
};

TEST(ConfirmModel, reports_only_what_is_held_and_was_received_and_never_moves_back) {
    Walk walk;
    walk.from(Confirmer(), History(), 0);
    EXPECT_EQ(walk.worlds, 960'800U);  // (7^8 - 1) / 6: all were walked
}

}  // namespace
}  // namespace tributary::postgresql
