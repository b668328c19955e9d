// RocksLog under kills, damage, full disks and failing writes: what recovery must and must not do.
#include "log/rocks_log.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>

#include "model/errors.h"
#include "tests/contract/event_log/log_rig.h"

namespace tributary {
namespace {

using testing::make_block;
using testing::noise;

class ManualClock final : public Clock {
  public:
    SteadyTime now() const override { return now_; }
    std::int64_t wall_time_us() const override { return 0; }
    void advance(std::chrono::milliseconds by) { now_ += by; }

  private:
    SteadyTime now_{};
};

// Flips one bit in the middle of a file.
void spoil(const std::filesystem::path& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
    file.seekg(middle);
    const char byte = static_cast<char>(file.get());
    file.seekp(middle);
    file.put(static_cast<char>(byte ^ 1));
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder,
                                            const std::string& part) {
    std::vector<std::filesystem::path> files;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        if (file.path().filename().string().find(part) != std::string::npos) {
            files.push_back(file.path());
        }
    }
    return files;
}

class RocksLogTest : public ::testing::Test {
  protected:
    RocksLogTest() : options_(testing::small_log(scratch_.path())) { options_.clock = &clock_; }

    void open() {
        log_.reset();
        auto opened = RocksLog::open(options_, nullptr);
        ASSERT_TRUE(opened) << opened.error().message();
        log_ = std::move(opened.value());
    }
    void open_with_stream() {
        open();
        ASSERT_TRUE(log_->create_stream("plant", {Sequence(1), {}, {}}));
    }
    const ErrorKind& refused() {
        log_.reset();
        auto opened = RocksLog::open(options_, nullptr);
        EXPECT_FALSE(opened);
        return opened ? kUnsetError : opened.error().kind();
    }
    Result<void> append(std::uint64_t first,
                        std::uint64_t count,
                        std::string_view text = "event ") {
        const std::vector<BlockPtr> blocks = {make_block(kStream, first, count, text)};
        return log_->append(blocks);
    }
    std::uint64_t last() { return log_->find_stream("plant").value()->extent.last.value(); }

    // The newest write-ahead log.
    std::filesystem::path wal() const {
        std::filesystem::path newest;
        for (const auto& file :
             std::filesystem::directory_iterator(options_.directory / "rocksdb")) {
            if (file.path().extension() == ".log" && file.path() > newest) {
                newest = file.path();
            }
        }
        return newest;
    }
    // Runs `body` in a child that dies by SIGKILL when it returns; nothing is closed.
    template <typename Body>
    void in_killed_child(Body body) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            body();
            ::kill(::getpid(), SIGKILL);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the child failed";
    }

    static constexpr StreamId kStream{1};
    testing::ScratchDirectory scratch_;
    ManualClock clock_;
    LogOptions options_;
    std::unique_ptr<RocksLog> log_;
};

// catalogue: F1
TEST_F(RocksLogTest, keeps_what_was_acknowledged_before_a_kill) {
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    in_killed_child([&] {
        open_with_stream();
        for (std::uint64_t first = 1; first <= 500; first += 10) {
            if (!append(first, 10, noise(3000, 7))) {
                ::_exit(1);
            }
            const std::uint64_t done = first + 9;
            if (::write(acknowledged[1], &done, sizeof(done)) != sizeof(done)) {
                ::_exit(1);
            }
        }
    });
    ::close(acknowledged[1]);
    std::uint64_t reported = 0;
    while (::read(acknowledged[0], &reported, sizeof(reported)) == sizeof(reported)) {
    }
    ::close(acknowledged[0]);
    ASSERT_EQ(reported, 500U);
    open();
    EXPECT_EQ(last(), 500U);
    const auto verified = log_->verify(kStream);
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified.value().entries, 500U);
    EXPECT_TRUE(verified.value().damage.empty());
}

// catalogue: F5
TEST_F(RocksLogTest, accepts_a_torn_tail_that_was_never_acknowledged) {
    in_killed_child([&] {
        open_with_stream();
        if (!append(1, 10) || !append(11, 10)) {
            ::_exit(1);
        }
    });
    std::filesystem::remove(options_.directory / "tripwire");
    std::filesystem::resize_file(wal(), std::filesystem::file_size(wal()) - 3);
    open();
    EXPECT_EQ(last(), 10U);
    EXPECT_TRUE(append(11, 1));
}

// catalogue: F4
TEST_F(RocksLogTest, refuses_a_log_that_ends_before_what_was_synced) {
    in_killed_child([&] {
        open_with_stream();
        clock_.advance(std::chrono::seconds(2));
        if (!append(1, 10)) {
            ::_exit(1);
        }
        clock_.advance(std::chrono::seconds(2));
        if (!append(11, 10)) {
            ::_exit(1);
        }
    });
    std::filesystem::resize_file(wal(), std::filesystem::file_size(wal()) - 3);
    EXPECT_EQ(&refused(), &errors::kLogRolledBack);
}

// catalogue: F6
TEST_F(RocksLogTest, refuses_a_bit_flipped_in_the_middle_of_the_write_ahead_log) {
    in_killed_child([&] {
        open_with_stream();
        for (std::uint64_t first = 1; first <= 100; first += 10) {
            if (!append(first, 10, noise(200, 3))) {
                ::_exit(1);
            }
        }
    });
    spoil(wal());
    EXPECT_EQ(&refused(), &errors::kLogCorrupt);
}

// catalogue: F7
TEST_F(RocksLogTest, reads_up_to_a_spoilt_table_file_and_never_past_it) {
    options_.max_bytes = 1ULL << 30U;
    options_.durability = Durability::process;
    open_with_stream();
    constexpr std::uint64_t kBlocks = 60;
    for (std::uint64_t first = 1; first <= kBlocks; ++first) {
        ASSERT_TRUE(append(first, 1, noise(400'000, static_cast<std::uint32_t>(first))));
    }
    log_.reset();
    const auto tables = files_of(options_.directory / "rocksdb", ".sst");
    ASSERT_FALSE(tables.empty());
    for (const auto& table : tables) {
        spoil(table);
    }
    auto opened = RocksLog::open(options_, nullptr);
    if (!opened) {
        EXPECT_EQ(&opened.error().kind(), &errors::kLogCorrupt);
        return;
    }
    std::uint64_t next = 1;
    while (next <= kBlocks) {
        const auto block = opened.value()->read(kStream, Sequence(next));
        if (!block) {
            EXPECT_EQ(&block.error().kind(), &errors::kLogCorrupt) << block.error().message();
            break;
        }
        ASSERT_TRUE(block.value());
        ASSERT_EQ(block.value()->first.value(), next);
        ++next;
    }
    EXPECT_LE(next, kBlocks) << "every table was spoilt and nothing was noticed";
}

// catalogue: F8
TEST_F(RocksLogTest, refuses_a_spoilt_or_missing_index_of_its_files) {
    open_with_stream();
    ASSERT_TRUE(append(1, 10));
    log_.reset();
    const auto folder = options_.directory / "rocksdb";
    const auto whole = options_.directory / "whole";
    std::filesystem::copy(folder, whole);
    for (const auto& manifest : files_of(folder, "MANIFEST")) {
        spoil(manifest);
    }
    EXPECT_EQ(&refused(), &errors::kLogCorrupt);
    const auto restore = [&] {
        std::filesystem::remove_all(folder);
        std::filesystem::copy(whole, folder);
    };
    restore();
    std::filesystem::resize_file(folder / "CURRENT", 0);
    EXPECT_EQ(&refused(), &errors::kLogCorrupt);
    restore();
    std::filesystem::remove(folder / "CURRENT");
    EXPECT_EQ(&refused(), &errors::kLogRolledBack) << "RocksDB would have begun anew";
    restore();
    open();
    EXPECT_EQ(last(), 10U);
}

// catalogue: F8 F20
TEST_F(RocksLogTest, notices_that_the_database_vanished_beside_a_tripwire) {
    open_with_stream();
    ASSERT_TRUE(append(1, 10));
    log_.reset();
    std::filesystem::remove_all(options_.directory / "rocksdb");
    EXPECT_EQ(&refused(), &errors::kLogRolledBack);
    std::filesystem::remove(options_.directory / "tripwire");
    open();
    EXPECT_FALSE(log_->find_stream("plant").value());
}

TEST_F(RocksLogTest, writes_the_tripwire_at_most_once_in_its_interval_and_at_a_clean_end) {
    open_with_stream();
    const auto mark = [&] {
        const auto tripwire = Tripwire::open(options_.directory / "tripwire", true);
        const auto& marks = tripwire.value().state()->marks;
        return marks.empty() ? 0 : marks.front().last.value();
    };
    ASSERT_TRUE(append(1, 1));
    EXPECT_EQ(mark(), 0U) << "written when the log was opened, a moment ago";
    clock_.advance(std::chrono::milliseconds(1000));
    ASSERT_TRUE(append(2, 1));
    EXPECT_EQ(mark(), 2U);
    clock_.advance(std::chrono::milliseconds(999));
    ASSERT_TRUE(append(3, 1));
    EXPECT_EQ(mark(), 2U);
    log_.reset();
    EXPECT_EQ(mark(), 3U);
}

// catalogue: F19
TEST_F(RocksLogTest, refuses_a_later_format) {
    open_with_stream();
    log_.reset();
    std::ofstream(options_.directory / "format") << "tributary-log 2\n";
    EXPECT_EQ(&refused(), &errors::kLogTooNew);
    const auto read_only = RocksLog::open_read_only(options_, nullptr);
    ASSERT_FALSE(read_only);
    EXPECT_TRUE(read_only.error().is(errors::kLogTooNew));
}

TEST_F(RocksLogTest, refuses_the_log_of_another_host_but_not_where_the_host_is_unknown) {
    options_.machine_id_file = scratch_.path() / "machine-id";
    std::ofstream(options_.machine_id_file) << "one\n";
    open_with_stream();
    log_.reset();
    std::ofstream(options_.machine_id_file) << "two\n";
    EXPECT_EQ(&refused(), &errors::kLogForeignHost);
    EXPECT_TRUE(RocksLog::open_read_only(options_, nullptr));
    std::ofstream(options_.machine_id_file) << "\n";
    open();
    log_.reset();
    std::ofstream(options_.machine_id_file) << "one\n";
    open();
}

TEST_F(RocksLogTest, belongs_to_one_owner_at_a_time) {
    open_with_stream();
    const auto second = RocksLog::open(options_, nullptr);
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().is(errors::kStateDirLocked));
    EXPECT_TRUE(append(1, 1)) << "the owner goes on undisturbed";
    open();
}

// A disk that has become read only, for one who may write anywhere.
TEST_F(RocksLogTest, that_cannot_open_its_lock_is_not_said_to_be_held_by_another) {
    const auto lock = options_.directory / "rocksdb" / "LOCK";
    std::filesystem::create_directories(lock);
    const auto refused = RocksLog::open(options_, nullptr);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kLogIo)) << refused.error().message();
}

// catalogue: F14
TEST_F(RocksLogTest, names_a_directory_that_cannot_be_used) {
    std::ofstream(scratch_.path() / "file") << "x";
    options_.directory = scratch_.path() / "file" / "log";
    EXPECT_EQ(&refused(), &errors::kStateDirUnusable);
    if (::geteuid() != 0) {  // root writes anywhere
        const auto sealed = scratch_.path() / "sealed";
        std::filesystem::create_directory(sealed);
        std::filesystem::permissions(sealed, std::filesystem::perms::owner_read);
        options_.directory = sealed / "log";
        EXPECT_EQ(&refused(), &errors::kStateDirUnusable);
    }
}

TEST_F(RocksLogTest, reads_without_writing_when_opened_read_only) {
    open_with_stream();
    ASSERT_TRUE(append(1, 10));
    log_.reset();
    auto opened = RocksLog::open_read_only(options_, nullptr);
    ASSERT_TRUE(opened) << opened.error().message();
    log_ = std::move(opened.value());
    EXPECT_EQ(last(), 10U);
    EXPECT_EQ(log_->read(kStream, Sequence(3)).value()->first, Sequence(1));
    EXPECT_FALSE(append(11, 1));
    EXPECT_FALSE(log_->trim(kStream, Sequence(10)));
    EXPECT_FALSE(log_->create_stream("other", {Sequence(1), {}, {}}));
    EXPECT_FALSE(log_->reopen());
    options_.directory = scratch_.path() / "none";
    const auto none = RocksLog::open_read_only(options_, nullptr);
    ASSERT_FALSE(none);
    EXPECT_TRUE(none.error().is(errors::kStateDirUnusable));
    EXPECT_FALSE(std::filesystem::exists(options_.directory));
}

TEST_F(RocksLogTest, is_full_at_its_bound_and_takes_more_after_a_trim) {
    options_.max_bytes = 200'000;
    open_with_stream();
    std::uint64_t first = 1;
    Result<void> appended = success();
    for (; first < 1000 && appended; first += 10) {
        appended = append(first, 10, noise(2000, static_cast<std::uint32_t>(first)));
    }
    ASSERT_FALSE(appended);
    EXPECT_TRUE(appended.error().is(errors::kLogFull));
    first -= 10;
    EXPECT_EQ(last(), first - 1) << "nothing of the refused call was written";
    EXPECT_FALSE(log_->room_for(kStream));
    ASSERT_TRUE(log_->trim(kStream, Sequence(first - 1)));
    EXPECT_TRUE(log_->room_for(kStream));
    EXPECT_TRUE(append(first, 10)) << "no reopen is needed";
}

TEST_F(RocksLogTest, is_still_full_after_a_restart) {
    options_.max_bytes = 200'000;
    open_with_stream();
    for (std::uint64_t first = 1; append(first, 10, noise(2000, 1)); first += 10) {
    }
    log_.reset();
    open();
    EXPECT_GT(log_->usage().value().bytes, 150'000U);
    EXPECT_LT(log_->usage().value().bytes, 300'000U);
}

TEST_F(RocksLogTest, bounds_one_pipeline_without_stopping_another) {
    options_.max_bytes_per_pipeline = 50'000;
    open_with_stream();
    const StreamId other = log_->create_stream("other", {Sequence(1), {}, {}}).value().id;
    ASSERT_TRUE(append(1, 1, noise(60'000, 1)));
    EXPECT_FALSE(append(2, 1));
    EXPECT_FALSE(log_->room_for(kStream));
    EXPECT_TRUE(log_->room_for(other));
    EXPECT_TRUE(log_->append(std::vector<BlockPtr>{make_block(other, 1, 1)}));
}

TEST_F(RocksLogTest, takes_nothing_below_the_floor_of_free_disk) {
    options_.min_free_disk_bytes = 1ULL << 60U;
    open_with_stream();
    const auto appended = append(1, 1);
    ASSERT_FALSE(appended);
    EXPECT_TRUE(appended.error().is(errors::kLogFull));
    EXPECT_EQ(last(), 0U);
    DeadLetter letter;
    letter.pipeline = "plant";
    letter.sequence = Sequence(1);
    EXPECT_TRUE(log_->put_dead_letter(letter)) << "delivery must go on, or nothing is ever trimmed";
}

// catalogue: F9 F10
TEST_F(RocksLogTest, pauses_on_a_disk_that_is_really_full_and_goes_on_with_room) {
    if (::geteuid() != 0) {
        return;  // a mount needs root; the floor itself is tested above
    }
    const auto disk = scratch_.path() / "disk";
    std::filesystem::create_directory(disk);
    ASSERT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=160m"), 0);
    options_.directory = disk / "log";
    options_.max_bytes = 1ULL << 40U;
    options_.ballast_bytes = 8U << 20U;
    open_with_stream();
    EXPECT_TRUE(std::filesystem::exists(disk / "log" / "ballast"));
    std::uint64_t first = 1;
    Result<void> appended = success();
    while (appended && first < 100'000) {
        appended = append(first, 10, noise(60'000, static_cast<std::uint32_t>(first)));
        first += appended ? 10 : 0;
    }
    ASSERT_FALSE(appended);
    EXPECT_TRUE(appended.error().is(errors::kLogFull)) << appended.error().message();
    const auto filler = disk / "filler";
    {
        std::ofstream out(filler, std::ios::binary);
        const std::string chunk(1U << 20U, 'x');
        while (out.write(chunk.data(), static_cast<std::streamsize>(chunk.size()))) {
        }
    }
    EXPECT_FALSE(append(first, 1));
    EXPECT_FALSE(std::filesystem::exists(disk / "log" / "ballast")) << "given back";
    EXPECT_TRUE(log_->verify(kStream).value().damage.empty());
    EXPECT_TRUE(log_->reopen()) << "recovery has the ballast's room";
    EXPECT_EQ(last(), first - 1);
    std::filesystem::remove(filler);
    ASSERT_TRUE(log_->trim(kStream, Sequence(first - 1)));
    EXPECT_EQ(log_->usage().value().bytes, 0U);
    log_.reset();
    EXPECT_EQ(::umount(disk.c_str()), 0);
}

TEST_F(RocksLogTest, keeps_what_a_floor_asks_for) {
    open_with_stream();
    ASSERT_TRUE(append(1, 10));
    ASSERT_TRUE(append(11, 10));
    ASSERT_TRUE(append(21, 10));
    log_->set_floor(kStream, Sequence(15));
    ASSERT_TRUE(log_->trim(kStream, Sequence(30)));
    EXPECT_EQ(log_->read(kStream, Sequence(15)).value()->first, Sequence(11));
    log_->set_floor(kStream, Sequence());
    ASSERT_TRUE(log_->trim(kStream, Sequence(30)));
    EXPECT_EQ(log_->read(kStream, Sequence(15)).value()->first, Sequence(21));
}

TEST_F(RocksLogTest, drops_a_stream_that_was_set_aside_and_nothing_else) {
    open_with_stream();
    ASSERT_TRUE(append(1, 10));
    const StreamId newer = log_->create_stream("plant", {Sequence(50), {}, {}}).value().id;
    ASSERT_TRUE(log_->append(std::vector<BlockPtr>{make_block(newer, 50, 5)}));
    ASSERT_TRUE(log_->drop_set_aside(kStream));
    open();
    ASSERT_EQ(log_->streams().value().size(), 1U);
    EXPECT_EQ(log_->streams().value()[0].id, newer);
    EXPECT_FALSE(log_->read(kStream, Sequence(1)));
    EXPECT_EQ(log_->read(newer, Sequence(50)).value()->last, Sequence(54));
}

TEST_F(RocksLogTest, frees_the_disk_of_what_was_trimmed) {
    options_.max_bytes = 1ULL << 30U;
    options_.durability = Durability::process;
    open_with_stream();
    std::uint64_t first = 1;
    for (; first < 200; ++first) {
        ASSERT_TRUE(append(first, 1, noise(400'000, static_cast<std::uint32_t>(first))));
    }
    const auto on_disk = [&] {
        std::uint64_t bytes = 0;
        for (const auto& file :
             std::filesystem::directory_iterator(options_.directory / "rocksdb")) {
            bytes += file.path().extension() == ".sst" ? file.file_size() : 0;
        }
        return bytes;
    };
    ASSERT_GT(on_disk(), 50U << 20U);
    ASSERT_TRUE(log_->trim(kStream, Sequence(first - 1)));
    open();  // a file that a compaction was reading goes when the database is opened next
    EXPECT_LT(on_disk(), 20U << 20U);
}

// Fails the fsync of the write-ahead log while `broken`.
class FailingEnv final : public rocksdb::EnvWrapper {
  public:
    FailingEnv() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
    const char* Name() const override { return "failing"; }

    rocksdb::Status NewWritableFile(const std::string& name,
                                    std::unique_ptr<rocksdb::WritableFile>* file,
                                    const rocksdb::EnvOptions& options) override {
        auto status = rocksdb::EnvWrapper::NewWritableFile(name, file, options);
        if (status.ok() && name.ends_with(".log")) {
            *file = std::make_unique<File>(std::move(*file), this);
        }
        return status;
    }
    bool broken = false;

  private:
    class File final : public rocksdb::WritableFileWrapper {
      public:
        File(std::unique_ptr<rocksdb::WritableFile> file, const FailingEnv* env)
            : rocksdb::WritableFileWrapper(file.get()), file_(std::move(file)), env_(env) {}
        rocksdb::Status Sync() override {
            return env_->broken ? rocksdb::Status::IOError("injected: fsync failed")
                                : file_->Sync();
        }

      private:
        std::unique_ptr<rocksdb::WritableFile> file_;
        const FailingEnv* env_;
    };
};

// catalogue: F12
TEST_F(RocksLogTest, trusts_nothing_after_a_failed_fsync_until_it_was_reopened) {
    FailingEnv env;
    options_.env = &env;
    open_with_stream();
    ASSERT_TRUE(append(1, 10));
    env.broken = true;
    const auto failed = append(11, 10);
    ASSERT_FALSE(failed);
    EXPECT_TRUE(failed.error().is(errors::kLogIo)) << failed.error().message();
    env.broken = false;
    EXPECT_FALSE(append(11, 10)) << "even when the disk works again";
    ASSERT_TRUE(log_->reopen());
    ASSERT_GE(last(), 10U) << "what was acknowledged is there";
    const std::uint64_t next_sequence = last() + 1;
    ASSERT_TRUE(append(next_sequence, 5));
    EXPECT_TRUE(log_->verify(kStream).value().damage.empty());
    log_.reset();
    open();
    EXPECT_EQ(last(), next_sequence + 4);
    log_.reset();
}

// Counts the bytes that go into tables.
class CountingEnv final : public rocksdb::EnvWrapper {
  public:
    CountingEnv() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
    std::atomic<std::uint64_t> table_bytes{0};

    rocksdb::Status NewWritableFile(const std::string& name,
                                    std::unique_ptr<rocksdb::WritableFile>* file,
                                    const rocksdb::EnvOptions& options) override {
        auto status = rocksdb::EnvWrapper::NewWritableFile(name, file, options);
        if (status.ok() && name.ends_with(".sst")) {
            *file = std::make_unique<File>(std::move(*file), this);
        }
        return status;
    }

  private:
    class File final : public rocksdb::WritableFileWrapper {
      public:
        File(std::unique_ptr<rocksdb::WritableFile> file, CountingEnv* env)
            : rocksdb::WritableFileWrapper(file.get()), file_(std::move(file)), env_(env) {}
        using rocksdb::WritableFileWrapper::Append;
        rocksdb::Status Append(const rocksdb::Slice& data) override {
            env_->table_bytes += data.size();
            return file_->Append(data);
        }

      private:
        std::unique_ptr<rocksdb::WritableFile> file_;
        CountingEnv* env_;
    };
};

// Delivery lags by more than a memtable, or keeps up: what is flushed is not written again, and
// what was delivered in time is not flushed at all.
TEST_F(RocksLogTest, writes_an_event_into_a_table_at_most_once) {
    constexpr std::uint64_t kBlocks = 600;
    options_.memtable_bytes = LogOptions{}.memtable_bytes;
    for (const std::uint64_t lag : {100U, 2U}) {
        CountingEnv env;
        options_.env = &env;
        options_.directory = scratch_.path() / ("lag" + std::to_string(lag));
        open_with_stream();
        std::uint64_t appended = 0;
        for (std::uint64_t block = 0; block < kBlocks; ++block) {
            const auto text = noise(60'000, static_cast<std::uint32_t>(block));
            ASSERT_TRUE(append(block + 1, 1, text));
            appended += text.size();
            if (block > lag) {
                ASSERT_TRUE(log_->trim(kStream, Sequence(block - lag)));
            }
        }
        const Sequence first = log_->find_stream("plant").value()->extent.first;
        EXPECT_GT(first.value(), kBlocks - lag - 30);
        log_.reset();
        EXPECT_LT(env.table_bytes, lag > 50 ? appended * 11 / 10 : appended / 3);
        open();
        EXPECT_EQ(log_->find_stream("plant").value()->extent.first, first);
        EXPECT_TRUE(log_->verify(kStream).value().damage.empty()) << "files hold blocks before it";
        EXPECT_EQ(log_->read(kStream, Sequence(1)).value()->first, first);
        log_.reset();
    }
}

}  // namespace
}  // namespace tributary
