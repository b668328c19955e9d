// The class behind intake.h, in parts: intake.cc follows transactions and statements,
// intake_files.cc knows where files end, intake_rows.cc takes rows events apart, intake_xa.cc moves
// rows of XA transactions, intake_ddl.cc tells changes of structure, intake_snapshot.cc appends
// rows of a snapshot. Private to them.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/planted.h"
#include "connectors/mysql/binlog/events.h"
#include "connectors/mysql/binlog/fingerprint.h"
#include "connectors/mysql/binlog/row_split.h"
#include "connectors/mysql/intake/intake.h"
#include "connectors/mysql/intake/tables.h"
#include "connectors/mysql/intake/transaction.h"
#include "connectors/mysql/intake/xa_rows.h"
#include "connectors/mysql/statements/ddl.h"
#include "connectors/mysql/statements/statement.h"
#include "model/errors.h"

namespace tributary::mysql {

class IntakeMachine;

// Rows of which XA transaction are on their way, and whether to the stream or away.
struct XaMove {
    std::string xid;
    bool commit = false;
    XaHead head;
    bool has_head = false;  // in the side keyspace
    Place next;             // behind the event that ended it
};

// Appends rows of a snapshot between transactions (intake_snapshot.cc).
class SnapshotRows final : public core::snapshot::RowStream {
  public:
    explicit SnapshotRows(IntakeMachine& intake) : intake_(intake) {}

    bool between_transactions() const override;
    bool past_start() const override;
    bool has_passed(const Position& place) const override;
    void in_snapshot(bool running) override;
    void append_position(std::int64_t now_us, EntrySink& sink) override;
    void begin_rows(std::int64_t read_time_us, std::int64_t now_us, EntrySink& sink) override;
    void append_row(SchemaId schema,
                    std::uint32_t ordinal,
                    format::SnapshotMarker marker,
                    std::string_view row,
                    EntrySink& sink) override;
    void end_rows(std::int64_t now_us, EntrySink& sink) override;

  private:
    IntakeMachine& intake_;
};

class IntakeMachine final : public Intake {
  public:
    IntakeMachine(const IntakeOptions& options,
                  TableFilter filter,
                  ResumePoint resume,
                  std::optional<Identity> done,
                  Position done_bytes,
                  Catalogue* catalogue,
                  const SideReader& side,
                  std::map<std::string, XaHead> open_xa,
                  CommittedXa committed_xa)
        : options_(options),
          side_(side),
          tables_(options.server, std::move(filter), catalogue),
          resume_(std::move(resume)),
          transaction_(options.server, std::move(done), std::move(done_bytes)),
          open_xa_(std::move(open_xa)),
          committed_xa_(std::move(committed_xa)) {
        moved_ = options.fresh;
        if (!resume_.by_gtid) {
            received_ = resume_.next;
        }
        if (options.last_comes_again && resume_.last) {
            last_again_.emplace(*resume_.last, options.server_mark, !resume_.by_gtid);
        }
        for (auto& [xid, head] : open_xa_) {
            xa_bytes_ += head.bytes;
            if (planted::is(planted::Bug::xa_rows_of_before_lost)) {
                head.rows_end = 0;
            }
        }
    }

    Result<void> on_event(const EventView& event, std::int64_t now_us, EntrySink& sink) override;
    Result<void> on_oversized(const EventView& head,
                              std::uint64_t event_bytes,
                              std::int64_t now_us,
                              EntrySink& sink) override;
    bool copying() const noexcept override { return state_ == State::moving; }
    Result<void> copy_more(std::int64_t now_us, EntrySink& sink) override;
    void on_tick(std::int64_t now_us, EntrySink& sink) override;
    Result<void> begin(std::int64_t now_us, EntrySink& sink) override;
    void flush_position(std::int64_t now_us, EntrySink& sink) override;
    bool awaits_last() const noexcept override { return last_again_ && last_again_->awaited(); }
    void give_up_last() noexcept override { last_again_.reset(); }
    bool in_transaction() const noexcept override { return state_ != State::idle; }
    void watch(StreamWatcher* watcher) noexcept override { watcher_ = watcher; }
    core::snapshot::RowStream& snapshot_rows() noexcept override { return rows_; }
    const Place& received() const noexcept override { return received_; }
    const ResumePoint& position() const noexcept override { return resume_; }

  private:
    friend class SnapshotRows;
    enum class State : std::uint8_t {
        idle,
        announced,  // a GTID came: BEGIN, XA START or one statement follows
        open,       // up to COMMIT, XID, XA_PREPARE or ROLLBACK
        moving,     // copy_more() is not through
    };
    // One event with what every handler needs.
    struct Now {
        const EventView& event;
        EventHeader header;
        std::string_view body;
        std::int64_t us;
        EntrySink& sink;
    };

    [[nodiscard]] bool before_place(const EventView& event) const;
    Result<bool> comes_again(const EventView& event, const EventHeader& header);
    void measure(const EventView& event, const EventHeader& header);
    Result<void> dispatch(const Now& now);
    Result<void> on_gtid(const Now& now);
    Result<void> on_mariadb_gtid(const Now& now);
    Result<void> begin(const Now& now, std::string gtid, std::int64_t commit_time_us);
    Result<void> on_query(const Now& now);
    Result<void> on_statement(const Now& now, const Query& query, std::string_view text);
    Result<void> on_row_statement(const Now& now, const Statement& statement, const Query& query);
    [[nodiscard]] bool withholds(std::string_view table) const {
        return watcher_ != nullptr && watcher_->withholds(table);
    }
    Result<void> on_truncate(const Now& now, const Statement& statement, const Query& query);
    void fold_case(std::string& name) const;
    Result<void> on_ddl(const Now& now, const Query& query, std::string_view text);
    Result<void> take_ddl(const Now& now, const DdlTarget& target);
    Result<void> on_single_statement(const Now& now);
    Result<void> on_rollback(const Now& now);
    [[nodiscard]] std::string behind_this() const;
    Result<void> on_file_end(const Now& now);
    [[nodiscard]] Result<void> check_half(const Place& reached) const;
    void move_place(Place place, const Now& now);
    Result<void> on_rows(const Now& now);
    Result<std::string_view> rows_of(const RowsEvent& rows, const Table& table, bool& whole);
    Result<void> count_unselected(const RowsEvent& rows, const Table& table);
    Result<void> take_rows(const Now& now, const RowsEvent& rows, Table& table);
    Result<void> write_row(const RowsEvent& rows, const Table& table, const RowSpan& row);
    Result<void> hold_row(const Now& now, const Table& table, std::uint32_t ordinal);
    Result<void> start_xa(const Now& now, std::string xid);
    Result<void> on_xa_prepare(const Now& now);
    Result<void> end_xa(const Now& now, const Statement& statement);
    Result<void> erase_side_under(std::string_view prefix, std::int64_t now_us, EntrySink& sink);
    Result<bool> copy_rows(std::int64_t now_us, EntrySink& sink);
    Result<bool> drop_rows(std::int64_t now_us, EntrySink& sink);
    Result<void> end_move(std::int64_t now_us, EntrySink& sink);
    Result<void> end_transaction(const Place& next, std::int64_t now_us, EntrySink& sink);
    void complete(const Place& next);
    void publish_resume(EntrySink& sink);
    void append_position(std::int64_t now_us, EntrySink& sink);
    Place behind(const Now& now) const;
    void receive(const EventView& event) {
        received_.file.assign(event.file);
        received_.offset = event.next;
    }

    IntakeOptions options_;
    const SideReader& side_;
    Tables tables_;
    ResumePoint resume_;
    Transaction transaction_;
    std::map<std::string, XaHead> open_xa_;
    CommittedXa committed_xa_;
    std::uint64_t xa_bytes_ = 0;  // of every open one and of the one that comes in

    State state_ = State::idle;
    std::optional<LastAgain> last_again_;
    FingerprintMeter meter_;                   // of the transaction under way
    std::optional<MysqlGtid> mysql_gtid_;      // of the transaction under way
    std::optional<MariadbGtid> mariadb_gtid_;  // likewise
    std::string xid_;                          // of the XA transaction whose rows come in
    std::uint64_t xid_bytes_ = 0;              // of its rows so far
    std::uint64_t side_bytes_ = 0;             // since the last entry
    XaMove move_;

    StreamWatcher* watcher_ = nullptr;
    SnapshotRows rows_{*this};
    Place received_;

    bool moved_ = false;  // `resume` moved since the last entry
    std::int64_t position_time_us_ = 0;
    std::string payload_;   // reused from call to call
    std::string inflated_;  // likewise
    std::string side_value_;
    Position resume_bytes_;
};

}  // namespace tributary::mysql
