// The Ledger in every small world: one pipeline (or two twins that fence each other), a disk that
// may be replaced, come back or come back shorter, and a Kafka whose commits land, do not, or leave
// it open. Breadth first over distinct worlds, so a failure names a shortest way to it. Whatever
// happens: what landed in Kafka is 1..k, each event once, or a process stopped with a named error.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/delivery/ledger.h"
#include "model/errors.h"

namespace tributary::core {
namespace {

constexpr int kEvents = 3;
// A position-only entry after event e is kIdle + e: it takes a sequence and gives no record, so
// that sequences and events part ways and two histories differ in range.
constexpr int kIdle = 50;

struct Stream {
    StreamBase base;
    int start = 0;            // the event before its first
    std::vector<int> events;  // appended, in order; the first `trimmed` are gone
    std::size_t trimmed = 0;
};

struct Disk {
    std::uint8_t id = 0;
    std::optional<Stream> live;
    bool ever_delivered = false;
};

enum class Phase { down, ready, doubt, parked };

struct Process {
    Disk disk;
    Disk other;  // one that may take its place
    Phase phase = Phase::down;
    std::optional<Ledger> ledger;
    int epoch = 0;
    std::vector<int> open;     // taken into the open transaction
    bool replay_open = false;  // a dead letter sent again is in it
    bool replay_wanted = false;
    bool replay_done = false;  // as the process believes
    std::string error;
};

struct Kafka {
    int epoch = 0;
    std::optional<Checkpoint> checkpoint;
    std::vector<int> events;
    std::uint64_t landed = 0;  // last sequence of what ever landed
    int replays = 0;
    bool emptied = false;
};

struct World {
    std::vector<Process> processes;
    Kafka kafka;
    std::string trace;
};

LogId log_id(std::uint8_t id) {
    LogId made;
    made.bytes.fill(id);
    return made;
}

Position place(int event) {
    return {std::string(1, static_cast<char>(event % kIdle))};
}

int event_at(const Position& position) {
    return position.empty() ? 0 : position.bytes[0];
}

StreamInfo info(const Disk& disk) {
    const Stream& stream = *disk.live;
    StreamInfo made;
    made.id = StreamId(1);
    made.base = stream.base;
    made.extent.log_id = log_id(disk.id);
    if (!stream.events.empty()) {
        const std::uint64_t first = stream.base.first.value();
        made.extent.last = Sequence(first + stream.events.size() - 1);
        made.extent.first = Sequence(first + stream.trimmed);
        made.extent.resume = place(stream.events.back());
        made.extent.done = made.extent.resume;
    }
    return made;
}

Entry entry_of(const Stream& stream, Sequence sequence) {
    Entry entry;
    entry.sequence = sequence;
    const std::uint64_t index = sequence.value() - stream.base.first.value();
    entry.crc = static_cast<std::uint32_t>(1000 + stream.events.at(index));
    return entry;
}

// Everything that a later step can see.
std::string key(const World& world) {
    std::string out;
    const auto number = [&](std::uint64_t value) { out += std::to_string(value) + ','; };
    const auto disk = [&](const Disk& each) {
        number(each.id);
        number(each.ever_delivered ? 1 : 0);
        if (each.live) {
            number(each.live->base.first.value());
            number(each.live->base.predecessor.bytes[0]);
            number(each.live->base.predecessor_last.value());
            number(static_cast<std::uint64_t>(each.live->start));
            for (const int event : each.live->events) {
                number(static_cast<std::uint64_t>(event));
            }
            number(each.live->trimmed);
        }
        out += ';';
    };
    for (const Process& process : world.processes) {
        disk(process.disk);
        disk(process.other);
        number(static_cast<std::uint64_t>(process.phase));
        number(static_cast<std::uint64_t>(process.epoch));
        number(process.open.size());
        number((process.replay_open ? 1U : 0U) + (process.replay_wanted ? 2U : 0U) +
               (process.replay_done ? 4U : 0U));
        if (process.ledger) {
            number(process.ledger->next().value());
            number(process.ledger->delivered().value());
            number(process.ledger->base().log_id.bytes[0]);
            number(static_cast<std::uint64_t>(process.ledger->base().wall_time_us));
        }
        out += '|';
    }
    number(static_cast<std::uint64_t>(world.kafka.epoch));
    number(world.kafka.events.size());
    number(static_cast<std::uint64_t>(world.kafka.replays));
    if (world.kafka.checkpoint) {
        number(world.kafka.checkpoint->log_id.bytes[0]);
        number(world.kafka.checkpoint->last.value());
        number(static_cast<std::uint64_t>(world.kafka.checkpoint->wall_time_us));
    }
    number(world.kafka.emptied ? 1 : 0);
    return out;
}

enum class Outcome { committed, unknown_landed, unknown_lost };

class Model {
  public:
    Model(int depth, bool disks, bool emptying, bool shorter = false)
        : depth_(depth), disks_(disks), emptying_(emptying), shorter_(shorter) {}

    void explore(World first) {
        std::deque<std::pair<World, int>> waiting;
        waiting.emplace_back(std::move(first), 0);
        while (!waiting.empty() && !testing::Test::HasFailure()) {
            auto [world, depth] = std::move(waiting.front());
            waiting.pop_front();
            if (depth == depth_) {
                continue;
            }
            for (World& after : successors(world)) {
                if (seen_.insert(key(after)).second) {
                    count(after);
                    waiting.emplace_back(std::move(after), depth + 1);
                }
            }
        }
    }

    std::size_t worlds = 0;
    std::size_t complete = 0;  // all events in Kafka
    std::size_t set_aside = 0;
    std::size_t fenced = 0;
    std::size_t broken = 0;

  private:
    void count(const World& world) {
        ++worlds;
        complete += world.kafka.events.size() == kEvents ? 1U : 0U;
        for (const Process& process : world.processes) {
            fenced += process.error == errors::kFenced.name ? 1U : 0U;
            broken += process.error == errors::kChainBroken.name ? 1U : 0U;
        }
    }

    std::vector<World> successors(const World& world) {
        std::vector<World> all;
        for (std::size_t index = 0; index < world.processes.size(); ++index) {
            const auto step = [&](const char* name, const auto& act) {
                World after = world;
                after.trace += ' ' + std::to_string(index) + '.' + name;
                if (act(after, after.processes[index])) {
                    check(after);
                    all.push_back(std::move(after));
                }
            };
            using W = World;
            using P = Process;
            step("start", [&](W& w, P& p) { return start(w, p); });
            step("append", [&](W&, P& p) { return append(p); });
            step("idle", [&](W&, P& p) { return !shorter_ && idle(p); });
            step("take", [&](W&, P& p) { return take(p); });
            step("replay", [&](W&, P& p) { return replay(p); });
            step("commit", [&](W& w, P& p) { return commit(w, p, Outcome::committed); });
            step("landed", [&](W& w, P& p) { return commit(w, p, Outcome::unknown_landed); });
            step("lost", [&](W& w, P& p) { return commit(w, p, Outcome::unknown_lost); });
            step("recover", [&](W& w, P& p) { return recover(w, p); });
            step("trim", [&](W&, P& p) { return trim(p); });
            step("kill", [&](W&, P& p) { return kill(p); });
            step("swap", [&](W&, P& p) { return swap_disks(p); });
            step("shorter", [&](W&, P& p) { return come_back_shorter(p); });
            step("empty", [&](W& w, P& p) { return empty_topic(w, p); });
        }
        return all;
    }

    bool start(World& world, Process& process) {
        if (process.phase != Phase::down) {
            return false;
        }
        process.epoch = ++world.kafka.epoch;
        const auto& checkpoint = world.kafka.checkpoint;
        Disk& disk = process.disk;
        process.ledger.emplace(Ledger::Identity{"gw.p", log_id(disk.id), "test"});
        if (!disk.live) {
            return start_new(process, checkpoint, world);
        }
        const StreamInfo stream = info(disk);
        const auto verdict = process.ledger->start(stream, checkpoint, disk.ever_delivered);
        if (!verdict) {
            EXPECT_TRUE(world.kafka.emptied) << verdict.error().message() << world.trace;
            return park(process, verdict.error());
        }
        if (verdict.value() == StartVerdict::set_aside) {
            ++set_aside;
            const bool differs = checkpoint->log_id != log_id(disk.id) ||
                                 checkpoint->last > stream.extent.last ||
                                 next(checkpoint->last) < stream.base.first;
            EXPECT_TRUE(differs) << "set aside a log that goes on from the checkpoint:"
                                 << world.trace;
            return start_new(process, checkpoint, world);
        }
        process.phase = Phase::ready;
        return true;
    }

    static bool start_new(Process& process,
                          const std::optional<Checkpoint>& checkpoint,
                          const World& world) {
        Stream stream;
        stream.base.first = Sequence(1);
        if (checkpoint) {
            stream.base = {.first = next(checkpoint->last),
                           .predecessor = checkpoint->log_id,
                           .predecessor_last = checkpoint->last};
            stream.start = event_at(checkpoint->done);
        }
        process.disk.live = stream;
        const auto verdict = process.ledger->start(info(process.disk), checkpoint, false);
        EXPECT_TRUE(verdict && verdict.value() == StartVerdict::go_on) << world.trace;
        process.phase = Phase::ready;
        return true;
    }

    static bool append(Process& process) {
        if (!process.disk.live) {
            return false;
        }
        Stream& stream = *process.disk.live;
        const int last = (stream.events.empty() ? stream.start : stream.events.back()) % kIdle;
        if (last >= kEvents || process.phase == Phase::parked) {
            return false;
        }
        stream.events.push_back(last + 1);
        return true;
    }

    [[nodiscard]] static bool idle(Process& process) {
        if (process.phase == Phase::parked || !process.disk.live ||
            process.disk.live->events.empty() || process.disk.live->events.back() >= kIdle) {
            return false;
        }
        process.disk.live->events.push_back(kIdle + process.disk.live->events.back());
        return true;
    }

    static bool take(Process& process) {
        if (process.phase != Phase::ready || process.replay_open) {
            return false;
        }
        const Stream& stream = *process.disk.live;
        const Sequence at = process.ledger->next();
        if (stream.events.empty() || at > info(process.disk).extent.last) {
            return false;
        }
        EXPECT_GE(at, info(process.disk).extent.first) << "would deliver what was trimmed";
        process.ledger->take(entry_of(stream, at));
        process.open.push_back(stream.events.at(at.value() - stream.base.first.value()));
        return true;
    }

    static bool replay(Process& process) {
        if (process.phase != Phase::ready || !process.replay_wanted || process.replay_done ||
            process.replay_open || !process.open.empty()) {
            return false;
        }
        process.ledger->add_records(1);
        process.replay_open = true;
        return true;
    }

    static bool commit(World& world, Process& process, Outcome outcome) {
        if (process.phase != Phase::ready || !process.ledger->holds_anything()) {
            return false;
        }
        Block newest;
        if (!process.open.empty()) {
            newest.resume = newest.done = place(process.open.back());
        }
        // The wall clock stands still.
        const Checkpoint checkpoint =
            process.ledger->seal(process.open.empty() ? nullptr : &newest, "server", 1);
        const bool fenced = process.epoch != world.kafka.epoch;
        if (!fenced && outcome != Outcome::unknown_lost) {
            land(world, process, checkpoint);
        }
        if (fenced || outcome != Outcome::committed) {
            process.phase = Phase::doubt;
            return true;
        }
        process.ledger->committed();
        settle(process, true);
        return true;
    }

    static void land(World& world, const Process& process, const Checkpoint& checkpoint) {
        Kafka& kafka = world.kafka;
        const std::uint64_t before = kafka.landed;
        kafka.landed = checkpoint.last.value();
        EXPECT_EQ(checkpoint.previous_last.value(), before) << world.trace;
        EXPECT_EQ(checkpoint.last.value(), before + process.open.size()) << world.trace;
        EXPECT_EQ(checkpoint.first.value(), process.open.empty() ? 0 : before + 1) << world.trace;
        kafka.checkpoint = checkpoint;
        std::copy_if(process.open.begin(),
                     process.open.end(),
                     std::back_inserter(kafka.events),
                     [](int event) { return event < kIdle; });
        kafka.replays += process.replay_open ? 1 : 0;
    }

    static void settle(Process& process, bool committed) {
        process.disk.ever_delivered = process.disk.ever_delivered || committed;
        process.replay_done = process.replay_done || (committed && process.replay_open);
        process.open.clear();
        process.replay_open = false;
    }

    static bool recover(World& world, Process& process) {
        if (process.phase != Phase::doubt) {
            return false;
        }
        process.epoch = ++world.kafka.epoch;
        const auto committed = process.ledger->recovered(world.kafka.checkpoint);
        if (!committed) {
            return park(process, committed.error());
        }
        settle(process, committed.value());
        process.phase = Phase::ready;
        const std::uint64_t last =
            world.kafka.checkpoint ? world.kafka.checkpoint->last.value() : 0;
        EXPECT_EQ(process.ledger->delivered().value(), last) << world.trace;
        EXPECT_EQ(process.ledger->next().value(), last + 1) << world.trace;
        return true;
    }

    static bool park(Process& process, const Error& error) {
        process.phase = Phase::parked;
        process.error = error.kind().name;
        return true;
    }

    // The newest delivered entry stays.
    static bool trim(Process& process) {
        if (process.phase != Phase::ready || !process.open.empty()) {
            return false;
        }
        Stream& stream = *process.disk.live;
        const std::uint64_t delivered = process.ledger->delivered().value();
        const std::uint64_t first = stream.base.first.value();
        if (stream.events.empty() || delivered < first + stream.trimmed + 1) {
            return false;
        }
        stream.trimmed = delivered - first;
        return true;
    }

    static bool kill(Process& process) {
        if (process.phase == Phase::down) {
            return false;
        }
        process.phase = Phase::down;
        process.ledger.reset();
        process.error.clear();
        // Whether a replay in doubt landed is forgotten: the operator would have to look.
        process.replay_wanted = process.replay_wanted && !process.replay_open;
        process.open.clear();
        process.replay_open = false;
        return true;
    }

    [[nodiscard]] bool swap_disks(Process& process) const {
        if (!disks_ || process.phase != Phase::down) {
            return false;
        }
        std::swap(process.disk, process.other);
        return true;
    }

    [[nodiscard]] bool come_back_shorter(Process& process) const {
        if (!shorter_ || process.phase != Phase::down || !process.disk.live) {
            return false;
        }
        Stream& stream = *process.disk.live;
        if (stream.events.size() <= stream.trimmed) {
            return false;
        }
        stream.events.pop_back();
        stream.trimmed = std::min(stream.trimmed, stream.events.size());
        return true;
    }

    [[nodiscard]] bool empty_topic(World& world, const Process& process) const {
        if (!emptying_ || world.kafka.emptied || !process.disk.ever_delivered) {
            return false;
        }
        world.kafka.checkpoint.reset();
        world.kafka.emptied = true;
        return true;
    }

    static void check(const World& world) {
        int expected = 0;
        for (const int event : world.kafka.events) {
            EXPECT_EQ(event, ++expected) << "a repeat or a gap in Kafka:" << world.trace;
        }
        EXPECT_LE(world.kafka.replays, 1) << "a letter twice:" << world.trace;
        for (const Process& process : world.processes) {
            EXPECT_TRUE(!process.replay_done || world.kafka.replays == 1)
                << "a letter lost:" << world.trace;
        }
    }

    int depth_;
    bool disks_;
    bool emptying_;
    bool shorter_;
    std::unordered_set<std::string> seen_;
};

Process process_with(std::uint8_t id) {
    Process process;
    process.disk.id = id;
    process.other.id = static_cast<std::uint8_t>(id + 1);
    return process;
}

TEST(LedgerModel, one_process_delivers_each_event_once_whatever_becomes_of_commits_and_disks) {
    Model model(15, true, false);
    model.explore({.processes = {process_with(1)}, .kafka = {}, .trace = {}});
    EXPECT_GT(model.worlds, 10'000U);
    EXPECT_GT(model.complete, 0U);
    EXPECT_GT(model.set_aside, 0U);
    EXPECT_EQ(model.fenced, 0U);
    EXPECT_EQ(model.broken, 0U);
}

// A log that lost its end grows again from the same source; without idle entries, which only the
// log's tripwire tells apart.
TEST(LedgerModel, a_disk_that_comes_back_shorter_repeats_and_loses_nothing) {
    Model model(18, true, false, true);
    model.explore({.processes = {process_with(1)}, .kafka = {}, .trace = {}});
    EXPECT_GT(model.complete, 0U);
    EXPECT_GT(model.set_aside, 0U);
}

TEST(LedgerModel, a_replayed_letter_lands_once_though_the_clock_stands_still) {
    Model model(15, false, false);
    Process process = process_with(1);
    process.replay_wanted = true;
    model.explore({.processes = {process}, .kafka = {}, .trace = {}});
    EXPECT_GT(model.complete, 0U);
}

TEST(LedgerModel, an_emptied_checkpoint_topic_parks_the_pipeline) {
    Model model(15, false, true);
    model.explore({.processes = {process_with(1)}, .kafka = {}, .trace = {}});
    EXPECT_GT(model.broken, 0U);
    EXPECT_EQ(model.fenced, 0U);
}

TEST(LedgerModel, twins_never_mix_though_either_may_deliver) {
    Model model(12, false, false);
    model.explore({.processes = {process_with(1), process_with(3)}, .kafka = {}, .trace = {}});
    EXPECT_GT(model.worlds, 10'000U);
    EXPECT_GT(model.complete, 0U);
    EXPECT_GT(model.fenced, 0U);
    EXPECT_EQ(model.broken, 0U);
}

}  // namespace
}  // namespace tributary::core
