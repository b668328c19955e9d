// The verbs that show, copy and give up events, on the real agent: tap, buffer export, buffer drop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "tests/integration/agent/rig.h"

namespace tributary::agent_testing {
namespace {

using testing::HasSubstr;
using testing::Not;

class AgentEvents : public testing::Test {
  protected:
    void TearDown() override { uplink().restore(); }

    static bool running(const Agent& agent) {
        return agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; });
    }
    static bool durable(const Agent& agent, std::uint64_t at_least) {
        return agent.poll([&](const auto& at) { return at.at("durable") >= at_least; });
    }
    // Rows one by one, from `first` on, until the verb ends; what it printed.
    static Ran while_rows_come(Site& site, const std::vector<std::string>& verb, int first) {
        auto ran = std::async(std::launch::async, [&] { return site.run(verb); });
        for (int row = first; ran.wait_for(milliseconds(20)) != std::future_status::ready; ++row) {
            site.insert(row, row);
        }
        return ran.get();
    }
    static std::vector<nlohmann::json> lines_of(const std::string& text) {
        std::vector<nlohmann::json> lines;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            auto line = nlohmann::json::parse(text.substr(at, end - at), nullptr, false);
            if (line.is_object()) {
                lines.push_back(std::move(line));
            }
            at = end + 1;
        }
        return lines;
    }
    static std::set<int> ids_of(const std::vector<nlohmann::json>& lines) {
        std::set<int> ids;
        for (const auto& line : lines) {
            ids.insert(line.at("value").at("after").at("id").get<int>());
        }
        return ids;
    }
};

TEST_F(AgentEvents, TapShowsEventsOfTheLogAsTheyPassAndOnlyThoseAskedFor) {
    Site site;
    site.write();
    EXPECT_EQ(site.run({"tap", "-n", "1"}).code, 10) << "no agent runs";
    site.sql("CREATE TABLE other (id int PRIMARY KEY)");
    site.sql("ALTER PUBLICATION tributary ADD TABLE other");
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 10);
    site.sql("INSERT INTO other VALUES (1)");
    ASSERT_TRUE(durable(agent, 11));
    const Ran people = while_rows_come(site, {"tap", "*.public.t", "-n", "3"}, 11);
    EXPECT_EQ(people.code, 0) << people.output;
    EXPECT_THAT(people.output, HasSubstr(site.topic()));
    EXPECT_THAT(people.output, HasSubstr("\"row 1"));
    EXPECT_THAT(people.output, Not(HasSubstr("row 10\""))) << "what passed before is not shown";
    const Ran json = while_rows_come(site, {"tap", "--json", "-n", "2", "--source", "plant"}, 1001);
    const auto lines = lines_of(json.output);
    ASSERT_EQ(lines.size(), 2U) << json.output;
    EXPECT_EQ(lines[0].at("value").at("op"), "c");
    EXPECT_EQ(lines[0].at("key").at("id"), lines[0].at("value").at("after").at("id"));
    EXPECT_EQ(site.run({"tap", "--source", "nobody", "-n", "1"}).code, 10);
    EXPECT_EQ(site.run({"tap", "--at", "moon"}).code, 10);
    EXPECT_TRUE(agent.caught_up());
}

TEST_F(AgentEvents, TapWaitsForTheFirstEventOfASource) {
    Site site;
    uplink().cut();  // what Kafka has of the source is not known, so that nothing is read yet
    Agent agent(site);
    ASSERT_TRUE(agent.logs("tributary runs"));
    auto tap = std::async(std::launch::async, [&] { return site.run({"tap", "-n", "1"}); });
    EXPECT_EQ(tap.wait_for(seconds(1)), std::future_status::timeout) << tap.get().output;
    uplink().restore();
    ASSERT_TRUE(running(agent));
    site.insert(1, 1);
    const Ran ran = tap.get();
    EXPECT_EQ(ran.code, 0) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr("\"row 1\""));
}

TEST_F(AgentEvents, TapAtKafkaShowsCommittedRecords) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 5);
    expect_exactly(site, 5);
    const Ran ran =
        while_rows_come(site, {"tap", site.name + ".*", "--at", "kafka", "--json", "-n", "3"}, 6);
    EXPECT_EQ(ran.code, 0) << ran.output;
    const auto lines = lines_of(ran.output);
    ASSERT_EQ(lines.size(), 3U) << ran.output;
    EXPECT_EQ(lines[0].at("topic"), site.topic());
    EXPECT_GT(*ids_of(lines).begin(), 5) << "from now on";
}

TEST_F(AgentEvents, TheBufferIsExportedFromARunningAndAStoppedAgentAlike) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 5);
    expect_exactly(site, 5);
    uplink().cut();
    site.insert(6, 40);
    site.insert(41, 2000);
    ASSERT_TRUE(durable(agent, 2000));
    const std::string live = site.path("live.jsonl").string();
    const std::string stopped = site.path("stopped.jsonl").string();
    const Ran first = site.run({"buffer", "export", "--source", "plant", live});
    ASSERT_EQ(first.code, 0) << first.output;
    const auto lines = lines_of(read_file(live));
    const std::set<int> ids = ids_of(lines);
    EXPECT_EQ(*ids.rbegin(), 2000);
    EXPECT_EQ(ids.size(), lines.size());
    EXPECT_GE(ids.size(), 1995U);
    EXPECT_EQ(site.run({"buffer", "export", "--source", "plant", live}).code, 10)
        << "it overwrites nothing";
    EXPECT_EQ(agent.stop(), 0) << agent.log();
    const Ran second = site.run({"buffer", "export", "--source", "plant", stopped});
    ASSERT_EQ(second.code, 0) << second.output;
    EXPECT_EQ(read_file(stopped), read_file(live));
    const std::string from = lines.back().at("sequence").dump();
    const Ran raw = site.run(
        {"buffer", "export", "--source", "plant", "--raw", "--from", from, "--to", from, "-"});
    ASSERT_EQ(lines_of(raw.output).size(), 1U) << raw.output;
    EXPECT_EQ(lines_of(raw.output)[0].at("kind"), "change");
    EXPECT_EQ(site.run({"buffer", "export", "--source", "nobody", "-"}).code, 10);
}

// What of rows 1..last is in the topic: each once, and exactly those of `kept`.
void expect_rows(const Site& site, const std::multiset<int>& kept) {
    Seen seen;
    EXPECT_TRUE(servers::poll_until(kPatience, [&] {
        seen = read_topic(site.topic());
        return seen.created.size() >= kept.size();
    })) << seen.created.size();
    EXPECT_TRUE(seen.created == kept) << seen.created.size() << " created of " << kept.size();
    EXPECT_EQ(seen.repeated, 0U);
}

std::multiset<int> rows(std::initializer_list<std::pair<int, int>> ranges) {
    std::multiset<int> all;
    for (const auto& [first, last] : ranges) {
        for (int row = first; row <= last; ++row) {
            all.insert(row);
        }
    }
    return all;
}

// Killed before, between and after: what was given up stays so, the rest comes once.
TEST_F(AgentEvents, ADropIsExactWhenTheAgentIsKilledAroundIt) {
    Site site;
    site.sources[0].lines = {"ack: buffered"};
    std::string before;
    {
        Agent agent(site);
        ASSERT_TRUE(running(agent));
        site.insert(1, 100);
        expect_exactly(site, 100);
        ASSERT_TRUE(agent.caught_up(100));
        uplink().cut();
        site.insert(101, 300);
        ASSERT_TRUE(durable(agent, 300));
        ASSERT_TRUE(
            agent.poll([](const auto& at) { return at.at("durable") == at.at("appended"); }));
        before = std::to_string(agent.pipeline().at("durable").get<std::uint64_t>() + 1);
        site.insert(301, 400);
        ASSERT_TRUE(durable(agent, 400));
        const Ran unsure = site.run({"buffer", "drop", "--source", "plant", "--before", before});
        EXPECT_EQ(unsure.code, 10) << "it asks, and nobody answers";
        EXPECT_THAT(unsure.output, HasSubstr("--yes"));
        EXPECT_EQ(
            site.run({"buffer", "drop", "--source", "plant", "--before", "999999", "--yes"}).code,
            10);
        agent.kill9();
    }
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    const Ran dropped =
        site.run({"buffer", "drop", "--source", "plant", "--before", before, "--yes"});
    ASSERT_EQ(dropped.code, 0) << dropped.output;
    agent.kill9();
    Agent again(site);
    ASSERT_TRUE(running(again));
    site.insert(401, 450);
    uplink().restore();
    expect_rows(site, rows({{1, 100}, {301, 450}}));
    again.kill9();
    Agent last(site);
    ASSERT_TRUE(running(last));
    site.insert(451, 460);
    expect_rows(site, rows({{1, 100}, {301, 460}}));
    EXPECT_EQ(last.stop(), 0) << last.log();
}

TEST_F(AgentEvents, EverythingThatWaitsIsDroppedByTimeWithAStoppedAgentAndCounted) {
    const servers::PortLease lease;
    Site site;
    site.listen = {"127.0.0.1:" + std::to_string(lease.port())};
    site.sources[0].lines = {"ack: buffered"};
    {
        Agent agent(site);
        ASSERT_TRUE(running(agent));
        site.insert(1, 10);
        expect_exactly(site, 10);
        ASSERT_TRUE(agent.caught_up(10));
        uplink().cut();
        site.insert(11, 500);
        ASSERT_TRUE(durable(agent, 500));
        EXPECT_EQ(agent.stop(), 0) << agent.log();
    }
    const Ran wrong =
        site.run({"buffer", "drop", "--source", "plant", "--before", "yesterday", "--yes"});
    EXPECT_EQ(wrong.code, 10) << wrong.output;
    EXPECT_THAT(wrong.output,
                HasSubstr("argument_invalid: --before: \"yesterday\" is no sequence"));
    const Ran early = site.run({"buffer", "drop", "--source", "plant", "--before", "1h", "--yes"});
    EXPECT_THAT(early.output, HasSubstr("nothing to drop"));
    const Ran dropped = site.run({"buffer", "drop", "--source", "plant", "--before", "0", "--yes"});
    EXPECT_THAT(dropped.output, HasSubstr("nothing to drop")) << "sequence 0";
    const Ran all =
        site.run({"buffer", "drop", "--source", "plant", "--before", "2999-01-01", "--yes"});
    ASSERT_EQ(all.code, 0) << all.output;
    uplink().restore();
    Agent agent(site);
    ASSERT_TRUE(agent.caught_up(500));
    EXPECT_TRUE(agent.logs("passing over events that an operator dropped"));
    site.insert(501, 510);
    expect_rows(site, rows({{1, 10}, {501, 510}}));
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

TEST_F(AgentEvents, StatusSaysHowLongTheDiskLastsHowFarBehindAndWhatToDo) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 10);
    expect_exactly(site, 10);
    ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("disk_seconds_left").is_number(); }));
    EXPECT_EQ(agent.pipeline().at("lag_seconds"), 0);
    const Ran good = site.run({"status"});
    EXPECT_THAT(good.output, HasSubstr("without Kafka at the present rate"));
    EXPECT_THAT(good.output, HasSubstr("lag 0 s"));
    EXPECT_THAT(good.output, HasSubstr("written in the running 24 h"));
    uplink().cut();
    site.insert(11, 2000);
    ASSERT_TRUE(agent.poll([](const auto& at) {
        const auto& lag = at.at("lag_seconds");
        return lag.is_number() && lag >= 1 && at.at("delivery").contains("next");
    }));
    const Ran bad = site.run({"status"});
    EXPECT_THAT(bad.output, HasSubstr("next: "));
    EXPECT_THAT(bad.output, HasSubstr("safe: "));
}

}  // namespace
}  // namespace tributary::agent_testing
