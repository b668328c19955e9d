// ListenerSource: devices that have no broker, as a Source: acceptors and connections under the
// Listener state machine. PUBACK leaves when the message is on the disk (or in Kafka).
// A connection: [TLS handshake] -> open -> closing (what is written leaves, then the rest of what
// the device sends is thrown away for a moment, so that our last packet is not lost to a reset).
// Threads: ports/source.h; the Asio context runs inside poll() and idle() alone.
// Spec: DESIGN 5 "MQTT".
#pragma once

#include <utility>  // Boost 1.74 Asio uses std::exchange without it

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "connectors/mqtt/entry_writer.h"
#include "connectors/mqtt/listener/accounts.h"
#include "connectors/mqtt/net/transport.h"
#include "connectors/mqtt/options.h"
#include "connectors/mqtt/session/listener_session.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/source.h"

namespace tributary::mqtt {

class ListenerSource final : public Source {
  public:
    ListenerSource(Options options, const Clock& clock, Observer& observer);
    ~ListenerSource() override;

    [[nodiscard]] Result<void> open(const StartPoint& start, const SideReader& side) override;
    [[nodiscard]] Result<void> poll(EntrySink& sink, std::chrono::milliseconds wait) override;
    [[nodiscard]] Result<void> idle(std::chrono::milliseconds wait) override;
    void confirm(const Position& position) override;
    [[nodiscard]] Result<std::optional<Pressure>> pressure() override;
    void close(std::chrono::milliseconds budget) override;
    [[nodiscard]] Verdict reconcile(const LogExtent& log,
                                    const Checkpoint& checkpoint) const override;
    [[nodiscard]] std::unique_ptr<Decoder> make_decoder() const override;
    [[nodiscard]] std::string identity() const override;
    [[nodiscard]] std::string describe(const Position& position) const override;
    void interrupt() override;
    void progressed() override;

  private:
    enum class Stage : std::uint8_t { handshake, open, closing, gone };
    struct Connection {
        explicit Connection(Transport made) : transport(std::move(made)) {}
        Transport transport;
        std::string out;
        ConnectionId id = 0;  // the session's; valid while `known`
        Stage stage = Stage::handshake;
        bool known = false;  // the session knows it
        bool readable = false;
        bool read_armed = false;
        bool write_armed = false;
    };
    // Ours, never used again, so that late handlers find nothing.
    using Handle = std::uint64_t;
    struct Acceptor {
        explicit Acceptor(boost::asio::ip::tcp::acceptor made) : acceptor(std::move(made)) {}
        boost::asio::ip::tcp::acceptor acceptor;
        bool tls = false;
        bool ready = false;
        bool armed = false;
    };

    Result<void> start_session(const StartPoint& start, const SideReader& side);
    Result<void> bind(const Address& address);
    void accept_all();
    void admit(boost::asio::ip::tcp::socket socket, bool tls);
    void serve_ready(EntrySink* sink);
    void serve(Handle handle, EntrySink* sink);
    void shake_hands(Connection& connection, Handle handle);
    void welcome(Connection& connection, Handle handle);
    void read(Connection& connection, Handle handle, EntrySink* sink);
    void write(Connection& connection, Handle handle);
    void discard(Connection& connection, Handle handle);
    void part(Connection& connection, Handle handle, Stage stage);
    bool tell_parting();
    void tend(EntrySink* sink);
    void set_full(bool full, EntrySink* sink);
    void expire(SteadyTime now);
    void send_all();
    void carry_out(EntrySink* sink);
    void report();
    void run(std::chrono::milliseconds wait);
    void arm(Acceptor& acceptor);
    void arm_read(Connection& connection, Handle handle);
    void arm_write(Connection& connection, Handle handle);
    [[nodiscard]] Connection* find(Handle handle);
    [[nodiscard]] std::chrono::milliseconds until_due(std::chrono::milliseconds wait) const;

    Options options_;
    const Clock& clock_;
    Observer& observer_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;

    EntryWriter writer_;
    std::unique_ptr<Accounts> accounts_;
    std::unique_ptr<Listener> listener_;
    ListenerCounters reported_;
    Step step_;
    IntakeNumber confirmed_ = 0;
    IntakeNumber told_ = 0;

    SslContext ssl_context_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    std::unordered_map<Handle, std::unique_ptr<Connection>> connections_;
    std::unordered_map<ConnectionId, Handle> by_id_;
    Handle next_handle_ = 1;
    std::deque<Handle> ready_;
    // When what is still in that stage is given up; each in the order of its times.
    std::deque<std::pair<SteadyTime, Handle>> handshakes_;
    std::deque<std::pair<SteadyTime, Handle>> closings_;
    std::deque<Handle> partings_;  // the session is to be told, one at a time
    SteadyTime accept_again_{};    // after the system had no descriptor left
    SteadyTime report_again_{};
    std::optional<SteadyTime> paused_since_;
    bool full_ = false;
    std::vector<char> buffer_;
};

}  // namespace tributary::mqtt
