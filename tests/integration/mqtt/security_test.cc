// TLS, passwords, certificates and access lists, on both sides; the agent's status at the broker;
// `tributary check`.
#include <gtest/gtest.h>

#include "tests/integration/mqtt/rig.h"

namespace tributary::mqtt_testing {
namespace {

namespace fs = std::filesystem;

servers::Mosquitto& guarded() {
    static servers::TemporaryDirectory directory("tributary-guarded");
    static servers::Mosquitto broker({.directory = directory.path() / "broker",
                                      .users = {{"gw", "right"}, {"dev", "devpass"}},
                                      .tls = true});
    return broker;
}

const fs::path& certificates() {
    static servers::TemporaryDirectory directory("tributary-certificates");
    static const bool made = [] {
        servers::make_certificates(directory.path() / "c", "press-1");
        return true;
    }();
    static const fs::path folder = directory.path() / "c";
    EXPECT_TRUE(made);
    return folder;
}

// A site at the guarded broker, over TLS, with that password and authority.
void subscribe_guarded(Site& site, const std::string& password, const std::string& ca) {
    agent_testing::write_file(site.path("password"), password);
    site.lines = {"broker: " + guarded().tls_url(),
                  "client_id: " + site.name,
                  "username: gw",
                  "password: \"${file:" + site.path("password").string() + "}\"",
                  "tls: {ca: " + ca + "}"};
}

std::string guarded_ca() {
    return (guarded().log_file().parent_path() / "certificates/ca.crt").string();
}

TEST(Tls, and_a_password_bring_the_agent_in_at_a_broker) {
    Site site;
    subscribe_guarded(site, "right", guarded_ca());
    const Agent agent(site);
    ASSERT_TRUE(agent.logs("subscribed"));
    Publisher publisher({.url = guarded().url(),
                         .client_id = site.name + "-p",
                         .user = "dev",
                         .password = "devpass"});
    publisher.send(site.mqtt_topic(), "v0");
    EXPECT_TRUE(publisher.settle());
    expect_once_each(site.topic(), "v", 1);
}

// catalogue: F40
TEST(Tls, of_a_broker_that_nobody_vouches_for_is_refused) {
    Site site;
    subscribe_guarded(site, "right", (certificates() / "ca.crt").string());
    const Agent agent(site);
    EXPECT_TRUE(agent.logs("\"error\":\"source_tls\""));
    EXPECT_EQ(agent.log().find("subscribed"), std::string::npos);
}

TEST(Password, that_is_wrong_is_named_and_not_shown) {
    Site site;
    subscribe_guarded(site, "not-the-password", guarded_ca());
    const Agent agent(site);
    EXPECT_TRUE(agent.logs("\"error\":\"mqtt_auth\""));
    EXPECT_EQ(agent.log().find("not-the-password"), std::string::npos);
}

// Whether a device gets in at the site's listener.
bool gets_in(const Site& site,
             const std::string& client_id,
             const paho::ssl_options* ssl,
             const std::string& user = {},
             const std::string& password = {}) {
    paho::async_client client((ssl == nullptr ? "tcp://" : "ssl://") + std::string("127.0.0.1:") +
                                  std::to_string(site.listener_port()),
                              client_id);
    paho::connect_options options;
    options.set_clean_session(true);
    options.set_connect_timeout(5);
    if (ssl != nullptr) {
        options.set_ssl(*ssl);
    }
    if (!user.empty()) {
        options.set_user_name(user);
        options.set_password(password);
    }
    try {
        client.connect(options)->wait();
        client.publish(site.mqtt_topic(client_id), "v0", 1, false)->wait();
        client.disconnect()->wait();
        return true;
    } catch (const paho::exception&) {
        return false;
    }
}

TEST(Certificates, name_the_devices_of_the_listener) {
    Site site;
    const std::string folder = certificates().string();
    site.lines = {
        "listener: {addresses: ['mqtts://127.0.0.1:" + std::to_string(site.listener_port()) +
            "'], acl: [{user: press-1, publish: ['" + site.name + "/{user}']}]}",
        "tls: {ca: " + folder + "/ca.crt, cert: " + folder + "/server.crt, key: " + folder +
            "/server.key, client_certificates: true}"};
    const Agent agent(site);
    ASSERT_TRUE(agent.ready());
    paho::ssl_options ssl;
    ssl.set_trust_store(folder + "/ca.crt");
    ssl.set_enable_server_cert_auth(true);
    EXPECT_FALSE(gets_in(site, "press-1", &ssl)) << "without a certificate";
    EXPECT_FALSE(gets_in(site, "press-1", nullptr)) << "without TLS";
    ssl.set_key_store(folder + "/client.crt");
    ssl.set_private_key(folder + "/client.key");
    EXPECT_TRUE(gets_in(site, "press-1", &ssl));
    EXPECT_FALSE(gets_in(site, "press-2", &ssl)) << "another's topic";
    expect_once_each(site.topic(), "v", 1);
}

TEST(PasswordFile, of_mosquitto_passwd_lets_devices_in) {
    Site site;
    agent_testing::write_file(site.path("devices"), "");
    servers::run_to_end(
        {.command = {"mosquitto_passwd", "-b", site.path("devices").string(), "press-1", "secret"},
         .output_file = site.path("passwd.log")},
        seconds(20));
    site.lines = {"listener: {addresses: ['" + site.listener_url() +
                  "'], password_file: " + site.path("devices").string() + "}"};
    const Agent agent(site);
    ASSERT_TRUE(agent.ready());
    EXPECT_TRUE(gets_in(site, "d1", nullptr, "press-1", "secret"));
    EXPECT_FALSE(gets_in(site, "d2", nullptr, "press-1", "wrong"));
    EXPECT_FALSE(gets_in(site, "d3", nullptr));
    expect_once_each(site.topic(), "v", 1);
}

// The retained message at `topic` of the common broker.
std::string retained(const Site& site, const std::string& topic) {
    static int number = 0;
    const fs::path output = site.path("retained" + std::to_string(++number));
    auto process = servers::Process::spawn({.command = {"mosquitto_sub",
                                                        "-p",
                                                        std::to_string(mosquitto().port()),
                                                        "-t",
                                                        topic,
                                                        "-C",
                                                        "1",
                                                        "-W",
                                                        "5"},
                                            .output_file = output});
    (void)process.wait(seconds(10));
    return agent_testing::read_file(output);
}

TEST(Status, is_told_to_the_broker_and_by_it_when_the_agent_dies) {
    Site site;
    site.subscribe();
    site.lines.push_back("status: {topic: agents/" + site.name + "}");
    const std::string topic = "agents/" + site.name;
    Agent agent(site);
    ASSERT_TRUE(agent.logs("subscribed"));
    EXPECT_TRUE(servers::poll_until(kPatience,
                                    [&] { return retained(site, topic).starts_with("online"); }));
    agent.kill9();
    EXPECT_TRUE(servers::poll_until(kPatience,
                                    [&] { return retained(site, topic).starts_with("offline"); }));
    Agent next(site);
    EXPECT_TRUE(servers::poll_until(kPatience,
                                    [&] { return retained(site, topic).starts_with("online"); }));
    EXPECT_EQ(next.stop(), 0);
    EXPECT_TRUE(retained(site, topic).starts_with("offline"));
}

std::string check(const Site& site) {
    site.write();
    const fs::path output = site.path("check.out");
    auto process = servers::Process::spawn(
        {.command = {TRIBUTARY_COMMAND, "-c", site.path("tributary.yaml").string(), "check"},
         .output_file = output});
    (void)process.wait(kPatience);
    return agent_testing::read_file(output);
}

TEST(Tls, and_a_certificate_of_ours_bring_the_agent_in_at_a_broker_that_wants_one) {
    const servers::TemporaryDirectory directory("tributary-strict");
    const servers::Mosquitto broker(
        {.directory = directory.path() / "broker", .tls = true, .client_certificates = true});
    const std::string folder = (directory.path() / "broker/certificates").string();
    Site site;
    const auto with = [&](const std::string& own) {
        site.lines = {"broker: " + broker.tls_url(),
                      "client_id: " + site.name,
                      "tls: {ca: " + folder + "/ca.crt" + own + "}"};
    };
    with("");
    EXPECT_NE(check(site).find("may want a certificate of ours"), std::string::npos) << check(site);
    with(", cert: " + folder + "/client.crt, key: " + folder + "/client.key");
    EXPECT_NE(check(site).find("lets this user in"), std::string::npos) << check(site);
    const Agent agent(site);
    ASSERT_TRUE(agent.logs("subscribed"));
    Publisher publisher({.url = broker.url(), .client_id = site.name + "-p"});
    publisher.send(site.mqtt_topic(), "v0");
    EXPECT_TRUE(publisher.settle());
    expect_once_each(site.topic(), "v", 1);
}

TEST(Check, tells_whether_the_broker_lets_the_agent_in) {
    Site good;
    subscribe_guarded(good, "right", guarded_ca());
    EXPECT_NE(check(good).find("lets this user in"), std::string::npos) << check(good);
    Site bad;
    subscribe_guarded(bad, "wrong", guarded_ca());
    EXPECT_NE(check(bad).find("refused the connection"), std::string::npos) << check(bad);
    Site listener;
    listener.listen();
    EXPECT_NE(check(listener).find("can be bound"), std::string::npos) << check(listener);
}

}  // namespace
}  // namespace tributary::mqtt_testing
