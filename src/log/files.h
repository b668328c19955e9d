// The small files beside the database: format (which version wrote this log), lock (one process),
// ballast (space to give back when the disk is full). docs/log-format.md, "Directory". One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "ports/observer.h"

namespace tributary {

inline constexpr int kLogFormat = 1;

// The error for the errno of a failed call: kStateDirUnusable for rights and places (EACCES, EPERM,
// EROFS, ENOTDIR, ENOENT), otherwise kLogIo.
[[nodiscard]] Error file_error(std::string_view call, const std::filesystem::path& file);

// Makes the directory, its parents included, for this user only. kStateDirUnusable.
[[nodiscard]] Result<void> make_directory(const std::filesystem::path& directory);

// Holds `file` locked until the result is closed. kStateDirLocked names the holder's process id.
[[nodiscard]] Result<UniqueFd> lock_file(const std::filesystem::path& file);

// False: there is none. kLogTooNew: a later version wrote it. kLogCorrupt: not ours.
[[nodiscard]] Result<bool> check_format_file(const std::filesystem::path& file);
// Written whole or not at all.
[[nodiscard]] Result<void> write_format_file(const std::filesystem::path& file);

// Bytes that an unprivileged process may still write. kLogIo.
[[nodiscard]] Result<std::uint64_t> free_disk_bytes(const std::filesystem::path& directory);

// A hash that differs between hosts, from /etc/machine-id; 0 when the file is missing or empty.
[[nodiscard]] std::uint64_t host_hash(const std::filesystem::path& machine_id_file);

// A preallocated file. It is given back in one case only: the disk is so full (other programs can
// fill it below our floor) that RocksDB could not finish a flush or a recovery, where running into
// ENOSPC would end the process. It is made again as soon as there is room.
class Ballast {
  public:
    Ballast(std::filesystem::path file, std::uint64_t bytes, Observer* observer);

    // Gives the file back below `low_bytes` of free disk, makes it at or above `high_bytes` + its
    // size.
    void adjust(std::uint64_t free_bytes, std::uint64_t low_bytes, std::uint64_t high_bytes);
    [[nodiscard]] bool held() const noexcept { return held_; }

  private:
    void make();

    std::filesystem::path file_;
    std::uint64_t bytes_;
    Observer* observer_;
    bool held_ = false;
};

}  // namespace tributary
