// MemoryLog; see the header.
#include "tests/contract/event_log/memory_log.h"

#include <algorithm>

#include "base/assert.h"
#include "model/errors.h"

namespace tributary {

void MemoryLog::fail_next_append(Error error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
}

MemoryLog::Stream* MemoryLog::live(std::string_view pipeline) {
    for (auto& [id, stream] : streams_) {
        if (!stream.info.set_aside && stream.info.pipeline == pipeline) {
            return &stream;
        }
    }
    return nullptr;
}

Result<std::optional<StreamInfo>> MemoryLog::find_stream(std::string_view pipeline) {
    const std::lock_guard lock(mutex_);
    const Stream* found = live(pipeline);
    return found != nullptr ? std::optional(found->info) : std::optional<StreamInfo>();
}

Result<StreamInfo> MemoryLog::create_stream(std::string_view pipeline, const StreamBase& base) {
    const std::lock_guard lock(mutex_);
    if (Stream* older = live(pipeline); older != nullptr) {
        older->info.set_aside = true;
    }
    const StreamId id(streams_.empty() ? 1 : streams_.rbegin()->first + 1);
    StreamInfo info;
    info.id = id;
    info.pipeline = pipeline;
    info.base = base;
    info.extent.log_id = id_;
    streams_[id.value()].info = info;
    return info;
}

Result<std::vector<StreamInfo>> MemoryLog::streams() {
    const std::lock_guard lock(mutex_);
    std::vector<StreamInfo> infos;
    for (const auto& [id, stream] : streams_) {
        infos.push_back(stream.info);
    }
    return infos;
}

void MemoryLog::take(const BlockPtr& block) {
    const auto found = streams_.find(block->stream.value());
    TRIBUTARY_ASSERT(found != streams_.end() && !found->second.info.set_aside);
    Stream& stream = found->second;
    LogExtent& extent = stream.info.extent;
    const Sequence due = extent.last.value() == 0 ? stream.info.base.first : next(extent.last);
    TRIBUTARY_ASSERT(block->first == due && block->last >= block->first);
    if (extent.first.value() == 0) {
        extent.first = block->first;
    }
    extent.last = block->last;
    extent.resume = block->resume;
    extent.done = block->done;
    stream.info.bytes += block->bytes.size();
    // As from a disk: a block that is read back has no schemas beside it.
    auto stored = std::make_shared<Block>(*block);
    stored->schemas.clear();
    stored->side.clear();
    stream.blocks.emplace(block->first.value(), std::move(stored));
    for (const NewSchema& fresh : block->schemas) {
        stream.schemas[fresh.id.value()] = fresh.schema;
    }
    for (const SideWrite& write : block->side) {
        if (write.value) {
            stream.side.insert_or_assign(write.key, *write.value);
        } else {
            stream.side.erase(write.key);
        }
    }
}

Result<void> MemoryLog::append(std::span<const BlockPtr> blocks) {
    const std::lock_guard lock(mutex_);
    if (failure_) {
        Error error = *std::exchange(failure_, std::nullopt);
        broken_ = !error.is(errors::kLogFull);
        return error;
    }
    if (broken_) {
        return Error(errors::kLogIo, "a write failed before; the log must be reopened");
    }
    for (const BlockPtr& block : blocks) {
        take(block);
    }
    return success();
}

Result<void> MemoryLog::reopen() {
    const std::lock_guard lock(mutex_);
    broken_ = false;
    return success();
}

Result<BlockPtr> MemoryLog::read(StreamId stream, Sequence at) {
    const std::lock_guard lock(mutex_);
    const auto& blocks = streams_.at(stream.value()).blocks;
    const auto found = std::find_if(
        blocks.begin(), blocks.end(), [&](const auto& block) { return block.second->last >= at; });
    return found != blocks.end() ? found->second : BlockPtr();
}

Result<std::shared_ptr<const TableSchema>> MemoryLog::schema(StreamId stream, SchemaId id) {
    const std::lock_guard lock(mutex_);
    const auto& schemas = streams_.at(stream.value()).schemas;
    const auto found = schemas.find(id.value());
    if (found == schemas.end()) {
        return Error(errors::kLogCorrupt, "schema " + std::to_string(id.value()) + " is missing");
    }
    return found->second;
}

Result<std::vector<NewSchema>> MemoryLog::schemas(StreamId stream) {
    const std::lock_guard lock(mutex_);
    std::vector<NewSchema> found;
    for (const auto& [id, schema] : streams_.at(stream.value()).schemas) {
        found.push_back({SchemaId(id), schema});
    }
    return found;
}

Result<std::optional<std::string>> MemoryLog::side(StreamId stream, std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto& side = streams_.at(stream.value()).side;
    const auto found = side.find(key);
    return found != side.end() ? std::optional(found->second) : std::nullopt;
}

Result<std::vector<SideEntry>> MemoryLog::scan_side(StreamId stream,
                                                    std::string_view prefix,
                                                    std::string_view after,
                                                    std::size_t limit) {
    const std::lock_guard lock(mutex_);
    std::vector<SideEntry> found;
    for (const auto& [key, value] : streams_.at(stream.value()).side) {
        if (key.starts_with(prefix) && (after.empty() || key > after) && found.size() < limit) {
            found.push_back({key, value});
        }
    }
    return found;
}

Result<void> MemoryLog::trim(StreamId stream, Sequence through) {
    const std::lock_guard lock(mutex_);
    Stream& trimmed = streams_.at(stream.value());
    while (trimmed.blocks.size() > 1 && trimmed.blocks.begin()->second->last <= through) {
        trimmed.info.bytes -= trimmed.blocks.begin()->second->bytes.size();
        trimmed.blocks.erase(trimmed.blocks.begin());
        trimmed.info.extent.first = trimmed.blocks.begin()->second->first;
    }
    return success();
}

Result<void> MemoryLog::drop(StreamId stream, Sequence before) {
    const std::lock_guard lock(mutex_);
    Stream& dropped = streams_.at(stream.value());
    StreamInfo& info = dropped.info;
    if (info.extent.last.value() == 0 || before > next(info.extent.last)) {
        return Error(errors::kArgumentInvalid, "past the end");
    }
    if (before <= info.extent.first || before <= info.dropped_before) {
        return success();
    }
    if (info.extent.first > info.dropped_before) {
        info.dropped_from = info.extent.first;
    }
    info.dropped_before = before;
    while (dropped.blocks.size() > 1 && dropped.blocks.begin()->second->last < before) {
        info.bytes -= dropped.blocks.begin()->second->bytes.size();
        dropped.blocks.erase(dropped.blocks.begin());
        info.extent.first = dropped.blocks.begin()->second->first;
    }
    return success();
}

Result<std::optional<std::string>> MemoryLog::cached(std::string_view pipeline) {
    const std::lock_guard lock(mutex_);
    const auto found = cache_.find(pipeline);
    return found != cache_.end() ? std::optional(found->second) : std::optional<std::string>();
}

Result<void> MemoryLog::cache(std::string_view pipeline, std::string_view value) {
    const std::lock_guard lock(mutex_);
    cache_[std::string(pipeline)] = value;
    return success();
}

Result<std::uint64_t> MemoryLog::put_dead_letter(const DeadLetter& letter) {
    const std::lock_guard lock(mutex_);
    for (const DeadLetter& known : letters_) {
        if (known.pipeline == letter.pipeline && known.sequence == letter.sequence &&
            known.sub_index == letter.sub_index && known.identity == letter.identity) {
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
        if (found.size() < limit && (pipeline.empty() || letter.pipeline == pipeline)) {
            found.push_back(letter);
        }
    }
    return found;
}

Result<void> MemoryLog::mark_replayed(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    if (id == 0 || id > letters_.size()) {
        return Error(errors::kInternal, "there is no dead letter " + std::to_string(id));
    }
    letters_[id - 1].replayed = true;
    return success();
}

Result<LogUsage> MemoryLog::usage() {
    const std::lock_guard lock(mutex_);
    LogUsage usage{.bytes = 0, .free_disk_bytes = 1ULL << 40U};
    for (const auto& [id, stream] : streams_) {
        usage.bytes += stream.info.bytes;
    }
    return usage;
}

}  // namespace tributary
