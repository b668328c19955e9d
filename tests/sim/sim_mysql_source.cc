// The source; see the header.
#include "tests/sim/sim_mysql_source.h"

#include <utility>

#include "connectors/mysql/binlog/dump.h"
#include "connectors/mysql/binlog/fingerprint.h"
#include "connectors/mysql/decoder.h"
#include "model/errors.h"
#include "tests/sim/sim_dump.h"

namespace tributary::sim {
namespace {

constexpr const char* kDatabase = "shop";
constexpr std::size_t kClashesMax = 3;
constexpr std::chrono::minutes kClashWindow{10};
constexpr mysql::EventLimits kLimits{.event_bytes_max = 1U << 20U,
                                     .head_bytes = mysql::kOversizedHeadBytes};

}  // namespace

SimMysqlSource::SimMysqlSource(const Parts& parts, Rng random, mysql::Options options)
    : scheduler_(parts.scheduler),
      server_(parts.server),
      clock_(parts.clock),
      weather_(parts.weather),
      board_(parts.board),
      random_(random),
      options_(std::move(options)),
      chunks_(server_, [this](const char* doing) { return round_trip(doing); }),
      driver_({options_, chunks_, clock_, parts.observer}),
      clashes_(kClashesMax, kClashWindow) {}

Error SimMysqlSource::broken() const {
    return {errors::kSourceUnreachable, "the server closed the connection"};
}

Result<void> SimMysqlSource::round_trip(const char* doing) {
    scheduler_.sleep(Us(random_.between(100, 3000)));
    if (!server_.up() || random_.chance(weather_.open_fails)) {
        return Error(errors::kSourceUnreachable, doing);
    }
    return success();
}

Result<void> SimMysqlSource::open(const StartPoint& start, const SideReader& side) {
    close(Ms(0));
    TRIBUTARY_TRY_VOID(round_trip("connect"));
    connected_to_ = server_.histories();
    const mysql::ServerFacts facts = server_.facts();
    TRIBUTARY_TRY_VOID(mysql::verify_settings(facts, options_.gtid));
    TRIBUTARY_TRY(from, starting_point(start, facts));
    mysql::name_server(from, mysql::server_mark_of(facts));
    const StartPoint begin{.resume = mysql::encode_resume(from),
                           .done = driver_.missed() ? mysql::whole(start.done) : start.done};
    const auto earlier = mysql::before_last(from);
    fresh_ = start.resume.empty() || driver_.missed();
    TRIBUTARY_TRY(intake,
                  mysql::Intake::make(
                      {.server = facts.kind,
                       .filter = options_.tables,
                       .position_interval_us = std::int64_t{options_.position_interval_ms} * 1000,
                       .schema_changes = options_.schema_changes,
                       .server_mark = mysql::server_mark_of(facts),
                       .last_comes_again = earlier.has_value(),
                       .fresh = fresh_},
                      begin,
                      nullptr,
                      side));
    intake_ = std::move(intake);
    identity_ = mysql::identity_of(facts, from);
    if (board_ != nullptr) {
        TRIBUTARY_TRY_VOID(open_snapshots(facts, from, side));
    }
    return start_stream(earlier ? *earlier : from);
}

Result<mysql::ResumePoint> SimMysqlSource::starting_point(const StartPoint& start,
                                                          const mysql::ServerFacts& facts) {
    TRIBUTARY_TRY_VOID(round_trip("position"));
    if (server_.histories() != connected_to_) {
        return broken();
    }
    if (start.resume.empty() && !start.done.empty()) {
        return Error(errors::kSourceDiverged, "the log has events, and no position");
    }
    if (start.resume.empty() || driver_.missed()) {
        if (on_begin && !driver_.missed()) {
            on_begin();
        }
        return server_.begin_pipeline();
    }
    auto resume = mysql::decode_resume(start.resume);
    if (!resume) {
        return Error(errors::kSourceDiverged, "the stored position is not one of MySQL");
    }
    if (const auto verified = mysql::verify_position(facts, *resume); !verified) {
        TRIBUTARY_TRY_VOID(miss(verified.error()));
        return starting_point(start, facts);
    }
    TRIBUTARY_TRY_VOID(mysql::verify_half(facts, *resume, start.done));
    return std::move(*resume);
}

Result<void> SimMysqlSource::start_stream(const mysql::ResumePoint& from) {
    TRIBUTARY_TRY_VOID(round_trip("binlog dump"));
    if (server_.histories() != connected_to_) {
        return broken();
    }
    dump_ = server_.start_dump(from);
    reader_.emplace(kLimits, mysql::dump_start(from));
    more_ = true;
    return success();
}

Result<void> SimMysqlSource::poll(EntrySink& sink, std::chrono::milliseconds wait) {
    if (!dump_) {
        return broken();
    }
    TRIBUTARY_TRY_VOID(driver_.step(*intake_, sink));
    if (driver_.stops_stream()) {
        board_->look(*this, sink);
        return success();
    }
    if (!more_ && !interrupted_) {
        const auto dump = dump_;
        static_cast<void>(scheduler_.wait_for(Us(driver_.patience(wait)), [&] {
            return interrupted_ || !dump->alive || dump->has_bytes(scheduler_.now_us());
        }));
    }
    interrupted_ = false;
    if (fresh_) {
        TRIBUTARY_TRY_VOID(intake_->begin(clock_.wall_time_us(), sink));
        fresh_ = false;
    }
    if (auto drained = drain(sink); !drained) {
        return miss(drained.error()) ? broken() : weigh(drained.error());
    }
    intake_->on_tick(clock_.wall_time_us(), sink);
    if (board_ != nullptr) {
        board_->look(*this, sink);
    }
    return success();
}

Result<void> SimMysqlSource::drain(EntrySink& sink) {
    more_ = true;
    auto pumped = reader_->pump(*intake_, clock_, sink, *this);
    if (!pumped && reader_->ended_unseen(*intake_, pumped.error())) {
        TRIBUTARY_TRY(from, mysql::go_on_unseen(*intake_, pumped.error()));
        return start_stream(from);
    }
    return pumped;
}

// However the network cut it up; it may break anywhere.
Result<std::size_t> SimMysqlSource::read_more() {
    if (!dump_->alive || random_.chance(weather_.cut)) {
        server_.cut();
        return broken();
    }
    const std::size_t bytes_max = 1 + random_.below(random_.coin() ? 40 : 4000);
    buffer_ = dump_->read(bytes_max, scheduler_.now_us());
    more_ = !buffer_.empty();
    reader_->feed(buffer_);
    scheduler_.sleep(Us(20 + static_cast<std::int64_t>(buffer_.size() / 50)));
    return buffer_.size();
}

Error SimMysqlSource::weigh(const Error& error) {
    if (!error.is(errors::kServerIdInUse)) {
        return error;
    }
    return clashes_.happened(clock_.now()) ? Error(errors::kServerIdContested, error.what())
                                           : error;
}

Result<void> SimMysqlSource::idle(std::chrono::milliseconds wait) {
    if (!dump_) {
        return broken();
    }
    if (!interrupted_) {
        static_cast<void>(scheduler_.wait_for(Us(wait), [&] { return interrupted_; }));
    }
    interrupted_ = false;
    return success();
}

// --- Snapshots ----------------------------------------------------------------------------------

Result<void> SimMysqlSource::miss(const Error& error) {
    TRIBUTARY_TRY_VOID(driver_.miss(error));
    ++board_->missed;
    return success();
}

Result<void> SimMysqlSource::open_snapshots(const mysql::ServerFacts& facts,
                                            const mysql::ResumePoint& from,
                                            const SideReader& side) {
    chunks_.use(mysql::chunk_rule(facts.kind, from.by_gtid));
    mysql::Place appended_below;
    if (facts.kind == mysql::ServerKind::mariadb && from.by_gtid) {
        TRIBUTARY_TRY_VOID(round_trip("SHOW MASTER STATUS"));
        if (server_.histories() != connected_to_) {
            return broken();
        }
        const LogPlace end = server_.log_end();
        appended_below = {SimMysql::file_name(end.file), end.offset};
    }
    const auto tables = [this]() -> Result<std::vector<mysql::Snapshot::RunTable>> {
        TRIBUTARY_TRY_VOID(round_trip("information_schema"));
        std::vector<mysql::Snapshot::RunTable> out;
        for (std::size_t table = 0; table < kExcludedTable; ++table) {
            out.push_back({{kDatabase, table_name(table)}, server_.keyless(table)});
        }
        return out;
    };
    return driver_.open({.facts = facts,
                         .from = from,
                         .fresh = fresh_,
                         .tables = tables,
                         .appended_below = std::move(appended_below)},
                        side,
                        *intake_);
}

Result<bool> SimMysqlSource::start(const SnapshotRequest& request, EntrySink& sink) {
    if (!dump_ || !driver_.ready(*intake_)) {
        return false;
    }
    TRIBUTARY_TRY_VOID(round_trip("information_schema"));
    const std::string table = request.table.substr(request.table.find('.') + 1);
    TRIBUTARY_TRY_VOID(driver_.ask({kDatabase, table}, request.where, *intake_, sink));
    return true;
}

Result<bool> SimMysqlSource::stop(const std::string& table, EntrySink& sink) {
    if (!dump_ || !driver_.ready(*intake_)) {
        return false;
    }
    TRIBUTARY_TRY_VOID(driver_.stop(table, *intake_, sink));
    return true;
}

void SimMysqlSource::close(std::chrono::milliseconds /*budget*/) {
    if (dump_) {
        dump_->alive = false;
    }
    dump_.reset();
    reader_.reset();
    driver_.close();
    intake_.reset();
}

Verdict SimMysqlSource::reconcile(const LogExtent& log, const Checkpoint& checkpoint) const {
    return mysql::reconcile(log, checkpoint, identity_);
}

std::unique_ptr<Decoder> SimMysqlSource::make_decoder() const {
    return mysql::make_decoder(options_.kind);
}

std::string SimMysqlSource::describe(const Position& position) const {
    return mysql::describe(position);
}

}  // namespace tributary::sim
