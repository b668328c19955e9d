// Why a thread of its own for the end of a client, in a room that starts none: rd_kafka_destroy
// joins librdkafka's threads and takes no time limit, and a thread of librdkafka inside a name
// lookup cannot be interrupted.
#include "connectors/kafka/client.h"

#include <syslog.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/farewell.h"
#include "model/errors.h"

namespace tributary::kafka {

// What callbacks write. Lives as long as the rd_kafka_t, which may outlive the Client.
struct Client::Body {
    rd_kafka_t* client = nullptr;
    rd_kafka_type_t type = RD_KAFKA_PRODUCER;
    WireWatch watch;
    std::string pipeline;

    std::mutex observer_mutex;
    Observer* observer = nullptr;  // null once the Client is gone

    std::optional<Error> last_error;
    std::optional<Error> lasting_error;
    std::vector<FailedRecord> failed;
    std::uint64_t failed_count = 0;
    std::uint64_t acknowledged_count = 0;

    static Body& of(void* opaque) { return *static_cast<Body*>(opaque); }
    static void on_error(rd_kafka_t* client, int code, const char* reason, void* opaque);
    static void on_delivery(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque);
    static void on_log(const rd_kafka_t* client, int level, const char* facility, const char* text);
};

void Client::Body::on_error(rd_kafka_t* /*client*/, int code, const char* reason, void* opaque) {
    Body& body = of(opaque);
    const auto error = static_cast<rd_kafka_resp_err_t>(code);
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
        return;  // the failing call says so itself
    }
    body.watch.note_trouble();
    Error named = to_error(error, reason, "broker connection");
    if (needs_a_person(named)) {
        body.lasting_error = named;
    }
    if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !body.last_error) {
        body.last_error = std::move(named);
    }
}

void Client::Body::on_delivery(rd_kafka_t* /*client*/,
                               const rd_kafka_message_t* message,
                               void* opaque) {
    Body& body = of(opaque);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++body.acknowledged_count;
        return;
    }
    ++body.failed_count;
    if (body.failed.size() < kFailedKept) {
        body.failed.push_back({.tag = reinterpret_cast<std::uintptr_t>(message->_private),
                               .code = message->err,
                               .topic = rd_kafka_topic_name(message->rkt),
                               .bytes = message->len + message->key_len,
                               .keyed = message->key != nullptr});
    }
}

// librdkafka's threads. It suppresses repetitions itself.
void Client::Body::on_log(const rd_kafka_t* client,
                          int level,
                          const char* facility,
                          const char* text) {
    if (client == nullptr || std::string_view(facility) == "CONFWARN") {
        return;  // options given to both kinds of client: meant
    }
    Body& body = of(rd_kafka_opaque(client));
    const std::scoped_lock lock(body.observer_mutex);
    if (body.observer != nullptr) {
        body.observer->log(
            level <= LOG_WARNING ? LogLevel::warn : LogLevel::debug,
            body.pipeline,
            "librdkafka",
            {{.name = "facility", .value = facility}, {.name = "text", .value = text}});
    }
}

Result<std::unique_ptr<Client>> Client::make(rd_kafka_type_t type,
                                             ConfHandle conf,
                                             std::string_view pipeline,
                                             Observer& observer) {
    auto body = std::make_unique<Body>();
    body->type = type;
    body->pipeline = pipeline;
    body->observer = &observer;
    rd_kafka_conf_set_opaque(conf.get(), body.get());
    rd_kafka_conf_set_error_cb(conf.get(), &Body::on_error);
    rd_kafka_conf_set_log_cb(conf.get(), &Body::on_log);
    if (type == RD_KAFKA_PRODUCER) {
        rd_kafka_conf_set_dr_msg_cb(conf.get(), &Body::on_delivery);
    }
    body->watch.attach(conf.get());
    std::array<char, 512> text{};
    body->client = rd_kafka_new(type, conf.get(), text.data(), text.size());
    if (body->client == nullptr) {
        return Error(errors::kKafkaConfig, std::string("kafka.properties: ") + text.data());
    }
    static_cast<void>(conf.release());  // rd_kafka_new took it
    return std::unique_ptr<Client>(new Client(std::move(body)));
}

Client::Client(std::unique_ptr<Body> body) : body_(std::move(body)) {}

Client::~Client() {
    end(kEndLimit);
}

rd_kafka_t* Client::get() const noexcept {
    return body_->client;
}

WireWatch& Client::watch() noexcept {
    return body_->watch;
}

void Client::serve(std::chrono::milliseconds wait) {
    rd_kafka_poll(body_->client, static_cast<int>(wait.count()));
}

const std::optional<Error>& Client::last_error() const noexcept {
    return body_->last_error;
}

const std::optional<Error>& Client::lasting_error() const noexcept {
    return body_->lasting_error;
}

void Client::clear_errors() {
    body_->last_error.reset();
    body_->lasting_error.reset();
}

void Client::clear_lasting_error() {
    body_->lasting_error.reset();
}

const std::vector<FailedRecord>& Client::failed() const noexcept {
    return body_->failed;
}

std::uint64_t Client::failed_count() const noexcept {
    return body_->failed_count;
}

std::uint64_t Client::acknowledged_count() const noexcept {
    return body_->acknowledged_count;
}

namespace {

constexpr std::chrono::milliseconds kAbortLimit{1000};  // while the brokers answer
// Longer than a loaded machine's round trip to librdkafka's main thread (sink.cc, kCommitSliceMs).
constexpr std::chrono::milliseconds kFarewellSlice{500};

// Shared between the waiting thread and the one that destroys, which may be the last to leave.
struct Ending {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    bool abandoned = false;  // nobody waits: the destroyer frees the rest
};

}  // namespace

// First what arrives in time, then what does not.
void Client::let_go_of_records(std::chrono::steady_clock::time_point deadline) {
    Farewell farewell(body_->client);
    const auto patience = std::min(deadline, std::chrono::steady_clock::now() + kAbortLimit);
    while (!body_->watch.trouble() && std::chrono::steady_clock::now() < patience &&
           !farewell.step(kFarewellSlice)) {
    }
    rd_kafka_purge(
        body_->client,
        RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    while (rd_kafka_outq_len(body_->client) > 0 && std::chrono::steady_clock::now() < deadline) {
        rd_kafka_poll(body_->client, 5);
    }
}

bool Client::end(std::chrono::milliseconds limit) {
    if (!body_) {
        return true;
    }
    const auto deadline = std::chrono::steady_clock::now() + limit;
    if (body_->type == RD_KAFKA_PRODUCER) {
        let_go_of_records(deadline);
    }
    auto ending = std::make_shared<Ending>();
    std::thread destroyer([ending, body = body_.get()] {
        Farewell farewell(body->client);
        while (!farewell.step(kFarewellSlice)) {
        }
        rd_kafka_destroy(body->client);
        const std::scoped_lock lock(ending->mutex);
        ending->done = true;
        ending->changed.notify_all();
        if (ending->abandoned) {
            delete body;
        }
    });
    std::unique_lock lock(ending->mutex);
    if (ending->changed.wait_until(lock, deadline, [&] { return ending->done; })) {
        lock.unlock();
        destroyer.join();
        body_.reset();
        return true;
    }
    {
        const std::scoped_lock silence(body_->observer_mutex);
        body_->observer = nullptr;
    }
    ending->abandoned = true;
    static_cast<void>(body_.release());
    lock.unlock();
    destroyer.detach();
    return false;
}

}  // namespace tributary::kafka
