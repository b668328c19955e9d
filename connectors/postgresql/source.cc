#include "connectors/postgresql/source.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "connectors/postgresql/decoder.h"
#include "connectors/postgresql/position.h"
#include "connectors/postgresql/postgresql.h"
#include "connectors/postgresql/server/history.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kPollBytesMax = 1U << 20U;
// A confirmed position that moved is told at most this often; a reply that tells nothing new, too.
constexpr milliseconds kConfirmInterval{1000};
constexpr milliseconds kReplyInterval{100};
constexpr milliseconds kProbeInterval{5000};
constexpr std::chrono::seconds kSqlLimit{10};
// Creating a slot waits for every transaction that is open when it begins, and then for those that
// began meanwhile. That the server is there at all is what TCP's keepalives look after.
constexpr std::chrono::hours kCreateSlotLimit{24};
constexpr std::uint64_t kPressureLimit = 1ULL << 30U;

std::uint64_t pressure_limit(const Options& options, std::int64_t max_slot_wal_keep_bytes) {
    if (options.pressure_limit_bytes > 0) {
        return options.pressure_limit_bytes;
    }
    if (max_slot_wal_keep_bytes < 0) {
        return kPressureLimit;
    }
    return std::min(kPressureLimit, static_cast<std::uint64_t>(max_slot_wal_keep_bytes) / 4);
}

// The server keeps the session while it hears from us within wal_sender_timeout; 0 turns that off.
milliseconds status_interval(const Options& options, std::int64_t wal_sender_timeout_ms) {
    std::int64_t interval = options.status_interval_ms;
    if (wal_sender_timeout_ms > 0) {
        interval = std::min(interval, wal_sender_timeout_ms / 3);
    }
    return milliseconds(std::max<std::int64_t>(interval, 1));
}

bool says_shutting_down(const Error& error) {
    return error.what().find("57P03") != std::string::npos;
}

// A socket that has something to read without having been asked: the server's last words.
bool has_unasked_input(const Session& session) {
    pollfd socket{session.socket(), POLLIN, 0};
    return ::poll(&socket, 1, 0) > 0;
}

}  // namespace

PostgresqlSource::PostgresqlSource(Options options, const Clock& clock, Observer& observer)
    : options_(std::move(options)),
      clock_(clock),
      observer_(observer),
      catalogue_([this] { return sql(); }),
      chunks_(options_.connection, options_.publication, interrupter_),
      snapshots_({options_, chunks_, catalogue_, clock_, observer_}) {}

Result<void> PostgresqlSource::open(const StartPoint& start, const SideReader& side) {
    [[maybe_unused]] const bool stale = interrupter_.consume();
    close(milliseconds(0));
    auto opened = connect(start, side);
    if (!opened) {
        close(milliseconds(0));
        return opened.error().at("source " + options_.name);
    }
    return opened;
}

Result<void> PostgresqlSource::connect(const StartPoint& start, const SideReader& side) {
    const auto resume = decode_resume(start.resume);
    if (!resume && !start.resume.empty()) {
        return Error(errors::kSourceDiverged, "the stored position is not one of PostgreSQL");
    }
    TRIBUTARY_TRY(filter, TableFilter::make(intake_options(options_).filter));
    TRIBUTARY_TRY(made, Intake::make(intake_options(options_), start, catalogue_));
    intake_ = std::move(made);

    sql_probe_at_ = SteadyTime{};
    TRIBUTARY_TRY(sql, this->sql());
    TRIBUTARY_TRY(facts, read_facts(*sql, options_));
    TRIBUTARY_TRY_VOID(verify_settings(facts));
    TRIBUTARY_TRY(session, replication());
    TRIBUTARY_TRY_VOID(check_history(session, start, side));
    missed_.clear();
    TRIBUTARY_TRY_VOID(check_server(facts, filter, start));
    const SnapshotDriver::Opening opening{facts, filter, start, missed_};
    TRIBUTARY_TRY(begin, snapshots_.tables_to_begin(opening, side));
    std::optional<Lsn> slot_at = facts.slot ? facts.slot->confirmed_flush : std::nullopt;
    if (!facts.slot) {
        TRIBUTARY_TRY(created, create_slot(session));
        slot_at = created;
    }
    TRIBUTARY_TRY_VOID(snapshots_.open(opening, std::move(begin), slot_at, side, intake_));

    // The role may have a wal_sender_timeout of its own.
    TRIBUTARY_TRY(timeout,
                  session.query("SELECT setting FROM pg_catalog.pg_settings WHERE name = "
                                "'wal_sender_timeout'",
                                kSqlLimit));
    status_interval_ = status_interval(
        options_, timeout.count() == 1 ? timeout.integer(0, 0) : facts.wal_sender_timeout_ms);
    pressure_limit_ = pressure_limit(options_, facts.max_slot_wal_keep_bytes);

    TRIBUTARY_TRY(
        stream,
        ReplicationStream::start(std::move(session),
                                 {.slot = options_.slot,
                                  .publication = options_.publication,
                                  .start = missed_.empty() ? resume.value_or(Lsn(0)) : Lsn(0),
                                  .messages = options_.messages,
                                  .receive_buffer_bytes = options_.receive_buffer_bytes}));
    stream_.emplace(std::move(stream));
    confirmer_.on_connect();
    status_ = {};
    status_sent_ = clock_.now();
    reply_requested_ = true;  // the server hears from us at once
    buffered_ = false;
    pace_ = {};
    shutdown_.reset();
    return success();
}

Result<Session*> PostgresqlSource::sql() {
    if (sql_ && PQstatus(sql_->get()) == CONNECTION_OK && !has_unasked_input(*sql_)) {
        return &*sql_;
    }
    sql_.reset();
    TRIBUTARY_TRY(session, Session::open(options_.connection, Purpose::sql, interrupter_));
    sql_.emplace(std::move(session));
    return &*sql_;
}

// Every walsender may be taken because the server has not noticed yet that ours of before is gone.
Result<Session> PostgresqlSource::replication() {
    auto session = Session::open(options_.connection, Purpose::replication, interrupter_);
    if (session || !session.error().is(errors::kSlotLimit) || !sql_) {
        return session;
    }
    TRIBUTARY_TRY(slot, read_slot(*sql_, options_));
    if (slot && slot->active) {
        return Error(errors::kSlotInUse, session.error().what());
    }
    return session;
}

Result<void> PostgresqlSource::check_history(Session& session,
                                             const StartPoint& start,
                                             const SideReader& side) {
    TRIBUTARY_TRY(stored, stored_timeline(side));
    TRIBUTARY_TRY(system, identify_system(session));
    const std::lock_guard lock(mutex_);
    if (known_.timeline == 0) {
        known_.timeline = stored;
    }
    const auto held = held_below(start);
    TRIBUTARY_TRY_VOID(verify_system(system, known_, held));
    if (held && known_.timeline != 0 && system.timeline > known_.timeline) {
        TRIBUTARY_TRY(
            history,
            session.query("TIMELINE_HISTORY " + std::to_string(system.timeline), kSqlLimit));
        const std::string_view file = history.count() == 1 ? history.at(0, 1) : std::string_view();
        TRIBUTARY_TRY_VOID(verify_timeline(file, known_.timeline, *held));
    }
    known_ = {system.system_id, system.timeline};
    timeline_to_store_ = stored == system.timeline ? 0 : system.timeline;
    identity_ =
        "postgresql " + system.system_id + " " + options_.connection.dbname + " " + options_.slot;
    return success();
}

Result<void> PostgresqlSource::check_server(ServerFacts& facts,
                                            const TableFilter& filter,
                                            const StartPoint& start) {
    const bool fresh = start.resume.empty() && start.done.empty();
    if (!facts.slot && !fresh) {
        TRIBUTARY_TRY_VOID(
            miss(Error(errors::kSlotMissing,
                       "slot \"" + options_.slot + "\" does not exist, and the pipeline is at " +
                           postgresql::describe(start.resume)),
                 facts));
    }
    if (!facts.slot && !options_.create_slot) {
        return Error(errors::kSlotMissing,
                     "slot \"" + options_.slot + "\" does not exist and create_slot is false");
    }
    if (facts.slot) {
        const auto verified = verify_slot(*facts.slot, options_, needed_from(start));
        if (!verified) {
            TRIBUTARY_TRY_VOID(miss(verified.error(), facts));
        }
    }
    // A publication made after the slot would not be seen by what the slot decodes first.
    if (!facts.publication && options_.create_publication && !facts.slot) {
        return create_publication(facts, filter);
    }
    TRIBUTARY_TRY_VOID(verify_publication(facts, options_, filter, fresh));
    if (!options_.tables.include.empty()) {
        for (const std::string& table : selected_tables(facts, filter, false)) {
            observer_.log(LogLevel::warn,
                          options_.name,
                          "a selected table is not in the publication; its changes are not sent",
                          {{"table", table}, {"publication", options_.publication}});
        }
    }
    return success();
}

Result<void> PostgresqlSource::create_publication(ServerFacts& facts, const TableFilter& filter) {
    TRIBUTARY_TRY(statement, create_publication_sql(facts, options_, filter));
    TRIBUTARY_TRY_VOID(sql_->query(statement, kSqlLimit));
    observer_.log(LogLevel::info, options_.name, "publication created", {{"sql", statement}});
    // A snapshot takes the tables that are published.
    TRIBUTARY_TRY(now, read_facts(*sql_, options_));
    facts = std::move(now);
    return success();
}

Result<Lsn> PostgresqlSource::create_slot(Session& session) {
    std::string command =
        "CREATE_REPLICATION_SLOT " + quote_identifier(options_.slot) + " LOGICAL pgoutput ";
    if (options_.failover_slot) {
        if (session.server_version() < 170000) {
            return Error(errors::kSourceSettings, "failover_slot needs PostgreSQL 17 or later");
        }
        command += "(SNAPSHOT 'nothing', FAILOVER true)";
    } else {
        command += "NOEXPORT_SNAPSHOT";
    }
    observer_.log(LogLevel::info,
                  options_.name,
                  "creating the slot, which waits for transactions that are open",
                  {{"slot", options_.slot}});
    TRIBUTARY_TRY_VOID(session.query("SET lock_timeout = 0", kSqlLimit));
    TRIBUTARY_TRY(created, session.query(command, kCreateSlotLimit));
    observer_.log(LogLevel::info,
                  options_.name,
                  "slot created",
                  {{"slot", options_.slot}, {"position", created.at(0, 1)}});
    return parse_lsn(created.at(0, 1)).value_or(Lsn());
}

Result<void> PostgresqlSource::poll(EntrySink& sink, milliseconds wait) {
    if (!stream_) {
        return Error(errors::kSourceUnreachable, "source " + options_.name + ": not connected");
    }
    TRIBUTARY_TRY_VOID(tend(clock_.now()));
    if (timeline_to_store_ != 0) {
        // With the first event that comes by this connection.
        sink.put_side(kTimelineKey, std::to_string(std::exchange(timeline_to_store_, 0)));
    }
    TRIBUTARY_TRY_VOID(step_snapshots(sink, wait));
    if (snapshots_.stops_stream()) {
        return tend(clock_.now());
    }
    if (!buffered_ && !interrupter_.consume()) {
        const milliseconds nap(options_.nap_ms);
        if (stream_->lazy() && nap.count() > 0 && pace_.busy(clock_.now())) {
            [[maybe_unused]] const Wake napped = wait_for(-1, 0, interrupter_, std::min(nap, wait));
        } else {
            const auto events =
                static_cast<short>(stream_->flush_pending() ? POLLIN | POLLOUT : POLLIN);
            [[maybe_unused]] const Wake woken =
                wait_for(stream_->socket(), events, interrupter_, until_due(clock_.now(), wait));
        }
    }
    [[maybe_unused]] const bool interrupted = interrupter_.consume();
    TRIBUTARY_TRY(drained, drain(sink));
    tell_of_uncarried_keys();
    buffered_ = drained.more;
    pace_.on_read(clock_.now(), drained.bytes);
    if (drained.bytes > 0) {
        shutdown_.on_data(clock_.now());
    }
    if (shutdown_.begun()) {
        intake_->flush_position(clock_.wall_time_us(), sink);
    } else {
        intake_->on_tick(clock_.wall_time_us(), sink);
    }
    return tend(clock_.now());
}

Result<PostgresqlSource::Drained> PostgresqlSource::drain(EntrySink& sink) {
    Drained drained;
    for (;;) {
        const std::int64_t now_us = clock_.wall_time_us();
        for (;;) {
            if (sink.full() || drained.bytes >= kPollBytesMax) {
                drained.more = true;
                return drained;
            }
            if (snapshots_.stops_stream()) {
                drained.more = true;
                return drained;
            }
            TRIBUTARY_TRY(message, stream_->next());
            if (!message) {
                break;
            }
            drained.bytes += message->data.size();
            TRIBUTARY_TRY_VOID(take(*message, now_us, sink));
            TRIBUTARY_TRY_VOID(snapshots_.on_message(*intake_, sink));
        }
        TRIBUTARY_TRY(more, stream_->fill());
        if (!more) {
            return drained;
        }
        // A catalogue read or a long drain may have taken a while.
        if (const SteadyTime now = clock_.now(); status_due(now)) {
            TRIBUTARY_TRY_VOID(send_status(now));
        }
    }
}

// Once for each: a server describes a table again and again.
void PostgresqlSource::tell_of_uncarried_keys() {
    for (UncarriedKey& key : intake_->take_uncarried_keys()) {
        if (const auto [told, first] = told_keys_.insert(std::move(key)); first) {
            warn_of_uncarried_key(observer_, options_.name, *told);
        }
    }
}

Result<void> PostgresqlSource::take(const StreamMessage& message,
                                    std::int64_t now_us,
                                    EntrySink& sink) {
    if (message.keepalive) {
        confirmer_.on_received(message.wal_end);
        reply_requested_ = reply_requested_ || message.reply_requested;
        intake_->on_keepalive(message.wal_end, now_us, sink);
        return success();
    }
    confirmer_.on_received(message.wal_start);
    auto taken =
        intake_->on_xlog_data(message.wal_start, message.wal_end, now_us, message.data, sink);
    if (!taken) {
        return taken.error().at("source " + options_.name);
    }
    return taken;
}

Result<void> PostgresqlSource::idle(milliseconds wait) {
    if (!stream_) {
        return Error(errors::kSourceUnreachable, "source " + options_.name + ": not connected");
    }
    TRIBUTARY_TRY_VOID(tend(clock_.now()));
    // The replication socket is left alone: what waits there is what we have no room for.
    if (!interrupter_.consume()) {
        const auto events = static_cast<short>(stream_->flush_pending() ? POLLOUT : 0);
        const int socket = stream_->flush_pending() ? stream_->socket() : -1;
        [[maybe_unused]] const Wake woken =
            wait_for(socket, events, interrupter_, until_due(clock_.now(), wait));
    }
    [[maybe_unused]] const bool interrupted = interrupter_.consume();
    return tend(clock_.now());
}

// What keeps the session in order, whether it is read or not.
Result<void> PostgresqlSource::tend(SteadyTime now) {
    if (status_due(now)) {
        TRIBUTARY_TRY_VOID(send_status(now));
    } else if (stream_->flush_pending()) {
        TRIBUTARY_TRY_VOID(stream_->flush());
    }
    return watch_shutdown(now);
}

bool PostgresqlSource::status_due(SteadyTime now) const {
    const auto since = now - status_sent_;
    if (since >= status_interval_) {
        return true;
    }
    const Feedback feedback = confirmer_.feedback();
    const bool moved = feedback.flush > status_.flush;
    if (reply_requested_) {
        return feedback != status_ || since >= kReplyInterval || status_ == Feedback{};
    }
    return moved && (since >= kConfirmInterval || shutdown_.begun());
}

milliseconds PostgresqlSource::until_due(SteadyTime now, milliseconds wait) const {
    SteadyTime due = status_sent_ + status_interval_;
    if (reply_requested_) {
        due = std::min(due, status_sent_ + kReplyInterval);
    }
    const auto left = std::chrono::ceil<milliseconds>(due - now);
    return std::clamp(left, milliseconds(0), std::max(wait, milliseconds(0)));
}

Result<void> PostgresqlSource::send_status(SteadyTime now) {
    const Feedback feedback = confirmer_.feedback();
    auto sent = stream_->send_status(feedback, clock_.wall_time_us());
    if (!sent) {
        return sent.error().at("source " + options_.name);
    }
    status_ = feedback;
    status_sent_ = now;
    reply_requested_ = false;
    return success();
}

// In a fast shutdown the server ends every ordinary session first. Ours ended: ask for another; the
// refusal says whether it was a shutdown or only this session.
Result<void> PostgresqlSource::watch_shutdown(SteadyTime now) {
    if (!shutdown_.begun() && now >= sql_probe_at_ && (!sql_ || has_unasked_input(*sql_))) {
        sql_probe_at_ = now + kProbeInterval;
        if (const auto probed = sql(); !probed && says_shutting_down(probed.error())) {
            shutdown_.begin(now);
            observer_.log(LogLevel::info, options_.name, "the server is shutting down");
        }
    }
    shutdown_.on_confirmed(confirmer_.feedback().flush, now);
    if (shutdown_.leave(now)) {
        return Error(errors::kSourceUnreachable,
                     "source " + options_.name +
                         ": the server is shutting down; disconnected so as not to hold it up");
    }
    return success();
}

void PostgresqlSource::confirm(const Position& position) {
    if (const auto lsn = decode_resume(position)) {
        confirmer_.on_confirm(*lsn);
    }
}

Result<std::optional<Pressure>> PostgresqlSource::pressure() {
    TRIBUTARY_TRY(session, sql());
    TRIBUTARY_TRY(
        rows,
        session->query(
            "SELECT greatest((CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
            "ELSE pg_current_wal_lsn() END - confirmed_flush_lsn)::int8, 0), wal_status "
            "FROM pg_replication_slots WHERE slot_name = $1",
            kSqlLimit,
            {options_.slot}));
    if (rows.count() == 0) {
        return Error(errors::kSlotMissing,
                     "source " + options_.name + ": slot \"" + options_.slot + "\" was dropped");
    }
    if (rows.at(0, 1) == "lost") {
        return Error(errors::kSlotLost,
                     "source " + options_.name + ": slot \"" + options_.slot +
                         "\" has lost WAL that it needed");
    }
    return std::optional(Pressure{.held_bytes = static_cast<std::uint64_t>(rows.integer(0, 0)),
                                  .limit_bytes = pressure_limit_});
}

void PostgresqlSource::close(milliseconds budget) {
    if (stream_ && budget.count() > 0) {
        // Spares the server sending again what is confirmed already.
        if (const Feedback feedback = confirmer_.feedback(); feedback.flush > status_.flush) {
            [[maybe_unused]] const auto told =
                stream_->send_status(feedback, clock_.wall_time_us());
        }
        stream_->say_goodbye();
    }
    stream_.reset();
    sql_.reset();
    chunks_.close();
}

Verdict PostgresqlSource::reconcile(const LogExtent& log, const Checkpoint& checkpoint) const {
    const std::lock_guard lock(mutex_);
    return postgresql::reconcile(log, checkpoint, identity_);
}

std::unique_ptr<Decoder> PostgresqlSource::make_decoder() const {
    return postgresql::make_decoder(options_.connection.dbname);
}

std::string PostgresqlSource::identity() const {
    const std::lock_guard lock(mutex_);
    return identity_;
}

std::string PostgresqlSource::describe(const Position& position) const {
    return postgresql::describe(position);
}

std::unique_ptr<Source> make_source(Options options, const Clock& clock, Observer& observer) {
    return std::make_unique<PostgresqlSource>(std::move(options), clock, observer);
}

}  // namespace tributary::postgresql
