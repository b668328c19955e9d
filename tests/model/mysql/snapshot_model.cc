// The snapshot beside a small MySQL or MariaDB, in every order of what can happen: transactions
// that are in the binlog before they can be seen and seen before they are in gtid_executed, the
// stream behind, chunks read while the server goes on, and the agent killed at any time. The
// oracle is exact: a row of the snapshot is what the table held at its place in the stream, and a
// consumer ends with the table. Wrong rules are worlds of their own, and must be caught.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/snapshot/snapshot.h"
#include "ports/quiet_observer.h"
#include "tests/unit/mysql/support.h"

namespace tributary::mysql {
namespace {

using test::FileEvent;

constexpr const char* kFile = "bin.000001";
constexpr std::uint64_t kStart = 4;

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

enum class Fault {
    none,
    low_is_binlog_end,   // the plain low and high watermark
    high_is_executed,    // seen before it is in gtid_executed
    place_is_binlog_end  // MariaDB's SHOW MASTER STATUS beside an ordinary SELECT
};

struct Rules {
    ChunkRule rule = ChunkRule::gtids;
    Fault fault = Fault::none;
    bool partial = false;  // images leave out what did not change
    bool keyless = false;  // the table has no key
};

// One transaction of one statement.
struct Tx {
    Op op{};
    std::vector<FileEvent> events{};
    std::uint64_t begin = 0;  // in the binlog; 0: not yet there
    std::uint64_t end = 0;
    bool visible = false;
    bool executed = false;  // in gtid_executed
};

std::string cell(const std::string& text) {
    return std::string(1, static_cast<char>(text.size())) + text;
}

std::string number(int id) {
    std::string out;
    append_fixed(out, static_cast<std::uint32_t>(id));
    return out;
}

class Binlog {
  public:
    explicit Binlog(bool mariadb) : mariadb_(mariadb) {}

    std::vector<FileEvent> transaction(std::size_t at,
                                       EventType type,
                                       const std::string& bits,
                                       const std::string& images) {
        std::vector<FileEvent> out;
        out.push_back(mariadb_ ? wire_.mariadb_gtid(at + 1, 0) : wire_.gtid(at + 1));
        if (!mariadb_) {
            out.push_back(wire_.query("BEGIN"));
        }
        out.push_back(wire_.event(EventType::table_map, map()));
        std::string body;
        append_fixed(body, std::uint32_t{1});
        append_fixed(body, std::uint16_t{0});
        append_fixed(body, std::uint16_t{1});
        append_fixed(body, std::uint16_t{2});
        out.push_back(wire_.event(type, body + '\3' + bits + images));
        out.push_back(wire_.xid());
        return out;
    }

  private:
    // shop.t (id int primary key, v varchar(40), big varchar(40)) with full metadata.
    static std::string map() {
        std::string body;
        append_fixed(body, std::uint32_t{1});
        append_fixed(body, std::uint16_t{0});
        append_fixed(body, std::uint16_t{1});
        body += cell("shop") + '\0' + cell("t") + '\0';
        body.append("\x03\x03\x0f\x0f\x04\xa0\x00\xa0\x00\x06", 10);
        body.append("\x01\x01\x00\x02\x03\xfc\xff\x00", 8);
        return body + "\x04\x09" + cell("id") + cell("v") + cell("big") +
               std::string("\x08\x01\x00", 3);
    }

    bool mariadb_;
    test::Wire wire_{kStart};
};

// The state after it; false: the row is not as the op wants it.
bool run_op(std::size_t at, const Op& op, TableState& state) {
    const auto row = state.find(op.key);
    const std::string mark = "x" + std::to_string(at);
    if ((row == state.end()) != (op.what == What::insert)) {
        return false;
    }
    switch (op.what) {
        case What::touch:
            row->second.v = mark;
            return true;
        case What::fill:
        case What::insert:
            state[op.key] = {mark, "big " + mark};
            return true;
        case What::remove:
            state.erase(row);
            return true;
        case What::move: {
            if (state.contains(op.key + 10)) {
                return false;  // its key is taken
            }
            const RowState moved{mark, row->second.big};
            state.erase(row);
            state[op.key + 10] = moved;
            return true;
        }
    }
    return false;
}

class Server final : public ChunkReader {
  public:
    Server(const Rules& rules, const std::vector<Op>& ops)
        : rules_(rules), binlog_(rules.rule == ChunkRule::exactly) {
        for (const Op& op : ops) {
            txs.push_back({.op = op});
        }
    }

    TableState initial{{1, {"a", "big a"}}, {2, {"b", "big b"}}, {3, {"c", "big c"}}};
    std::vector<Tx> txs;
    std::vector<std::size_t> log;  // txs in the order of the binlog
    std::uint64_t end_of_log = kStart;
    std::function<void()> goes_on = [] {};  // what else may happen in the middle of a chunk

    [[nodiscard]] TableState state(bool only_visible) const {
        TableState out = initial;
        for (const std::size_t at : log) {
            if (!only_visible || txs[at].visible) {
                run_op(at, txs[at].op, out);
            }
        }
        return out;
    }

    // What the server may do by itself now.
    void actions(std::vector<std::function<void()>>& out) {
        for (std::size_t at = 0; at < txs.size(); ++at) {
            Tx& tx = txs[at];
            if (tx.begin == 0 && can_write(at)) {
                out.push_back([this, at] { write(at); });
            }
            if (tx.begin != 0 && !tx.visible && can_show(at)) {
                out.push_back([&tx] { tx.visible = true; });
            }
            if (tx.visible && !tx.executed) {
                out.push_back([&tx] { tx.executed = true; });
            }
        }
    }

    Result<BegunChunk> begin(const std::string&, const std::string&) override {
        BegunChunk begun;
        begun.fingerprint = "f";
        switch (rules_.rule) {
            case ChunkRule::gtids: {
                MysqlGtidSet executed;
                for (std::size_t at = 0; at < txs.size(); ++at) {
                    if (txs[at].executed) {
                        executed.add(gtid_of(at));
                    }
                }
                begun.executed = executed;
                break;
            }
            case ChunkRule::place:
                begun.place = {
                    kFile, rules_.fault == Fault::low_is_binlog_end ? end_of_log : seen_prefix()};
                break;
            case ChunkRule::exactly:
                read_ = state(true);
                place_ = rules_.fault == Fault::place_is_binlog_end ? end_of_log : seen_prefix();
                begun.place = {kFile, place_};
                begun.ends = begun.place;
                return begun;
        }
        goes_on();
        read_ = state(true);
        goes_on();
        begun.ends = {kFile, end_of_binlog()};
        return begun;
    }
    Result<TableFacts> describe(const std::string&, const std::string&) override {
        TableFacts facts{.database = "shop", .table = "t"};
        facts.structure.exists = true;
        for (const char* name : {"id", "v", "big"}) {
            CatalogueColumn column;
            column.name = name;
            const bool id = column.name == "id";
            column.data_type = id ? "int" : "varchar";
            column.column_type = id ? "int(11)" : "varchar(40)";
            column.character_set = id ? "" : "utf8mb4";
            column.nullable = !id;
            facts.structure.columns.push_back(column);
            facts.octets.push_back(id ? 0 : 160);
        }
        if (!rules_.keyless) {
            facts.structure.primary_key = {"id"};
        }
        return facts;
    }
    Result<void> ask(const std::string& sql) override {
        asked_ = sql;
        return success();
    }
    Result<void> rows(const std::function<bool(Cells cells)>& on_row) override {
        const auto after = asked_.find("> ");
        const int from = after == std::string::npos ? 0 : std::stoi(asked_.substr(after + 2));
        int left = std::stoi(asked_.substr(asked_.find("LIMIT ") + 6));
        for (const auto& [id, row] : read_) {
            const std::string text = std::to_string(id);
            const std::vector<std::optional<std::string_view>> cells{text, row.v, row.big};
            if (id > from && left-- > 0 && !on_row(cells)) {
                break;
            }
        }
        return success();
    }
    Result<void> part(const std::string&,
                      std::uint64_t,
                      const std::function<bool(Cells cells)>& on_row) override {
        for (const auto& [id, row] : std::exchange(read_, {})) {
            const std::string text = std::to_string(id);
            on_row(std::vector<std::optional<std::string_view>>{text, row.v, row.big});
        }
        return success();
    }
    Result<void> end() override { return success(); }
    void abandon() override {}

    static MysqlGtid gtid_of(std::size_t at) {
        MysqlGtid gtid;
        gtid.uuid.fill(0x11);
        gtid.number = at + 1;
        return gtid;
    }

  private:
    // A row that another transaction changed is locked until that one can be seen.
    [[nodiscard]] bool can_write(std::size_t at) const {
        return std::none_of(txs.begin(), txs.end(), [&](const Tx& other) {
            return other.begin != 0 && !other.visible && other.op.key % 10 == txs[at].op.key % 10;
        });
    }
    // MariaDB shows transactions in the order of its binlog.
    [[nodiscard]] bool can_show(std::size_t at) const {
        return rules_.rule != ChunkRule::exactly ||
               std::all_of(log.begin(), log.end(), [&](std::size_t other) {
                   return other == at || txs[other].visible || txs[other].begin > txs[at].begin;
               });
    }
    // Where the binlog is said to end.
    [[nodiscard]] std::uint64_t end_of_binlog() const {
        std::uint64_t high = end_of_log;
        if (rules_.fault == Fault::high_is_executed) {
            high = kStart;
            for (const std::size_t at : log) {
                high = txs[at].executed ? txs[at].end : high;
            }
        }
        return high;
    }
    // Every transaction below is seen.
    [[nodiscard]] std::uint64_t seen_prefix() const {
        std::uint64_t end = kStart;
        for (const std::size_t at : log) {
            if (!txs[at].visible) {
                break;
            }
            end = txs[at].end;
        }
        return end;
    }
    void write(std::size_t at) {
        Tx& tx = txs[at];
        TableState now = state(false);
        const auto old = now.find(tx.op.key);
        const RowState before = old == now.end() ? RowState{} : old->second;
        if (!run_op(at, tx.op, now)) {
            tx.begin = 1;
            tx.visible = tx.executed = true;  // changed nothing: it is nowhere
            return;
        }
        const int new_key = tx.op.key + (tx.op.what == What::move ? 10 : 0);
        const RowState after = tx.op.what == What::remove ? RowState{} : now.at(new_key);
        const bool leaves_out = rules_.partial && tx.op.what == What::touch;
        const std::string old_image =
            '\0' + number(tx.op.key) + (leaves_out ? "" : cell(before.v) + cell(before.big));
        const std::string new_image =
            '\0' + (leaves_out ? cell(after.v) : number(new_key) + cell(after.v) + cell(after.big));
        EventType type = EventType::update_rows;
        std::string bits = leaves_out ? "\1\2" : "\7\7";
        std::string images = old_image + new_image;
        if (tx.op.what == What::insert) {
            type = EventType::write_rows;
            bits = "\7";
            images = new_image;
        } else if (tx.op.what == What::remove) {
            type = EventType::delete_rows;
            bits = "\7";
            images = old_image;
        }
        // MariaDB numbers transactions in the order of its binlog.
        const std::size_t nth = rules_.rule == ChunkRule::exactly ? log.size() : at;
        tx.events = binlog_.transaction(nth, type, bits, images);
        tx.begin = tx.events.front().offset;
        tx.end = tx.events.back().next;
        end_of_log = tx.end;
        log.push_back(at);
    }

    Rules rules_;
    Binlog binlog_;
    TableState read_;
    std::string asked_;
    std::uint64_t place_ = 0;
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
class Log final : public EntrySink, public SideReader {
  public:
    struct Item {
        EntryKind kind;
        std::string context;
        std::string payload;
        Position done;
        Position resume;
        std::vector<SideWrite> side;
        bool with_next = false;  // in one block with the entry after it
    };
    SchemaId intern(std::shared_ptr<const TableSchema> schema) override {
        return schemas_.intern(std::move(schema));
    }
    std::shared_ptr<const TableSchema> schema(SchemaId id) const override {
        return schemas_.schema(id);
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
        side_.push_back({std::string(key), std::string(value)});
    }
    void erase_side(std::string_view key) override {
        side_.push_back({std::string(key), std::nullopt});
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
    Result<std::optional<std::string>> get(std::string_view key) const override {
        const auto values = side();
        const auto found = values.find(std::string(key));
        return found == values.end() ? std::optional<std::string>() : found->second;
    }
    Result<std::vector<SideEntry>> scan(std::string_view prefix,
                                        std::string_view after,
                                        std::size_t limit) const override {
        std::vector<SideEntry> out;
        for (const auto& [key, value] : side()) {
            if (key.starts_with(prefix) && key > after && out.size() < limit) {
                out.push_back({key, value});
            }
        }
        return out;
    }

    std::vector<Item> items;

  private:
    [[nodiscard]] std::map<std::string, std::string> side() const {
        std::map<std::string, std::string> values;
        for (const auto& item : items) {
            for (const SideWrite& write : item.side) {
                if (write.value) {
                    values[write.key] = *write.value;
                } else {
                    values.erase(write.key);
                }
            }
        }
        return values;
    }

    test::RecordingSink schemas_;
    std::string context_;
    Position resume_;
    std::vector<SideWrite> side_;
    bool group_ = false;
};

using Choose = std::function<std::size_t(std::size_t count)>;

class World {
  public:
    World(const Rules& rules, const std::vector<Op>& ops, bool kills, Choose choose)
        : rules_(rules),
          kind_(rules.rule == ChunkRule::exactly ? ServerKind::mariadb : ServerKind::mysql),
          choose_(std::move(choose)),
          kills_left_(kills ? 2 : 0),
          server_(rules, ops) {
        server_.goes_on = [this] {
            std::vector<std::function<void()>> actions{[] {}};
            server_.actions(actions);
            const std::size_t chosen = choose_(actions.size());
            went_on_ = went_on_ || chosen != 0;
            actions[chosen]();
        };
        start();
    }

    // What is wrong at the end, or nothing.
    std::string run() {
        for (int step = 0; step < 300; ++step) {
            std::vector<std::function<void()>> actions;
            server_.actions(actions);
            const bool held = snapshot_->engine().holds_stream();
            if (!held && streamed_ < server_.log.size()) {
                actions.push_back([this] { stream(); });
            } else if (!held && intake_->received().offset < server_.end_of_log) {
                actions.push_back([this] { heartbeat(); });
            }
            if (!snapshot_done() && !idle_) {
                actions.push_back([this] { agent(); });
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
    [[nodiscard]] bool snapshot_done() const {
        return snapshot_ == nullptr || snapshot_->finished();
    }

    void start() {
        StartPoint from;
        if (!log_.items.empty()) {
            from = {log_.items.back().resume, log_.items.back().done};
        }
        const bool fresh = from.resume.empty();
        if (fresh) {
            from.resume = encode_resume(test::beginning(kind_, rules_.rule != ChunkRule::place));
        }
        const ResumePoint resume = *decode_resume(from.resume);
        snapshot_.reset();
        intake_ = Intake::make({.server = kind_, .fresh = fresh}, from, nullptr, log_).value();
        std::optional<std::vector<Snapshot::RunTable>> begin;
        if (fresh) {
            begin.emplace({Snapshot::RunTable{{"shop", "t"}, rules_.keyless}});
        }
        snapshot_ = Snapshot::make({.engine = {.source = "s", .chunk_rows_max = 2},
                                    .server = kind_,
                                    .rule = rules_.rule,
                                    .appended_below = {kFile, server_.end_of_log}},
                                   {server_, *intake_, clock_, observer_},
                                   log_,
                                   std::move(begin))
                        .value();
        intake_->watch(snapshot_.get());
        streamed_ = 0;
        while (streamed_ < server_.log.size() && was_taken(resume, server_.log[streamed_])) {
            ++streamed_;
        }
        if (fresh) {
            agent();  // as the source does before it reads the stream
        }
    }
    [[nodiscard]] bool was_taken(const ResumePoint& resume, std::size_t at) const {
        if (!resume.by_gtid) {
            return server_.txs[at].end <= resume.next.offset;
        }
        return kind_ == ServerKind::mysql ? resume.executed.contains(Server::gtid_of(at))
                                          : server_.txs[at].end <= resume.next.offset;
    }
    void stream() {
        for (const FileEvent& event : server_.txs[server_.log[streamed_]].events) {
            const auto taken = intake_->on_event(test::view(event, kFile), 1, log_);
            ASSERT_TRUE(taken) << taken.error().message();
        }
        ++streamed_;
    }
    void heartbeat() {
        test::Wire wire;
        const FileEvent event = wire.event(EventType::heartbeat, kFile);
        ASSERT_TRUE(intake_->on_event(
            {.bytes = event.bytes, .file = kFile, .next = server_.end_of_log}, 1, log_));
    }
    void agent() {
        const std::size_t before = log_.items.size();
        const bool due = snapshot_->due();
        went_on_ = false;
        ASSERT_TRUE(snapshot_->step(log_));
        // Until something else happens the same step does the same again.
        idle_ = log_.items.size() == before && !due && !snapshot_->due() && !went_on_;
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

    struct Row {
        int id = 0;
        std::optional<std::string> v;
        std::optional<std::string> big;
    };
    static Row row_of(const ImageCells& cells, int id) {
        Row row;
        row.id = cells[0].present
                     ? static_cast<int>(load<std::uint32_t>(cells[0].bytes->data(), Endian::little))
                     : id;
        const auto text = [](const ImageCell& from) {
            return from.present ? std::optional(std::string(from.bytes->substr(1))) : std::nullopt;
        };
        row.v = text(cells[1]);
        row.big = text(cells[2]);
        return row;
    }

    // Of a table without a key: its topic begins with its rows, which have what came before.
    void skip_withheld(const EventHead& head, std::uint64_t place) {
        if (!rules_.keyless || begun_) {
            return;
        }
        begun_ = true;
        while (applied_ < server_.log.size() &&
               (head.operation == 'R' ? server_.txs[server_.log[applied_]].end <= place
                                      : server_.txs[server_.log[applied_]].begin != place)) {
            run_op(server_.log[applied_], server_.txs[server_.log[applied_]].op, truth_);
            ++applied_;
        }
    }

    // Replays the log as a consumer would, next to the truth.
    std::string verdict() {
        RowLayout layout;
        layout.columns = {
            {BinlogType::long_, 0}, {BinlogType::varchar, 160}, {BinlogType::varchar, 160}};
        TableState consumer;
        for (const auto& item : log_.items) {
            if (item.kind != EntryKind::change) {
                continue;
            }
            const Context context = parse_context(item.context).value();
            const EventHead head = parse_event_head(item.payload).value();
            const ChangeImages split = split_images(head, 3).value();
            std::string_view rest = split.images;
            ImageCells cells;
            Row before;
            Row after;
            const bool has_before = head.operation == 'U' || head.operation == 'D';
            if (has_before) {
                EXPECT_TRUE(read_cells(layout, split.present_before, rest, cells));
                before = row_of(cells, 0);
            }
            if (head.operation != 'D') {
                EXPECT_TRUE(read_cells(layout, split.present_after, rest, cells));
                after = row_of(cells, before.id);
            }
            skip_withheld(head, context.offset);
            if (head.operation == 'R') {
                const auto at = truth_.find(after.id);
                if (at == truth_.end() || at->second != RowState{*after.v, *after.big}) {
                    return "row " + std::to_string(after.id) + " " + *after.v +
                           " is not what the table held there";
                }
                if (rules_.keyless && consumer.contains(after.id)) {
                    return "a row without a key came twice";
                }
                consumer[after.id] = at->second;
                continue;
            }
            const std::size_t tx = server_.log[applied_++];
            if (server_.txs[tx].begin != context.offset) {
                return "transactions lost, repeated or in another order";
            }
            run_op(tx, server_.txs[tx].op, truth_);
            RowState had{"?", "?"};
            const auto old = consumer.find(before.id);
            if (rules_.keyless && has_before != (old != consumer.end())) {
                return "a change of a row without a key that is not there";
            }
            if (has_before && old != consumer.end()) {
                had = old->second;
                consumer.erase(old);
            }
            if (head.operation != 'D') {
                consumer[after.id] = {after.v.value_or(had.v), after.big.value_or(had.big)};
            }
        }
        if (rules_.keyless && !begun_) {
            return server_.state(false).empty() ? "" : "nothing came of a table without a key";
        }
        if (applied_ != server_.log.size()) {
            return "transactions lost";
        }
        if (!snapshot_done()) {
            return "the snapshot is not done";
        }
        return consumer == server_.state(false) ? "" : "a consumer does not end with the table";
    }

    Rules rules_;
    ServerKind kind_;
    Choose choose_;
    int kills_left_;
    Server server_;
    StillClock clock_;
    QuietObserver observer_;
    Log log_;
    std::unique_ptr<Intake> intake_;
    std::unique_ptr<Snapshot> snapshot_;
    std::size_t streamed_ = 0;
    bool idle_ = false;
    bool went_on_ = false;                // the server, in the middle of a step
    TableState truth_ = server_.initial;  // of verdict()
    std::size_t applied_ = 0;
    bool begun_ = false;
};

// Every order of choices, depth first, up to `worlds_max`; the first thing that is wrong.
std::string every_order(const Rules& rules,
                        const std::vector<Op>& ops,
                        std::size_t worlds_max,
                        std::size_t& worlds) {
    std::vector<std::pair<std::size_t, std::size_t>> path;  // chosen, of how many
    for (;;) {
        std::size_t depth = 0;
        World world(rules, ops, false, [&](std::size_t count) {
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
const std::vector<Rules> kRules{{.rule = ChunkRule::gtids},
                                {.rule = ChunkRule::gtids, .partial = true},
                                {.rule = ChunkRule::place},
                                {.rule = ChunkRule::exactly},
                                {.rule = ChunkRule::exactly, .partial = true},
                                {.rule = ChunkRule::gtids, .keyless = true},
                                {.rule = ChunkRule::place, .keyless = true},
                                {.rule = ChunkRule::exactly, .keyless = true}};

// Those before the rules of tables without a key, whose rows do not name their place after a kill.
constexpr std::size_t kKeyedRules = 5;

TEST(MysqlSnapshotModel, holds_in_every_order_of_one_transaction) {
    for (const Rules& rules : kRules) {
        for (const What what : kOps) {
            std::size_t worlds = 0;
            for (const int key : {1, 2, 3, 4}) {
                EXPECT_EQ(every_order(rules, {{what, key}}, 60'000, worlds), "")
                    << static_cast<int>(rules.rule) << ": " << static_cast<int>(what) << " of "
                    << key;
            }
            EXPECT_GT(worlds, 60U);
        }
    }
}

// With images that leave columns out, the value of a row that is moved from what is not yet read to
// what is read already is a limit (docs/snapshots.md).
std::vector<Op> some_ops(std::minstd_rand& random, bool partial, int count) {
    std::vector<Op> ops;
    for (int at = 0; at < count; ++at) {
        const std::size_t kinds = kOps.size() - (partial ? 1 : 0);
        ops.push_back({kOps[random() % kinds], static_cast<int>(random() % 4) + 1});
    }
    return ops;
}

TEST(MysqlSnapshotModel, holds_through_kills_in_random_orders_of_five_transactions) {
    for (unsigned seed = 1; seed <= 30'000; ++seed) {
        std::minstd_rand random(seed);
        const Rules& rules = kRules[seed % kKeyedRules];
        World world(rules, some_ops(random, rules.partial, 5), true, [&](std::size_t count) {
            return random() % count;
        });
        ASSERT_EQ(world.run(), "") << "seed " << seed;
    }
}

std::size_t caught(const Rules& rules) {
    for (unsigned seed = 1; seed <= 20'000; ++seed) {
        std::minstd_rand random(seed);
        World world(rules, some_ops(random, false, 3), false, [&](std::size_t count) {
            return random() % count;
        });
        if (!world.run().empty()) {
            return seed;
        }
    }
    return 0;
}

TEST(MysqlSnapshotModel, catches_the_plain_low_and_high_watermark) {
    EXPECT_NE(caught({.rule = ChunkRule::place, .fault = Fault::low_is_binlog_end}), 0U);
}

TEST(MysqlSnapshotModel, catches_gtid_executed_as_the_high_watermark) {
    EXPECT_NE(caught({.rule = ChunkRule::gtids, .fault = Fault::high_is_executed}), 0U);
}

TEST(MysqlSnapshotModel, catches_the_end_of_the_binlog_for_the_place_of_a_select) {
    EXPECT_NE(caught({.rule = ChunkRule::exactly, .fault = Fault::place_is_binlog_end}), 0U);
}

TEST(MysqlSnapshotModel, holds_for_tables_without_a_key_in_random_orders_of_five_transactions) {
    for (unsigned seed = 1; seed <= 10'000; ++seed) {
        std::minstd_rand random(seed);
        const Rules& rules = kRules[kKeyedRules + seed % (kRules.size() - kKeyedRules)];
        World world(rules, some_ops(random, false, 5), false, [&](std::size_t count) {
            return random() % count;
        });
        ASSERT_EQ(world.run(), "") << "seed " << seed;
    }
}

TEST(MysqlSnapshotModel, catches_the_plain_watermark_for_a_table_without_a_key) {
    EXPECT_NE(
        caught({.rule = ChunkRule::place, .fault = Fault::low_is_binlog_end, .keyless = true}), 0U);
}

}  // namespace
}  // namespace tributary::mysql
