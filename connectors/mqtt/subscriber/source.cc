#include "connectors/mqtt/subscriber/source.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <random>
#include <span>

#include "base/assert.h"
#include "connectors/mqtt/decoder.h"
#include "connectors/mqtt/net/connect.h"
#include "connectors/mqtt/position.h"
#include "connectors/mqtt/routes/routes.h"
#include "connectors/mqtt/session/refusal.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 64U << 10U;
constexpr std::size_t kGreetingBytes = 2048;  // what may come with CONNACK waits in memory
constexpr std::size_t kPollBytesMax = 1U << 20U;
constexpr std::size_t kWaitingBytesMax = 256U << 10U;
constexpr std::uint16_t kWindow = 1000;
constexpr std::uint32_t kMessageBytesMax = 16U << 20U;
// A connection that is soon closed by a broker that takes the next one is one that another client
// took over, so many times within this long.
constexpr std::chrono::seconds kSoon{10};
constexpr std::chrono::seconds kAnswer{1};
constexpr std::size_t kTakeoversMax = 5;
constexpr std::chrono::minutes kTakeoverWindow{10};
constexpr std::chrono::seconds kAway{30};

RetainHandling retain_handling(RetainedChoice choice) {
    switch (choice) {
        case RetainedChoice::first:
            return RetainHandling::send_if_new;
        case RetainedChoice::always:
            return RetainHandling::send;
        case RetainedChoice::never:
            return RetainHandling::never;
    }
    return RetainHandling::send_if_new;
}

Result<SubscriberOptions> session_options(const Options& options) {
    SubscriberOptions out;
    out.version = options.protocol == Protocol::v5 ? Version::v5 : Version::v3_1_1;
    out.client_id = options.client_id;
    if (!options.username.empty()) {
        out.user_name = options.username;
    }
    if (!options.password.empty()) {
        out.password = options.password.reveal();
    }
    out.keep_alive = std::chrono::seconds(options.keepalive_s);
    out.session_expiry = std::chrono::seconds(options.session_expiry_s);
    out.connect_timeout = std::chrono::seconds(options.connect_timeout_s);
    out.window = options.receive_maximum == 0 ? kWindow
                                              : static_cast<std::uint16_t>(options.receive_maximum);
    out.packet_bytes_max =
        options.message_bytes_max == 0 ? kMessageBytesMax : options.message_bytes_max;
    TRIBUTARY_TRY(filters, subscriptions(options.routes));
    for (const RouteFilter& filter : filters) {
        out.filters.push_back({.filter = filter.filter,
                               .qos = static_cast<Qos>(filter.qos),
                               .retain_handling = retain_handling(options.retained),
                               .subscription_identifier = 0});
    }
    return out;
}

std::uint64_t random_run() {
    std::random_device random;
    return std::uint64_t{random()} << 32U | random();
}

}  // namespace

SubscriberSource::SubscriberSource(Options options, const Clock& clock, Observer& observer)
    : options_(std::move(options)),
      clock_(clock),
      observer_(observer),
      io_(1),
      work_(boost::asio::make_work_guard(io_)),
      writer_(random_run(), false),
      takeovers_(kTakeoversMax, kTakeoverWindow),
      buffer_(kReadBytes) {}

SubscriberSource::~SubscriberSource() {
    transport_.reset();
}

Result<void> SubscriberSource::open(const StartPoint& start, const SideReader& side) {
    interrupted_ = false;
    close(milliseconds(0));
    TRIBUTARY_TRY_VOID(start_session(start, side));
    if (clock_.now() < away_until_) {
        return contested();
    }
    const bool taken = std::exchange(taken_, false);
    auto opened = connect();
    if (opened && taken && takeovers_.happened(clock_.now())) {
        away_until_ = clock_.now() + kAway;
        close(milliseconds(0));
        return contested();
    }
    if (!opened) {
        close(milliseconds(0));
        return opened.error().at("source " + options_.name);
    }
    opened = greet();
    if (!opened) {
        close(milliseconds(0));
        return opened;
    }
    if (!status_ && !options_.status.topic.empty()) {
        status_ = std::make_unique<Status>(options_, observer_);
    }
    return opened;
}

// Two clients of one name would take the session from each other for ever.
Error SubscriberSource::contested() const {
    return {
        errors::kMqttSessionTaken,
        "source " + options_.name +
            ": the broker closes the connection again and again and takes the next one: another "
            "client may use client_id " +
            options_.client_id + "; not connecting for a while"};
}

// The session outlives connections: it knows what is on its way to the disk. A log that goes on
// elsewhere needs a new one.
Result<void> SubscriberSource::start_session(const StartPoint& start, const SideReader& side) {
    if (session_ && start.done == writer_.written()) {
        return success();
    }
    const auto place = decode_place(start.done);
    if (!place && !start.done.empty()) {
        return Error(errors::kSourceDiverged, "the stored position is not one of MQTT");
    }
    TRIBUTARY_TRY(options, session_options(options_));
    session_ = std::make_unique<SubscriberSession>(std::move(options));
    const IntakeNumber last = place ? place->number : 0;
    writer_.restart(start.done);
    confirmed_ = 0;
    told_ = 0;
    reported_ = {};
    return session_->restore(side, last, options_.ack_delivered ? 0 : last);
}

Result<void> SubscriberSource::connect() {
    const SteadyTime deadline = clock_.now() + std::chrono::seconds(options_.connect_timeout_s);
    if (options_.broker->tls && !ssl_context_) {
        TRIBUTARY_TRY(context, make_client_context(options_.tls));
        ssl_context_ = std::move(context);
    }
    TRIBUTARY_TRY(socket, connect_to(io_, *options_.broker, clock_, deadline, [this] {
                      return interrupted_.load();
                  }));
    ++connection_;
    readable_ = read_armed_ = write_armed_ = closing_ = subscribed_ = false;
    out_.clear();
    transport_.emplace(std::move(socket));
    connected_at_ = clock_.now();
    if (options_.broker->tls) {
        TRIBUTARY_TRY(
            ssl,
            make_client_session(
                ssl_context_.get(), transport_->socket().native_handle(), options_.broker->host));
        transport_->secure(std::move(ssl));
        TRIBUTARY_TRY_VOID(wait_for_handshake(deadline));
    }
    return success();
}

Result<void> SubscriberSource::wait_for_handshake(SteadyTime deadline) {
    for (;;) {
        const IoResult result = transport_->handshake();
        switch (result.state) {
            case IoState::done:
                return success();
            case IoState::want_read:
                readable_ = false;
                arm_read();
                break;
            case IoState::want_write:
                arm_write();
                break;
            case IoState::closed:
                return Error(errors::kSourceUnreachable, "the broker closed the TLS handshake");
            case IoState::failed:
                return Error(errors::kSourceTls, transport_->error());
        }
        if (clock_.now() >= deadline || interrupted_) {
            return Error(errors::kSourceUnreachable, "the TLS handshake took too long");
        }
        run(milliseconds(200));
    }
}

// CONNECT and CONNACK; the rest of the conversation is poll()'s.
Result<void> SubscriberSource::greet() {
    session_->opened(clock_.now(), step_);
    TRIBUTARY_TRY_VOID(carry_out(nullptr));
    while (session_->state() == SubscriberSession::State::connecting) {
        if (interrupted_) {
            return Error(errors::kSourceUnreachable, "interrupted");
        }
        TRIBUTARY_TRY_VOID(read(nullptr, kGreetingBytes));
        TRIBUTARY_TRY_VOID(tend(nullptr));
        if (session_->state() == SubscriberSession::State::connecting) {
            arm_read();
            run(until_due(milliseconds(200)));
        }
    }
    return success();
}

Result<void> SubscriberSource::poll(EntrySink& sink, milliseconds wait) {
    if (!transport_) {
        return Error(errors::kSourceUnreachable, "source " + options_.name + ": not connected");
    }
    writer_.begin_batch();
    writer_.flush(clock_.wall_time_us(), sink);
    run(milliseconds(0));
    TRIBUTARY_TRY_VOID(tend(&sink));
    const std::uint64_t before = writer_.bytes();
    arm_read();
    if (!readable_ || !session_->wants_read()) {
        run(writer_.bytes() == before ? until_due(wait) : milliseconds(0));
    }
    TRIBUTARY_TRY_VOID(read(&sink, kReadBytes));
    return tend(&sink);
}

Result<void> SubscriberSource::idle(milliseconds wait) {
    if (!transport_) {
        return Error(errors::kSourceUnreachable, "source " + options_.name + ": not connected");
    }
    run(milliseconds(0));
    TRIBUTARY_TRY_VOID(tend(nullptr));
    // A little is read still, so that the broker's answer to our ping is found; the window bounds
    // what is not acknowledged, and the rest waits with the broker.
    const bool reads = writer_.waiting_bytes() < kWaitingBytesMax && session_->wants_read();
    arm_read();
    run(until_due(wait));
    if (reads) {
        TRIBUTARY_TRY_VOID(read(nullptr, kGreetingBytes));
    }
    return tend(nullptr);
}

// Reads until nothing is left or the sink has enough, `chunk` bytes at a time.
Result<void> SubscriberSource::read(EntrySink* sink, std::size_t chunk) {
    std::size_t taken = 0;
    while (readable_ && session_->wants_read() && taken < kPollBytesMax &&
           (sink == nullptr || !sink->full())) {
        const IoResult result = transport_->read(std::span(buffer_).first(chunk));
        switch (result.state) {
            case IoState::done:
                break;
            case IoState::want_read:
                readable_ = false;
                return success();
            case IoState::want_write:
                arm_write();
                return success();
            case IoState::closed:
                return ended("the broker closed the connection");
            case IoState::failed:
                return ended(transport_->error());
        }
        taken += result.bytes;
        session_->received(clock_.now(), {buffer_.data(), result.bytes}, step_);
        TRIBUTARY_TRY_VOID(carry_out(sink));
        if (sink == nullptr && session_->state() != SubscriberSession::State::connecting) {
            return success();  // entries would wait in memory
        }
    }
    return success();
}

// What is due: acknowledgements of what became durable, timers, and what is left to write.
Result<void> SubscriberSource::tend(EntrySink* sink) {
    const SteadyTime now = clock_.now();
    if (readable_) {
        session_->heard(now);
    }
    if (confirmed_ > told_) {
        told_ = confirmed_;
        session_->durable(now, told_, step_);
        TRIBUTARY_TRY_VOID(carry_out(sink));
    }
    if (now >= session_->due()) {
        session_->tick(now, step_);
        TRIBUTARY_TRY_VOID(carry_out(sink));
    }
    return flush();
}

Result<void> SubscriberSource::carry_out(EntrySink* sink) {
    writer_.write(step_, clock_.wall_time_us(), sink);
    for (const Send& send : step_.sends) {
        out_ += step_.bytes(send);
        closing_ = closing_ || send.close_after;
    }
    step_.clear();
    report();
    if (closing_) {
        (void)flush();
        return ended("the session ended");
    }
    return flush();
}

Result<void> SubscriberSource::flush() {
    while (transport_ && !out_.empty()) {
        const IoResult result = transport_->write(out_);
        switch (result.state) {
            case IoState::done:
                out_.erase(0, result.bytes);
                break;
            case IoState::want_write:
                arm_write();
                return success();
            case IoState::want_read:
                return success();
            case IoState::closed:
                return ended("the broker closed the connection");
            case IoState::failed:
                return ended(transport_->error());
        }
    }
    return success();
}

Result<void> SubscriberSource::ended(const std::string& why) {
    transport_.reset();
    ++connection_;
    const auto failure = session_->failure();
    const bool running = session_->state() == SubscriberSession::State::running;
    const bool greeted = session_->state() != SubscriberSession::State::connecting;
    session_->lost(clock_.now());
    const std::string where = "source " + options_.name;
    // mosquitto 2.0.11 does not say it (DISCONNECT 0x8E), it closes the connection.
    taken_ = failure ? failure->is(errors::kMqttSessionTaken)
                     : running && clock_.now() - connected_at_ < kSoon && still_answers();
    if (failure) {
        return failure->at(where);
    }
    return Error(errors::kSourceUnreachable, where + ": " + why + (greeted ? "" : kOtherProtocol));
}

// A broker that died takes no connection for a moment.
bool SubscriberSource::still_answers() {
    return connect_to(io_,
                      *options_.broker,
                      clock_,
                      clock_.now() + kAnswer,
                      [this] { return interrupted_.load(); })
        .has_value();
}

void SubscriberSource::report() {
    const SubscriberCounters& now = session_->counters();
    if (!subscribed_ && session_->state() == SubscriberSession::State::running) {
        subscribed_ = true;
        observer_.log(LogLevel::info,
                      options_.name,
                      "subscribed",
                      {{"broker", to_string(*options_.broker)}, {"client_id", options_.client_id}});
    }
    if (now.sessions_lost > reported_.sessions_lost) {
        observer_.add(
            Counter::source_gaps, options_.name, now.sessions_lost - reported_.sessions_lost);
        observer_.log(LogLevel::error,
                      options_.name,
                      "the broker has forgotten our session: messages sent while we were away may "
                      "be missing",
                      {{"client_id", options_.client_id}});
    }
    if (now.redeliveries > reported_.redeliveries) {
        observer_.add(Counter::redeliveries_suppressed,
                      options_.name,
                      now.redeliveries - reported_.redeliveries);
    }
    reported_ = now;
}

void SubscriberSource::run(milliseconds wait) {
    io_.restart();
    if (wait.count() > 0) {
        io_.run_one_for(wait);
    }
    io_.poll();
}

void SubscriberSource::arm_read() {
    if (readable_ || read_armed_ || !transport_) {
        return;
    }
    read_armed_ = true;
    transport_->socket().async_wait(
        boost::asio::ip::tcp::socket::wait_read,
        [this, connection = connection_](boost::system::error_code /*error*/) {
            if (connection == connection_) {
                read_armed_ = false;
                readable_ = true;  // a read says what is wrong, if anything is
            }
        });
}

void SubscriberSource::arm_write() {
    if (write_armed_ || !transport_) {
        return;
    }
    write_armed_ = true;
    transport_->socket().async_wait(
        boost::asio::ip::tcp::socket::wait_write,
        [this, connection = connection_](boost::system::error_code /*error*/) {
            if (connection == connection_) {
                write_armed_ = false;
            }
        });
}

milliseconds SubscriberSource::until_due(milliseconds wait) const {
    const SteadyTime due = session_->due();
    if (due == SteadyTime::max()) {
        return wait;
    }
    const auto left = std::chrono::ceil<milliseconds>(due - clock_.now());
    return std::clamp(left, milliseconds(0), wait);
}

void SubscriberSource::confirm(const Position& position) {
    if (const auto place = decode_place(position)) {
        confirmed_ = std::max(confirmed_, place->number);
    }
}

Result<std::optional<Pressure>> SubscriberSource::pressure() {
    return std::optional<Pressure>();
}

void SubscriberSource::close(milliseconds budget) {
    if (budget.count() > 0) {
        status_.reset();  // it stays through reconnects
    }
    if (transport_) {
        session_->close(step_);
        writer_.write(step_, clock_.wall_time_us(), nullptr);
        for (const Send& send : step_.sends) {
            out_ += step_.bytes(send);
        }
        step_.clear();
        (void)transport_->write(out_);
        transport_.reset();
        session_->lost(clock_.now());
    }
    ++connection_;
}

// The newest checkpoint and the log are ordered by their sequences alone: our numbers say nothing
// of the broker.
Verdict SubscriberSource::reconcile(const LogExtent& log, const Checkpoint& checkpoint) const {
    const bool ours = (log.done.empty() || decode_place(log.done)) &&
                      (checkpoint.done.empty() || decode_place(checkpoint.done));
    return ours ? Verdict::resume : Verdict::diverged;
}

std::unique_ptr<Decoder> SubscriberSource::make_decoder() const {
    auto made = mqtt::make_decoder({.routes = options_.routes,
                                    .gaps_topic = options_.gaps_topic,
                                    .pipeline = options_.name,
                                    .clock = clock_,
                                    .observer = observer_});
    TRIBUTARY_ASSERT(made);  // read_options() compiled the same routes
    return std::move(made.value());
}

std::string SubscriberSource::identity() const {
    return "mqtt client " + options_.client_id;
}

std::string SubscriberSource::describe(const Position& position) const {
    return mqtt::describe(position);
}

void SubscriberSource::interrupt() {
    interrupted_ = true;
    progressed();
}

void SubscriberSource::progressed() {
    boost::asio::post(io_, [] {});
}

}  // namespace tributary::mqtt
