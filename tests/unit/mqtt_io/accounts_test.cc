// Who may connect to the listener, and what each may publish.
#include "connectors/mqtt/listener/accounts.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "connectors/mqtt/codec/codec.h"

namespace tributary::mqtt {
namespace {

// Made by mosquitto_passwd 2.0.11: password "secret".
constexpr const char* kPbkdf2 =
    "$7$101$9SHli+UOqU6Cu6ef$aYrGSoz2eAZONZIfyA3kkLmgOUBB4JU/"
    "fEAP9kwuCw7mURBefVFNJIPEdIWbDi9wAxmloeo0+D0KtpdPhApN4Q==";
constexpr const char* kSha512 =
    "$6$Do4j0hRFpOnmFhIG$au/jE3gQJMlfqa2mcRdY9ypwtjdnrWJgQNRr381oq7dZI7tD5WU/"
    "VvliyWpnW6TTNb+uQbe2DT8xZaKVBu/moA==";

class AccountsTest : public testing::Test {
  protected:
    AccountsTest()
        : file_(std::filesystem::temp_directory_path() /
                ("accounts-" + std::to_string(::getpid()))) {
        options_.listen.emplace();
        options_.listen->password_file = file_.string();
        RouteOptions route;
        route.match = "plant/{site}/{dev}";
        route.topic = "iot";
        options_.routes = {route};
        write(std::string("press:") + kPbkdf2 + "\n# a remark\n\nold:" + kSha512 + "\n");
    }
    ~AccountsTest() override { std::filesystem::remove(file_); }

    void write(const std::string& text) const { std::ofstream(file_) << text; }
    std::unique_ptr<Accounts> accounts() const {
        auto made = Accounts::make(options_);
        EXPECT_TRUE(made) << made.error().what();
        return std::move(made.value());
    }
    ReasonCode login(Accounts& accounts,
                     std::optional<std::string_view> user,
                     std::optional<std::string_view> password,
                     std::string_view certificate = "") {
        Connect connect;
        connect.user_name = user;
        connect.password = password;
        return accounts.authenticate(
            connect, pack_peer({"127.0.0.1", std::string(certificate)}), user_);
    }

    std::filesystem::path file_;
    Options options_;
    std::string user_;
};

TEST_F(AccountsTest, let_in_who_knows_the_password_that_mosquitto_passwd_hashed) {
    const auto made = accounts();
    EXPECT_EQ(login(*made, "press", "secret"), ReasonCode::success);
    EXPECT_EQ(user_, "press");
    EXPECT_EQ(login(*made, "old", "secret"), ReasonCode::success);
    EXPECT_EQ(login(*made, "press", "Secret"), ReasonCode::bad_user_name_or_password);
    EXPECT_EQ(login(*made, "press", std::nullopt), ReasonCode::bad_user_name_or_password);
    EXPECT_EQ(login(*made, "nobody", "secret"), ReasonCode::bad_user_name_or_password);
    EXPECT_EQ(login(*made, std::nullopt, std::nullopt), ReasonCode::not_authorized);
}

TEST_F(AccountsTest, let_in_the_nameless_only_when_told_so) {
    options_.listen->anonymous = true;
    const auto made = accounts();
    EXPECT_EQ(login(*made, std::nullopt, std::nullopt), ReasonCode::success);
    EXPECT_EQ(login(*made, "press", "wrong"), ReasonCode::bad_user_name_or_password);
}

TEST_F(AccountsTest, take_the_name_in_a_verified_certificate) {
    options_.tls.client_certificates = true;
    const auto made = accounts();
    EXPECT_EQ(login(*made, std::nullopt, std::nullopt, "press-9"), ReasonCode::success);
    EXPECT_EQ(user_, "press-9");
}

TEST_F(AccountsTest, name_the_line_that_is_no_account) {
    write("press:plain text\n");
    const auto made = Accounts::make(options_);
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().what().find(":1:"), std::string::npos);
    options_.listen->password_file += ".missing";
    EXPECT_FALSE(Accounts::make(options_));
}

TEST_F(AccountsTest, allow_topics_that_a_row_and_a_route_take) {
    const auto open = accounts();
    EXPECT_TRUE(open->may_publish("press", "c", "plant/n/1"));
    EXPECT_FALSE(open->may_publish("press", "c", "elsewhere"));
    options_.listen->acl = {{"press", {"plant/+/{client}"}}, {"*", {"plant/public/#"}}};
    const auto listed = accounts();
    EXPECT_TRUE(listed->may_publish("press", "c", "plant/n/c"));
    EXPECT_FALSE(listed->may_publish("press", "c", "plant/n/d"));
    EXPECT_FALSE(listed->may_publish("other", "c", "plant/n/c"));
    EXPECT_TRUE(listed->may_publish("other", "c", "plant/public/x"));
}

TEST(Acl, compares_names_as_levels_whatever_they_hold) {
    EXPECT_TRUE(acl_allows("a/{user}", "u", "c", "a/u"));
    EXPECT_FALSE(acl_allows("a/{user}", "+", "c", "a/u")) << "a name is no wildcard";
    EXPECT_FALSE(acl_allows("a/{user}", "#", "c", "a/u/v"));
    EXPECT_FALSE(acl_allows("a/{user}", "", "c", "a/"));
    EXPECT_TRUE(acl_allows("a/#", "u", "c", "a"));
    EXPECT_TRUE(acl_allows("a/#", "u", "c", "a/b/c"));
    EXPECT_FALSE(acl_allows("#", "u", "c", "$SYS/x"));
    EXPECT_FALSE(acl_allows("a/b", "u", "c", "a"));
    EXPECT_FALSE(acl_allows("a", "u", "c", "a/b"));
}

TEST(PasswordHash, of_another_form_is_none) {
    for (const char* text : {"",
                             "secret",
                             "$5$a$b",
                             "$7$0$YQ==$YQ==",
                             "$7$x$YQ==$YQ==",
                             "$6$$",
                             "$6$YQ==$YQ==",
                             "$7$101$!$!"}) {
        EXPECT_FALSE(parse_password_hash(text)) << text;
    }
}

}  // namespace
}  // namespace tributary::mqtt
