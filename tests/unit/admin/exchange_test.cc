// Who may ask from where; bytes that come in pieces.
#include "admin/exchange.h"

#include <gtest/gtest.h>

#include "hand_control.h"
#include "ports/quiet_observer.h"

namespace tributary::admin {
namespace {

class ExchangeTest : public testing::Test {
  protected:
    // The answer's status, or 0 while more is wanted.
    unsigned ask(Place place, std::string_view bytes) {
        Exchange exchange(api_, place);
        if (!exchange.take(bytes)) {
            return 0;
        }
        answer_ = exchange.answer();
        return static_cast<unsigned>(std::stoul(answer_.substr(9, 3)));
    }
    unsigned with_token(std::string_view authorization) {
        return ask(
            Place::network,
            "GET /metrics HTTP/1.1\r\nAuthorization: " + std::string(authorization) + "\r\n\r\n");
    }

    HandControl control_;
    QuietObserver observer_;
    Api api_{.control = control_,
             .metrics = [] { return std::string("m 1\n"); },
             .observer = observer_,
             .token = "of-the-test"};
    std::string answer_;
};

TEST_F(ExchangeTest, the_network_is_answered_with_the_token_only) {
    EXPECT_EQ(with_token("Bearer of-the-test"), 200U);
    EXPECT_EQ(with_token("Bearer of-the-tes"), 401U);
    EXPECT_EQ(with_token("Bearer of-the-test2"), 401U);
    EXPECT_EQ(with_token("Bearer of-the-tesT"), 401U);
    EXPECT_EQ(with_token("Basic of-the-test"), 401U);
    EXPECT_EQ(with_token("Bearer "), 401U);
    EXPECT_EQ(with_token(""), 401U);
    EXPECT_NE(answer_.find("WWW-Authenticate: Bearer\r\n"), std::string::npos);
}

TEST_F(ExchangeTest, no_token_configured_is_no_way_in) {
    api_.token = "";
    EXPECT_EQ(with_token("Bearer "), 401U);
}

TEST_F(ExchangeTest, the_token_reads_and_changes_nothing) {
    constexpr std::string_view kReplay =
        "POST /v1/deadletter/5/replay HTTP/1.1\r\nAuthorization: Bearer of-the-test\r\n\r\n";
    EXPECT_EQ(ask(Place::network, kReplay), 403U);
    EXPECT_TRUE(control_.replayed.empty());
    EXPECT_EQ(ask(Place::unix_socket, kReplay), 200U);
    EXPECT_EQ(control_.replayed.size(), 1U);
}

TEST_F(ExchangeTest, a_request_is_answered_when_its_last_byte_is_there) {
    constexpr std::string_view kRequest =
        "POST /v1/deadletter/5/replay HTTP/1.1\r\nContent-Length: 2\r\n\r\nab";
    Exchange exchange(api_, Place::unix_socket);
    for (const char byte : kRequest.substr(0, kRequest.size() - 1)) {
        ASSERT_FALSE(exchange.take({&byte, 1}));
    }
    ASSERT_TRUE(exchange.take(kRequest.substr(kRequest.size() - 1)));
    EXPECT_TRUE(exchange.answer().starts_with("HTTP/1.1 200"));
}

}  // namespace
}  // namespace tributary::admin
