// What an operator asks of the command: check, status, buffer, config, reload, health, and what it
// tells systemd. No answer, log line or argument list shows a password.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <csignal>
#include <cstring>

#include "base/unique_fd.h"
#include "tests/integration/agent/rig.h"

namespace tributary::agent_testing {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

bool running(const Agent& agent) {
    return agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; });
}

// One request by TCP; the whole answer with its head.
std::string http(std::uint16_t port, const std::string& path) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return "no connection";
    }
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    if (::send(fd.get(), request.data(), request.size(), 0) < 0) {
        return "not sent";
    }
    std::string answer;
    std::array<char, 4096> buffer{};
    for (ssize_t count = 1; count > 0;) {
        count = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
        answer.append(buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    return answer;
}

// The other end of NOTIFY_SOCKET.
class NotifySocket {
  public:
    explicit NotifySocket(const std::string& path)
        : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
                  0);
    }
    // Whether a message with this text came, or comes within the patience.
    bool receives(const std::string& text) {
        return servers::poll_until(kPatience, [&] {
            std::array<char, 1024> buffer{};
            const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
            if (count > 0) {
                all_ += std::string(buffer.data(), static_cast<std::size_t>(count)) + "\n";
            }
            return all_.find(text) != std::string::npos;
        });
    }

  private:
    UniqueFd fd_;
    std::string all_;
};

TEST(AgentVerbs, CheckAcceptsAGoodSiteAndNamesWhatIsMissing) {
    Site site;
    site.write();
    const Ran good = site.run({"check"});
    EXPECT_EQ(good.code, 0) << good.output;
    EXPECT_THAT(good.output, HasSubstr("everything needed is there"));
    site.sources[0].publication = "nowhere";
    site.write();
    const Ran bad = site.run({"check"});
    EXPECT_EQ(bad.code, 10) << bad.output;
    EXPECT_THAT(bad.output, HasSubstr("CREATE PUBLICATION"));
    site.sources[0].lines = {"slott: x"};
    site.write();
    EXPECT_EQ(site.run({"check"}).code, 10);
}

TEST(AgentVerbs, CheckIsJsonOnRequestAndNeedsNoServerWhenItIsOffline) {
    Site site;
    site.write();
    const Ran good = site.run({"check", "--json"});
    EXPECT_EQ(good.code, 0) << good.output;
    EXPECT_EQ(nlohmann::json::parse(good.output).at("errors"), 0);
    EXPECT_THAT(good.output, HasSubstr("answers, brokers"));
    site.sources[0].port = 1;
    site.write();
    const Ran unreachable = site.run({"check", "--json"});
    EXPECT_EQ(unreachable.code, 10);
    EXPECT_GE(nlohmann::json::parse(unreachable.output).at("errors"), 1);
    const Ran offline = site.run({"check", "--offline"});
    EXPECT_EQ(offline.code, 0) << offline.output;
    EXPECT_THAT(offline.output, HasSubstr("librdkafka takes them"));
    EXPECT_THAT(offline.output, Not(HasSubstr("answers, brokers")));
    site.kafka_lines = {"properties: {no.such.property: 1}"};
    site.write();
    const Ran unknown = site.run({"check", "--offline"});
    EXPECT_EQ(unknown.code, 10);
    EXPECT_THAT(unknown.output, HasSubstr("no.such.property"));
}

TEST(AgentVerbs, CheckNamesFilesThatCannotBeReadAlsoOffline) {
    Site site;
    site.sources[0].sslmode = "verify-full";
    site.write();
    const Ran none = site.run({"check", "--offline"});
    EXPECT_EQ(none.code, 10);
    EXPECT_THAT(none.output, HasSubstr("sources[0].connection.sslrootcert"));
    EXPECT_THAT(none.output, HasSubstr("/.postgresql/root.crt: No such file"));
    const std::string root = site.path("root.crt").string();
    site.sources[0].sslmode = "verify-full\n      sslrootcert: '" + root + "'";
    site.write();
    EXPECT_THAT(site.run({"check", "--offline"}).output, HasSubstr(root + ": No such file"));
    write_file(root, "any");
    const Ran there = site.run({"check", "--offline"});
    EXPECT_EQ(there.code, 0) << there.output;
    EXPECT_THAT(there.output, HasSubstr(root + " can be read"));
}

TEST(AgentVerbs, CheckWarnsWhenTwoTablesHaveOneTopic) {
    Site site;
    site.sql(
        "CREATE TABLE \"a b\" (id int PRIMARY KEY); CREATE TABLE \"a-b\" (id int PRIMARY KEY)");
    site.sql("ALTER PUBLICATION tributary ADD TABLE \"a b\", \"a-b\"");
    site.write();
    EXPECT_THAT(site.run({"check"}).output, Not(HasSubstr("takes the events of both")));
    site.sql("CREATE TABLE a_b (id int PRIMARY KEY); ALTER PUBLICATION tributary ADD TABLE a_b");
    const Ran shared = site.run({"check"});
    EXPECT_THAT(shared.output, HasSubstr("topic " + site.topic("plant", "public.a_b")));
    EXPECT_THAT(shared.output,
                HasSubstr("table public.a b of source plant and table public.a_b of source plant"));
}

TEST(AgentVerbs, TopShowsRatesAndNeedsARunningAgent) {
    Site site;
    site.write();
    EXPECT_EQ(site.run({"top", "-n", "1"}).code, 10);
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    const Ran top = site.run({"top", "-n", "2"});
    EXPECT_EQ(top.code, 0) << top.output;
    EXPECT_THAT(top.output, HasSubstr("plant"));
    EXPECT_THAT(top.output, HasSubstr("to Kafka/s"));
}

TEST(AgentVerbs, ASupportBundleHasNoSecretAndNoRowAndOverwritesNothing) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.sql("INSERT INTO t VALUES (1, 'value-of-a-row')");
    expect_exactly(site, 1);
    const std::string file = site.path("bundle.txt").string();
    const Ran ran = site.run({"support-bundle", file});
    ASSERT_EQ(ran.code, 0) << ran.output;
    const std::string bundle = read_file(file);
    EXPECT_THAT(bundle, HasSubstr("\"pipelines\""));
    EXPECT_THAT(bundle, HasSubstr("tributary_durable_sequence"));
    EXPECT_THAT(bundle, HasSubstr("state_dir"));
    EXPECT_THAT(bundle, Not(HasSubstr(kPassword)));
    EXPECT_THAT(bundle, Not(HasSubstr("value-of-a-row")));
    EXPECT_EQ(site.run({"support-bundle", file}).code, 10);
}

// The slot is the connector's own; what it had delivered is what its stored offset says.
TEST(AgentVerbs, ADebeziumConnectorIsTakenOverWithoutLossOrRepetition) {
    Site site;
    site.sql("SELECT pg_create_logical_replication_slot('" + site.slot() + "', 'pgoutput')");
    site.sql("INSERT INTO t VALUES (101, 'delivered by the connector')");
    const std::string lsn = site.sql("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").value();
    site.insert(1, 20);
    write_file(site.path("connector.json"),
               R"({"name": "plant", "config": {
                   "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
                   "plugin.name": "pgoutput", "slot.name": ")" +
                   site.slot() + R"(", "database.dbname": "plant", "database.user": "x",
                   "database.password": "hunter2", "topic.prefix": "plant"}})");
    write_file(site.path("offset.json"), R"({"lsn_proc":)" + lsn + R"(,"lsn_commit":)" + lsn + "}");
    site.write();
    const Ran converted = site.run({"config",
                                    "from-debezium",
                                    site.path("connector.json").string(),
                                    "--offset",
                                    site.path("offset.json").string()});
    ASSERT_EQ(converted.code, 0) << converted.output;
    EXPECT_THAT(converted.output, HasSubstr("slot: '" + site.slot() + "'"));
    EXPECT_THAT(converted.output, Not(HasSubstr("hunter2")));
    const std::string before = "tributary reset plant --from '";
    const auto at = converted.output.find(before);
    ASSERT_NE(at, std::string::npos) << converted.output;
    const auto from = converted.output.substr(at + before.size());
    const Ran reset = site.run({"reset", "plant", "--from", from.substr(0, from.find('\''))});
    ASSERT_EQ(reset.code, 0) << reset.output;
    Agent agent(site);
    expect_exactly(site, 20);
}

// As by hand beside a service that has its secrets from systemd.
TEST(AgentVerbs, LookingNeedsNoSecretAndAMissingFileIsExplained) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    for (SourceFile& source : site.sources) {
        source.password_file = site.path("nowhere").string();
    }
    site.write();
    for (const std::vector<std::string>& verb :
         {std::vector<std::string>{"status"}, {"top", "-n", "1"}, {"buffer", "ls"}}) {
        EXPECT_EQ(site.run(verb).code, 0) << verb.front();
    }
    const Ran check = site.run({"check"});
    EXPECT_EQ(check.code, 10) << check.output;
    EXPECT_THAT(check.output, HasSubstr("nowhere"));
    std::filesystem::remove(site.path("tributary.yaml"));
    const Ran missing = site.run({"status"});
    EXPECT_EQ(missing.code, 10);
    EXPECT_THAT(missing.output, HasSubstr("begin with a copy of"));
}

TEST(AgentVerbs, StatusSaysWhatWorksAndWhatDoesNot) {
    Site site;
    site.write();
    const Ran none = site.run({"status"});
    EXPECT_EQ(none.code, 10);
    EXPECT_THAT(none.output, HasSubstr("there is no such socket"));
    write_file(site.path("wrong"), "not the password\n");
    SourceFile broken;
    broken.name = "broken";
    broken.password_file = site.path("wrong").string();
    site.sources.push_back(broken);
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("intake").at("state") == "parked"; },
                           kPatience,
                           "broken"));
    const Ran text = site.run({"status"});
    EXPECT_EQ(text.code, 0);
    EXPECT_THAT(text.output, HasSubstr("source_auth"));
    const Ran json = site.run({"status", "--json"});
    EXPECT_EQ(json.code, 0);
    EXPECT_EQ(nlohmann::json::parse(json.output).at("pipelines").size(), 2U);
}

TEST(AgentVerbs, TheBufferIsShownByARunningAndAStoppedAgentAlike) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 20);
    expect_exactly(site, 20);
    for (const bool live : {true, false}) {
        if (!live) {
            EXPECT_EQ(agent.stop(), 0) << agent.log();
        }
        const Ran list = site.run({"buffer", "ls"});
        EXPECT_EQ(list.code, 0) << list.output;
        EXPECT_THAT(list.output, ContainsRegex("source +stream +first +last +size\nplant "));
        const Ran peek = site.run({"buffer", "peek", "plant", "-n", "3"});
        EXPECT_EQ(peek.code, 0) << peek.output;
        EXPECT_THAT(peek.output, Not(HasSubstr("row 1")));
        const Ran verify = site.run({"buffer", "verify"});
        EXPECT_EQ(verify.code, 0) << verify.output;
        EXPECT_THAT(verify.output, HasSubstr("entries read, all as written"));
        for (const std::string name : {"nobody", "[", "a+b (c)"}) {
            const Ran unknown = site.run({"buffer", "peek", name});
            EXPECT_EQ(unknown.code, 10) << live;
            EXPECT_THAT(unknown.output,
                        HasSubstr("argument_invalid: the log has no events of a "
                                  "source named " +
                                  name + "\n"))
                << live;
        }
    }
}

TEST(AgentVerbs, NothingShowsThePassword) {
    Site site;
    site.level = "debug";
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 5);
    expect_exactly(site, 5);
    const std::string process = "/proc/" + std::to_string(agent.pid());
    EXPECT_THAT(read_file(process + "/cmdline"), Not(HasSubstr(kPassword)));
    EXPECT_THAT(read_file(process + "/environ"), Not(HasSubstr(kPassword)));
    for (const std::vector<std::string>& verb : {std::vector<std::string>{"config", "print"},
                                                 {"status"},
                                                 {"status", "--json"},
                                                 {"check"},
                                                 {"buffer", "ls"}}) {
        const Ran ran = site.run(verb);
        EXPECT_EQ(ran.code, 0) << ran.output;
        EXPECT_THAT(ran.output, Not(HasSubstr(kPassword)));
        EXPECT_FALSE(ran.output.empty());
    }
    EXPECT_EQ(agent.stop(), 0);
    EXPECT_THAT(agent.log(), Not(HasSubstr(kPassword)));
}

TEST(AgentVerbs, HealthAndMetricsAnswerOnLoopback) {
    const servers::PortLease lease;
    Site site;
    site.listen = {"127.0.0.1:" + std::to_string(lease.port())};
    const Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 5);
    expect_exactly(site, 5);
    EXPECT_THAT(http(lease.port(), "/healthz"), HasSubstr("200 OK"));
    EXPECT_THAT(http(lease.port(), "/readyz"), HasSubstr("200 OK"));
    const std::string metrics = http(lease.port(), "/metrics");
    EXPECT_THAT(metrics, HasSubstr("200 OK"));
    EXPECT_THAT(metrics, HasSubstr("tributary_"));
    EXPECT_THAT(metrics, HasSubstr("pipeline=\"plant\""));
}

TEST(AgentVerbs, AParkedPipelineIsNotReadyButHealthy) {
    const servers::PortLease lease;
    Site site;
    site.listen = {"127.0.0.1:" + std::to_string(lease.port())};
    write_file(site.path("wrong"), "not the password\n");
    SourceFile broken;
    broken.name = "broken";
    broken.password_file = site.path("wrong").string();
    site.sources.push_back(broken);
    const Agent agent(site);
    ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("intake").at("state") == "parked"; },
                           kPatience,
                           "broken"));
    EXPECT_THAT(http(lease.port(), "/readyz"), HasSubstr("503"));
    EXPECT_THAT(http(lease.port(), "/healthz"), HasSubstr("200 OK"));
}

TEST(AgentVerbs, SystemdIsToldThatItRunsLivesAndStops) {
    Site site;
    NotifySocket socket(site.path("notify").string());
    Agent agent(site, {.environment = {{"NOTIFY_SOCKET", site.path("notify").string()}}});
    EXPECT_TRUE(socket.receives("READY=1"));
    EXPECT_TRUE(socket.receives("WATCHDOG=1"));
    EXPECT_TRUE(socket.receives("STATUS=1 pipelines working"));
    agent.signal(SIGHUP);
    EXPECT_TRUE(socket.receives("RELOADING=1"));
    EXPECT_EQ(agent.stop(), 0);
    EXPECT_TRUE(socket.receives("STOPPING=1"));
}

// catalogue: F68
TEST(AgentVerbs, AReloadAppliesTheLevelAndRefusesTheRestByName) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.max_bytes = "128MiB";
    site.write();
    agent.signal(SIGHUP);
    EXPECT_TRUE(agent.logs("buffer.max_bytes"));
    write_file(site.path("tributary.yaml"), "agent: {idd: x}\n");
    agent.signal(SIGHUP);
    EXPECT_TRUE(agent.logs_error("config_invalid"));
    site.insert(1, 10);
    expect_exactly(site, 10);
    site.max_bytes = "64MiB";
    site.level = "warn";
    site.write();
    agent.signal(SIGHUP);
    const std::string before = agent.log();
    EXPECT_EQ(agent.stop(), 0);
    EXPECT_THAT(agent.log().substr(before.size()), Not(HasSubstr("\"message\":\"stopping\"")));
}

}  // namespace
}  // namespace tributary::agent_testing
