// The device of the kill tests reports a listener that answers wrongly, and only then: here the
// listener is canned bytes of MQTT 3.1.1.
#include "tests/servers/mqtt_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

namespace tributary::mqtt_testing {
namespace {

using servers::MqttDevice;
using std::chrono::milliseconds;
using testing::HasSubstr;
using namespace std::string_literals;  // NOLINT: byte strings with zeros

const std::string kNewSession = "\x20\x02\x00\x00"s;
const std::string kRefused = "\x20\x02\x00\x03"s;
const std::string kSessionPresent = "\x20\x02\x01\x00"s;

std::string ack(int type, int id) {
    return {static_cast<char>(type), '\2', '\0', static_cast<char>(id)};
}

class DeviceTest : public testing::Test {
  protected:
    DeviceTest() : acceptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = static_cast<sockaddr*>(static_cast<void*>(&address));
        EXPECT_EQ(::bind(acceptor_.get(), generic, size), 0);
        EXPECT_EQ(::listen(acceptor_.get(), 8), 0);
        EXPECT_EQ(::getsockname(acceptor_.get(), generic, &size), 0);
        port_ = ntohs(address.sin_port);
    }
    MqttDevice device(mqtt::Qos qos) {
        options_.port = port_;
        options_.qos = qos;
        return MqttDevice(options_);
    }
    void accept(MqttDevice& device) {
        device.turn(milliseconds(0));  // it connects; the kernel accepts
        peer_ = UniqueFd(::accept4(acceptor_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    void answer(MqttDevice& device, const std::string& bytes) {
        EXPECT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
        device.turn(milliseconds(5'000));
    }
    // Two messages, 1 and 2, are on their way.
    void begin(MqttDevice& device) {
        accept(device);
        answer(device, kNewSession);
        device.send("t", "a");
        device.send("t", "b");
    }

    MqttDevice::Options options_{.client_id = "dev", .version = mqtt::Version::v3_1_1};
    UniqueFd acceptor_;
    UniqueFd peer_;
    std::uint16_t port_ = 0;
};

TEST_F(DeviceTest, is_content_with_answers_in_their_order) {
    auto one = device(mqtt::Qos::at_least_once);
    begin(one);
    answer(one, ack(0x40, 1) + ack(0x40, 2));
    EXPECT_EQ(one.acknowledged(), 2U);
    auto two = device(mqtt::Qos::exactly_once);
    begin(two);
    answer(two, ack(0x50, 1) + ack(0x50, 2));
    answer(two, ack(0x70, 1));
    two.cut();
    accept(two);
    answer(two, kSessionPresent);
    EXPECT_EQ(two.sent_again(), 1U) << "the release of 2";
    answer(two, ack(0x70, 2));
    EXPECT_EQ(two.acknowledged(), 2U);
}

TEST_F(DeviceTest, fails_on_an_answer_that_is_not_the_next) {
    auto one = device(mqtt::Qos::at_least_once);
    begin(one);
    answer(one, ack(0x40, 2));
    EXPECT_THAT(one.wrong(), HasSubstr("which is not the next"));
    auto two = device(mqtt::Qos::exactly_once);
    begin(two);
    answer(two, ack(0x70, 1));
    EXPECT_THAT(two.wrong(), HasSubstr("which is not the next"));
}

TEST_F(DeviceTest, fails_on_a_second_answer) {
    auto one = device(mqtt::Qos::at_least_once);
    begin(one);
    answer(one, ack(0x40, 1) + ack(0x40, 1));
    EXPECT_THAT(one.wrong(), HasSubstr("which is not the next"));
    auto two = device(mqtt::Qos::exactly_once);
    begin(two);
    answer(two, ack(0x50, 1) + ack(0x70, 1) + ack(0x50, 1));
    EXPECT_THAT(two.wrong(), HasSubstr("which is not the next"));
}

TEST_F(DeviceTest, fails_on_a_lost_session_and_on_a_packet_before_connack) {
    auto one = device(mqtt::Qos::at_least_once);
    begin(one);
    one.cut();
    accept(one);
    answer(one, kNewSession);
    EXPECT_THAT(one.wrong(), HasSubstr("the session is lost"));
    auto two = device(mqtt::Qos::at_least_once);
    accept(two);
    answer(two, ack(0x40, 1));
    EXPECT_THAT(two.wrong(), HasSubstr("before CONNACK"));
}

TEST_F(DeviceTest, fails_on_being_turned_away_unless_that_may_be) {
    auto one = device(mqtt::Qos::at_least_once);
    accept(one);
    answer(one, kRefused);
    EXPECT_THAT(one.wrong(), HasSubstr("turned away with reason 136"));
    options_.may_be_turned_away = true;
    auto two = device(mqtt::Qos::at_least_once);
    accept(two);
    answer(two, kRefused);
    EXPECT_EQ(two.wrong(), "");
}

}  // namespace
}  // namespace tributary::mqtt_testing
