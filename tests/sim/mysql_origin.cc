// Origin over SimMysql; see origin.h.
#include <algorithm>
#include <utility>

#include "format/checkpoint.h"
#include "model/errors.h"
#include "tests/sim/binlog_oracle.h"
#include "tests/sim/origin.h"
#include "tests/sim/sim_mysql_source.h"

namespace tributary::sim {
namespace {

class MysqlOrigin final : public Origin {
  public:
    explicit MysqlOrigin(OriginParts parts)
        : Origin(std::move(parts)), server_(parts_.scheduler, Rng(parts_.seed), parts_.plan.mysql) {
        server_.trace = parts_.trace;
    }

    void furnish(runtime::PipelineParts& parts) override {
        mysql::Options options;
        options.name = kPipeline;
        options.kind = parts_.plan.mysql.kind;
        options.gtid =
            parts_.plan.mysql.by_gtid ? mysql::GtidMode::automatic : mysql::GtidMode::off;
        options.schema_changes = parts_.plan.mysql.has_ddl;
        options.position_interval_ms = parts_.plan.position_interval_ms;
        if (parts_.plan.excludes_table) {
            options.tables.exclude = {"shop\\.audit"};
        } else {
            options.tables.include = {"shop\\.(orders|items)"};
        }
        if (parts_.plan.snapshots) {
            options.snapshot = parts_.plan.snapshots->mode;
            options.snapshot_chunk_rows = parts_.plan.snapshots->chunk_rows;
        }
        auto source = std::make_unique<SimMysqlSource>(
            SimMysqlSource::Parts{.scheduler = parts_.scheduler,
                                  .server = server_,
                                  .clock = parts_.clock,
                                  .observer = parts_.observer,
                                  .weather = weather_,
                                  .board = parts_.plan.snapshots ? &board_ : nullptr},
            Rng(parts_.random.next()),
            std::move(options));
        source->on_begin = [this] { began_again_ = began_again_ || parts_.has_position(); };
        hand_over(std::move(source), parts);
    }

    void begin() override { server_.commit_something(parts_.plan.rows_max); }

    bool work() override {
        if (!server_.up()) {
            return false;
        }
        server_.commit_something(parts_.plan.rows_max);
        return true;
    }

    void agent_gone() override {
        server_.cut();
        board_.complete = false;
    }
    // One that lacks the rows of XA transactions could not go on.
    [[nodiscard]] bool may_have_twin() const override { return !parts_.plan.mysql.has_xa; }

    [[nodiscard]] std::vector<const ErrorKind*> stops(bool forgot) const override {
        std::vector<const ErrorKind*> out;
        if (history_changed_) {
            out.push_back(&errors::kSourceDiverged);
            out.push_back(&errors::kSourceRewound);
        }
        if (purged_ || reset_) {
            out.push_back(&errors::kSourceGap);
        }
        if (torn_) {
            out.push_back(&errors::kBinlogUndone);
        }
        if (server_.committed_unknown_xa() || (forgot && parts_.plan.mysql.has_xa)) {
            out.push_back(&errors::kXaRows);
        }
        if (twin_) {
            out.push_back(&errors::kServerIdContested);
        }
        return out;
    }

    [[nodiscard]] bool served() const override { return server_.has_reader(); }
    [[nodiscard]] bool arrived(const SimKafka& kafka, bool exact) const override {
        return visible(kafka, kCheckpointTopic) >= server_.expected_count() &&
               (!parts_.plan.snapshots || board_.complete) &&
               judge(kafka, exact).first_missing.empty();
    }
    // It is told nothing.
    [[nodiscard]] bool released() const override { return true; }
    [[nodiscard]] Judgement judge(const SimKafka& kafka, bool exact) const override {
        Judgement out = sim::judge(
            server_,
            kafka,
            kCheckpointTopic,
            {.may_pass_over = twin_ || board_.missed > 0, .snapshots = duty(board_, exact)});
        if (began_again_ && !twin_ && out.violation.empty()) {
            out.violation = "a pipeline that had a position began anew";
        }
        return out;
    }

  protected:
    void set_up(bool up) override { server_.set_up(up); }
    void crash() override { server_.crash(); }
    void cut() override { server_.cut(); }

    bool suffer(const Happening& what) override {
        if (what.fault == Fault::slot_saved) {
            purge_read();
        } else if (what.fault == Fault::alter_table) {
            if (server_.up()) {
                server_.alter_table();
            }
        } else if (what.fault == Fault::table_asked || what.fault == Fault::snapshot_stopped) {
            write_on(board_, what);
        } else {
            return suffer_gravely(what);
        }
        return true;
    }

  private:
    bool suffer_gravely(const Happening& what) {
        if (what.fault == Fault::fail_over) {
            server_.fail_over(parts_.random.below(what.amount + 1));
        } else if (what.fault == Fault::rewind) {
            server_.rewind(what.amount);
        } else if (what.fault == Fault::tail_lost) {
            torn_ = server_.lose_tail(what.amount);
        } else if (what.fault == Fault::binlog_purged) {
            purged_ = true;
            server_.purge();
            return true;
        } else if (what.fault == Fault::binlog_reset) {
            // Of a pipeline that has taken nothing in, nothing tells that it happened.
            const auto delivered = checkpoint();
            if (!delivered || !delivered->last || delivered->last->events == 0) {
                return false;
            }
            reset_ = true;
            server_.reset();
        } else {
            return false;
        }
        history_changed_ = true;
        return true;
    }
    // What is in Kafka is read for good, unless the history is another one.
    void purge_read() {
        const auto delivered = checkpoint();
        if (delivered && !history_changed_ && !twin_) {
            server_.purge_read(*delivered);
        }
    }
    // The newest that is committed.
    [[nodiscard]] std::optional<mysql::ResumePoint> checkpoint() const {
        std::optional<mysql::ResumePoint> out;
        read_committed(parts_.kafka,
                       parts_.kafka.partition_of(kCheckpointTopic, ""),
                       [&](const KafkaRecord& record) {
                           if (const auto read = format::unpack_checkpoint(*record.value)) {
                               out = mysql::decode_resume(read.value().resume);
                           }
                       });
        return out;
    }

    SimMysql server_;
    SnapshotBoard board_{.schema = "shop"};
    bool began_again_ = false;  // where a position was known
    bool history_changed_ = false;
    bool purged_ = false;
    bool reset_ = false;
    bool torn_ = false;  // a file ends inside a transaction
};

}  // namespace

std::unique_ptr<Origin> make_mysql_origin(OriginParts parts) {
    return std::make_unique<MysqlOrigin>(std::move(parts));
}

}  // namespace tributary::sim
