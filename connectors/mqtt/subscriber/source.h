// SubscriberSource: a broker's messages as a Source: the transport under SubscriberSession, whose
// steps become entries, side writes and packets. Acknowledgements leave when confirm() says that
// their entries are durable, so many messages are in flight over one fsync.
// Threads: ports/source.h; the Asio context runs inside poll(), idle() and open() alone.
// Spec: DESIGN 5 "MQTT".
#pragma once

#include <utility>  // Boost 1.74 Asio uses std::exchange without it

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/recurrence.h"
#include "connectors/mqtt/entry_writer.h"
#include "connectors/mqtt/net/transport.h"
#include "connectors/mqtt/options.h"
#include "connectors/mqtt/session/subscriber_session.h"
#include "connectors/mqtt/status/status.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/source.h"

namespace tributary::mqtt {

class SubscriberSource final : public Source {
  public:
    SubscriberSource(Options options, const Clock& clock, Observer& observer);
    ~SubscriberSource() override;

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
    Result<void> start_session(const StartPoint& start, const SideReader& side);
    Result<void> connect();
    Result<void> greet();
    Result<void> wait_for_handshake(SteadyTime deadline);
    Result<void> read(EntrySink* sink, std::size_t bytes_max);
    Result<void> tend(EntrySink* sink);
    // Carries out step_: entries, then packets. An error when the session ended the connection.
    Result<void> carry_out(EntrySink* sink);
    Result<void> flush();
    [[nodiscard]] Error contested() const;
    [[nodiscard]] bool still_answers();
    Result<void> ended(const std::string& why);
    void report();
    // Runs handlers; waits up to `wait` for one.
    void run(std::chrono::milliseconds wait);
    void arm_read();
    void arm_write();
    [[nodiscard]] std::chrono::milliseconds until_due(std::chrono::milliseconds wait) const;

    Options options_;
    const Clock& clock_;
    Observer& observer_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::atomic<bool> interrupted_{false};

    EntryWriter writer_;
    std::unique_ptr<SubscriberSession> session_;
    SubscriberCounters reported_;
    Step step_;
    IntakeNumber confirmed_ = 0;  // by confirm(), not yet told the session
    IntakeNumber told_ = 0;

    Recurrence takeovers_;
    bool taken_ = false;  // another client took the session, as the broker says or as we guess
    SteadyTime connected_at_;
    SteadyTime away_until_;

    std::unique_ptr<Status> status_;

    // Of the connection
    SslContext ssl_context_;
    std::optional<Transport> transport_;
    std::uint64_t connection_ = 0;  // handlers of an earlier one do nothing
    bool readable_ = false;
    bool read_armed_ = false;
    bool write_armed_ = false;
    bool subscribed_ = false;
    bool closing_ = false;  // the session wants it closed when all is written
    std::string out_;
    std::vector<char> buffer_;
};

}  // namespace tributary::mqtt
