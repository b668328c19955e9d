// The snapshot beside a small PostgreSQL, in every order of what can happen: transactions that are
// in the log before they can be seen, the stream behind both, chunks read and appended at any time,
// and the agent killed at any time. The oracle is exact: a row of the snapshot is what the table
// held at its place in the stream, and a consumer ends with the table.
// The plain low and high watermark is a world of its own, and must be caught.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "connectors/postgresql/entry_payload.h"
#include "connectors/postgresql/snapshot/snapshot.h"
#include "ports/quiet_observer.h"
#include "tests/unit/postgresql/support.h"

namespace tributary::postgresql {
namespace {

using test::Wire;

constexpr std::uint32_t kOid = 42;
constexpr std::uint64_t kStart = 1000;

struct RowState {
    std::string v;
    std::string big;
    friend bool operator==(const RowState&, const RowState&) = default;
};
using TableState = std::map<int, RowState>;

enum class What { touch, fill, remove, insert, move };
struct Op {
    What what = What::touch;
    int key = 1;
};

// One transaction of one statement.
struct Tx {
    Op op;
    std::uint32_t xid = 0;
    std::uint64_t commit_lsn = 0;  // 0: not yet in the log
    bool visible = false;
    std::vector<std::string> messages{};  // of the stream
};

std::string tuple(char marker, const std::vector<std::optional<std::string>>& cells) {
    std::string out(1, marker);
    append_fixed(out, static_cast<std::uint16_t>(cells.size()), Endian::big);
    for (const auto& cell : cells) {
        if (!cell) {
            out.push_back('n');
        } else if (*cell == "<unchanged>") {
            out.push_back('u');
        } else {
            out.push_back('t');
            append_fixed(out, static_cast<std::uint32_t>(cell->size()), Endian::big);
            out += *cell;
        }
    }
    return out;
}

// The image of a row change, and the state after it; nullopt: the row is not as the op wants it.
std::optional<std::string> run_op(const Tx& tx, TableState& state) {
    const std::string id = std::to_string(tx.op.key);
    const auto row = state.find(tx.op.key);
    const std::string mark = "x" + std::to_string(tx.xid);
    if ((row == state.end()) != (tx.op.what == What::insert)) {
        return std::nullopt;
    }
    switch (tx.op.what) {
        case What::touch:
            row->second.v = mark;
            return std::string(Wire('U').u32(kOid)) + tuple('N', {id, mark, "<unchanged>"});
        case What::fill:
            row->second = {mark, "big " + mark};
            return std::string(Wire('U').u32(kOid)) + tuple('N', {id, mark, "big " + mark});
        case What::remove:
            state.erase(row);
            return std::string(Wire('D').u32(kOid)) + tuple('K', {id, {}, {}});
        case What::insert:
            state[tx.op.key] = {mark, "big " + mark};
            return std::string(Wire('I').u32(kOid)) + tuple('N', {id, mark, "big " + mark});
        case What::move: {
            RowState moved = row->second;
            moved.v = mark;
            state.erase(row);
            state[tx.op.key + 10] = moved;
            return std::string(Wire('U').u32(kOid)) + tuple('K', {id, {}, {}}) +
                   tuple('N', {std::to_string(tx.op.key + 10), mark, "<unchanged>"});
        }
    }
    return std::nullopt;
}

class Server final : public ChunkReader {
  public:
    bool watermarks = false;  // the planted bug
    TableState initial{{1, {"a", "big a"}}, {2, {"b", "big b"}}, {3, {"c", "big c"}}};
    std::vector<Tx> txs;
    std::vector<std::size_t> log;  // txs in the order of their commit records
    std::uint64_t end_lsn = kStart;

    TableState state(bool only_visible) const {
        TableState out = initial;
        for (const std::size_t at : log) {
            if (!only_visible || txs[at].visible) {
                run_op(txs[at], out);
            }
        }
        return out;
    }
    bool can_commit(std::size_t at) const {
        if (txs[at].commit_lsn != 0) {
            return false;
        }
        // A row that another transaction changed is locked until that one can be seen.
        return std::none_of(txs.begin(), txs.end(), [&](const Tx& other) {
            return other.commit_lsn != 0 && !other.visible &&
                   other.op.key % 10 == txs[at].op.key % 10;
        });
    }
    void commit_tx(std::size_t at) {
        Tx& tx = txs[at];
        TableState now = state(false);
        const auto image = run_op(tx, now);
        tx.commit_lsn = end_lsn + 8;
        end_lsn += 16;
        if (!image) {
            tx.messages = {};
            tx.visible = true;
            return;  // changed nothing: nobody sees it
        }
        log.push_back(at);
        tx.messages = {
            test::begin(tx.commit_lsn, tx.xid),
            test::relation(kOid, "t", {{true, "id", 23}, {false, "v", 25}, {false, "big", 25}}),
            *image,
            test::commit(tx.commit_lsn, end_lsn)};
    }

    Result<std::vector<std::uint32_t>> open_transactions() override {
        std::vector<std::uint32_t> open;
        for (const Tx& tx : txs) {
            if (!tx.visible) {
                open.push_back(tx.xid);
            }
        }
        return open;
    }
    Result<BegunChunk> begin(const std::string&, const std::string&) override {
        BegunChunk begun;
        begun.oid = kOid;
        begun.fingerprint = "f";
        begun.replayed = Lsn(end_lsn);
        begun.place = Lsn(end_lsn);
        read_ = state(true);
        if (!watermarks) {
            std::uint32_t end = 100;
            std::string open;
            for (const Tx& tx : txs) {
                end = tx.visible ? std::max(end, tx.xid + 1) : end;
            }
            for (const Tx& tx : txs) {
                if (!tx.visible && tx.xid < end) {
                    open += (open.empty() ? "" : ",") + std::to_string(tx.xid);
                }
            }
            begun.visible = VisibleSet::parse("100:" + std::to_string(end) + ":" + open);
        }
        return begun;
    }
    Result<void> part(
        const std::string&,
        std::uint64_t,
        const std::function<bool(const std::vector<std::optional<std::string_view>>&)>&) override {
        return success();
    }
    Result<SnapshotFacts> describe(std::uint32_t) override {
        return SnapshotFacts{
            .oid = kOid, .schema = "public", .table = "t", .published = {"id", "v", "big"}};
    }
    Result<CatalogueTable> catalogue(std::uint32_t) override {
        CatalogueTable out;
        out.exists = true;
        for (const char* name : {"id", "v", "big"}) {
            CatalogueColumn column;
            column.name = name;
            column.type_oid = name[0] == 'i' ? 23 : 25;
            out.columns.push_back(column);
        }
        out.primary_key = {"id"};
        return out;
    }
    Result<void> ask(const std::string& sql) override {
        asked_ = sql;
        return success();
    }
    Result<void> rows(const std::function<bool(std::string_view)>& on_line) override {
        const auto after = asked_.find("> ('");
        const int from = after == std::string::npos ? 0 : std::stoi(asked_.substr(after + 4));
        int left = std::stoi(asked_.substr(asked_.find("LIMIT ") + 6));
        for (const auto& [id, row] : read_) {
            if (id > from && left-- > 0) {
                if (!on_line(std::to_string(id) + "\t" + row.v + "\t" + row.big + "\n")) {
                    break;
                }
            }
        }
        return success();
    }
    Result<void> end() override { return success(); }
    void abandon() override {}

  private:
    TableState read_;
    std::string asked_;
};

class StillClock final : public Clock {
  public:
    SteadyTime now() const override {
        time += std::chrono::seconds(5);  // no retry is ever too early
        return time;
    }
    std::int64_t wall_time_us() const override { return 1; }
    mutable SteadyTime time;
};

// The log: entries, each with the side writes that came with it.
class Log final : public EntrySink {
  public:
    struct Item {
        EntryKind kind;
        std::string context;
        std::string payload;
        Position done;
        Position resume;
        std::vector<std::pair<std::string, std::optional<std::string>>> side;
        bool with_next = false;  // in one block with the entry after it
    };
    SchemaId intern(std::shared_ptr<const TableSchema> schema) override {
        return sink_.intern(std::move(schema));
    }
    std::shared_ptr<const TableSchema> schema(SchemaId id) const override {
        return sink_.schema(id);
    }
    void context(std::string_view bytes, std::int64_t) override { context_ = bytes; }
    void keep_together(std::size_t) override { group_ = true; }
    void append(EntryKind kind,
                SchemaId,
                std::uint32_t,
                std::string_view payload,
                const Position& done) override {
        items.push_back({kind, context_, std::string(payload), done, resume_, side_, group_});
        side_.clear();
    }
    void put_side(std::string_view key, std::string_view value) override {
        side_.emplace_back(std::string(key), std::string(value));
    }
    void erase_side(std::string_view key) override {
        side_.emplace_back(std::string(key), std::nullopt);
    }
    void resume(const Position& position) override {
        resume_ = position;
        if (!items.empty()) {
            items.back().resume = position;
            items.back().with_next = false;
        }
        group_ = false;
    }
    bool full() const override { return false; }
    void cut(std::size_t size) {
        items.resize(size);
        resume_ = items.empty() ? Position{} : items.back().resume;
        side_.clear();
        group_ = false;
    }

    std::vector<Item> items;

  private:
    test::RecordingSink sink_;
    std::string context_;
    Position resume_;
    std::vector<std::pair<std::string, std::optional<std::string>>> side_;
    bool group_ = false;
};

class LogSide final : public SideReader {
  public:
    explicit LogSide(const Log& log) {
        for (const auto& item : log.items) {
            for (const auto& [key, value] : item.side) {
                if (value) {
                    values_[key] = *value;
                } else {
                    values_.erase(key);
                }
            }
        }
    }
    Result<std::optional<std::string>> get(std::string_view key) const override {
        const auto found = values_.find(std::string(key));
        return found == values_.end() ? std::optional<std::string>() : found->second;
    }
    Result<std::vector<SideEntry>> scan(std::string_view prefix,
                                        std::string_view after,
                                        std::size_t limit) const override {
        std::vector<SideEntry> out;
        for (const auto& [key, value] : values_) {
            if (key.starts_with(prefix) && key > after && out.size() < limit) {
                out.push_back({key, value});
            }
        }
        return out;
    }

  private:
    std::map<std::string, std::string> values_;
};

using Choose = std::function<std::size_t(std::size_t count)>;

struct Setting {
    bool watermarks = false;  // a planted bug
    bool kills = false;
    bool forgets = false;  // a planted bug
    bool ad_hoc = false;   // the table is asked for at any time, not by the mode
};

class World {
  public:
    World(const std::vector<Op>& ops, Setting setting, Choose choose)
        : choose_(std::move(choose)),
          kills_left_(setting.kills ? 2 : 0),
          forgets_(setting.forgets),
          ad_hoc_(setting.ad_hoc) {
        server_.watermarks = setting.watermarks;
        for (std::size_t at = 0; at < ops.size(); ++at) {
            server_.txs.push_back({ops[at], static_cast<std::uint32_t>(100 + at)});
        }
        start();
    }

    // What is wrong at the end, or nothing.
    std::string run() {
        for (int step = 0; step < 200; ++step) {
            std::vector<std::function<void()>> actions;
            for (std::size_t at = 0; at < server_.txs.size(); ++at) {
                if (server_.can_commit(at)) {
                    actions.push_back([this, at] { server_.commit_tx(at); });
                }
                if (server_.txs[at].commit_lsn != 0 && !server_.txs[at].visible) {
                    actions.push_back([this, at] { server_.txs[at].visible = true; });
                }
            }
            if (streamed_ < server_.log.size()) {
                actions.push_back([this] { stream(); });
            } else if (intake_->position() < Lsn(server_.end_lsn)) {
                actions.push_back([this] { intake_->on_keepalive(Lsn(server_.end_lsn), 1, log_); });
            }
            if (!snapshot_done() && !idle_) {
                actions.push_back([this] { agent(); });
            }
            if (ad_hoc_ && !asked()) {
                actions.push_back([this] { ask(); });
            }
            if (actions.empty()) {
                return verdict();
            }
            if (kills_left_ > 0 && !log_.items.empty()) {
                actions.push_back([this] { kill(); });
            }
            const std::size_t chosen = choose_(actions.size());
            idle_ = false;
            actions[chosen]();
        }
        return "does not end";
    }

  private:
    bool snapshot_done() const { return snapshot_->finished(); }
    bool asked() const { return LogSide(log_).get(core::snapshot::kRunKey).value().has_value(); }
    void ask() {
        watch();
        ASSERT_TRUE(snapshot_->engine().add({"public", "t"}, "", *intake_, log_));
    }
    void watch() {
        snapshot_->suspect(forgets_ ? std::vector<std::uint32_t>()
                                    : server_.open_transactions().value());
        intake_->watch(snapshot_.get());
    }

    void start() {
        StartPoint from;
        if (!log_.items.empty()) {
            from = {log_.items.back().resume, log_.items.back().done};
        }
        const bool fresh = from.resume.empty() && from.done.empty();
        if (from.resume.empty()) {
            from.resume = encode_resume(Lsn(kStart));  // no transaction is whole yet
        }
        intake_ = Intake::make({.database = "db"}, from, catalogue_).value();
        const LogSide side(log_);
        std::optional<std::vector<RunTable>> begin;
        if (fresh && !ad_hoc_) {
            begin = std::vector<RunTable>{{{"public", "t"}}};
        }
        snapshot_ =
            Snapshot::make({.engine = {.source = "s", .chunk_rows_max = 2}, .database = "db"},
                           {server_, clock_, observer_},
                           side,
                           std::move(begin))
                .value();
        if (fresh && !ad_hoc_) {
            intake_->watch(snapshot_.get());
        } else if (!snapshot_->finished()) {
            watch();
        }
        const Lsn resume = intake_->position();
        streamed_ = 0;
        while (streamed_ < server_.log.size() &&
               Lsn(server_.txs[server_.log[streamed_]].commit_lsn) < resume) {
            ++streamed_;
        }
        if (fresh && !ad_hoc_) {
            agent();  // as the source does before it reads the stream
        }
    }
    void stream() {
        for (const std::string& message : server_.txs[server_.log[streamed_]].messages) {
            ASSERT_TRUE(intake_->on_xlog_data(Lsn(1), Lsn(1), 1, message, log_));
        }
        ++streamed_;
    }
    void agent() {
        const std::size_t before = log_.items.size();
        const bool due = snapshot_->due(*intake_);
        ASSERT_TRUE(snapshot_->step(*intake_, log_));
        // Until something else happens the same step does the same again.
        idle_ = log_.items.size() == before && !due && !snapshot_->due(*intake_);
    }
    void kill() {
        --kills_left_;
        std::size_t size = log_.items.size();
        for (std::size_t lost = choose_(3); lost > 0 && size > 1; --lost) {
            --size;
        }
        while (size > 1 && log_.items[size - 1].with_next) {
            --size;
        }
        log_.cut(size);
        start();
    }

    // Replays the log as a consumer would, next to the truth.
    std::string verdict() {
        TableState truth = server_.initial;
        TableState consumer;
        std::size_t reads = 0;
        std::size_t applied = 0;
        for (const auto& item : log_.items) {
            if (item.kind != EntryKind::change) {
                continue;
            }
            const Context context = parse_context(item.context).value();
            const EventHead head = parse_event_head(item.payload, context.lsn).value();
            const auto type = head.operation == 'R' ? MessageType::insert
                                                    : static_cast<MessageType>(head.operation);
            const RowMessage row = parse_image(type, head.rest).value();
            const auto cells = [](const Tuple& from) {
                std::vector<std::string> out;
                CellReader reader(from);
                Cell cell;
                while (reader.next(cell)) {
                    out.emplace_back(cell.kind == CellKind::unchanged ? "?" : cell.bytes);
                }
                return out;
            };
            if (head.operation == 'R') {
                ++reads;
                const auto now = cells(row.new_tuple);
                const auto at = truth.find(std::stoi(now[0]));
                if (at == truth.end() || at->second != RowState{now[1], now[2]}) {
                    return "row " + now[0] + " " + now[1] + " is not what the table held there";
                }
                consumer[std::stoi(now[0])] = {now[1], now[2]};
                continue;
            }
            run_op(server_.txs[context.xid - 100], truth);
            ++applied;
            RowState had{"?", "?"};
            if (row.type != MessageType::insert) {
                const int key = std::stoi(
                    cells(row.old_kind != OldTuple::none ? row.old_tuple : row.new_tuple)[0]);
                if (const auto old = consumer.find(key); old != consumer.end()) {
                    had = old->second;
                    consumer.erase(old);
                }
            }
            if (row.type != MessageType::remove) {
                const auto now = cells(row.new_tuple);
                consumer[std::stoi(now[0])] = {now[1], now[2] == "?" ? had.big : now[2]};
            }
        }
        if (applied != server_.log.size()) {
            return "transactions lost or repeated";
        }
        if (!snapshot_done()) {
            return "the snapshot is not done";
        }
        return consumer == server_.state(false) ? "" : "a consumer does not end with the table";
    }

    Choose choose_;
    int kills_left_;
    bool forgets_;
    bool ad_hoc_;
    Server server_;
    StillClock clock_;
    QuietObserver observer_;
    test::FakeCatalogue catalogue_;
    Log log_;
    std::unique_ptr<Intake> intake_;
    std::unique_ptr<Snapshot> snapshot_;
    std::size_t streamed_ = 0;
    bool idle_ = false;
};

// Every order of choices, depth first, up to `worlds_max`; the first thing that is wrong.
std::string every_order(const std::vector<Op>& ops,
                        Setting setting,
                        std::size_t worlds_max,
                        std::size_t& worlds) {
    std::vector<std::pair<std::size_t, std::size_t>> path;  // chosen, of how many
    for (;;) {
        std::size_t depth = 0;
        World world(ops, setting, [&](std::size_t count) {
            if (depth == path.size()) {
                path.emplace_back(0, count);
            }
            return path[depth++].first;
        });
        const std::string wrong = world.run();
        ++worlds;
        if (!wrong.empty()) {
            return wrong;
        }
        path.resize(depth);
        while (!path.empty() && path.back().first + 1 == path.back().second) {
            path.pop_back();
        }
        if (path.empty() || worlds >= worlds_max) {
            return "";
        }
        ++path.back().first;
    }
}

const std::vector<What> kOps{What::touch, What::fill, What::remove, What::insert, What::move};

TEST(SnapshotModel, holds_in_every_order_of_one_transaction) {
    for (const What what : kOps) {
        std::size_t worlds = 0;
        for (const int key : {1, 2, 3, 4}) {
            EXPECT_EQ(every_order({{what, key}}, {}, 1'000'000, worlds), "")
                << static_cast<int>(what) << " of " << key;
        }
        EXPECT_GT(worlds, 50U);
    }
}

TEST(SnapshotModel, holds_in_orders_of_two_transactions) {
    for (const What first : kOps) {
        for (const What second : kOps) {
            std::size_t worlds = 0;
            EXPECT_EQ(every_order({{first, 1}, {second, 1}}, {}, 50'000, worlds), "")
                << static_cast<int>(first) << " then " << static_cast<int>(second);
        }
    }
}

TEST(SnapshotModel, holds_through_kills_in_random_orders_of_four_transactions) {
    for (unsigned seed = 1; seed <= 20'000; ++seed) {
        std::minstd_rand random(seed);
        std::vector<Op> ops;
        for (int at = 0; at < 4; ++at) {
            ops.push_back({kOps[random() % kOps.size()], static_cast<int>(random() % 4) + 1});
        }
        World world(ops, {.kills = true}, [&](std::size_t count) { return random() % count; });
        ASSERT_EQ(world.run(), "") << "seed " << seed;
    }
}

TEST(SnapshotModel, holds_when_the_table_is_asked_for_in_the_middle_of_the_stream) {
    for (const What what : kOps) {
        std::size_t worlds = 0;
        EXPECT_EQ(every_order({{what, 1}, {What::touch, 2}}, {.ad_hoc = true}, 50'000, worlds), "")
            << static_cast<int>(what);
    }
    for (unsigned seed = 1; seed <= 20'000; ++seed) {
        std::minstd_rand random(seed);
        std::vector<Op> ops;
        for (int at = 0; at < 4; ++at) {
            ops.push_back({kOps[random() % kOps.size()], static_cast<int>(random() % 4) + 1});
        }
        World world(ops, {.kills = true, .ad_hoc = true}, [&](std::size_t count) {
            return random() % count;
        });
        ASSERT_EQ(world.run(), "") << "seed " << seed;
    }
}

TEST(SnapshotModel, catches_a_request_that_forgets_who_may_not_be_seen_yet) {
    std::size_t worlds = 0;
    EXPECT_NE(every_order({{What::touch, 1}}, {.forgets = true, .ad_hoc = true}, 1'000'000, worlds),
              "");
}

TEST(SnapshotModel, catches_a_restart_that_forgets_who_may_not_be_seen_yet) {
    std::size_t caught = 0;
    for (unsigned seed = 1; seed <= 20'000 && caught == 0; ++seed) {
        std::minstd_rand random(seed);
        World world({{What::touch, 3}, {What::touch, 2}},
                    {.kills = true, .forgets = true},
                    [&](std::size_t count) { return random() % count; });
        caught += world.run().empty() ? 0 : 1;
    }
    EXPECT_EQ(caught, 1U);
}

TEST(SnapshotModel, catches_the_plain_low_and_high_watermark) {
    std::size_t worlds = 0;
    EXPECT_NE(every_order({{What::touch, 1}}, {.watermarks = true}, 1'000'000, worlds), "");
}

}  // namespace
}  // namespace tributary::postgresql
