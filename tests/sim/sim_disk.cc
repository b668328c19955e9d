// The disk and the log on it; see the header.
#include "tests/sim/sim_disk.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "format/block.h"
#include "model/errors.h"

namespace tributary::sim {
namespace {

constexpr std::size_t kSyncsRemembered = 6;
constexpr std::int64_t kTripwireIntervalUs = 1'000'000;

}  // namespace

SimDisk::SimDisk(Scheduler& scheduler, Rng random) : scheduler_(scheduler), random_(random) {
    current_.id = new_id();
    synced_ = current_;
}

LogId SimDisk::new_id() {
    LogId id;
    for (auto& byte : id.bytes) {
        byte = static_cast<std::uint8_t>(random_.next());
    }
    return id;
}

void SimDisk::write(Write change) {
    change(current_);
    ++current_.writes;
    unsynced_.push_back(std::move(change));
}

void SimDisk::sync() {
    if (unsynced_.empty()) {
        return;
    }
    if (remembers) {
        before_.push_back(synced_);
        if (before_.size() > kSyncsRemembered) {
            before_.pop_front();
        }
    }
    settle(unsynced_.size());
}

void SimDisk::settle(std::size_t survive) {
    for (std::size_t at = 0; at < survive; ++at) {
        unsynced_[at](synced_);
        ++synced_.writes;
    }
    unsynced_.clear();
    if (survive == 0 || synced_.writes != current_.writes) {
        current_ = synced_;
    }
}

void SimDisk::power_cut() {
    settle(random_.below(unsynced_.size() + 1));
}

void SimDisk::lose_synced(std::size_t writes) {
    unsynced_.clear();
    while (writes > 0 && !before_.empty()) {
        const auto tripwire = synced_.tripwire;  // it has a file of its own
        synced_ = std::move(before_.back());
        synced_.tripwire = tripwire;
        before_.pop_back();
        --writes;
    }
    current_ = synced_;
}

void SimDisk::replace() {
    unsynced_.clear();
    before_.clear();
    backup_.reset();
    current_ = {};
    current_.id = new_id();
    synced_ = current_;
}

void SimDisk::take_backup() {
    backup_ = synced_;
}

void SimDisk::restore_backup() {
    unsynced_.clear();
    before_.clear();
    synced_ = *backup_;
    current_ = synced_;
}

bool SimDisk::flip_bit() {
    for (auto& [id, stream] : current_.streams) {
        if (stream.set_aside || stream.blocks.empty()) {
            continue;
        }
        // The newest block's positions are what a restart goes by.
        auto at = std::prev(stream.blocks.end());
        if (random_.chance(300)) {
            at = stream.blocks.begin();
            std::advance(at, static_cast<std::ptrdiff_t>(random_.below(stream.blocks.size())));
        }
        std::string damaged = *at->second;
        const std::size_t head = std::min<std::size_t>(damaged.size(), 60);
        const std::size_t offset = random_.below(random_.coin() ? head : damaged.size());
        damaged[offset] = static_cast<char>(damaged[offset] ^ (1 << random_.below(8)));
        at->second = std::make_shared<const std::string>(std::move(damaged));
        const auto stored = synced_.streams.find(id);
        if (stored != synced_.streams.end()) {
            const auto same = stored->second.blocks.find(at->first);
            if (same != stored->second.blocks.end()) {
                same->second = at->second;
            }
        }
        return true;
    }
    return false;
}

Position SimDisk::durable_resume() const {
    for (const auto& [id, stream] : synced_.streams) {
        if (!stream.set_aside && stream.last.value() != 0) {
            return stream.resume;
        }
    }
    return {};
}

Position SimDisk::newest_done() const {
    for (const auto& [id, stream] : current_.streams) {
        if (!stream.set_aside && stream.last.value() != 0) {
            return stream.done;
        }
    }
    return {};
}

// --- The log ------------------------------------------------------------------------------------

Result<std::unique_ptr<SimLog>> SimLog::open(SimDisk& disk) {
    std::unique_ptr<SimLog> log(new SimLog(disk));
    if (disk.faults.dead) {
        return Error(errors::kLogIo, "the disk does not answer");
    }
    disk.sync();  // what is recovered from the page cache is written to a table file
    TRIBUTARY_TRY_VOID(log->load());
    TRIBUTARY_TRY_VOID(log->check_durable(disk.current_.tripwire));
    log->mark_synced(true);
    return log;
}

// Extents come from the blocks themselves.
Result<void> SimLog::load() {
    id_ = disk_.current_.id;
    for (auto& [id, stream] : disk_.current_.streams) {
        if (stream.blocks.empty()) {
            stream.last = Sequence();
            continue;
        }
        const auto newest = std::prev(stream.blocks.end());
        TRIBUTARY_TRY(block,
                      format::unpack_block(StreamId(id), Sequence(newest->first), *newest->second));
        stream.last = block->last;
        stream.resume = block->resume;
        stream.done = block->done;
    }
    open_ = true;
    failed_ = false;
    return success();
}

Result<void> SimLog::check_durable(const std::map<std::uint32_t, Sequence>& durable) const {
    for (const auto& [id, synced] : durable) {
        const auto found = disk_.current_.streams.find(id);
        const Sequence last =
            found != disk_.current_.streams.end() ? found->second.last : Sequence();
        if (last < synced) {
            return Error(errors::kLogRolledBack,
                         "stream " + std::to_string(id) + " ends at sequence " +
                             std::to_string(last.value()) + ", but " +
                             std::to_string(synced.value()) + " was once on disk");
        }
    }
    return success();
}

void SimLog::mark_synced(bool at_once) {
    const std::int64_t now = disk_.scheduler_.now_us();
    if (!at_once && now - tripwire_us_ < kTripwireIntervalUs) {
        return;
    }
    tripwire_us_ = now;
    std::map<std::uint32_t, Sequence> marks;
    for (const auto& [id, stream] : disk_.current_.streams) {
        if (!stream.set_aside && stream.last.value() > 0) {
            marks.emplace(id, stream.last);
        }
    }
    disk_.current_.tripwire = marks;
    disk_.synced_.tripwire = marks;
}

void SimLog::close() {
    if (open_ && !failed_) {
        disk_.sync();
        mark_synced(true);
    }
}

Result<void> SimLog::writable() const {
    if (!open_) {
        return Error(errors::kLogIo, "the log is closed after a failure and was not reopened yet");
    }
    if (failed_) {
        return Error(errors::kLogIo, "a write failed before; the log must be reopened");
    }
    return success();
}

// Written, then fsynced; the process may end before, between and after.
Result<void> SimLog::write(SimDisk::Write change) {
    DiskFaults& faults = disk_.faults;
    disk_.scheduler_.sleep(Us(disk_.random_.between(20, 200)));
    if (faults.dead || disk_.random_.chance(faults.write_fails)) {
        failed_ = true;
        return Error(errors::kLogIo, "the write failed");
    }
    disk_.write(std::move(change));
    disk_.scheduler_.sleep(Us(disk_.random_.between(200, 3000)));
    if (faults.dead || disk_.random_.chance(faults.sync_fails)) {
        failed_ = true;
        return Error(errors::kLogIo, "fsync failed");
    }
    disk_.sync();
    disk_.scheduler_.sleep(Us(disk_.random_.between(0, 100)));
    return success();
}

StreamInfo SimLog::info_of(std::uint32_t id, const SimDisk::StreamImage& image) const {
    StreamInfo info{.id = StreamId(id),
                    .pipeline = image.pipeline,
                    .base = image.base,
                    .extent = {},
                    .bytes = image.bytes,
                    .set_aside = image.set_aside};
    info.extent.log_id = id_;
    if (!image.blocks.empty()) {
        info.extent.first = Sequence(image.blocks.begin()->first);
        info.extent.last = image.last;
        info.extent.resume = image.resume;
        info.extent.done = image.done;
    }
    return info;
}

Result<std::vector<StreamInfo>> SimLog::streams() {
    if (!open_) {
        return Error(errors::kLogIo, "the log is closed");
    }
    std::vector<StreamInfo> infos;
    for (const auto& [id, image] : disk_.current_.streams) {
        infos.push_back(info_of(id, image));
    }
    return infos;
}

Result<std::optional<StreamInfo>> SimLog::find_stream(std::string_view pipeline) {
    TRIBUTARY_TRY(infos, streams());
    for (const StreamInfo& info : infos) {
        if (!info.set_aside && info.pipeline == pipeline) {
            return std::optional(info);
        }
    }
    return std::optional<StreamInfo>();
}

Result<StreamInfo> SimLog::create_stream(std::string_view pipeline, const StreamBase& base) {
    TRIBUTARY_TRY_VOID(writable());
    const auto& streams = disk_.current_.streams;
    const std::uint32_t id = streams.empty() ? 1 : streams.rbegin()->first + 1;
    const std::string name(pipeline);
    TRIBUTARY_TRY_VOID(write([id, name, base](SimDisk::Image& image) {
        for (auto& [other, stream] : image.streams) {
            stream.set_aside = stream.set_aside || stream.pipeline == name;
        }
        SimDisk::StreamImage& made = image.streams[id];
        made.pipeline = name;
        made.base = base;
    }));
    return info_of(id, disk_.current_.streams.at(id));
}

Result<SimDisk::StreamImage*> SimLog::find(StreamId stream) {
    if (!open_) {
        return Error(errors::kLogIo, "the log is closed");
    }
    const auto found = disk_.current_.streams.find(stream.value());
    if (found == disk_.current_.streams.end()) {
        return Error(errors::kInternal, "there is no such stream");
    }
    return &found->second;
}

Result<void> SimLog::append(std::span<const BlockPtr> blocks) {
    TRIBUTARY_TRY_VOID(writable());
    if (disk_.faults.full) {
        return Error(errors::kLogFull, "the disk is full");
    }
    std::map<std::uint32_t, Sequence> due;
    for (const BlockPtr& block : blocks) {
        TRIBUTARY_TRY(stream, find(block->stream));
        const Sequence after = stream->last.value() == 0 ? stream->base.first : next(stream->last);
        Sequence& expected = due.try_emplace(block->stream.value(), after).first->second;
        TRIBUTARY_ASSERT(!stream->set_aside && block->first == expected);
        expected = next(block->last);
    }
    std::vector<BlockPtr> kept(blocks.begin(), blocks.end());
    std::vector<std::shared_ptr<const std::string>> stored;
    for (const BlockPtr& block : kept) {
        stored.push_back(std::make_shared<const std::string>(format::pack_block(*block)));
    }
    TRIBUTARY_TRY_VOID(
        write([kept = std::move(kept), stored = std::move(stored)](SimDisk::Image& image) {
            for (std::size_t at = 0; at < kept.size(); ++at) {
                const Block& block = *kept[at];
                SimDisk::StreamImage& stream = image.streams.at(block.stream.value());
                stream.blocks[block.first.value()] = stored[at];
                stream.bytes += stored[at]->size();
                stream.last = block.last;
                stream.resume = block.resume;
                stream.done = block.done;
                for (const NewSchema& fresh : block.schemas) {
                    stream.schemas[fresh.id.value()] = format::pack_schema(*fresh.schema);
                }
                for (const SideWrite& change : block.side) {
                    if (change.value) {
                        stream.side.insert_or_assign(change.key, *change.value);
                    } else {
                        stream.side.erase(change.key);
                    }
                }
            }
        }));
    mark_synced(false);
    return success();
}

Result<void> SimLog::reopen() {
    std::map<std::uint32_t, Sequence> acknowledged;
    for (const auto& [id, stream] : disk_.synced_.streams) {
        acknowledged.emplace(id, stream.last);
    }
    open_ = false;
    disk_.scheduler_.sleep(Us(disk_.random_.between(500, 5000)));
    if (disk_.faults.dead) {
        return Error(errors::kLogIo, "the disk does not answer");
    }
    disk_.settle(disk_.random_.below(disk_.unsynced_.size() + 1));
    TRIBUTARY_TRY_VOID(load());
    return check_durable(acknowledged);
}

Result<BlockPtr> SimLog::read(StreamId stream, Sequence at) {
    disk_.scheduler_.yield();
    TRIBUTARY_TRY(image, find(stream));
    auto found = image->blocks.upper_bound(at.value());
    if (found != image->blocks.begin()) {
        const auto before = std::prev(found);
        TRIBUTARY_TRY(block,
                      format::unpack_block(stream, Sequence(before->first), *before->second));
        if (block->last >= at) {
            return block;
        }
    }
    if (found == image->blocks.end()) {
        return BlockPtr();
    }
    return format::unpack_block(stream, Sequence(found->first), *found->second);
}

Result<std::shared_ptr<const TableSchema>> SimLog::schema(StreamId stream, SchemaId id) {
    TRIBUTARY_TRY(image, find(stream));
    const auto found = image->schemas.find(id.value());
    if (found == image->schemas.end()) {
        return Error(errors::kLogCorrupt, "schema " + std::to_string(id.value()) + " is missing");
    }
    TRIBUTARY_TRY(unpacked, format::unpack_schema(found->second));
    return std::make_shared<const TableSchema>(std::move(unpacked));
}

Result<std::vector<NewSchema>> SimLog::schemas(StreamId stream) {
    TRIBUTARY_TRY(image, find(stream));
    std::vector<NewSchema> found;
    for (const auto& [id, stored] : image->schemas) {
        TRIBUTARY_TRY(unpacked, format::unpack_schema(stored));
        found.push_back({SchemaId(id), std::make_shared<const TableSchema>(std::move(unpacked))});
    }
    return found;
}

Result<std::optional<std::string>> SimLog::side(StreamId stream, std::string_view key) {
    TRIBUTARY_TRY(image, find(stream));
    const auto found = image->side.find(key);
    return found != image->side.end() ? std::optional(found->second) : std::nullopt;
}

Result<std::vector<SideEntry>> SimLog::scan_side(StreamId stream,
                                                 std::string_view prefix,
                                                 std::string_view after,
                                                 std::size_t limit) {
    TRIBUTARY_TRY(image, find(stream));
    std::vector<SideEntry> found;
    for (const auto& [key, value] : image->side) {
        if (key.starts_with(prefix) && (after.empty() || key > after) && found.size() < limit) {
            found.push_back({key, value});
        }
    }
    return found;
}

Result<void> SimLog::trim(StreamId stream, Sequence through) {
    TRIBUTARY_TRY_VOID(writable());
    TRIBUTARY_TRY(image, find(stream));
    static_cast<void>(image);
    if (disk_.random_.chance(500)) {
        return success();  // RocksLog waits until it is worth it
    }
    disk_.write([id = stream.value(), through](SimDisk::Image& all) {
        SimDisk::StreamImage& trimmed = all.streams.at(id);
        while (trimmed.blocks.size() > 1 &&
               std::next(trimmed.blocks.begin())->first <= through.value() + 1) {
            trimmed.bytes -= trimmed.blocks.begin()->second->size();
            trimmed.blocks.erase(trimmed.blocks.begin());
        }
    });
    return success();
}

Result<std::optional<std::string>> SimLog::cached(std::string_view pipeline) {
    if (!open_) {
        return Error(errors::kLogIo, "the log is closed");
    }
    const auto found = disk_.current_.cache.find(pipeline);
    return found != disk_.current_.cache.end() ? std::optional(found->second) : std::nullopt;
}

Result<void> SimLog::cache(std::string_view pipeline, std::string_view value) {
    TRIBUTARY_TRY_VOID(writable());
    disk_.write([name = std::string(pipeline), kept = std::string(value)](SimDisk::Image& image) {
        image.cache[name] = kept;
    });
    return success();
}

Result<std::uint64_t> SimLog::put_dead_letter(const DeadLetter& letter) {
    TRIBUTARY_TRY_VOID(writable());
    TRIBUTARY_TRY_VOID(write([letter](SimDisk::Image& image) {
        image.letters.push_back(letter);
        image.letters.back().id = image.letters.size();
    }));
    return disk_.current_.letters.size();
}

Result<std::vector<DeadLetter>> SimLog::dead_letters(std::string_view /*pipeline*/,
                                                     std::size_t /*limit*/) {
    return disk_.current_.letters;
}

Result<void> SimLog::mark_replayed(std::uint64_t /*id*/) {
    return success();
}

// No operator gives anything up in these worlds.
Result<void> SimLog::drop(StreamId /*stream*/, Sequence /*before*/) {
    return Error(errors::kInternal, "not simulated");
}

Result<LogUsage> SimLog::usage() {
    return LogUsage{.bytes = 0, .free_disk_bytes = 1ULL << 40U};
}

}  // namespace tributary::sim
