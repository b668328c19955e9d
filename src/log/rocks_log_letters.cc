// RocksLog: the dead-letter store; see the header. Letters count neither against max_bytes nor
// against the configured floor: delivery, and with it trim, may depend on storing one, so only the
// headroom that RocksDB needs is kept free.
#include <rocksdb/write_batch.h>

#include "log/records.h"
#include "log/rocks_log.h"
#include "log/store.h"
#include "model/errors.h"

namespace tributary {

Result<void> RocksLog::load_letters() {
    const std::unique_ptr<rocksdb::Iterator> iterator(
        store_->db().NewIterator(rocksdb::ReadOptions(), store_->dead_letters()));
    iterator->SeekForPrev(letter_key(~0ULL));
    if (!iterator->status().ok()) {
        return store_error(iterator->status(), "find the newest dead letter");
    }
    const auto newest =
        iterator->Valid() ? letter_id(to_view(iterator->key())) : std::optional<std::uint64_t>();
    const std::lock_guard lock(letters_mutex_);
    next_letter_ = newest.value_or(0) + 1;
    return success();
}

Result<std::optional<DeadLetter>> RocksLog::find_letter(std::uint64_t id) const {
    std::string stored;
    const rocksdb::Status got =
        store_->db().Get(rocksdb::ReadOptions(), store_->dead_letters(), letter_key(id), &stored);
    if (got.IsNotFound()) {
        return std::optional<DeadLetter>();
    }
    if (!got.ok()) {
        return store_error(got, "read dead letter " + std::to_string(id));
    }
    TRIBUTARY_TRY(letter, unpack_letter(id, stored));
    return std::optional(std::move(letter));
}

Result<std::uint64_t> RocksLog::put_dead_letter(const DeadLetter& letter) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(writable());
    const std::lock_guard lock(letters_mutex_);
    const std::string index_key = letter_index_key(letter);
    std::string index;
    const rocksdb::Status got =
        store_->db().Get(rocksdb::ReadOptions(), store_->dead_letters(), index_key, &index);
    if (!got.ok() && !got.IsNotFound()) {
        return store_error(got, "look for a dead letter");
    }
    if (got.ok()) {
        TRIBUTARY_TRY(stored_id, unpack_id(index));
        TRIBUTARY_TRY(stored, find_letter(stored_id));
        // The same sequence can be another event in a later stream of the pipeline: keep both.
        if (stored && stored->identity == letter.identity) {
            return stored_id;
        }
    }
    const std::string value = pack_letter(letter);
    TRIBUTARY_TRY_VOID(check_disk(headroom_bytes() + 2 * value.size()));
    rocksdb::WriteBatch batch;
    batch.Put(store_->dead_letters(), letter_key(next_letter_), value);
    batch.Put(store_->dead_letters(), index_key, pack_id(next_letter_));
    TRIBUTARY_TRY_VOID(write(batch, true, "store a dead letter of " + letter.pipeline));
    return next_letter_++;
}

Result<std::vector<DeadLetter>> RocksLog::dead_letters(std::string_view pipeline,
                                                       std::size_t limit) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(readable());
    const std::unique_ptr<rocksdb::Iterator> iterator(
        store_->db().NewIterator(rocksdb::ReadOptions(), store_->dead_letters()));
    std::vector<DeadLetter> found;
    for (iterator->Seek(letter_key(0)); iterator->Valid() && found.size() < limit;
         iterator->Next()) {
        const auto id = letter_id(to_view(iterator->key()));
        if (!id) {
            break;
        }
        TRIBUTARY_TRY(letter, unpack_letter(*id, to_view(iterator->value())));
        if (pipeline.empty() || letter.pipeline == pipeline) {
            found.push_back(std::move(letter));
        }
    }
    if (!iterator->status().ok()) {
        return store_error(iterator->status(), "list dead letters");
    }
    return found;
}

Result<void> RocksLog::mark_replayed(std::uint64_t id) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(writable());
    const std::lock_guard lock(letters_mutex_);
    TRIBUTARY_TRY(letter, find_letter(id));
    if (!letter) {
        return Error(errors::kInternal, "there is no dead letter " + std::to_string(id));
    }
    letter->replayed = true;
    rocksdb::WriteBatch batch;
    batch.Put(store_->dead_letters(), letter_key(id), pack_letter(*letter));
    return write(batch, true, "mark dead letter " + std::to_string(id) + " as replayed");
}

}  // namespace tributary
