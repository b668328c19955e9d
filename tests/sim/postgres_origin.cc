// Origin over SimPostgres; see origin.h.
#include <utility>

#include "connectors/postgresql/position.h"
#include "tests/sim/origin.h"

namespace tributary::sim {
namespace {

class PostgresOrigin final : public Origin {
  public:
    explicit PostgresOrigin(OriginParts parts)
        : Origin(std::move(parts)),
          server_(parts_.scheduler, Rng(parts_.seed)),
          pace_{.pressure_limit = parts_.plan.pressure_limit,
                .messages_per_poll = parts_.plan.messages_per_poll} {
        server_.trace = parts_.trace;
        if (parts_.plan.snapshots) {
            server_.hold_rows(parts_.plan.snapshots->rows, parts_.plan.snapshots->standby);
        }
    }

    void furnish(runtime::PipelineParts& parts) override {
        postgresql::Options options;
        options.name = kPipeline;
        options.connection.dbname = "db";
        options.slot = "slot";
        options.publication = "pub";
        options.position_interval_ms = parts_.plan.position_interval_ms;
        if (parts_.plan.excludes_table) {
            options.tables.exclude = {"public\\.audit"};
        } else {
            options.tables.include = {"public\\.(orders|items)"};
        }
        if (parts_.plan.snapshots) {
            options.snapshot = parts_.plan.snapshots->mode;
            options.snapshot_chunk_rows = parts_.plan.snapshots->chunk_rows;
        }
        auto source = std::make_unique<SimSource>(
            SimSource::Parts{.scheduler = parts_.scheduler,
                             .server = server_,
                             .clock = parts_.clock,
                             .observer = parts_.observer,
                             .weather = weather_,
                             .pace = pace_,
                             .board = parts_.plan.snapshots ? &board_ : nullptr},
            Rng(parts_.random.next()),
            std::move(options));
        source->on_confirm = [this](std::uint64_t flush) { check_confirm(flush); };
        hand_over(std::move(source), parts);
    }

    void begin() override { server_.commit_something(parts_.plan.rows_max); }

    bool work() override {
        if (!server_.up() || paused_writes_) {
            return false;
        }
        if (parts_.random.chance(200)) {
            server_.write_noise();
        }
        server_.commit_something(parts_.plan.rows_max);
        return true;
    }

    void heal() override {
        Origin::heal();
        server_.end_open();
        pace_.messages_per_poll = 50;
    }
    void agent_gone() override {
        server_.cut();
        board_.complete = false;
    }
    [[nodiscard]] bool may_have_twin() const override { return true; }

    [[nodiscard]] bool served() const override { return server_.slot() && server_.has_reader(); }
    [[nodiscard]] bool arrived(const SimKafka& kafka, bool exact) const override {
        if (visible(kafka, kCheckpointTopic) < server_.expected_count()) {
            return false;
        }
        return !parts_.plan.snapshots ||
               (board_.complete && judge(kafka, exact).first_missing.empty());
    }
    [[nodiscard]] bool released() const override {
        return server_.slot() && server_.slot()->confirmed >= server_.newest_selected_end();
    }
    [[nodiscard]] Judgement judge(const SimKafka& kafka, bool exact) const override {
        return sim::judge(server_, kafka, kCheckpointTopic, duty(board_, exact));
    }

  protected:
    void set_up(bool up) override { server_.set_up(up); }
    void crash() override { server_.crash(); }
    void cut() override { server_.cut(); }

    bool suffer(const Happening& what) override {
        if (what.fault == Fault::slot_saved) {
            server_.checkpoint();
        } else if (what.fault == Fault::alter_table) {
            if (!paused_writes_) {
                server_.alter_table();
            }
        } else if (what.fault == Fault::fail_over) {
            server_.fail_over(parts_.random.below(what.amount + 1));
        } else if (what.fault == Fault::rewind) {
            // One that outgrows what was lost before anybody looks cannot be told from the
            // original.
            server_.rewind(what.amount);
            paused_writes_ = true;
        } else if (what.fault == Fault::table_asked || what.fault == Fault::snapshot_stopped) {
            write_on(board_, what);
        } else if (what.fault == Fault::slot_dropped) {
            server_.cut();
            server_.drop_slot();
        } else {
            return false;
        }
        return true;
    }

  private:
    void check_confirm(std::uint64_t flush) {
        parts_.confirmed(std::to_string(flush), [&](const Position& position) {
            const auto lsn = postgresql::decode_resume(position);
            return (lsn && flush <= lsn->value()) ||
                   (server_.slot() && flush <= server_.slot()->confirmed);
        });
    }

    SimPostgres server_;
    SourcePace pace_;
    SnapshotBoard board_{.schema = "public"};
    bool paused_writes_ = false;
};

}  // namespace

std::unique_ptr<Origin> make_postgres_origin(OriginParts parts) {
    return std::make_unique<PostgresOrigin>(std::move(parts));
}

}  // namespace tributary::sim
