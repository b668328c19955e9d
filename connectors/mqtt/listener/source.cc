#include "connectors/mqtt/listener/source.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <random>
#include <span>

#include "base/assert.h"
#include "connectors/mqtt/decoder.h"
#include "connectors/mqtt/net/connect.h"
#include "connectors/mqtt/position.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 64U << 10U;
constexpr std::size_t kPollBytesMax = 1U << 20U;
constexpr std::uint16_t kWindow = 100;
constexpr std::uint32_t kMessageBytesMax = 256U << 10U;
constexpr int kAcceptsMax = 256;  // of one round
// A pause this long is a full log, not a busy one.
constexpr std::chrono::seconds kFullAfter{1};
constexpr std::chrono::seconds kClosingLimit{2};
constexpr milliseconds kAcceptPause{200};
constexpr std::chrono::seconds kReportInterval{10};

std::uint64_t random_number() {
    std::random_device random;
    return std::uint64_t{random()} << 32U | random();
}

ListenerOptions session_options(const Options& options) {
    ListenerOptions out;
    out.receive_maximum = options.receive_maximum == 0
                              ? kWindow
                              : static_cast<std::uint16_t>(options.receive_maximum);
    out.packet_bytes_max =
        options.message_bytes_max == 0 ? kMessageBytesMax : options.message_bytes_max;
    out.connections_max = options.listen->connections_max;
    out.sessions_max = options.listen->sessions_max;
    out.connect_timeout = std::chrono::seconds(options.connect_timeout_s);
    out.messages_per_second_max = options.listen->messages_per_second_max;
    out.keep_alive_max = std::chrono::seconds(options.listen->keep_alive_max_s);
    out.assigned_client_id_prefix = "tributary-" + std::to_string(random_number()) + "-";
    return out;
}

// Each device needs a descriptor; the soft limit is a default of another age.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

}  // namespace

ListenerSource::ListenerSource(Options options, const Clock& clock, Observer& observer)
    : options_(std::move(options)),
      clock_(clock),
      observer_(observer),
      io_(1),
      work_(boost::asio::make_work_guard(io_)),
      writer_(random_number(), true),
      buffer_(kReadBytes) {}

ListenerSource::~ListenerSource() {
    connections_.clear();
    acceptors_.clear();
}

Result<void> ListenerSource::open(const StartPoint& start, const SideReader& side) {
    close(milliseconds(0));
    raise_descriptor_limit();
    auto opened = start_session(start, side);
    for (std::size_t at = 0; opened && at < options_.listen->addresses.size(); ++at) {
        opened = bind(options_.listen->addresses[at]);
    }
    if (!opened) {
        close(milliseconds(0));
        return opened.error().at("source " + options_.name);
    }
    return opened;
}

Result<void> ListenerSource::start_session(const StartPoint& start, const SideReader& side) {
    TRIBUTARY_TRY(accounts, Accounts::make(options_));
    const auto place = decode_place(start.done);
    if (!place && !start.done.empty()) {
        return Error(errors::kSourceDiverged, "the stored position is not one of MQTT");
    }
    // Connections are gone, so that nothing is lost with the machine that knew them, except what
    // waits to be written; the log knows the rest.
    if (listener_ && start.done == writer_.written()) {
        return success();
    }
    accounts_ = std::move(accounts);
    listener_ = std::make_unique<Listener>(session_options(options_), *accounts_);
    const IntakeNumber last = place ? place->number : 0;
    writer_.restart(start.done);
    confirmed_ = 0;
    told_ = 0;
    reported_ = {};
    return listener_->restore(side, last, options_.ack_delivered ? 0 : last, clock_.now());
}

Result<void> ListenerSource::bind(const Address& address) {
    if (address.tls && !ssl_context_) {
        TRIBUTARY_TRY(context, make_server_context(options_.tls));
        ssl_context_ = std::move(context);
    }
    boost::system::error_code error;
    tcp::acceptor acceptor(io_);
    const auto ip = boost::asio::ip::make_address(address.host, error);
    if (!error) {
        const tcp::endpoint endpoint(ip, address.port);
        acceptor.open(endpoint.protocol(), error);
        if (!error) {
            acceptor.set_option(tcp::acceptor::reuse_address(true), error);
        }
        if (!error) {
            acceptor.bind(endpoint, error);
        }
        if (!error) {
            acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
        }
        if (!error) {
            acceptor.non_blocking(true, error);
        }
    }
    if (error) {
        return Error(errors::kMqttListen, to_string(address) + ": " + error.message());
    }
    acceptors_.push_back(std::make_unique<Acceptor>(std::move(acceptor)));
    acceptors_.back()->tls = address.tls;
    return success();
}

Result<void> ListenerSource::poll(EntrySink& sink, milliseconds wait) {
    writer_.begin_batch();
    writer_.flush(clock_.wall_time_us(), sink);
    paused_since_.reset();
    set_full(false, &sink);
    tend(&sink);
    const std::uint64_t before = writer_.bytes();
    run(milliseconds(0));
    if (ready_.empty()) {
        run(writer_.bytes() == before ? until_due(wait) : milliseconds(0));
    }
    accept_all();
    serve_ready(&sink);
    tend(&sink);
    return success();
}

// Nothing is read while there is no room for it; when that lasts, devices are turned away.
Result<void> ListenerSource::idle(milliseconds wait) {
    const SteadyTime now = clock_.now();
    paused_since_ = paused_since_.value_or(now);
    if (now - *paused_since_ >= kFullAfter) {
        set_full(true, nullptr);
    }
    tend(nullptr);
    run(until_due(wait));
    if (full_) {
        accept_all();
        serve_ready(nullptr);
    }
    tend(nullptr);
    return success();
}

void ListenerSource::set_full(bool full, EntrySink* sink) {
    if (full == full_) {
        return;
    }
    full_ = full;
    listener_->set_full(clock_.now(), full, step_);
    carry_out(sink);
    observer_.log(full ? LogLevel::warn : LogLevel::info,
                  options_.name,
                  full ? "the log is full: devices are turned away"
                       : "the log has room again: devices may come");
}

void ListenerSource::accept_all() {
    if (clock_.now() < accept_again_) {
        return;
    }
    for (const auto& each : acceptors_) {
        for (int round = 0; each->ready && round < kAcceptsMax; ++round) {
            boost::system::error_code error;
            tcp::socket socket = each->acceptor.accept(error);
            if (!error) {
                admit(std::move(socket), each->tls);
                continue;
            }
            each->ready = false;
            if (error != boost::asio::error::would_block &&
                error != boost::asio::error::connection_aborted) {
                accept_again_ = clock_.now() + kAcceptPause;
                observer_.log(LogLevel::warn,
                              options_.name,
                              "a device could not be accepted",
                              {{"why", error.message()}});
            }
        }
        arm(*each);
    }
}

void ListenerSource::admit(tcp::socket socket, bool tls) {
    prepare_socket(socket);
    const Handle handle = next_handle_++;
    auto made = std::make_unique<Connection>(Transport(std::move(socket)));
    Connection& connection = *made;
    connections_.emplace(handle, std::move(made));
    if (!tls) {
        welcome(connection, handle);
        return;
    }
    auto session =
        make_server_session(ssl_context_.get(), connection.transport.socket().native_handle());
    if (!session) {
        connections_.erase(handle);
        return;
    }
    connection.transport.secure(std::move(session.value()));
    handshakes_.emplace_back(clock_.now() + std::chrono::seconds(options_.connect_timeout_s),
                             handle);
    arm_read(connection, handle);
}

void ListenerSource::shake_hands(Connection& connection, Handle handle) {
    const IoResult result = connection.transport.handshake();
    switch (result.state) {
        case IoState::done:
            welcome(connection, handle);
            return;
        case IoState::want_read:
            connection.readable = false;
            arm_read(connection, handle);
            return;
        case IoState::want_write:
            arm_write(connection, handle);
            return;
        case IoState::closed:
        case IoState::failed:
            part(connection, handle, Stage::gone);
            return;
    }
}

void ListenerSource::welcome(Connection& connection, Handle handle) {
    boost::system::error_code ignored;
    Peer peer{connection.transport.socket().remote_endpoint(ignored).address().to_string(ignored),
              {}};
    if (connection.transport.ssl() != nullptr && options_.tls.client_certificates) {
        peer.certificate_name = peer_common_name(connection.transport.ssl());
    }
    const auto id = listener_->accept(clock_.now(), pack_peer(peer));
    if (!id) {
        part(connection, handle, Stage::gone);
        return;
    }
    connection.id = *id;
    connection.known = true;
    connection.stage = Stage::open;
    by_id_[*id] = handle;
    connection.readable = false;
    if (connection.transport.ssl() != nullptr) {
        // What TLS has read already makes no event.
        connection.readable = true;
        ready_.push_back(handle);
        return;
    }
    arm_read(connection, handle);
}

void ListenerSource::serve_ready(EntrySink* sink) {
    std::size_t budget = kPollBytesMax / kReadBytes;
    std::size_t round = ready_.size();
    while (!ready_.empty() && budget > 0 && (sink == nullptr || !sink->full())) {
        const Handle handle = ready_.front();
        ready_.pop_front();
        serve(handle, sink);
        if (--round == 0) {
            round = ready_.size();
            --budget;
        }
    }
    carry_out(sink);
}

void ListenerSource::serve(Handle handle, EntrySink* sink) {
    Connection* connection = find(handle);
    if (connection == nullptr || !connection->readable) {
        return;
    }
    switch (connection->stage) {
        case Stage::handshake:
            shake_hands(*connection, handle);
            return;
        case Stage::open:
            if (listener_->wants_read(connection->id)) {
                read(*connection, handle, sink);
            }
            return;
        case Stage::closing:
            discard(*connection, handle);
            return;
        case Stage::gone:
            return;
    }
}

void ListenerSource::read(Connection& connection, Handle handle, EntrySink* sink) {
    const IoResult result = connection.transport.read(buffer_);
    switch (result.state) {
        case IoState::done:
            break;
        case IoState::want_read:
            connection.readable = false;
            arm_read(connection, handle);
            return;
        case IoState::want_write:
            arm_write(connection, handle);
            return;
        case IoState::closed:
        case IoState::failed:
            part(connection, handle, Stage::gone);
            carry_out(sink);
            return;
    }
    listener_->received(clock_.now(), connection.id, {buffer_.data(), result.bytes}, step_);
    carry_out(sink);
    Connection* still = find(handle);
    if (still == nullptr || still->stage != Stage::open) {
        return;
    }
    const bool drained = result.bytes < buffer_.size() && still->transport.ssl() == nullptr;
    if (drained) {
        still->readable = false;
        arm_read(*still, handle);
    } else if (listener_->wants_read(still->id)) {
        ready_.push_back(handle);
    }
}

// What the device sends after our last packet is thrown away, so that no reset overtakes that.
void ListenerSource::discard(Connection& connection, Handle handle) {
    for (int round = 0; round < 4; ++round) {
        const IoResult result = connection.transport.read(buffer_);
        if (result.state == IoState::want_read) {
            connection.readable = false;
            arm_read(connection, handle);
            return;
        }
        if (result.state != IoState::done) {
            part(connection, handle, Stage::gone);
            return;
        }
    }
    ready_.push_back(handle);
}

void ListenerSource::write(Connection& connection, Handle handle) {
    while (!connection.out.empty()) {
        const IoResult result = connection.transport.write(connection.out);
        switch (result.state) {
            case IoState::done:
                connection.out.erase(0, result.bytes);
                break;
            case IoState::want_write:
                arm_write(connection, handle);
                return;
            case IoState::want_read:
                return;
            case IoState::closed:
            case IoState::failed:
                part(connection, handle, Stage::gone);
                return;
        }
    }
    if (connection.stage == Stage::closing) {
        boost::system::error_code ignored;
        connection.transport.socket().shutdown(tcp::socket::shutdown_send, ignored);
        arm_read(connection, handle);
    }
}

// The session is told by the next carry_out(); a connection in `closing` lives on for its last
// bytes.
void ListenerSource::part(Connection& connection, Handle handle, Stage stage) {
    if (connection.stage == Stage::gone) {
        return;
    }
    connection.stage = stage;
    partings_.push_back(handle);
    if (stage == Stage::closing) {
        closings_.emplace_back(clock_.now() + kClosingLimit, handle);
    }
}

// One parting; false when there is none. step_ may hold what it led to.
bool ListenerSource::tell_parting() {
    if (partings_.empty()) {
        return false;
    }
    const Handle handle = partings_.front();
    partings_.pop_front();
    Connection* connection = find(handle);
    if (connection == nullptr) {
        return true;
    }
    if (connection->known) {
        connection->known = false;
        by_id_.erase(connection->id);
        listener_->closed(clock_.now(), connection->id, step_);
    }
    if (connection->stage == Stage::gone) {
        connections_.erase(handle);
    }
    return true;
}

void ListenerSource::carry_out(EntrySink* sink) {
    do {
        if (!step_.intake.empty()) {
            writer_.write(step_, clock_.wall_time_us(), sink);
        }
        send_all();
        for (const ConnectionId id : step_.resumed) {
            const auto found = by_id_.find(id);
            if (found != by_id_.end()) {
                Connection& connection = *connections_.at(found->second);
                if (connection.readable) {
                    ready_.push_back(found->second);
                }
            }
        }
        step_.clear();
    } while (tell_parting());
}

void ListenerSource::send_all() {
    for (const Send& send : step_.sends) {
        const auto found = by_id_.find(send.connection);
        if (found == by_id_.end()) {
            continue;
        }
        const Handle handle = found->second;
        Connection& connection = *connections_.at(handle);
        if (connection.stage != Stage::open) {
            continue;
        }
        connection.out += step_.bytes(send);
        if (send.close_after) {
            observer_.log(
                LogLevel::debug, options_.name, "a device is disconnected", {{"why", send.why}});
            part(connection, handle, Stage::closing);
        }
        write(connection, handle);
    }
}

// What is due: acknowledgements of what became durable, and timers.
void ListenerSource::tend(EntrySink* sink) {
    const SteadyTime now = clock_.now();
    if (confirmed_ > told_) {
        told_ = confirmed_;
        listener_->durable(now, told_, step_);
        carry_out(sink);
    }
    if (now >= listener_->due()) {
        listener_->tick(now, step_);
        carry_out(sink);
    }
    expire(now);
    carry_out(sink);
    if (now >= accept_again_) {
        for (const auto& each : acceptors_) {
            arm(*each);
        }
    }
    report();
}

void ListenerSource::expire(SteadyTime now) {
    const auto sweep = [&](std::deque<std::pair<SteadyTime, Handle>>& queue, Stage stage) {
        for (; !queue.empty() && queue.front().first <= now; queue.pop_front()) {
            Connection* connection = find(queue.front().second);
            if (connection != nullptr && connection->stage == stage) {
                part(*connection, queue.front().second, Stage::gone);
            }
        }
    };
    sweep(handshakes_, Stage::handshake);
    sweep(closings_, Stage::closing);
}

void ListenerSource::report() {
    const SteadyTime now = clock_.now();
    const ListenerCounters& counters = listener_->counters();
    if (counters.redeliveries > reported_.redeliveries) {
        observer_.add(Counter::redeliveries_suppressed,
                      options_.name,
                      counters.redeliveries - reported_.redeliveries);
        reported_.redeliveries = counters.redeliveries;
    }
    const auto sum = [](const ListenerCounters& each) {
        return each.refused_connects + each.refused_publishes + each.refused_subscribes +
               each.turned_away_full + each.protocol_errors + each.timeouts;
    };
    if (now < report_again_ || sum(counters) == sum(reported_)) {
        return;
    }
    const auto more = [&](std::uint64_t ListenerCounters::*which) {
        return std::to_string(counters.*which - reported_.*which);
    };
    observer_.log(LogLevel::warn,
                  options_.name,
                  "devices were refused",
                  {{"connects", more(&ListenerCounters::refused_connects)},
                   {"publishes", more(&ListenerCounters::refused_publishes)},
                   {"subscribes", more(&ListenerCounters::refused_subscribes)},
                   {"log_full", more(&ListenerCounters::turned_away_full)},
                   {"protocol_errors", more(&ListenerCounters::protocol_errors)},
                   {"timeouts", more(&ListenerCounters::timeouts)},
                   {"last", listener_->last_refused()}});
    reported_ = counters;
    report_again_ = now + kReportInterval;
}

void ListenerSource::run(milliseconds wait) {
    io_.restart();
    if (wait.count() > 0) {
        io_.run_one_for(wait);
    }
    io_.poll();
}

void ListenerSource::arm(Acceptor& acceptor) {
    if (acceptor.armed || acceptor.ready) {
        return;
    }
    acceptor.armed = true;
    acceptor.acceptor.async_wait(tcp::acceptor::wait_read,
                                 [&acceptor](boost::system::error_code error) {
                                     if (error != boost::asio::error::operation_aborted) {
                                         acceptor.armed = false;
                                         acceptor.ready = true;
                                     }
                                 });
}

void ListenerSource::arm_read(Connection& connection, Handle handle) {
    if (connection.read_armed) {
        return;
    }
    connection.read_armed = true;
    connection.transport.socket().async_wait(tcp::socket::wait_read,
                                             [this, handle](boost::system::error_code /*error*/) {
                                                 if (Connection* found = find(handle)) {
                                                     found->read_armed = false;
                                                     found->readable = true;
                                                     ready_.push_back(handle);
                                                 }
                                             });
}

void ListenerSource::arm_write(Connection& connection, Handle handle) {
    if (connection.write_armed) {
        return;
    }
    connection.write_armed = true;
    connection.transport.socket().async_wait(tcp::socket::wait_write,
                                             [this, handle](boost::system::error_code /*error*/) {
                                                 Connection* found = find(handle);
                                                 if (found == nullptr) {
                                                     return;
                                                 }
                                                 found->write_armed = false;
                                                 if (found->stage == Stage::handshake) {
                                                     found->readable = true;
                                                     ready_.push_back(handle);
                                                 } else {
                                                     write(*found, handle);
                                                 }
                                             });
}

ListenerSource::Connection* ListenerSource::find(Handle handle) {
    const auto found = connections_.find(handle);
    return found == connections_.end() ? nullptr : found->second.get();
}

milliseconds ListenerSource::until_due(milliseconds wait) const {
    const SteadyTime due = listener_->due();
    if (!partings_.empty()) {
        return milliseconds(0);
    }
    if (due == SteadyTime::max()) {
        return wait;
    }
    const auto left = std::chrono::ceil<milliseconds>(due - clock_.now());
    return std::clamp(left, milliseconds(0), wait);
}

void ListenerSource::confirm(const Position& position) {
    if (const auto place = decode_place(position)) {
        confirmed_ = std::max(confirmed_, place->number);
    }
}

Result<std::optional<Pressure>> ListenerSource::pressure() {
    return std::optional<Pressure>();
}

void ListenerSource::close(milliseconds /*budget*/) {
    acceptors_.clear();
    if (!connections_.empty() && listener_) {
        listener_->shut_down(clock_.now(), step_);
        carry_out(nullptr);
        for (auto& [handle, connection] : connections_) {
            part(*connection, handle, Stage::gone);
        }
        carry_out(nullptr);
    }
    io_.restart();
    io_.poll();  // handlers of what was closed
    connections_.clear();
    by_id_.clear();
    ready_.clear();
    handshakes_.clear();
    closings_.clear();
    partings_.clear();
    full_ = false;
    paused_since_.reset();
}

Verdict ListenerSource::reconcile(const LogExtent& log, const Checkpoint& checkpoint) const {
    const bool ours = (log.done.empty() || decode_place(log.done)) &&
                      (checkpoint.done.empty() || decode_place(checkpoint.done));
    return ours ? Verdict::resume : Verdict::diverged;
}

std::unique_ptr<Decoder> ListenerSource::make_decoder() const {
    auto made = mqtt::make_decoder({.routes = options_.routes,
                                    .gaps_topic = options_.gaps_topic,
                                    .pipeline = options_.name,
                                    .clock = clock_,
                                    .observer = observer_});
    TRIBUTARY_ASSERT(made);  // read_options() compiled the same routes
    return std::move(made.value());
}

std::string ListenerSource::identity() const {
    return "mqtt listener";
}

std::string ListenerSource::describe(const Position& position) const {
    return mqtt::describe(position);
}

void ListenerSource::interrupt() {
    progressed();
}

void ListenerSource::progressed() {
    boost::asio::post(io_, [] {});
}

}  // namespace tributary::mqtt
