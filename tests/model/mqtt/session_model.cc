// Exhaustive small worlds of the QoS 1 and 2 exchanges, both roles, both versions: a sender that
// keeps to the specification (persistent session, the lowest free identifier each time, everything
// unacknowledged sent again in order) against our session over a log; in between, links break,
// fsyncs are late and we are killed, at every step. Held:
//   - what the sender has an acknowledgement for (PUBACK, PUBREC) is durable
//   - when everything has settled, each message is in the log exactly once; with QoS 2 also where
//     all messages look alike
// Each bug of `Bug` is planted in turn and must be found.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/assert.h"
#include "connectors/mqtt/session/listener_session.h"
#include "connectors/mqtt/session/subscriber_session.h"
#include "tests/unit/mqtt_session/fake_log.h"

namespace tributary::mqtt::test {
namespace {

enum class Role { subscriber, listener };
enum class Bug {
    none,
    acknowledges_before_durable,         // durable() runs ahead of the fsync
    releases_before_deletion_is_durable  // durable() runs ahead over entries without a message
};

struct Settings {
    Role role = Role::subscriber;
    Version version = Version::v5;
    Qos qos = Qos::at_least_once;
    bool alike = false;  // all messages have the same bytes
    Bug bug = Bug::none;
};

class Everyone final : public ListenerPolicy {
  public:
    ReasonCode authenticate(const Connect& /*connect*/,
                            std::string_view /*peer*/,
                            std::string& /*user*/) override {
        return ReasonCode::success;
    }
    bool may_publish(std::string_view /*user*/,
                     std::string_view /*client_id*/,
                     std::string_view /*topic*/) override {
        return true;
    }
};

// Our side: a session of either role over a log that may be behind.
class Ours {
  public:
    explicit Ours(const Settings& settings) : settings_(settings) { start(); }

    // A new connection, up to where messages may flow. What was owed on the old one is void.
    void connect(bool session_present) {
        if (settings_.role == Role::subscriber) {
            subscriber_->lost(now_);
            subscriber_->opened(now_, step_);
            static_cast<void>(work());
            receive_packet(Connack{.session_present = session_present, .properties = {}});
            if (subscriber_->state() == SubscriberSession::State::subscribing) {
                receive_packet(Suback{.packet_id = 1, .codes_view = subscribed_, .properties = {}});
            }
            TRIBUTARY_ASSERT(subscriber_->state() == SubscriberSession::State::running);
            return;
        }
        if (connection_) {
            listener_->closed(now_, *connection_, step_);
            static_cast<void>(work());
        }
        connection_ = listener_->accept(now_, "");
        Connect connect;
        connect.version = settings_.version;
        connect.client_id = "dev";
        connect.properties.session_expiry_interval_s = 1000;
        connect.properties.set(PropertyId::session_expiry_interval);
        auto packets = receive_packet(connect);
        if (packets.empty()) {
            packets = sync(SIZE_MAX);
        }
        TRIBUTARY_ASSERT(packets.size() == 1 && (packets[0][2] == '\1') == session_present);
    }
    std::vector<std::string> receive(std::string_view wire) {
        if (settings_.role == Role::subscriber) {
            subscriber_->received(now_, wire, step_);
        } else {
            listener_->received(now_, *connection_, wire, step_);
        }
        return work();
    }
    std::vector<std::string> sync(std::size_t count) {
        log_.sync(count);
        return durable(log_.durable());
    }
    std::vector<std::string> ping() {
        now_ += std::chrono::seconds(1);
        if (settings_.role == Role::subscriber) {
            subscriber_->tick(now_, step_);
        }
        return work();
    }
    void crash() {
        log_.crash();
        start();
    }
    [[nodiscard]] FakeLog& log() { return log_; }

  private:
    void start() {
        step_.clear();
        connection_.reset();
        if (settings_.role == Role::subscriber) {
            SubscriberOptions options;
            options.version = settings_.version;
            options.client_id = "gw";
            options.filters = {{.filter = "#", .qos = settings_.qos}};
            subscribed_.assign(1, static_cast<char>(settings_.qos));
            subscriber_ = std::make_unique<SubscriberSession>(options);
            const auto done = subscriber_->restore(log_, log_.durable(), log_.durable());
            TRIBUTARY_ASSERT(done.has_value());
        } else {
            ListenerOptions options;
            options.receive_maximum = 4;
            options.session_expiry_max = std::chrono::hours(1000);
            listener_ = std::make_unique<Listener>(options, policy_);
            const auto done = listener_->restore(log_, log_.durable(), log_.durable(), now_);
            TRIBUTARY_ASSERT(done.has_value());
        }
    }
    template <typename P>
    std::vector<std::string> receive_packet(const P& packet) {
        std::string wire;
        encode(Packet(packet), settings_.version, wire);
        return receive(wire);
    }
    std::vector<std::string> durable(IntakeNumber number) {
        if (settings_.role == Role::subscriber) {
            subscriber_->durable(now_, number, step_);
        } else {
            listener_->durable(now_, number, step_);
        }
        return work();
    }
    // Gives the step to the log; what was sent, packet by packet.
    std::vector<std::string> work() {
        std::string wire;
        for (const Send& send : step_.sends) {
            wire += step_.bytes(send);
            TRIBUTARY_ASSERT(!send.close_after);
        }
        IntakeNumber ahead = 0;
        for (const Intake& intake : step_.intake) {
            const bool message = intake.kind == IntakeKind::message;
            if (settings_.bug == Bug::acknowledges_before_durable ||
                (settings_.bug == Bug::releases_before_deletion_is_durable && !message)) {
                ahead = intake.number;
            }
        }
        log_.take(step_);
        step_.clear();
        std::vector<std::string> packets;
        for (std::string_view rest = wire; !rest.empty();) {
            const auto frame = next_frame(rest, kPacketBytesMax);
            packets.emplace_back(frame.value()->bytes);
            rest.remove_prefix(frame.value()->bytes.size());
        }
        if (ahead != 0) {
            for (auto& packet : durable(ahead)) {
                packets.push_back(std::move(packet));
            }
        }
        return packets;
    }

    Settings settings_;
    SteadyTime now_{std::chrono::hours(1)};
    FakeLog log_;
    Step step_;
    Everyone policy_;
    std::string subscribed_;
    std::unique_ptr<SubscriberSession> subscriber_;
    std::unique_ptr<Listener> listener_;
    std::optional<ConnectionId> connection_;
};

// A broker or device that never forgets (MQTT 5.0 4.3 and 4.4).
class Sender {
  public:
    Sender(const Settings& settings, int messages) : settings_(settings), left_(messages) {}

    [[nodiscard]] bool may_send() const { return left_ > 0 && out_.size() < kWindow; }
    std::string send_next() {
        TRIBUTARY_ASSERT(may_send());
        --left_;
        std::uint16_t id = 1;
        while (std::any_of(out_.begin(), out_.end(), [&](const Out& o) { return o.id == id; })) {
            ++id;
        }
        ++sent_;
        out_.push_back({.id = id, .payload = settings_.alike ? "x" : std::to_string(sent_)});
        return publish(out_.back(), false);
    }
    std::vector<std::string> send_again() {
        std::vector<std::string> packets;
        for (const Out& out : out_) {
            packets.push_back(out.released ? release(out.id) : publish(out, true));
        }
        return packets;
    }
    // What came from us; the answer, empty for none. Payloads acknowledged go to `acknowledged`.
    std::string receive(std::string_view packet, std::vector<std::string>& acknowledged) {
        const auto type = static_cast<PacketType>(static_cast<unsigned char>(packet[0]) >> 4U);
        if (type == PacketType::pingreq) {
            return std::string("\xD0\0", 2);
        }
        const auto frame = next_frame(packet, kPacketBytesMax);
        const auto ack = decode_ack(*frame.value(), settings_.version);
        TRIBUTARY_ASSERT(ack.has_value());
        const auto found = std::find_if(out_.begin(), out_.end(), [&](const Out& out) {
            return out.id == ack.value().packet_id;
        });
        if (found == out_.end()) {
            return {};
        }
        if (type == PacketType::puback) {
            TRIBUTARY_ASSERT(settings_.qos == Qos::at_least_once);
            acknowledged.push_back(found->payload);
            out_.erase(found);
            return {};
        }
        if (type == PacketType::pubcomp) {
            if (found->released) {
                out_.erase(found);
            }
            return {};
        }
        TRIBUTARY_ASSERT(type == PacketType::pubrec);
        if (!found->released) {
            found->released = true;
            acknowledged.push_back(found->payload);
        }
        return release(found->id);
    }
    [[nodiscard]] bool done() const { return left_ == 0 && out_.empty(); }
    [[nodiscard]] int sent() const { return sent_; }

  private:
    static constexpr std::size_t kWindow = 2;
    struct Out {
        std::uint16_t id = 0;
        std::string payload;
        bool released = false;  // PUBREL sent
    };

    std::string publish(const Out& out, bool dup) const {
        Publish packet;
        packet.topic = "t";
        packet.payload = out.payload;
        packet.qos = settings_.qos;
        packet.dup = dup;
        packet.packet_id = out.id;
        std::string wire;
        encode(packet, settings_.version, wire);
        return wire;
    }
    std::string release(std::uint16_t id) const {
        Ack packet;
        packet.type = PacketType::pubrel;
        packet.packet_id = id;
        std::string wire;
        encode(packet, settings_.version, wire);
        return wire;
    }

    Settings settings_;
    int left_;
    int sent_ = 0;
    std::vector<Out> out_;
};

enum class Action { send, arrive, sync, return_, ping, lose_link, crash };
constexpr std::array kActions = {Action::send,
                                 Action::arrive,
                                 Action::sync,
                                 Action::return_,
                                 Action::ping,
                                 Action::lose_link,
                                 Action::crash};

class World {
  public:
    World(const Settings& settings, int messages)
        : settings_(settings), ours_(settings), sender_(settings, messages) {
        ours_.connect(false);
        ours_.sync(SIZE_MAX);
    }

    [[nodiscard]] bool enabled(Action action) const {
        switch (action) {
            case Action::send:
                return sender_.may_send();
            case Action::arrive:
                return !to_us_.empty();
            case Action::sync:
                return behind_ > 0;
            case Action::return_:
                return !to_sender_.empty();
            case Action::ping:
                return settings_.role == Role::subscriber && pings_ < 2;
            case Action::lose_link:
            case Action::crash:
                return faults_ < 2;
        }
        return false;
    }
    void act(Action action) {
        switch (action) {
            case Action::send:
                to_us_.push_back(sender_.send_next());
                break;
            case Action::arrive: {
                const std::string packet = std::move(to_us_.front());
                to_us_.pop_front();
                give_back(ours_.receive(packet));
                break;
            }
            case Action::sync:
                give_back(ours_.sync(1));
                break;
            case Action::return_: {
                const std::string packet = std::move(to_sender_.front());
                to_sender_.pop_front();
                answer(packet);
                break;
            }
            case Action::ping:
                ++pings_;
                give_back(ours_.ping());
                break;
            case Action::lose_link:
                ++faults_;
                reconnect();
                break;
            case Action::crash:
                ++faults_;
                ours_.crash();
                reconnect();
                break;
        }
        behind_ = ours_.log().pending();
    }
    // Everything goes its way; then each message must be there once.
    void settle() {
        for (int round = 0; !broken_ && !(sender_.done() && to_us_.empty()); ++round) {
            TRIBUTARY_ASSERT(round < 1000);
            while (!to_us_.empty()) {
                act(Action::arrive);
            }
            give_back(ours_.sync(SIZE_MAX));
            while (!to_sender_.empty()) {
                act(Action::return_);
            }
            if (sender_.may_send()) {
                act(Action::send);
            }
        }
        ours_.sync(SIZE_MAX);
        auto have = ours_.log().payloads();
        std::sort(have.begin(), have.end());
        std::vector<std::string> want;
        for (int message = 1; message <= sender_.sent(); ++message) {
            want.push_back(settings_.alike ? "x" : std::to_string(message));
        }
        broken_ = broken_ || have != want;
    }
    [[nodiscard]] bool broken() const { return broken_; }

  private:
    void give_back(std::vector<std::string> packets) {
        for (auto& packet : packets) {
            to_sender_.push_back(std::move(packet));
        }
    }
    void answer(const std::string& packet) {
        std::vector<std::string> acknowledged;
        std::string reply = sender_.receive(packet, acknowledged);
        if (!reply.empty()) {
            to_us_.push_back(std::move(reply));
        }
        const auto& entries = ours_.log().entries();
        for (const std::string& payload : acknowledged) {
            ++acknowledged_;
            const auto found =
                std::count_if(entries.begin(), entries.end(), [&](const LoggedEntry& entry) {
                    return entry.kind == IntakeKind::message && entry.payload == payload;
                });
            broken_ = broken_ || (settings_.alike ? found < acknowledged_ : found != 1);
        }
    }
    void reconnect() {
        to_us_.clear();
        to_sender_.clear();
        ours_.connect(true);
        for (auto& packet : sender_.send_again()) {
            to_us_.push_back(std::move(packet));
        }
    }

    Settings settings_;
    Ours ours_;
    Sender sender_;
    std::deque<std::string> to_us_;
    std::deque<std::string> to_sender_;
    std::size_t behind_ = 0;
    int faults_ = 0;
    int pings_ = 0;
    int acknowledged_ = 0;
    bool broken_ = false;
};

struct Explored {
    std::size_t worlds = 0;
    std::vector<Action> broken;  // the first path that broke a promise
};

// Every sequence of `depth` actions, each settled at its end. The world is built anew for each.
void explore(const Settings& settings,
             std::size_t depth,
             std::vector<Action>& path,
             Explored& out) {
    if (!out.broken.empty()) {
        return;
    }
    World world(settings, 2);
    for (const Action action : path) {
        world.act(action);
    }
    if (path.size() == depth || world.broken()) {
        ++out.worlds;
        world.settle();
        if (world.broken()) {
            out.broken = path;
        }
        return;
    }
    for (const Action action : kActions) {
        if (world.enabled(action)) {
            path.push_back(action);
            explore(settings, depth, path, out);
            path.pop_back();
        }
    }
}

// Long random walks: more messages, identifiers used again and again.
Explored wander(const Settings& settings, unsigned seed, int walks) {
    Explored out;
    std::mt19937 random(seed);
    for (; walks > 0 && out.broken.empty(); --walks) {
        World world(settings, 8);
        std::vector<Action> path;
        for (int step = 0; step < 60 && !world.broken(); ++step) {
            const Action action = kActions[random() % kActions.size()];
            if (world.enabled(action)) {
                world.act(action);
                path.push_back(action);
            }
        }
        world.settle();
        ++out.worlds;
        if (world.broken()) {
            out.broken = path;
        }
    }
    return out;
}

std::string text(const std::vector<Action>& path) {
    constexpr std::array kNames = {"send", "arrive", "sync", "return", "ping", "lose", "crash"};
    std::string out;
    for (const Action action : path) {
        out += std::string(" ") + kNames[static_cast<std::size_t>(action)];
    }
    return out;
}

std::vector<Settings> all_settings() {
    std::vector<Settings> all;
    for (const Role role : {Role::subscriber, Role::listener}) {
        for (const Version version : {Version::v3_1_1, Version::v5}) {
            all.push_back({.role = role, .version = version, .qos = Qos::at_least_once});
            all.push_back({.role = role, .version = version, .qos = Qos::exactly_once});
            all.push_back(
                {.role = role, .version = version, .qos = Qos::exactly_once, .alike = true});
        }
    }
    return all;
}

constexpr std::size_t kDepth = 9;
constexpr unsigned kSeed = 20'261;

TEST(SessionModel, holds_in_every_small_world) {
    std::size_t worlds = 0;
    for (const Settings& settings : all_settings()) {
        Explored out;
        std::vector<Action> path;
        explore(settings, kDepth, path, out);
        EXPECT_TRUE(out.broken.empty()) << text(out.broken);
        worlds += out.worlds;
    }
    std::printf("%zu worlds of %zu steps\n", worlds, kDepth);
    EXPECT_GT(worlds, 10'000U);
}

TEST(SessionModel, holds_on_long_walks) {
    for (const Settings& settings : all_settings()) {
        const auto out = wander(settings, kSeed, 1500);
        EXPECT_TRUE(out.broken.empty()) << "seed " << kSeed << ":" << text(out.broken);
    }
}

TEST(SessionModel, finds_an_acknowledgement_before_the_fsync) {
    for (Settings settings : all_settings()) {
        settings.bug = Bug::acknowledges_before_durable;
        Explored out;
        std::vector<Action> path;
        explore(settings, 5, path, out);
        EXPECT_FALSE(out.broken.empty());
    }
}

TEST(SessionModel, finds_a_pubcomp_before_the_deletion_is_durable) {
    for (Settings settings : all_settings()) {
        if (!settings.alike) {
            continue;  // the hash tells messages apart that do not look alike
        }
        settings.bug = Bug::releases_before_deletion_is_durable;
        const auto out = wander(settings, kSeed, 20'000);
        EXPECT_FALSE(out.broken.empty());
        std::printf("found by:%s\n", text(out.broken).c_str());
    }
}

}  // namespace
}  // namespace tributary::mqtt::test
