// The source; see the header.
#include "tests/sim/sim_source.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "connectors/postgresql/decoder.h"
#include "connectors/postgresql/position.h"
#include "connectors/postgresql/server/history.h"
#include "connectors/postgresql/stream/replication_stream.h"
#include "model/errors.h"

namespace tributary::sim {
namespace {

using postgresql::Lsn;

constexpr std::size_t kPollBytesMax = 1U << 20U;
constexpr std::int64_t kConfirmIntervalUs = 1'000'000;
constexpr std::int64_t kReplyIntervalUs = 100'000;
constexpr std::int64_t kAskIntervalUs = 5'000;
constexpr const char* kSystem = "7300000000000000001";

// What the checks of open() read of the catalogue.
postgresql::ServerFacts server_facts() {
    postgresql::ServerFacts facts;
    facts.database = "db";
    for (std::size_t table = 0; table < kTables; ++table) {
        postgresql::TableFacts each;
        each.schema = "public";
        each.table = table_name(table);
        each.published = true;
        each.primary_key = true;
        facts.tables.push_back(std::move(each));
    }
    return facts;
}

}  // namespace

SimSource::SimSource(const Parts& parts, Rng random, postgresql::Options options)
    : scheduler_(parts.scheduler),
      server_(parts.server),
      clock_(parts.clock),
      weather_(parts.weather),
      pace_(parts.pace),
      board_(parts.board),
      random_(random),
      options_(std::move(options)),
      chunks_(scheduler_,
              server_,
              Rng(random.next()),
              [this](const char* doing) { return round_trip(doing); }),
      driver_({options_, chunks_, *this, clock_, parts.observer}) {}

Error SimSource::broken() const {
    return {errors::kSourceUnreachable, "the server ended the stream"};
}

Result<void> SimSource::round_trip(const char* doing) {
    scheduler_.sleep(Us(random_.between(100, 3000)));
    if (!server_.up() || random_.chance(weather_.open_fails)) {
        return Error(errors::kSourceUnreachable, doing);
    }
    return success();
}

Result<void> SimSource::open(const StartPoint& start, const SideReader& side) {
    close(Ms(0));
    const auto resume = postgresql::decode_resume(start.resume);
    if (!resume && !start.resume.empty()) {
        return Error(errors::kSourceDiverged, "the stored position is not one of PostgreSQL");
    }
    TRIBUTARY_TRY(made,
                  postgresql::Intake::make(postgresql::intake_options(options_), start, *this));
    intake_ = std::move(made);
    TRIBUTARY_TRY_VOID(round_trip("connect"));
    const std::uint64_t connected_to = server_.histories();
    const auto slot = server_.slot();
    const bool active = server_.slot_active();
    TRIBUTARY_TRY_VOID(round_trip("IDENTIFY_SYSTEM"));
    TRIBUTARY_TRY_VOID(check_history(start, side));
    const bool fresh = start.resume.empty() && start.done.empty();
    std::string missed;
    if (!slot && !fresh) {
        TRIBUTARY_TRY_VOID(miss({errors::kSlotMissing, "the slot does not exist"}, missed));
    }
    if (slot) {
        postgresql::SlotFacts facts;
        facts.plugin = "pgoutput";
        facts.type = "logical";
        facts.database = options_.connection.dbname;
        facts.active = active;
        facts.confirmed_flush = Lsn(slot->confirmed);
        facts.wal_status = "reserved";
        const auto fits = postgresql::verify_slot(facts, options_, postgresql::needed_from(start));
        if (!fits) {
            TRIBUTARY_TRY_VOID(miss(fits.error(), missed));
        }
    } else {
        TRIBUTARY_TRY_VOID(create_slot());
    }
    if (board_ != nullptr) {
        TRIBUTARY_TRY_VOID(open_snapshots(start, side, missed));
    }
    TRIBUTARY_TRY_VOID(round_trip("START_REPLICATION"));
    if (server_.histories() != connected_to) {
        return broken();
    }
    if (server_.slot_active()) {
        return Error(errors::kSlotInUse, "the slot is active");
    }
    if (!server_.slot()) {
        return Error(errors::kSlotMissing, "the slot does not exist");
    }
    sender_ = server_.start_replication(resume.value_or(Lsn(0)).value());
    confirmer_.on_connect();
    status_ = {};
    status_sent_us_ = scheduler_.now_us();
    reply_requested_ = true;
    buffered_ = false;
    return success();
}

// The server waits until every transaction has ended that runs when it begins. One that begins
// later may be in the log, below the slot, and not seen by others yet.
Result<void> SimSource::create_slot() {
    TRIBUTARY_TRY_VOID(round_trip("CREATE_REPLICATION_SLOT"));
    const std::uint64_t connected_to = server_.histories();
    const auto before = server_.running();
    const auto still_runs = [&] {
        const auto running = server_.running();
        return std::any_of(before.begin(), before.end(), [&](std::uint32_t xid) {
            return std::binary_search(running.begin(), running.end(), xid);
        });
    };
    while (server_.up() && still_runs()) {
        scheduler_.sleep(Us(1000));
    }
    if (!server_.up() || server_.histories() != connected_to) {
        return broken();
    }
    if (server_.slot()) {
        return Error(errors::kSourceUnreachable, "the slot exists by now");
    }
    server_.create_slot();
    return success();
}

Result<void> SimSource::check_history(const StartPoint& start, const SideReader& side) {
    TRIBUTARY_TRY(stored, postgresql::stored_timeline(side));
    const postgresql::SystemFacts system{.system_id = kSystem,
                                         .timeline = server_.timeline(),
                                         .flushed = Lsn(server_.wal_flushed())};
    if (known_.timeline == 0) {
        known_.timeline = stored;
    }
    const auto held = postgresql::held_below(start);
    TRIBUTARY_TRY_VOID(postgresql::verify_system(system, known_, held));
    if (held && known_.timeline != 0 && system.timeline > known_.timeline) {
        TRIBUTARY_TRY_VOID(
            postgresql::verify_timeline(server_.history_file(), known_.timeline, *held));
    }
    timeline_to_store_ = stored == system.timeline ? 0 : system.timeline;
    known_ = {system.system_id, system.timeline};
    identity_ = std::string("postgresql ") + kSystem + " " + options_.connection.dbname + " " +
                options_.slot;
    return success();
}

Result<postgresql::CatalogueTable> SimSource::read(std::uint32_t relation_oid,
                                                   std::span<const std::uint32_t> /*type_oids*/) {
    TRIBUTARY_TRY_VOID(round_trip("catalogue"));
    return server_.catalogue(relation_oid);
}

Result<void> SimSource::poll(EntrySink& sink, std::chrono::milliseconds wait) {
    if (!sender_) {
        return broken();
    }
    TRIBUTARY_TRY_VOID(tend());
    if (timeline_to_store_ != 0) {
        sink.put_side(postgresql::kTimelineKey,
                      std::to_string(std::exchange(timeline_to_store_, 0)));
    }
    TRIBUTARY_TRY_VOID(step_snapshots(sink, wait));
    if (driver_.stops_stream()) {
        board_->look(*this, sink);
        return tend();
    }
    if (!buffered_ && !interrupted_) {
        const auto sender = sender_;
        static_cast<void>(scheduler_.wait_for(Us(wait), [&] {
            return interrupted_ || !sender->alive || server_.has_message(*sender);
        }));
    }
    interrupted_ = false;
    TRIBUTARY_TRY_VOID(drain(sink));
    intake_->on_tick(clock_.wall_time_us(), sink);
    if (board_ != nullptr) {
        board_->look(*this, sink);
    }
    return tend();
}

Result<void> SimSource::drain(EntrySink& sink) {
    std::size_t bytes = 0;
    const std::size_t messages_max = 1 + random_.below(pace_.messages_per_poll);
    const std::int64_t now_us = clock_.wall_time_us();
    buffered_ = true;
    for (std::size_t messages = 0; messages < messages_max; ++messages) {
        if (sink.full() || bytes >= kPollBytesMax || driver_.stops_stream()) {
            return success();
        }
        if (!sender_->alive || random_.chance(weather_.cut)) {
            server_.cut();
            return broken();
        }
        const std::string payload = server_.next_message(*sender_);
        if (payload.empty()) {
            break;
        }
        bytes += payload.size();
        TRIBUTARY_TRY(message, postgresql::parse_stream_message(payload));
        if (message.keepalive) {
            confirmer_.on_received(message.wal_end);
            reply_requested_ = reply_requested_ || message.reply_requested;
            intake_->on_keepalive(message.wal_end, now_us, sink);
        } else {
            confirmer_.on_received(message.wal_start);
            TRIBUTARY_TRY_VOID(intake_->on_xlog_data(
                message.wal_start, message.wal_end, now_us, message.data, sink));
        }
        TRIBUTARY_TRY_VOID(driver_.on_message(*intake_, sink));
    }
    buffered_ = sender_->alive && server_.has_message(*sender_);
    scheduler_.sleep(Us(20 + static_cast<std::int64_t>(bytes / 50)));
    return success();
}

Result<void> SimSource::idle(std::chrono::milliseconds wait) {
    if (!sender_) {
        return broken();
    }
    TRIBUTARY_TRY_VOID(tend());
    if (!interrupted_) {
        const auto sender = sender_;
        static_cast<void>(
            scheduler_.wait_for(Us(wait), [&] { return interrupted_ || !sender->alive; }));
    }
    interrupted_ = false;
    return tend();
}

Result<void> SimSource::tend() {
    if (!sender_->alive) {
        return broken();
    }
    if (status_due()) {
        send_status();
    }
    return success();
}

bool SimSource::status_due() const {
    const std::int64_t since = scheduler_.now_us() - status_sent_us_;
    if (since >= std::int64_t{options_.status_interval_ms} * 1000) {
        return true;
    }
    const postgresql::Feedback feedback = confirmer_.feedback();
    if (reply_requested_) {
        return feedback != status_ || since >= kReplyIntervalUs ||
               status_ == postgresql::Feedback{};
    }
    return feedback.flush > status_.flush && since >= kConfirmIntervalUs;
}

void SimSource::send_status() {
    status_ = confirmer_.feedback();
    status_sent_us_ = scheduler_.now_us();
    reply_requested_ = false;
    post_status(false);
}

void SimSource::post_status(bool ask) {
    const std::string bytes =
        postgresql::standby_status(confirmer_.feedback(), clock_.wall_time_us(), ask);
    ByteReader reader(bytes);
    static_cast<void>(reader.fixed<std::uint8_t>());
    static_cast<void>(reader.fixed<std::uint64_t>(Endian::big));
    const auto flush = reader.fixed<std::uint64_t>(Endian::big);
    if (flush != 0 && on_confirm) {
        on_confirm(flush);
    }
    if (random_.chance(weather_.status_lost)) {
        return;
    }
    scheduler_.at(Us(random_.between(50, 5000)), [server = &server_, sender = sender_, flush, ask] {
        server->on_status(*sender, flush, ask);
    });
}

// --- Snapshots ----------------------------------------------------------------------------------

// Changes that the server no longer has: an error, save where a snapshot makes them good.
Result<void> SimSource::miss(const Error& error, std::string& missed) {
    const bool curable = error.is(errors::kSlotMissing) || error.is(errors::kSourceGap);
    if (options_.snapshot != SnapshotMode::when_needed || !curable) {
        return error;
    }
    ++board_->missed;
    missed = error.what();
    return success();
}

Result<void> SimSource::open_snapshots(const StartPoint& start,
                                       const SideReader& side,
                                       const std::string& missed) {
    TRIBUTARY_TRY(filter, TableFilter::make(options_.tables));
    const std::optional<Lsn> slot_at =
        server_.slot() ? std::optional(Lsn(server_.slot()->confirmed)) : std::nullopt;
    const postgresql::ServerFacts facts = server_facts();
    const postgresql::SnapshotDriver::Opening opening{facts, filter, start, missed};
    TRIBUTARY_TRY(begin, driver_.tables_to_begin(opening, side));
    return driver_.open(opening, std::move(begin), slot_at, side, intake_);
}

Result<void> SimSource::step_snapshots(EntrySink& sink, std::chrono::milliseconds& wait) {
    TRIBUTARY_TRY_VOID(driver_.step(*intake_, sink));
    if (driver_.waits_for_word(*intake_) && scheduler_.now_us() - asked_us_ >= kAskIntervalUs) {
        asked_us_ = scheduler_.now_us();
        post_status(true);
    }
    wait = driver_.patience(*intake_, wait);
    return success();
}

Result<bool> SimSource::start(const SnapshotRequest& request, EntrySink& sink) {
    if (!driver_.ready(*intake_)) {
        return false;
    }
    TRIBUTARY_TRY(filter, TableFilter::make(options_.tables));
    TRIBUTARY_TRY_VOID(round_trip("catalogue"));
    TRIBUTARY_TRY(table, postgresql::find_snapshot_table(server_facts(), filter, request.table));
    TRIBUTARY_TRY_VOID(driver_.ask(table, request.where, *intake_, sink));
    return true;
}

Result<bool> SimSource::stop(const std::string& table, EntrySink& sink) {
    if (!driver_.ready(*intake_)) {
        return false;
    }
    TRIBUTARY_TRY_VOID(driver_.stop(table, *intake_, sink));
    return true;
}

// --- The other side -----------------------------------------------------------------------------

void SimSource::confirm(const Position& position) {
    if (const auto lsn = postgresql::decode_resume(position)) {
        confirmer_.on_confirm(*lsn);
    }
}

Result<std::optional<Pressure>> SimSource::pressure() {
    TRIBUTARY_TRY_VOID(round_trip("pressure"));
    if (!server_.slot()) {
        return Error(errors::kSlotMissing, "the slot was dropped");
    }
    const std::uint64_t held =
        server_.wal_end() - std::min(server_.wal_end(), server_.slot()->confirmed);
    return std::optional(Pressure{.held_bytes = held, .limit_bytes = pace_.pressure_limit});
}

void SimSource::close(std::chrono::milliseconds budget) {
    if (sender_ && sender_->alive) {
        if (budget.count() > 0 && confirmer_.feedback().flush > status_.flush) {
            send_status();
        }
        server_.cut();
    }
    sender_.reset();
    chunks_.close();
}

Verdict SimSource::reconcile(const LogExtent& log, const Checkpoint& checkpoint) const {
    return postgresql::reconcile(log, checkpoint, identity_);
}

std::unique_ptr<Decoder> SimSource::make_decoder() const {
    return postgresql::make_decoder(options_.connection.dbname);
}

std::string SimSource::describe(const Position& position) const {
    return postgresql::describe(position);
}

}  // namespace tributary::sim
