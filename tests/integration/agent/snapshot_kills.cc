#include "tests/integration/agent/snapshot_kills.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <limits>
#include <thread>

namespace tributary::agent_testing {
namespace {

constexpr std::size_t kMemoryMaxMib = 64;
constexpr seconds kTakingMax{900};

}  // namespace

KillPlan::KillPlan(int usual_kills, int usual_rows, int usual_chunk_rows)
    : kills(usual_kills), rows(usual_rows), chunk_rows(usual_chunk_rows) {
    seed = static_cast<unsigned>(asked_for("TRIBUTARY_SNAPSHOT_SEED").value_or(11));
    if (const auto wanted = asked_for("TRIBUTARY_SNAPSHOT_KILLS")) {
        by_hand = true;
        kills = *wanted;
        rows = 3 * (usual_rows / usual_kills * kills);  // it goes on while a server is down
    }
    if (const auto wanted = asked_for("TRIBUTARY_SNAPSHOT_ROWS")) {
        by_hand = true;
        kills = std::numeric_limits<int>::max();
        rows = *wanted;
        chunk_rows = 50'000;
        life_min = seconds(1);
        life_max = seconds(5);
        pause = milliseconds(5);
    }
}

Killer::Killer(const Taking& taking, const KillPlan& plan)
    : taking_(taking), plan_(plan), random_(plan.seed), begun_(std::chrono::steady_clock::now()) {}

void Killer::run() {
    agent_.emplace(taking_.site);
    const auto span = static_cast<unsigned>((plan_.life_max - plan_.life_min).count());
    const auto deadline = begun_ + kTakingMax;
    for (int round = 0; round < plan_.kills; ++round) {
        const auto age = plan_.life_min + milliseconds(random_() % span);
        std::this_thread::sleep_for(age);  // the moment of the kill, not a synchronisation
        const auto now = agent_->pipeline(taking_.pipeline);
        if (now.is_object() && is_over(now)) {
            return;
        }
        ASSERT_TRUE(agent_->running()) << agent_->log();
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << agent_->log();
        kill();
    }
}

void Killer::kill() {
    enum class Victim { agent, database, kafka };
    const auto draw = plan_.by_hand ? random_() % 10 : 0;
    const Victim victim = draw < 5 ? Victim::agent : draw < 8 ? Victim::database : Victim::kafka;
    switch (victim) {
        case Victim::agent:
            note_memory();
            agent_->kill9();
            agent_.emplace(taking_.site);
            ++victims_["agent"];
            return;
        case Victim::database:
            taking_.kill_database();
            ++victims_["database"];
            return;
        case Victim::kafka:
            kafka().kill9();
            kafka().start();
            ++victims_["Kafka"];
            return;
    }
}

int Killer::kills() const {
    int sum = 0;
    for (const auto& [victim, count] : victims_) {
        sum += count;
    }
    return sum;
}

void Killer::note_memory() {
    std::ifstream in("/proc/" + std::to_string(agent_->pid()) + "/status");
    for (std::string word; in >> word;) {
        if (word == "VmHWM:") {
            std::size_t kib = 0;
            in >> kib;
            memory_kib_ = std::max(memory_kib_, kib);
        }
    }
}

std::size_t Killer::memory_mib() {
    note_memory();
    return memory_kib_ >> 10U;
}

void Killer::report() {
    if (!plan_.by_hand) {
        return;
    }
    EXPECT_LE(memory_mib(), kMemoryMaxMib);
    const auto elapsed =
        std::chrono::duration_cast<seconds>(std::chrono::steady_clock::now() - begun_);
    std::cout << "seed " << plan_.seed << ", " << plan_.rows << " rows, " << kills() << " kills:";
    for (const auto& [victim, count] : victims_) {
        std::cout << ' ' << victim << ' ' << count;
    }
    std::cout << "; VmHWM " << memory_mib() << " MiB, " << elapsed.count() << " s" << std::endl;
}

bool is_over(const nlohmann::json& pipeline) {
    return pipeline.at("snapshot").is_object() && pipeline["snapshot"].at("state") == "complete";
}

void write_ending(const Taking& taking) {
    taking.query("INSERT INTO ending VALUES (1)");
    const std::string topic = taking.topic("ending");
    ASSERT_TRUE(servers::poll_until(seconds(150), [&] { return replay(topic).changes == 1; }));
}

void expect_exact_through_kills(const Taking& taking,
                                const KillPlan& plan,
                                const Connect& connect,
                                Change change) {
    Killer killer(taking, plan);
    {
        const Writers writers(
            connect, {.threads = 3, .rows = plan.rows, .pause = plan.pause}, change);
        killer.run();
        ASSERT_FALSE(testing::Test::HasFatalFailure());
    }
    EXPECT_GT(killer.kills(), 2);
    ASSERT_TRUE(killer.agent().poll(is_over, kTakingMax, taking.pipeline)) << killer.agent().log();
    write_ending(taking);
    killer.report();
    const Replay taken = replay(taking.topic("t"));
    if (plan.by_hand) {
        std::cout << taken.reads << " rows read, " << taken.changes << " changes" << std::endl;
    }
    EXPECT_GE(taken.reads, static_cast<std::size_t>(plan.rows / 2));
    expect_table(taking.query, "t", taken, {"id", "v", "big"});
}

}  // namespace tributary::agent_testing
