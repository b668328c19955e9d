#include "tests/sim/mqtt_sources.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "connectors/mqtt/position.h"
#include "model/errors.h"

namespace tributary::sim {
namespace {

constexpr std::size_t kChunkBytes = 400;
constexpr std::size_t kPollBytes = 4'000;
constexpr std::size_t kWaitingBytesMax = 2'000;
constexpr std::chrono::seconds kFullAfter{1};

}  // namespace

SimMqttSource::SimMqttSource(MqttSourceParts parts, bool devices)
    : parts_(std::move(parts)), random_(parts_.seed), writer_(random_.next(), devices) {}

void SimMqttSource::confirm(const Position& position) {
    if (const auto place = mqtt::decode_place(position)) {
        confirmed_ = std::max(confirmed_, place->number);
    }
}

std::unique_ptr<Decoder> SimMqttSource::make_decoder() const {
    auto made = mqtt::make_decoder({.routes = parts_.options.routes,
                                    .gaps_topic = parts_.options.gaps_topic,
                                    .pipeline = parts_.options.name,
                                    .clock = parts_.clock,
                                    .observer = parts_.observer});
    TRIBUTARY_ASSERT(made);
    return std::move(made.value());
}

std::string SimMqttSource::describe(const Position& position) const {
    return mqtt::describe(position);
}

std::optional<mqtt::IntakeNumber> SimMqttSource::last_of(const StartPoint& start, bool running) {
    if (running && start.done == writer_.written()) {
        return std::nullopt;
    }
    const auto place = mqtt::decode_place(start.done);
    writer_.restart(start.done);
    confirmed_ = told_ = 0;
    return place ? place->number : 0;
}

void SimMqttSource::begin_poll(EntrySink& sink) {
    writer_.begin_batch();
    writer_.flush(parts_.clock.wall_time_us(), sink);
}

void SimMqttSource::write(EntrySink* sink) {
    writer_.write(step_, parts_.clock.wall_time_us(), sink);
}

bool SimMqttSource::wait(std::chrono::milliseconds most,
                         SteadyTime due,
                         const std::function<bool()>& done) {
    Us limit = most;
    if (due != SteadyTime::max()) {
        const auto left = std::chrono::ceil<Us>(due - parts_.clock.now());
        limit = std::clamp(left, Us(0), limit);
    }
    static_cast<void>(
        parts_.scheduler.wait_for(limit, [&] { return interrupted_ || progressed_ || done(); }));
    progressed_ = false;
    return std::exchange(interrupted_, false);
}

std::string SimMqttSource::some(SimLink& link, std::size_t most) {
    const std::size_t count = 1 + random_.below(std::min(most, link.inbox.size()));
    std::string bytes = link.inbox.substr(0, count);
    link.inbox.erase(0, count);
    if (random_.chance(parts_.weather.cut)) {
        link.cut();
    }
    return bytes;
}

// --- Subscriber ---------------------------------------------------------------------------------

SimSubscriber::SimSubscriber(MqttSourceParts parts,
                             SimBroker& broker,
                             mqtt::SubscriberOptions session)
    : SimMqttSource(std::move(parts), false),
      broker_(broker),
      session_options_(std::move(session)) {}

Result<void> SimSubscriber::open(const StartPoint& start, const SideReader& side) {
    close(Ms(0));
    if (const auto last = last_of(start, session_ != nullptr)) {
        session_ = std::make_unique<mqtt::SubscriberSession>(session_options_);
        TRIBUTARY_TRY_VOID(session_->restore(side, *last, acknowledgeable(*last)));
    }
    parts_.scheduler.sleep(Us(random_.between(100, 3'000)));
    link_ = random_.chance(parts_.weather.open_fails) ? nullptr : broker_.connect();
    if (!link_) {
        return Error(errors::kSourceUnreachable, "nobody listens");
    }
    session_->opened(parts_.clock.now(), step_);
    TRIBUTARY_TRY_VOID(carry_out(nullptr));
    while (session_->state() == mqtt::SubscriberSession::State::connecting) {
        if (wait(Ms(200), session_->due(), [this] {
                return !link_->inbox.empty() || !link_->alive();
            })) {
            return Error(errors::kSourceUnreachable, "interrupted");
        }
        TRIBUTARY_TRY_VOID(read(nullptr, kChunkBytes));
        TRIBUTARY_TRY_VOID(tend(nullptr));
    }
    return success();
}

Result<void> SimSubscriber::poll(EntrySink& sink, std::chrono::milliseconds most) {
    if (!link_) {
        return Error(errors::kSourceUnreachable, "not connected");
    }
    begin_poll(sink);
    TRIBUTARY_TRY_VOID(tend(&sink));
    static_cast<void>(wait(most, session_->due(), [this] {
        return !link_->alive() || (!link_->inbox.empty() && session_->wants_read());
    }));
    TRIBUTARY_TRY_VOID(read(&sink, kChunkBytes));
    return tend(&sink);
}

Result<void> SimSubscriber::idle(std::chrono::milliseconds most) {
    if (!link_) {
        return Error(errors::kSourceUnreachable, "not connected");
    }
    TRIBUTARY_TRY_VOID(tend(nullptr));
    const bool reads = writer_.waiting_bytes() < kWaitingBytesMax && session_->wants_read();
    static_cast<void>(wait(most, session_->due(), [&] {
        return reads && (!link_->alive() || !link_->inbox.empty());
    }));
    if (reads) {
        TRIBUTARY_TRY_VOID(read(nullptr, kChunkBytes));
    }
    return tend(nullptr);
}

Result<void> SimSubscriber::read(EntrySink* sink, std::size_t chunk) {
    for (std::size_t taken = 0; link_->alive() && !link_->inbox.empty() && taken < kPollBytes &&
                                session_->wants_read() && (sink == nullptr || !sink->full());) {
        const std::string bytes = some(*link_, chunk);
        taken += bytes.size();
        session_->received(parts_.clock.now(), bytes, step_);
        TRIBUTARY_TRY_VOID(carry_out(sink));
        if (sink == nullptr && session_->state() != mqtt::SubscriberSession::State::connecting) {
            return success();
        }
    }
    if (!link_->alive()) {
        return ended();
    }
    return success();
}

Result<void> SimSubscriber::tend(EntrySink* sink) {
    if (confirmed_ > told_) {
        told_ = confirmed_;
        session_->durable(parts_.clock.now(), told_, step_);
        TRIBUTARY_TRY_VOID(carry_out(sink));
    }
    if (parts_.clock.now() >= session_->due()) {
        session_->tick(parts_.clock.now(), step_);
        TRIBUTARY_TRY_VOID(carry_out(sink));
    }
    return success();
}

Result<void> SimSubscriber::carry_out(EntrySink* sink) {
    write(sink);
    bool closing = false;
    for (const mqtt::Send& send : step_.sends) {
        link_->to_peer(std::string(step_.bytes(send)));
        closing = closing || send.close_after;
    }
    step_.clear();
    if (closing) {
        return ended();
    }
    return success();
}

Error SimSubscriber::ended() {
    link_->close();
    link_.reset();
    session_->lost(parts_.clock.now());
    return session_->failure().value_or(Error(errors::kSourceUnreachable, "the link is gone"));
}

void SimSubscriber::close(std::chrono::milliseconds /*budget*/) {
    if (!link_) {
        return;
    }
    session_->close(step_);
    write(nullptr);
    for (const mqtt::Send& send : step_.sends) {
        link_->to_peer(std::string(step_.bytes(send)));
    }
    step_.clear();
    static_cast<void>(ended());
}

// --- Listener -----------------------------------------------------------------------------------

SimListener::SimListener(MqttSourceParts parts, mqtt::ListenerOptions session)
    : SimMqttSource(std::move(parts), true), session_options_(std::move(session)) {}

std::shared_ptr<SimLink> SimListener::dial(Us latency) {
    if (!open_) {
        return nullptr;
    }
    knocking_.push_back(std::make_shared<SimLink>(parts_.scheduler, latency));
    return knocking_.back();
}

Result<void> SimListener::open(const StartPoint& start, const SideReader& side) {
    close(Ms(0));
    if (const auto last = last_of(start, listener_ != nullptr)) {
        listener_ = std::make_unique<mqtt::Listener>(session_options_, policy_);
        TRIBUTARY_TRY_VOID(
            listener_->restore(side, *last, acknowledgeable(*last), parts_.clock.now()));
    }
    open_ = true;
    return success();
}

Result<void> SimListener::poll(EntrySink& sink, std::chrono::milliseconds most) {
    begin_poll(sink);
    paused_since_.reset();
    set_full(false, &sink);
    tend(&sink);
    static_cast<void>(
        wait(most, listener_->due(), [this] { return !knocking_.empty() || anything_to_read(); }));
    serve(&sink);
    tend(&sink);
    return success();
}

Result<void> SimListener::idle(std::chrono::milliseconds most) {
    paused_since_ = paused_since_.value_or(parts_.clock.now());
    if (parts_.clock.now() - *paused_since_ >= kFullAfter) {
        set_full(true, nullptr);
    }
    tend(nullptr);
    static_cast<void>(wait(most, listener_->due(), [this] { return full_ && anything_to_read(); }));
    if (full_) {
        serve(nullptr);
    }
    tend(nullptr);
    return success();
}

void SimListener::set_full(bool full, EntrySink* sink) {
    if (std::exchange(full_, full) != full) {
        listener_->set_full(parts_.clock.now(), full, step_);
        carry_out(sink);
    }
}

bool SimListener::anything_to_read() const {
    return std::any_of(links_.begin(), links_.end(), [this](const auto& each) {
        return !each.second->alive() ||
               (!each.second->inbox.empty() && listener_->wants_read(each.first));
    });
}

// Whoever knocks is let in; then a piece of each device's bytes.
void SimListener::serve(EntrySink* sink) {
    for (std::shared_ptr<SimLink>& link : std::exchange(knocking_, {})) {
        if (const auto id = listener_->accept(parts_.clock.now(), "device")) {
            links_[*id] = std::move(link);
        } else {
            link->close();
        }
    }
    std::vector<mqtt::ConnectionId> ids;
    for (const auto& [id, link] : links_) {
        ids.push_back(id);
    }
    for (const mqtt::ConnectionId id : ids) {
        const auto found = links_.find(id);
        if (found == links_.end() || (sink != nullptr && sink->full())) {
            continue;
        }
        SimLink& link = *found->second;
        std::string bytes;  // step_ has views of it
        if (!link.alive()) {
            parted_.push_back(id);
        } else if (!link.inbox.empty() && listener_->wants_read(id)) {
            bytes = some(link, kChunkBytes);
            listener_->received(parts_.clock.now(), id, bytes, step_);
        }
        carry_out(sink);
    }
}

void SimListener::tend(EntrySink* sink) {
    if (confirmed_ > told_) {
        told_ = confirmed_;
        listener_->durable(parts_.clock.now(), told_, step_);
        carry_out(sink);
    }
    if (parts_.clock.now() >= listener_->due()) {
        listener_->tick(parts_.clock.now(), step_);
        carry_out(sink);
    }
}

void SimListener::carry_out(EntrySink* sink) {
    for (;;) {
        write(sink);
        for (const mqtt::Send& send : step_.sends) {
            const auto found = links_.find(send.connection);
            if (found == links_.end()) {
                continue;
            }
            found->second->to_peer(std::string(step_.bytes(send)));
            if (send.close_after) {
                parted_.push_back(send.connection);
            }
        }
        step_.clear();
        if (parted_.empty()) {
            return;
        }
        const auto found = links_.find(parted_.front());
        parted_.pop_front();
        if (found != links_.end()) {
            found->second->close();
            const mqtt::ConnectionId id = found->first;
            links_.erase(found);
            listener_->closed(parts_.clock.now(), id, step_);
        }
    }
}

void SimListener::close(std::chrono::milliseconds /*budget*/) {
    open_ = false;
    for (const auto& link : knocking_) {
        link->close();
    }
    knocking_.clear();
    if (listener_ && !links_.empty()) {
        listener_->shut_down(parts_.clock.now(), step_);
        carry_out(nullptr);
        for (const auto& [id, link] : links_) {
            parted_.push_back(id);
        }
        carry_out(nullptr);
    }
    full_ = false;
    paused_since_.reset();
}

}  // namespace tributary::sim
