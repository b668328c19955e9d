// The stand-ins of fakes.h.
#include "fakes.h"

#include <algorithm>
#include <thread>

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::runtime_test {

using std::chrono::milliseconds;

// --- observer -----------------------------------------------------------------------------------

void TestObserver::log(LogLevel,
                       std::string_view,
                       std::string_view,
                       std::initializer_list<LogField>) {
    bell_.ring();
}

void TestObserver::error(std::string_view, const Error& error) {
    {
        const std::lock_guard lock(mutex_);
        errors_.emplace_back(error.kind().name);
    }
    bell_.ring();
}

void TestObserver::add(Counter counter, std::string_view pipeline, std::uint64_t amount) {
    {
        const std::lock_guard lock(mutex_);
        counters_[{counter, std::string(pipeline)}] += amount;
    }
    bell_.ring();
}

void TestObserver::set(Gauge gauge, std::string_view pipeline, std::int64_t value) {
    {
        const std::lock_guard lock(mutex_);
        gauges_[{gauge, std::string(pipeline)}] = value;
    }
    bell_.ring();
}

std::size_t TestObserver::errors(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count(errors_.begin(), errors_.end(), name));
}

std::uint64_t TestObserver::count(Counter counter, const std::string& pipeline) const {
    const std::lock_guard lock(mutex_);
    const auto found = counters_.find({counter, pipeline});
    return found == counters_.end() ? 0 : found->second;
}

std::optional<std::int64_t> TestObserver::gauge(Gauge gauge, const std::string& pipeline) const {
    const std::lock_guard lock(mutex_);
    const auto found = gauges_.find({gauge, pipeline});
    return found == gauges_.end() ? std::nullopt : std::optional(found->second);
}

// --- log ----------------------------------------------------------------------------------------

MemoryLog::Stream* MemoryLog::live(std::string_view pipeline) {
    for (const auto& stream : streams_) {
        if (!stream->info.set_aside && stream->info.pipeline == pipeline) {
            return stream.get();
        }
    }
    return nullptr;
}

MemoryLog::Stream* MemoryLog::find(StreamId id) {
    for (const auto& stream : streams_) {
        if (stream->info.id == id) {
            return stream.get();
        }
    }
    return nullptr;
}

Result<std::optional<StreamInfo>> MemoryLog::find_stream(std::string_view pipeline) {
    const std::lock_guard lock(mutex_);
    const Stream* stream = live(pipeline);
    return stream != nullptr ? std::optional(stream->info) : std::nullopt;
}

Result<StreamInfo> MemoryLog::create_stream(std::string_view pipeline, const StreamBase& base) {
    const std::lock_guard lock(mutex_);
    if (Stream* older = live(pipeline); older != nullptr) {
        older->info.set_aside = true;
    }
    auto stream = std::make_unique<Stream>();
    stream->info.id = StreamId(static_cast<std::uint32_t>(streams_.size() + 1));
    stream->info.pipeline = pipeline;
    stream->info.base = base;
    stream->info.extent.log_id = id_;
    streams_.push_back(std::move(stream));
    bell_.ring();
    return streams_.back()->info;
}

Result<std::vector<StreamInfo>> MemoryLog::streams() {
    const std::lock_guard lock(mutex_);
    std::vector<StreamInfo> all;
    for (const auto& stream : streams_) {
        all.push_back(stream->info);
    }
    return all;
}

Result<void> MemoryLog::admit(std::span<const BlockPtr> blocks) {
    if (broken_ || dead_) {
        broken_ = true;
        return Error(errors::kLogIo, "the log is broken until it is reopened");
    }
    std::map<StreamId, Sequence> expected;
    std::map<std::string, std::size_t> more;
    for (const BlockPtr& block : blocks) {
        const Stream* stream = find(block->stream);
        if (stream == nullptr || stream->info.set_aside) {
            ADD_FAILURE() << "appended to a stream that is not live";
            return Error(errors::kInternal, "appended to a stream that is not live");
        }
        const LogExtent& extent = stream->info.extent;
        const Sequence after =
            extent.last.value() == 0 ? stream->info.base.first : next(extent.last);
        Sequence& due = expected.try_emplace(block->stream, after).first->second;
        EXPECT_EQ(block->first.value(), due.value()) << "appended out of order";
        due = next(block->last);
        ++more[stream->info.pipeline];
        const auto bound = blocks_max_.find(stream->info.pipeline);
        // As in the real log: what is there counts, not what comes.
        if (bound != blocks_max_.end() && stream->blocks.size() >= bound->second) {
            bell_.ring();
            return Error(errors::kLogFull, stream->info.pipeline + " is at its bound");
        }
    }
    appends_of_many_ += more.size() > 1 ? 1U : 0U;
    return success();
}

void MemoryLog::store(std::span<const BlockPtr> blocks) {
    for (const BlockPtr& block : blocks) {
        Stream& stream = *find(block->stream);
        auto stored = std::make_shared<Block>(*block);
        stream.schemas.insert(stream.schemas.end(), stored->schemas.begin(), stored->schemas.end());
        stored->schemas.clear();
        for (const SideWrite& write : stored->side) {
            if (write.value) {
                stream.side.insert_or_assign(write.key, *write.value);
            } else {
                stream.side.erase(write.key);
            }
        }
        LogExtent& extent = stream.info.extent;
        if (extent.first.value() == 0) {
            extent.first = stored->first;
        }
        extent.last = stored->last;
        extent.resume = stored->resume;
        extent.done = stored->done;
        Position& newest = durable_resume_[stream.info.pipeline];
        newest.bytes = std::max(newest.bytes, stored->resume.bytes);
        stream.blocks.push_back(std::move(stored));
    }
}

Result<void> MemoryLog::append(std::span<const BlockPtr> blocks) {
    std::unique_lock lock(mutex_);
    released_.wait(lock, [&] { return !held_; });
    const auto admitted = admit(blocks);
    if (!admitted) {
        return admitted.error();
    }
    std::optional<Failure> failure;
    if (!failures_.empty()) {
        failure = failures_.front();
        failures_.pop_front();
    }
    if (failure != Failure::lost) {
        store(blocks);
    }
    bell_.ring();
    if (failure) {
        broken_ = true;
        return Error(errors::kLogIo, "a scripted failure");
    }
    return success();
}

Result<void> MemoryLog::reopen() {
    const std::lock_guard lock(mutex_);
    ++reopened_;
    bell_.ring();
    if (dead_) {
        return dead_error_;
    }
    broken_ = false;
    return success();
}

Result<BlockPtr> MemoryLog::read(StreamId id, Sequence at) {
    const std::lock_guard lock(mutex_);
    for (const BlockPtr& block : find(id)->blocks) {
        if (block->last >= at) {
            return std::make_shared<const Block>(*block);
        }
    }
    return BlockPtr();
}

Result<std::shared_ptr<const TableSchema>> MemoryLog::schema(StreamId id, SchemaId schema) {
    const std::lock_guard lock(mutex_);
    for (const NewSchema& known : find(id)->schemas) {
        if (known.id == schema) {
            return known.schema;
        }
    }
    return Error(errors::kLogCorrupt, "an unknown schema");
}

Result<std::vector<NewSchema>> MemoryLog::schemas(StreamId id) {
    const std::lock_guard lock(mutex_);
    return find(id)->schemas;
}

Result<std::optional<std::string>> MemoryLog::side(StreamId id, std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto& side = find(id)->side;
    const auto found = side.find(std::string(key));
    return found != side.end() ? std::optional(found->second) : std::nullopt;
}

Result<std::vector<SideEntry>> MemoryLog::scan_side(StreamId id,
                                                    std::string_view prefix,
                                                    std::string_view after,
                                                    std::size_t limit) {
    const std::lock_guard lock(mutex_);
    std::vector<SideEntry> found;
    for (const auto& [key, value] : find(id)->side) {
        if (key.starts_with(prefix) && (after.empty() || key > after) && found.size() < limit) {
            found.push_back({key, value});
        }
    }
    return found;
}

Result<void> MemoryLog::trim(StreamId id, Sequence through) {
    const std::lock_guard lock(mutex_);
    Stream& stream = *find(id);
    std::erase_if(stream.blocks, [&](const BlockPtr& block) { return block->last <= through; });
    if (!stream.blocks.empty()) {
        stream.info.extent.first = stream.blocks.front()->first;
    }
    bell_.ring();
    return success();
}

Result<void> MemoryLog::drop(StreamId id, Sequence before) {
    const std::lock_guard lock(mutex_);
    Stream& stream = *find(id);
    StreamInfo& info = stream.info;
    if (before > next(info.extent.last)) {
        return Error(errors::kArgumentInvalid, "past the end");
    }
    if (info.extent.first > info.dropped_before) {
        info.dropped_from = info.extent.first;
    }
    info.dropped_before = std::max(info.dropped_before, before);
    while (stream.blocks.size() > 1 && stream.blocks.front()->last < before) {
        stream.blocks.erase(stream.blocks.begin());
    }
    info.extent.first = stream.blocks.front()->first;
    bell_.ring();
    return success();
}

Result<std::optional<std::string>> MemoryLog::cached(std::string_view pipeline) {
    const std::lock_guard lock(mutex_);
    const auto found = cache_.find(pipeline);
    return found == cache_.end() ? std::nullopt : std::optional(found->second);
}

Result<void> MemoryLog::cache(std::string_view pipeline, std::string_view value) {
    const std::lock_guard lock(mutex_);
    cache_[std::string(pipeline)] = value;
    return success();
}

Result<std::uint64_t> MemoryLog::put_dead_letter(const DeadLetter& letter) {
    const std::lock_guard lock(mutex_);
    if (broken_ || dead_ || fail_dead_letter_) {
        fail_dead_letter_ = false;
        broken_ = true;
        return Error(errors::kLogIo, "the log is broken until it is reopened");
    }
    for (const DeadLetter& known : letters_) {
        if (known.pipeline == letter.pipeline && known.sequence == letter.sequence &&
            known.sub_index == letter.sub_index) {
            return known.id;
        }
    }
    letters_.push_back(letter);
    letters_.back().id = letters_.size();
    return letters_.back().id;
}

Result<std::vector<DeadLetter>> MemoryLog::dead_letters(std::string_view pipeline,
                                                        std::size_t limit) {
    const std::lock_guard lock(mutex_);
    std::vector<DeadLetter> found;
    for (const DeadLetter& letter : letters_) {
        if (letter.pipeline == pipeline && found.size() < limit) {
            found.push_back(letter);
        }
    }
    return found;
}

Result<void> MemoryLog::mark_replayed(std::uint64_t id) {
    {
        const std::lock_guard lock(mutex_);
        letters_.at(id - 1).replayed = true;
    }
    bell_.ring();
    return success();
}

void MemoryLog::fail_appends(std::initializer_list<Failure> failures) {
    const std::lock_guard lock(mutex_);
    failures_.insert(failures_.end(), failures);
}

void MemoryLog::fail_next_dead_letter() {
    const std::lock_guard lock(mutex_);
    fail_dead_letter_ = true;
}

void MemoryLog::hold_appends(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    released_.notify_all();
}

void MemoryLog::set_dead(bool dead) {
    const std::lock_guard lock(mutex_);
    dead_ = dead;
    dead_error_ = Error(errors::kLogIo, "the disk is dead");
}

void MemoryLog::fail_reopen(const Error& error) {
    const std::lock_guard lock(mutex_);
    dead_ = true;
    dead_error_ = error;
}

void MemoryLog::set_blocks_max(const std::string& pipeline, std::size_t blocks) {
    const std::lock_guard lock(mutex_);
    blocks_max_[pipeline] = blocks;
}

std::size_t MemoryLog::appends_of_many() const {
    const std::lock_guard lock(mutex_);
    return appends_of_many_;
}

std::size_t MemoryLog::reopened() const {
    const std::lock_guard lock(mutex_);
    return reopened_;
}

std::size_t MemoryLog::blocks(const std::string& pipeline) const {
    const std::lock_guard lock(mutex_);
    for (const auto& stream : streams_) {
        if (!stream->info.set_aside && stream->info.pipeline == pipeline) {
            return stream->blocks.size();
        }
    }
    return 0;
}

std::size_t MemoryLog::replayed() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        letters_.begin(), letters_.end(), [](const DeadLetter& each) { return each.replayed; }));
}

Position MemoryLog::durable_resume(const std::string& pipeline) const {
    const std::lock_guard lock(mutex_);
    const auto found = durable_resume_.find(pipeline);
    return found == durable_resume_.end() ? Position{} : found->second;
}

// --- source -------------------------------------------------------------------------------------

namespace {

std::string place_bytes(std::uint64_t lsn) {
    std::string bytes;
    append_fixed(bytes, lsn, Endian::big);
    return bytes;
}

}  // namespace

Position at_transaction(std::uint64_t lsn) {
    return {place_bytes(lsn)};
}

Position at_entry(std::uint64_t lsn, std::uint32_t ordinal) {
    std::string bytes = place_bytes(lsn);
    append_fixed(bytes, ordinal, Endian::big);
    return {bytes};
}

std::uint64_t Upstream::commit(std::vector<std::string> rows) {
    const std::lock_guard lock(mutex_);
    items_.push_back({.lsn = 10 * (items_.size() + 1), .rows = std::move(rows)});
    changed_.notify_all();
    return items_.back().lsn;
}

std::uint64_t Upstream::keepalive() {
    const std::lock_guard lock(mutex_);
    items_.push_back({.lsn = 10 * (items_.size() + 1), .rows = {}, .keepalive = true});
    changed_.notify_all();
    return items_.back().lsn;
}

void Upstream::fail_polls(std::size_t after_rows, std::size_t times) {
    const std::lock_guard lock(mutex_);
    fail_after_rows_ = after_rows;
    failures_ = times;
}

void Upstream::fail_open(const Error& error) {
    const std::lock_guard lock(mutex_);
    open_error_ = error;
}

void Upstream::set_pressure(Pressure pressure) {
    const std::lock_guard lock(mutex_);
    pressure_ = pressure;
}

void Upstream::set_snapshots(bool there) {
    const std::lock_guard lock(mutex_);
    snapshots_ = there;
}

void Upstream::set_complete(bool complete) {
    const std::lock_guard lock(mutex_);
    complete_ = complete;
}

std::vector<std::string> Upstream::asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
}

void Upstream::set_blocking(bool blocking) {
    const std::lock_guard lock(mutex_);
    blocking_ = blocking;
    changed_.notify_all();
}

void Upstream::set_identity(std::string identity) {
    const std::lock_guard lock(mutex_);
    identity_ = std::move(identity);
}

void Upstream::confirm_by_another(const Position& position) {
    const std::lock_guard lock(mutex_);
    confirmed_.bytes = std::max(confirmed_.bytes, position.bytes);
}

Position Upstream::confirmed() const {
    const std::lock_guard lock(mutex_);
    return confirmed_;
}

std::size_t Upstream::opens() const {
    const std::lock_guard lock(mutex_);
    return opens_;
}

std::size_t Upstream::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
}

std::vector<std::string> Upstream::rows() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const Item& item : items_) {
        all.insert(all.end(), item.rows.begin(), item.rows.end());
    }
    return all;
}

void UpstreamSource::block(std::unique_lock<std::mutex>& lock) {
    ++server_.waiting_;
    server_.bell_.ring();
    server_.changed_.wait(lock, [&] { return interrupted_ || !server_.blocking_; });
    --server_.waiting_;
    interrupted_ = false;
}

Result<void> UpstreamSource::open(const StartPoint& start, const SideReader& /*side*/) {
    std::unique_lock lock(server_.mutex_);
    ++server_.opens_;
    server_.bell_.ring();
    if (server_.blocking_) {
        block(lock);
    }
    if (server_.open_error_) {
        return *server_.open_error_;
    }
    if (start.resume.bytes < server_.confirmed_.bytes) {
        return Error(errors::kSourceGap, "the server has forgotten what comes next");
    }
    item_ = 0;
    row_ = 0;
    const auto& items = server_.items_;
    while (item_ < items.size() && at_transaction(items[item_].lsn).bytes <= start.resume.bytes) {
        ++item_;
    }
    while (item_ < items.size() && row_ < items[item_].rows.size() &&
           at_entry(items[item_].lsn, row_).bytes <= start.done.bytes) {
        ++row_;
    }
    return success();
}

bool UpstreamSource::wait_for_item(std::unique_lock<std::mutex>& lock, milliseconds wait) {
    if (server_.blocking_) {
        block(lock);
        return false;
    }
    server_.changed_.wait_for(
        lock, wait, [&] { return interrupted_ || item_ < server_.items_.size(); });
    interrupted_ = false;
    return item_ < server_.items_.size();
}

void UpstreamSource::emit_row(EntrySink& sink, const Upstream::Item& item) {
    const std::string& row = item.rows[row_];
    auto table = std::make_shared<TableSchema>();
    table->schema = "public";
    table->table = row.substr(0, row.find(' '));
    sink.append(EntryKind::change, sink.intern(table), row_, row, at_entry(item.lsn, row_));
    ++row_;
}

Result<void> UpstreamSource::poll(EntrySink& sink, milliseconds wait) {
    std::unique_lock lock(server_.mutex_);
    if (!wait_for_item(lock, wait)) {
        return success();
    }
    const Upstream::Item item = server_.items_[item_];
    sink.context(place_bytes(item.lsn), 1);
    for (std::size_t count = 0; count < rows_per_poll_ && row_ < item.rows.size(); ++count) {
        if (server_.failures_ > 0 && count == server_.fail_after_rows_) {
            --server_.failures_;
            return Error(errors::kSourceUnreachable, "a scripted failure");
        }
        emit_row(sink, item);
    }
    if (row_ < item.rows.size()) {
        return success();
    }
    const auto rows = static_cast<std::uint32_t>(item.rows.size());
    sink.append(item.keepalive ? EntryKind::position : EntryKind::transaction_end,
                SchemaId(0),
                rows,
                {},
                at_entry(item.lsn, rows));
    sink.resume(at_transaction(item.lsn));
    ++item_;
    row_ = 0;
    return success();
}

Snapshots* UpstreamSource::snapshots() {
    const std::lock_guard lock(server_.mutex_);
    return server_.snapshots_ ? this : nullptr;
}

bool UpstreamSource::complete() const {
    const std::lock_guard lock(server_.mutex_);
    return server_.complete_ && item_ == server_.items_.size();
}

Result<bool> UpstreamSource::take(const std::string& text, EntrySink& sink) {
    const std::lock_guard lock(server_.mutex_);
    if (row_ != 0) {
        return false;
    }
    sink.put_side("asked/" + text, text);
    const std::uint64_t lsn = item_ == 0 ? 0 : server_.items_[item_ - 1].lsn;
    sink.context(place_bytes(lsn), 1);
    sink.append(EntryKind::position, SchemaId(0), 0, {}, at_entry(lsn, 0xFFFFFFFFU));
    server_.asked_.push_back(text);
    return true;
}

Result<bool> UpstreamSource::start(const SnapshotRequest& request, EntrySink& sink) {
    if (request.table == "unknown") {
        return Error(errors::kSnapshotRefused, "there is no table unknown");
    }
    return take("start " + request.table + " " + request.where, sink);
}

Result<bool> UpstreamSource::stop(const std::string& table, EntrySink& sink) {
    return take("stop " + table, sink);
}

SnapshotStatus UpstreamSource::status() const {
    const std::lock_guard lock(server_.mutex_);
    SnapshotStatus status;
    status.state = server_.asked_.empty() ? SnapshotState::none : SnapshotState::running;
    status.tables_total = static_cast<std::uint32_t>(server_.asked_.size());
    return status;
}

Result<void> UpstreamSource::idle(milliseconds wait) {
    std::unique_lock lock(server_.mutex_);
    server_.changed_.wait_for(lock, wait, [&] { return interrupted_; });
    interrupted_ = false;
    return success();
}

void UpstreamSource::confirm(const Position& position) {
    if (server_.held) {
        EXPECT_LE(position.bytes, server_.held().bytes) << "confirmed what is not held";
    }
    {
        const std::lock_guard lock(server_.mutex_);
        server_.confirmed_.bytes = std::max(server_.confirmed_.bytes, position.bytes);
    }
    server_.bell_.ring();
}

Result<std::optional<Pressure>> UpstreamSource::pressure() {
    const std::lock_guard lock(server_.mutex_);
    return server_.pressure_;
}

Verdict UpstreamSource::reconcile(const LogExtent& log, const Checkpoint& checkpoint) const {
    if (!checkpoint.source_identity.empty() && checkpoint.source_identity != identity()) {
        return Verdict::diverged;
    }
    return checkpoint.resume.bytes <= log.resume.bytes ? Verdict::resume : Verdict::rewound;
}

std::string UpstreamSource::identity() const {
    const std::lock_guard lock(server_.mutex_);
    return server_.identity_;
}

void UpstreamSource::interrupt() {
    const std::lock_guard lock(server_.mutex_);
    interrupted_ = true;
    server_.changed_.notify_all();
}

namespace {

// Rows are text already; the transaction's place is the context.
class RowDecoder final : public Decoder {
  public:
    [[nodiscard]] std::string_view connector_name() const override { return "test"; }
    [[nodiscard]] std::span<const SourceField> source_fields() const override { return {}; }
    void add_schema(SchemaId id, std::shared_ptr<const TableSchema> schema) override {
        schemas_[id] = std::move(schema);
    }
    [[nodiscard]] bool has_schema(SchemaId id) const override { return schemas_.contains(id); }
    void begin_at(Sequence sequence) override { next_ = sequence; }
    [[nodiscard]] Result<bool> decode(const Entry& entry, Arena& arena, Change& change) override {
        EXPECT_EQ(entry.sequence.value(), next_.value()) << "decoded out of order";
        next_ = next(entry.sequence);
        if (entry.kind != EntryKind::change) {
            return false;
        }
        const auto schema = schemas_.find(entry.schema);
        EXPECT_TRUE(schema != schemas_.end());
        EXPECT_TRUE(entry.payload.starts_with(schema->second->table)) << entry.payload;
        if (entry.payload.find("UNDECODABLE") != std::string_view::npos) {
            return Error(errors::kValueUndecodable, "column a");
        }
        change.operation = Operation::message;
        change.sequence = entry.sequence;
        change.ordinal = entry.ordinal;
        change.source_position = entry.context;
        change.message_content = arena.copy(entry.payload);
        return true;
    }

  private:
    std::map<SchemaId, std::shared_ptr<const TableSchema>> schemas_;
    Sequence next_;
};

}  // namespace

std::unique_ptr<Decoder> UpstreamSource::make_decoder() const {
    return std::make_unique<RowDecoder>();
}

Result<void> RowEncoder::encode(const Change& change, Arena& arena, std::vector<Record>& out) {
    Record record;
    record.topic = "events";
    record.key = arena.copy("key");
    record.value = arena.copy(change.message_content);
    record.identity = arena.copy(change.source_position);
    record.sequence = change.sequence;
    out.push_back(record);
    return success();
}

// --- Kafka --------------------------------------------------------------------------------------

void Cluster::commits(std::initializer_list<Outcome> outcomes) {
    const std::lock_guard lock(mutex_);
    outcomes_.insert(outcomes_.end(), outcomes);
}

void Cluster::set_reachable(bool reachable) {
    const std::lock_guard lock(mutex_);
    reachable_ = reachable;
}

void Cluster::set_hanging(bool hanging) {
    const std::lock_guard lock(mutex_);
    hanging_ = hanging;
    changed_.notify_all();
}

void Cluster::refuse_with(std::string reason) {
    const std::lock_guard lock(mutex_);
    reason_ = std::move(reason);
}

void Cluster::refuse_dead_letters() {
    const std::lock_guard lock(mutex_);
    refuse_dead_letters_ = true;
}

void Cluster::set_settle_time(std::chrono::milliseconds time) {
    settle_time_ = time;
}

void Cluster::set_gather_bytes(std::uint64_t bytes) {
    gather_bytes_ = bytes;
}

void Cluster::seed(const Checkpoint& checkpoint) {
    const std::lock_guard lock(mutex_);
    checkpoints_.push_back(checkpoint);
}

void Cluster::forget_checkpoints() {
    const std::lock_guard lock(mutex_);
    checkpoints_.clear();
}

void Cluster::fence() {
    const std::lock_guard lock(mutex_);
    ++epoch_;
}

std::vector<Cluster::Landed> Cluster::records(std::string_view topic) const {
    const std::lock_guard lock(mutex_);
    std::vector<Landed> found;
    for (const Landed& record : records_) {
        if (record.topic == topic) {
            found.push_back(record);
        }
    }
    return found;
}

std::vector<std::string> Cluster::values(std::string_view topic) const {
    std::vector<std::string> found;
    for (const Landed& record : records(topic)) {
        found.push_back(record.value.value_or(""));
    }
    return found;
}

std::vector<Checkpoint> Cluster::checkpoints() const {
    const std::lock_guard lock(mutex_);
    return checkpoints_;
}

std::optional<Checkpoint> Cluster::newest() const {
    const std::lock_guard lock(mutex_);
    return checkpoints_.empty() ? std::nullopt : std::optional(checkpoints_.back());
}

std::size_t Cluster::begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
}

std::size_t Cluster::recoveries() const {
    const std::lock_guard lock(mutex_);
    return recoveries_;
}

std::size_t Cluster::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
}

Result<void> ClusterSink::reach(std::unique_lock<std::mutex>& lock) {
    if (cluster_.hanging_) {
        ++cluster_.waiting_;
        cluster_.bell_.ring();
        cluster_.changed_.wait(lock, [&] { return interrupted_ || !cluster_.hanging_; });
        --cluster_.waiting_;
        if (std::exchange(interrupted_, false)) {
            return fail("interrupted");
        }
    }
    if (!cluster_.reachable_) {
        return fail("no broker answers");
    }
    return success();
}

Error ClusterSink::fail(const char* what) {
    state_ = State::unusable;
    return {errors::kKafkaTransaction, what};
}

// Whoever frees what the sink still holds is found here, or by a sanitizer.
void ClusterSink::check_views() {
    for (const Held& held : held_) {
        EXPECT_EQ(held.record.topic, held.copy.topic);
        EXPECT_EQ(held.record.value.has_value(), held.copy.value.has_value());
        if (held.record.value && held.copy.value) {
            EXPECT_EQ(*held.record.value, *held.copy.value);
        }
    }
}

Result<std::optional<Checkpoint>> ClusterSink::recover(milliseconds) {
    std::unique_lock lock(cluster_.mutex_);
    check_views();
    held_.clear();
    TRIBUTARY_TRY_VOID(reach(lock));
    epoch_ = ++cluster_.epoch_;
    ++cluster_.recoveries_;
    cluster_.bell_.ring();
    state_ = State::ready;
    return cluster_.checkpoints_.empty() ? std::nullopt
                                         : std::optional(cluster_.checkpoints_.back());
}

Result<void> ClusterSink::prepare_topic(std::string_view) {
    return success();
}

Result<void> ClusterSink::begin() {
    std::unique_lock lock(cluster_.mutex_);
    EXPECT_EQ(state_, State::ready) << "a producer was used beyond its spotless life";
    TRIBUTARY_TRY_VOID(reach(lock));
    state_ = State::open;
    ++cluster_.begun_;
    cluster_.bell_.ring();
    return success();
}

void Cluster::take_large() {
    const std::lock_guard lock(mutex_);
    takes_large_ = true;
}

Result<void> ClusterSink::produce(const Record& record) {
    const std::lock_guard lock(cluster_.mutex_);
    EXPECT_EQ(state_, State::open);
    if (record.value && !cluster_.takes_large_ &&
        record.value->find("TOO-LARGE") != std::string_view::npos) {
        return Error(errors::kPoisonRecord, "too large");
    }
    Cluster::Landed copy{.topic = std::string(record.topic),
                         .key = std::nullopt,
                         .value = std::nullopt,
                         .sequence = record.sequence,
                         .sub_index = record.sub_index,
                         .handed_over = std::chrono::steady_clock::now()};
    if (record.key) {
        copy.key.emplace(*record.key);
    }
    if (record.value) {
        copy.value.emplace(*record.value);
    }
    held_.push_back({record, std::move(copy)});
    return success();
}

void ClusterSink::land(const Checkpoint& checkpoint) {
    for (const Held& held : held_) {
        cluster_.records_.push_back(held.copy);
        cluster_.records_.back().landed = std::chrono::steady_clock::now();
    }
    cluster_.checkpoints_.push_back(checkpoint);
}

Result<CommitOutcome> ClusterSink::commit(const Checkpoint& checkpoint) {
    std::unique_lock lock(cluster_.mutex_);
    EXPECT_EQ(state_, State::open);
    check_views();
    TRIBUTARY_TRY_VOID(reach(lock));
    if (epoch_ != cluster_.epoch_) {
        return fail("fenced");
    }
    for (const Held& held : held_) {
        const bool refused =
            (held.copy.value && held.copy.value->find("REFUSED") != std::string::npos) ||
            (cluster_.refuse_dead_letters_ && held.copy.topic == "dead");
        if (refused) {
            poison_.push_back({held.copy.sequence, held.copy.sub_index, cluster_.reason_});
        }
    }
    if (!poison_.empty()) {
        return fail("a record was refused");
    }
    auto outcome = Cluster::Outcome::spotless;
    if (!cluster_.outcomes_.empty()) {
        outcome = cluster_.outcomes_.front();
        cluster_.outcomes_.pop_front();
    }
    if (outcome != Cluster::Outcome::unknown_lost) {
        land(checkpoint);
    }
    cluster_.bell_.ring();
    if (outcome == Cluster::Outcome::unknown_lost || outcome == Cluster::Outcome::unknown_landed) {
        return fail("the answer was lost");
    }
    held_.clear();
    const bool spotless = outcome == Cluster::Outcome::spotless;
    state_ = spotless ? State::ready : State::unusable;
    return spotless ? CommitOutcome::spotless : CommitOutcome::committed;
}

std::vector<Poison> ClusterSink::take_poison() {
    return std::exchange(poison_, {});
}

void ClusterSink::close(milliseconds) {
    const std::lock_guard lock(cluster_.mutex_);
    check_views();
    held_.clear();
    state_ = State::unusable;
}

void ClusterSink::interrupt() {
    const std::lock_guard lock(cluster_.mutex_);
    interrupted_ = true;
    cluster_.changed_.notify_all();
}

}  // namespace tributary::runtime_test
