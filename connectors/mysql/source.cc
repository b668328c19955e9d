#include "connectors/mysql/source.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "connectors/mysql/binlog/dump.h"
#include "connectors/mysql/binlog/fingerprint.h"
#include "connectors/mysql/decoder.h"
#include "connectors/mysql/mysql.h"
#include "connectors/mysql/position.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 64U << 10U;
// Rows of one event beside the largest one, and their frame.
constexpr std::size_t kEventFrameBytes = 64U << 10U;
// A server that is silent for so many heartbeats is gone.
constexpr int kSilentHeartbeats = 3;
constexpr milliseconds kExecutedPoll{100};
// While a snapshot runs: how soon a server without changes says that its chunk's place is passed.
constexpr std::uint32_t kSnapshotHeartbeatMs = 200;
// Messages that come joined are waited for: no longer than this.
constexpr std::uint32_t kJoinedHeartbeatMs = 250;
// An unused session is closed by the server at its wait_timeout, at the latest.
constexpr std::chrono::seconds kSqlIdleMax{30};

// So many times within this long is not a reader that is about to go.
constexpr std::size_t kClashesMax = 3;
constexpr std::chrono::minutes kClashWindow{10};

IntakeOptions intake_options(const Options& options, ServerKind kind) {
    return {.server = kind,
            .filter = options.tables,
            .row_bytes_max = options.row_bytes_max,
            .xa_bytes_max = options.xa_bytes_max,
            .position_interval_us = std::int64_t{options.position_interval_ms} * 1000,
            .schema_changes = options.schema_changes};
}

// A message of the dump: a zero byte, then the event.
bool is_heartbeat(std::string_view message) {
    constexpr std::size_t kTypeAt = 5;
    if (message.size() <= kTypeAt || message.front() != '\0') {
        return false;
    }
    const auto type = static_cast<EventType>(static_cast<unsigned char>(message[kTypeAt]));
    return type == EventType::heartbeat || type == EventType::heartbeat_v2;
}

EventLimits event_limits(const Options& options) {
    return {.event_bytes_max = static_cast<std::size_t>(options.row_bytes_max) + kEventFrameBytes,
            .head_bytes = kOversizedHeadBytes};
}

}  // namespace

MysqlSource::MysqlSource(Options options, const Clock& clock, Observer& observer)
    : options_(std::move(options)),
      clock_(clock),
      observer_(observer),
      catalogue_([this] { return sql(); }),
      chunks_(options_.connection),
      driver_({options_, chunks_, clock_, observer_}),
      clashes_(kClashesMax, kClashWindow) {}

Result<void> MysqlSource::open(const StartPoint& start, const SideReader& side) {
    [[maybe_unused]] const bool stale = interrupter_.consume();
    close(milliseconds(0));
    auto opened = connect(start, side);
    if (!opened) {
        close(milliseconds(0));
        return opened.error().at("source " + options_.name);
    }
    return opened;
}

Result<void> MysqlSource::connect(const StartPoint& start, const SideReader& side) {
    TRIBUTARY_TRY(session, sql());
    TRIBUTARY_TRY(facts, read_facts(*session));
    TRIBUTARY_TRY_VOID(verify_settings(facts, options_.gtid));
    server_ = server_name_of(facts);
    TRIBUTARY_TRY(from, starting_point(start, facts));
    name_server(from, server_mark_of(facts));
    const StartPoint begin{.resume = encode_resume(from),
                           .done = driver_.missed() ? whole(start.done) : start.done};
    fresh_ = start.resume.empty() || driver_.missed();
    IntakeOptions chosen = intake_options(options_, facts.kind);
    chosen.fresh = fresh_;
    chosen.lower_case_names = facts.value("lower_case_table_names") == "1";
    chosen.server_mark = server_mark_of(facts);
    const auto earlier = before_last(from);
    chosen.last_comes_again = earlier.has_value();
    TRIBUTARY_TRY(intake, Intake::make(chosen, begin, &catalogue_, side));
    intake_ = std::move(intake);
    {
        const std::lock_guard lock(mutex_);
        identity_ = identity_of(facts, from);
    }
    TRIBUTARY_TRY_VOID(open_snapshots(facts, from, side));
    return start_stream(earlier ? *earlier : from);
}

// Where the pipeline goes on; a new one, where the server is now.
Result<ResumePoint> MysqlSource::starting_point(const StartPoint& start, ServerFacts& facts) {
    if (start.resume.empty() && !start.done.empty()) {
        return Error(errors::kSourceDiverged, "the log has events, and no position to go on from");
    }
    if (start.resume.empty() || driver_.missed()) {
        TRIBUTARY_TRY(session, sql());
        TRIBUTARY_TRY(now, current_position(*session, facts, options_.gtid));
        observer_.log(LogLevel::info,
                      options_.name,
                      driver_.missed() ? "the pipeline goes on where the server is now"
                                       : "a new pipeline starts where the server is now",
                      {{"position", now.by_gtid ? now.gtids() : to_string(now.next)}});
        return std::move(now);
    }
    auto resume = decode_resume(start.resume);
    if (!resume) {
        return Error(errors::kSourceDiverged, "the stored position is not one of MySQL");
    }
    if (!resume->by_gtid) {
        TRIBUTARY_TRY(session, sql());
        TRIBUTARY_TRY_VOID(read_files(*session, facts));
    }
    TRIBUTARY_TRY_VOID(await_executed(facts, *resume, start.done));
    if (const auto verified = verify_position(facts, *resume); !verified) {
        TRIBUTARY_TRY_VOID(driver_.miss(verified.error()));
        return starting_point(start, facts);
    }
    TRIBUTARY_TRY_VOID(verify_half(facts, *resume, start.done));
    return std::move(*resume);
}

// MySQL sends a transaction before it counts it as executed: what was taken in from the connection
// before may be in that window still.
Result<void> MysqlSource::await_executed(ServerFacts& facts,
                                         const ResumePoint& resume,
                                         const Position& done) {
    if (facts.kind != ServerKind::mysql || !resume.by_gtid || !facts.gtids()) {
        return success();
    }
    MysqlGtidSet sent = resume.executed;
    if (const auto half = half_taken(resume, done)) {
        if (const auto gtid = parse_mysql_gtid(half->transaction.gtid)) {
            sent.add(*gtid);
        }
    }
    const SteadyTime end = clock_.now() + sent_before_executed(facts);
    for (;;) {
        TRIBUTARY_TRY(executed, MysqlGtidSet::parse(facts.value("gtid_executed")));
        if (executed.contains(sent) || clock_.now() >= end) {
            return success();
        }
        if (wait_for(-1, 0, interrupter_, kExecutedPoll) == Wake::interrupted) {
            return not_connected();
        }
        TRIBUTARY_TRY(session, sql());
        TRIBUTARY_TRY(now, session->query("SELECT @@GLOBAL.gtid_executed"));
        facts.variables["gtid_executed"] = now.at(0, 0);
    }
}

Result<void> MysqlSource::start_stream(const ResumePoint& from) {
    TRIBUTARY_TRY(client, Client::open(options_.connection));
    TRIBUTARY_TRY(reached, client.value(server_name_sql(from.server)));
    TRIBUTARY_TRY_VOID(verify_same_server(server_, reached));
    const bool joined = options_.joined_messages || !Wire::layout_known();
    std::uint32_t heartbeat_ms = options_.heartbeat_ms;
    if (driver_.runs()) {
        heartbeat_ms = std::min(heartbeat_ms, kSnapshotHeartbeatMs);
    }
    if (joined) {
        heartbeat_ms = std::min(heartbeat_ms, kJoinedHeartbeatMs);
    }
    TRIBUTARY_TRY_VOID(
        start_dump(client, from, {.server_id = options_.server_id, .heartbeat_ms = heartbeat_ms}));
    TRIBUTARY_TRY(wire, Wire::take(std::move(client), joined));
    if (wire.joined()) {
        observer_.log(LogLevel::warn,
                      options_.name,
                      "the client library is not one whose packets can be read piece by piece: an "
                      "event costs memory by its size",
                      {{"library", mysql_get_client_info()}});
    }
    stream_ = std::make_unique<Stream>(std::move(wire), event_limits(options_), dump_start(from));
    buffer_.resize(kReadBytes);
    more_ = false;
    heard_ = clock_.now();
    asked_ = heard_;
    return success();
}

// The server does not send the last transaction again (fingerprint.h).
Result<void> MysqlSource::compare_nothing(const Error& said) {
    TRIBUTARY_TRY(from, go_on_unseen(*intake_, said));
    observer_.log(LogLevel::warn,
                  options_.name,
                  "the last transaction cannot be compared with what was taken in",
                  {{"transaction", to_string(from.last->transaction)}, {"server", said.what()}});
    return start_stream(from);
}

Result<SqlSession*> MysqlSource::sql() {
    const SteadyTime now = clock_.now();
    if (!sql_ || now - sql_used_ > kSqlIdleMax) {
        sql_.reset();
        TRIBUTARY_TRY(session, SqlSession::open(options_.connection));
        sql_.emplace(std::move(session));
    }
    sql_used_ = now;
    return &*sql_;
}

Error MysqlSource::not_connected() const {
    return {errors::kSourceUnreachable, "source " + options_.name + ": not connected"};
}

Result<void> MysqlSource::poll(EntrySink& sink, milliseconds wait) {
    if (!stream_) {
        return not_connected();
    }
    TRIBUTARY_TRY_VOID(driver_.step(*intake_, sink));
    if (driver_.stops_stream()) {
        heard_ = clock_.now();
        return success();
    }
    if (!more_ && !interrupter_.consume()) {
        [[maybe_unused]] const Wake woken =
            wait_for(stream_->wire.socket(), POLLIN, interrupter_, driver_.patience(wait));
    }
    [[maybe_unused]] const bool interrupted = interrupter_.consume();
    if (fresh_) {
        TRIBUTARY_TRY_VOID(intake_->begin(clock_.wall_time_us(), sink));
        fresh_ = false;
    }
    if (auto drained = drain(sink); !drained) {
        if (driver_.miss(drained.error())) {  // the next connection begins it
            return Error(errors::kSourceUnreachable,
                         "source " + options_.name + ": " + drained.error().what());
        }
        return weigh(drained.error()).at("source " + options_.name);
    }
    intake_->on_tick(clock_.wall_time_us(), sink);
    const milliseconds silence(std::int64_t{options_.heartbeat_ms} * kSilentHeartbeats);
    if (clock_.now() - heard_ > silence) {
        return Error(errors::kSourceUnreachable,
                     "source " + options_.name + ": the server has been silent for " +
                         std::to_string(silence.count()) + " ms");
    }
    return notice_reset();
}

// After RESET BINARY LOGS AND GTIDS a dump stays in the log of before, and says so in heartbeats
// for ever. So the server is asked once a heartbeat; the next connection finds out what became of
// it.
Result<void> MysqlSource::notice_reset() {
    const SteadyTime now = clock_.now();
    if (more_ || now - asked_ < milliseconds(options_.heartbeat_ms)) {
        return success();
    }
    asked_ = now;
    const auto end = [this]() -> Result<Place> {
        TRIBUTARY_TRY(session, sql());
        return end_of_log(*session);
    }();
    if (!end) {
        sql_.reset();
        return success();  // the stream is sound; asked again
    }
    const Place& received = intake_->received();
    if (received.file.empty() || compare(end.value(), received) >= 0) {
        return success();
    }
    return Error(errors::kSourceUnreachable,
                 "source " + options_.name + ": the server began its binary log anew: it ends at " +
                     to_string(end.value()) + ", the stream is at " + to_string(received));
}

// Two readers with one server_id take the stream from each other for ever.
Error MysqlSource::weigh(const Error& error) {
    if (!error.is(errors::kServerIdInUse)) {
        return error;
    }
    return clashes_.happened(clock_.now()) ? Error(errors::kServerIdContested, error.what())
                                           : error;
}

Result<void> MysqlSource::drain(EntrySink& sink) {
    more_ = true;
    auto pumped = stream_->reader.pump(*intake_, clock_, sink, *this);
    if (!pumped && stream_->reader.ended_unseen(*intake_, pumped.error())) {
        return compare_nothing(pumped.error());
    }
    return pumped;
}

Result<bool> MysqlSource::goes_on(EntrySink& sink) {
    return driver_.on_event(sink);
}

Result<std::size_t> MysqlSource::read_more() {
    Wire& wire = stream_->wire;
    if (!wire.joined()) {
        TRIBUTARY_TRY(got, wire.read(buffer_.data(), buffer_.size()));
        more_ = got > 0;
        if (more_) {
            heard_ = clock_.now();
            stream_->reader.feed({buffer_.data(), got});
        }
        return got;
    }
    // What the library holds cannot be seen. So while the socket is empty one message is read per
    // poll, which may wait, until it is a heartbeat: nothing was behind that when it was sent.
    const bool ask = stream_->held && !stream_->asked;
    if (!ask && !wire.readable()) {
        stream_->asked = false;
        more_ = stream_->held;
        return std::size_t{0};
    }
    TRIBUTARY_TRY(message, wire.read_message());
    stream_->asked = true;
    stream_->held = !is_heartbeat(message);
    heard_ = clock_.now();
    stream_->reader.feed_message(message);
    return message.size();
}

Result<void> MysqlSource::idle(milliseconds wait) {
    if (!stream_) {
        return not_connected();
    }
    // The dump is left alone: the server waits for its reader (dump.h, write_timeout_s).
    if (!interrupter_.consume()) {
        [[maybe_unused]] const Wake woken = wait_for(-1, 0, interrupter_, wait);
    }
    [[maybe_unused]] const bool interrupted = interrupter_.consume();
    heard_ = clock_.now();
    return success();
}

void MysqlSource::confirm(const Position& /*position*/) {}

Result<std::optional<Pressure>> MysqlSource::pressure() {
    return std::optional<Pressure>();
}

void MysqlSource::close(milliseconds /*budget*/) {
    stream_.reset();
    driver_.close();
    intake_.reset();
    sql_.reset();
}

Verdict MysqlSource::reconcile(const LogExtent& log, const Checkpoint& checkpoint) const {
    const std::lock_guard lock(mutex_);
    return mysql::reconcile(log, checkpoint, identity_);
}

std::unique_ptr<Decoder> MysqlSource::make_decoder() const {
    return mysql::make_decoder(options_.kind);
}

std::string MysqlSource::identity() const {
    const std::lock_guard lock(mutex_);
    return identity_;
}

std::string MysqlSource::describe(const Position& position) const {
    return mysql::describe(position);
}

std::unique_ptr<Source> make_source(Options options, const Clock& clock, Observer& observer) {
    return std::make_unique<MysqlSource>(std::move(options), clock, observer);
}

}  // namespace tributary::mysql
