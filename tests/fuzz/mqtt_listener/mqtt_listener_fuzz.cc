// The listener under any devices, any log and any clock. Input: records of a byte (what happens;
// which connection) and, for bytes that come, a length byte and the bytes. Held: numbers and side
// writes are as session/step.h says (FakeLog asserts it), nothing is sent to a connection that was
// to be closed, what is
// sent are whole packets, and the process may die and start again at any point.
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "connectors/mqtt/session/listener_session.h"
#include "tests/unit/mqtt_session/fake_log.h"

namespace {

using namespace tributary;        // NOLINT(google-build-using-namespace): a fuzz target
using namespace tributary::mqtt;  // NOLINT(google-build-using-namespace)

class AnyPolicy final : public ListenerPolicy {
  public:
    ReasonCode authenticate(const Connect& connect,
                            std::string_view /*peer*/,
                            std::string& user) override {
        user = std::string(connect.user_name.value_or(""));
        return user == "no" ? ReasonCode::not_authorized : ReasonCode::success;
    }
    bool may_publish(std::string_view /*user*/,
                     std::string_view /*client_id*/,
                     std::string_view topic) override {
        return topic != "no";
    }
};

class World {
  public:
    World() { start(); }

    void run(std::string_view input) {
        ByteReader reader(input);
        while (reader.ok() && !reader.at_end()) {
            const unsigned what = reader.fixed<std::uint8_t>();
            step_once(what >> 4U, what & 7U, reader);
        }
        // In the end everything can be made durable and every device can go.
        sync(SIZE_MAX);
        while (!open_.empty()) {
            drop(*open_.begin());
        }
        sync(SIZE_MAX);
    }

  private:
    void start() {
        listener_ = std::make_unique<Listener>(options(), policy_);
        const auto restored = listener_->restore(log_, log_.durable(), log_.durable(), now_);
        TRIBUTARY_ASSERT(restored.has_value());
        open_.clear();
        closing_.clear();
    }
    static ListenerOptions options() {
        ListenerOptions options;
        options.receive_maximum = 3;
        options.packet_bytes_max = 300;
        options.connect_bytes_max = 300;
        options.topic_alias_maximum = 2;
        options.connections_max = 6;
        options.sessions_max = 4;
        options.keep_alive_max = std::chrono::seconds(60);
        options.session_expiry_max = std::chrono::seconds(1000);
        return options;
    }
    void step_once(unsigned what, unsigned which, ByteReader& reader) {
        switch (what) {
            case 0:
                if (const auto id = listener_->accept(now_, "peer")) {
                    TRIBUTARY_ASSERT(open_.insert(*id).second);
                }
                return;
            case 1:
                drop(which);
                return;
            case 2:
                sync(which == 7 ? SIZE_MAX : which);
                return;
            case 3:
                now_ += std::chrono::seconds(1U << which);
                listener_->tick(now_, step_);
                work();
                return;
            case 4:
                listener_->set_full(now_, which % 2 == 1, step_);
                work();
                return;
            case 5:
                log_.crash();
                step_.clear();
                start();
                return;
            default:
                give(which, reader.bytes(reader.fixed<std::uint8_t>()));
                return;
        }
    }
    void give(ConnectionId id, std::string_view bytes) {
        if (!open_.contains(id)) {
            return;
        }
        const std::string copy(bytes);  // so that views beyond its life are found
        listener_->received(now_, id, copy, step_);
        work();
    }
    void drop(ConnectionId id) {
        if (open_.erase(id) == 0) {
            return;
        }
        closing_.erase(id);
        listener_->closed(now_, id, step_);
        work();
    }
    void sync(std::size_t count) {
        listener_->durable(now_, log_.sync(count), step_);
        work();
    }
    void work() {
        const std::size_t before = log_.pending();
        log_.take(step_);
        TRIBUTARY_ASSERT(log_.pending() == before + step_.intake.size());
        for (const Send& send : step_.sends) {
            TRIBUTARY_ASSERT(open_.contains(send.connection));
            TRIBUTARY_ASSERT(!closing_.contains(send.connection));
            whole_packets(step_.bytes(send));
            if (send.close_after) {
                closing_.insert(send.connection);
            }
        }
        for (const ConnectionId id : step_.resumed) {
            TRIBUTARY_ASSERT(listener_->wants_read(id));
        }
        step_.clear();
        TRIBUTARY_ASSERT(listener_->counters().sessions <= 4);
        TRIBUTARY_ASSERT(listener_->counters().connections == open_.size());
    }
    static void whole_packets(std::string_view wire) {
        while (!wire.empty()) {
            const auto frame = next_frame(wire, kPacketBytesMax);
            TRIBUTARY_ASSERT(frame.has_value() && frame.value());
            wire.remove_prefix(frame.value()->bytes.size());
        }
    }

    AnyPolicy policy_;
    mqtt::test::FakeLog log_;
    Step step_;
    SteadyTime now_{std::chrono::hours(1)};
    std::unique_ptr<Listener> listener_;
    std::set<ConnectionId> open_;
    std::set<ConnectionId> closing_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    World().run({reinterpret_cast<const char*>(data), size});
    return 0;
}
