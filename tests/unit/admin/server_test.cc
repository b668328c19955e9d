// The transport under good and hostile clients, on real sockets.
#include "admin/server.h"

#include <arpa/inet.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "admin/client.h"
#include "base/unique_fd.h"
#include "hand_control.h"
#include "ports/quiet_observer.h"

namespace tributary::admin {
namespace {

class ServerTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "tributary_admin_XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        socket_ = (folder_ / "admin.sock").string();
    }
    void TearDown() override {
        if (server_) {
            server_->stop();
            thread_.join();
        }
        std::filesystem::remove_all(folder_);
    }

    Result<std::unique_ptr<Server>> listen(const std::string& address) {
        return Server::listen(
            {address}, network_, control_, [] { return std::string("m 1\n"); }, observer_);
    }
    void start(const std::string& address) {
        auto server = listen(address);
        ASSERT_TRUE(server.has_value()) << server.error().what();
        server_ = std::move(server.value());
        thread_ = std::thread([this] { server_->run(); });
    }
    void start() { start("unix:" + socket_); }

    // A connection to the unix socket.
    [[nodiscard]] UniqueFd connect_unix() const {
        UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
        // bind(2) and connect(2) take every family through this type.
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        return fd;
    }
    [[nodiscard]] UniqueFd connect_tcp() const {
        const std::string& bound = server_->bound().at(0);
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port =
            htons(static_cast<std::uint16_t>(std::stoi(bound.substr(bound.rfind(':') + 1))));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        return fd;
    }
    // Sends all of it; a server that hung up meanwhile is fine.
    static void send(const UniqueFd& fd, std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    // Everything until the server closes.
    static std::string receive(const UniqueFd& fd) {
        std::string out;
        std::array<char, 4096> chunk{};
        for (;;) {
            const ssize_t got = ::recv(fd.get(), chunk.data(), chunk.size(), 0);
            if (got <= 0) {
                return out;
            }
            out.append(chunk.data(), static_cast<std::size_t>(got));
        }
    }
    // A certificate of its own.
    [[nodiscard]] Network make_network() const {
        Network out{.certificate = (folder_ / "cert.pem").string(),
                    .key = (folder_ / "key.pem").string(),
                    .token = "of-the-test"};
        const std::string command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 "
            "-subj /CN=gw -out " +
            out.certificate + " -keyout " + out.key + " 2>/dev/null";
        EXPECT_EQ(std::system(command.c_str()), 0);
        return out;
    }
    // The answer to GET /metrics with these header lines.
    [[nodiscard]] std::string ask_by_tls(const std::string& header) const {
        const UniqueFd fd = connect_tcp();
        const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
            SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
        const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), SSL_free);
        EXPECT_EQ(SSL_set_fd(session.get(), fd.get()), 1);
        EXPECT_EQ(SSL_connect(session.get()), 1);
        const std::string request = "GET /metrics HTTP/1.1\r\n" + header + "\r\n";
        EXPECT_GT(SSL_write(session.get(), request.data(), static_cast<int>(request.size())), 0);
        std::string out;
        std::array<char, 4096> chunk{};
        for (;;) {
            const int got = SSL_read(session.get(), chunk.data(), chunk.size());
            if (got <= 0) {
                EXPECT_EQ(SSL_get_error(session.get(), got), SSL_ERROR_ZERO_RETURN);
                SSL_shutdown(session.get());
                return out;
            }
            out.append(chunk.data(), static_cast<std::size_t>(got));
        }
    }
    std::string exchange(std::string_view bytes) {
        const UniqueFd fd = connect_unix();
        send(fd, bytes);
        return receive(fd);
    }

    std::filesystem::path folder_;
    std::string socket_;
    Network network_;
    HandControl control_;
    QuietObserver observer_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

TEST_F(ServerTest, the_client_gets_the_body_of_an_answer) {
    start();
    const auto body = request("unix:" + socket_, "GET", "/metrics");
    ASSERT_TRUE(body.has_value()) << body.error().what();
    EXPECT_EQ(body.value(), "m 1\n");
}

TEST_F(ServerTest, the_client_gets_the_error_that_the_agent_named) {
    start();
    const auto verify = request(socket_, "POST", "/v1/verify");
    ASSERT_FALSE(verify.has_value());
    EXPECT_TRUE(verify.error().is(errors::kEntryCorrupt));
    EXPECT_EQ(verify.error().what(), "sequence 7");
    const auto missing = request(socket_, "GET", "/nothing");
    ASSERT_FALSE(missing.has_value());
    EXPECT_TRUE(missing.error().is(errors::kAdminUnavailable));
}

TEST_F(ServerTest, the_client_says_when_nobody_answers) {
    const auto none = request(socket_, "GET", "/metrics");
    ASSERT_FALSE(none.has_value());
    EXPECT_TRUE(none.error().is(errors::kAdminUnavailable));
    EXPECT_NE(none.error().what().find("no such socket"), std::string::npos) << none.error().what();
    {
        const UniqueFd left_behind(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
        ASSERT_EQ(
            ::bind(left_behind.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
            0);
    }
    const auto refused = request(socket_, "GET", "/metrics");
    ASSERT_FALSE(refused.has_value());
    EXPECT_TRUE(refused.error().is(errors::kAdminUnavailable));
    EXPECT_NE(refused.error().what().find("no process listens"), std::string::npos)
        << refused.error().what();
    EXPECT_FALSE(request(std::string(200, 'x'), "GET", "/metrics").has_value());
}

// A user that may search the directory but not use the socket, and one that may do neither.
TEST_F(ServerTest, the_client_says_when_its_user_may_not_ask_and_who_may) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can become another user";
    }
    start();
    std::vector<gid_t> groups(64);
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    ASSERT_GE(count, 0);
    groups.resize(static_cast<std::size_t>(count));
    const std::string directory = socket_.substr(0, socket_.rfind('/'));
    for (const mode_t mode : {mode_t{0755}, mode_t{0700}}) {
        ASSERT_EQ(::chmod(directory.c_str(), mode), 0);
        ASSERT_EQ(::setgroups(0, nullptr), 0);
        ASSERT_EQ(::setegid(65534), 0);
        ASSERT_EQ(::seteuid(65534), 0);
        const auto denied = request(socket_, "GET", "/metrics");
        ASSERT_EQ(::seteuid(0), 0);
        ASSERT_EQ(::setegid(0), 0);
        ASSERT_EQ(::setgroups(groups.size(), groups.data()), 0);
        ASSERT_FALSE(denied.has_value());
        EXPECT_TRUE(denied.error().is(errors::kAdminDenied)) << denied.error().message();
        EXPECT_NE(denied.error().what().find("user root and group root"), std::string::npos)
            << denied.error().what();
    }
}

TEST_F(ServerTest, the_client_escapes_what_people_call_their_sources) {
    start();
    const std::string name = "line [1] (a+b)*? \xC3\xA4&x=y%";
    ASSERT_TRUE(request(socket_, "GET", "/v1/buffer/peek?pipeline=" + escape(name)).has_value());
    EXPECT_EQ(control_.asked, name + " 0 100");
    const auto raw = request(socket_, "GET", "/v1/buffer/peek?pipeline=[");
    ASSERT_FALSE(raw.has_value());
    EXPECT_TRUE(raw.error().is(errors::kArgumentInvalid)) << raw.error().message();
}

TEST_F(ServerTest, the_socket_is_for_owner_and_group_only) {
    start();
    struct stat status {};
    ASSERT_EQ(::stat(socket_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0660U);
}

TEST_F(ServerTest, a_stale_socket_is_replaced_a_living_one_and_a_file_are_not) {
    {
        UniqueFd stale(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
        ASSERT_EQ(::bind(stale.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    }
    start();
    EXPECT_FALSE(listen("unix:" + socket_).has_value());
    EXPECT_TRUE(request(socket_, "GET", "/healthz").has_value());
    const std::string file = (folder_ / "precious").string();
    std::ofstream(file) << "x";
    EXPECT_FALSE(listen("unix:" + file).has_value());
    EXPECT_TRUE(std::filesystem::is_regular_file(file));
}

TEST_F(ServerTest, without_tls_and_token_only_loopback_addresses_are_taken) {
    EXPECT_TRUE(listen("127.0.0.1:0").has_value());
    for (const char* address : {"0.0.0.0:0",
                                "10.1.2.3:0",
                                "[::]:0",
                                "localhost:0",
                                "127.0.0.1",
                                "127.0.0.1:65536",
                                "127.0.0.1:7x"}) {
        const auto server = listen(address);
        ASSERT_FALSE(server.has_value()) << address;
        EXPECT_TRUE(server.error().is(errors::kConfigInvalid));
    }
}

TEST_F(ServerTest, over_tcp_changing_verbs_and_foreign_names_are_refused) {
    start("127.0.0.1:0");
    const auto ask = [&](std::string_view request) {
        const UniqueFd fd = connect_tcp();
        send(fd, request);
        return receive(fd).substr(0, 12);
    };
    EXPECT_EQ(ask("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:7070\r\n\r\n"), "HTTP/1.1 200");
    EXPECT_EQ(ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"), "HTTP/1.1 200");
    EXPECT_EQ(ask("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n"), "HTTP/1.1 403");
    EXPECT_EQ(ask("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n"), "HTTP/1.1 403");
    EXPECT_EQ(ask("GET /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 403");
    EXPECT_EQ(ask("POST /v1/deadletter/5/replay HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              "HTTP/1.1 403");
    EXPECT_TRUE(control_.replayed.empty());
}

// IPv6's form of an IPv4 loopback counts as none, so that this test need not leave the machine.
constexpr const char* kBeyondLoopback = "[::ffff:127.0.0.1]:0";

TEST_F(ServerTest, beyond_loopback_it_speaks_tls_and_asks_for_the_token) {
    network_ = make_network();
    start(kBeyondLoopback);
    EXPECT_EQ(ask_by_tls("Authorization: Bearer of-the-test\r\n").substr(0, 12), "HTTP/1.1 200");
    EXPECT_EQ(ask_by_tls("").substr(0, 12), "HTTP/1.1 401");
    const UniqueFd plain = connect_tcp();
    send(plain, "GET /metrics HTTP/1.1\r\nAuthorization: Bearer of-the-test\r\n\r\n");
    EXPECT_EQ(receive(plain).find("HTTP"), std::string::npos);
}

TEST_F(ServerTest, beyond_loopback_it_does_not_begin_without_all_of_it) {
    const Network whole = make_network();
    for (const auto part : {&Network::certificate, &Network::key, &Network::token}) {
        network_ = whole;
        network_.*part = "";
        EXPECT_FALSE(listen(kBeyondLoopback).has_value());
    }
    network_ = whole;
    network_.key = whole.certificate;
    EXPECT_FALSE(listen(kBeyondLoopback).has_value());
}

TEST_F(ServerTest, oversize_and_malformed_requests_are_refused_and_closed) {
    start();
    EXPECT_EQ(exchange("GET /metrics HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n")
                  .substr(0, 12),
              "HTTP/1.1 431");
    EXPECT_EQ(exchange("POST /v1/verify HTTP/1.1\r\nContent-Length: 5000\r\n\r\n").substr(0, 12),
              "HTTP/1.1 413");
    EXPECT_EQ(exchange("\x16\x03\x01 hello\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
    EXPECT_EQ(exchange("FROB /metrics HTTP/1.1\r\n\r\n").substr(0, 12), "HTTP/1.1 405");
    EXPECT_EQ(exchange("GET /metrics HTTP/1.1\r\nX: " + std::string(6000, 'x') + "\r\n\r\n")
                  .substr(0, 12),
              "HTTP/1.1 200");
}

TEST_F(ServerTest, a_client_that_sends_nothing_is_cut_and_holds_nobody_up) {
    start();
    const UniqueFd silent = connect_unix();
    const UniqueFd half = connect_unix();
    send(half, "GET /metrics HTTP/1.1\r\nHo");
    EXPECT_TRUE(request(socket_, "GET", "/metrics").has_value());
    EXPECT_EQ(receive(silent), "");  // returns when the server closes, after its 5 s
    EXPECT_EQ(receive(half), "");
}

TEST_F(ServerTest, connections_beyond_the_bound_are_closed_until_others_end) {
    start();
    constexpr std::size_t kConnectionsMax = 32;
    std::vector<UniqueFd> held;
    for (std::size_t i = 0; i < kConnectionsMax; ++i) {
        held.push_back(connect_unix());
    }
    EXPECT_FALSE(request(socket_, "GET", "/metrics").has_value());
    send(held.front(), "GET /metrics HTTP/1.1\r\n\r\n");
    EXPECT_NE(receive(held.front()), "");
    // The server counts the connection out when it has sent the answer's last byte and closed.
    EXPECT_TRUE(request(socket_, "GET", "/metrics").has_value());
}

TEST_F(ServerTest, stop_before_run_ends_it) {
    auto server = listen("unix:" + socket_);
    ASSERT_TRUE(server.has_value());
    server.value()->stop();
    server.value()->run();
}

}  // namespace
}  // namespace tributary::admin
