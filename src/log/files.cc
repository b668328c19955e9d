// The small files beside the database; see the header.
#include "log/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "model/errors.h"

namespace tributary {

namespace {

constexpr std::string_view kFormatPrefix = "tributary-log ";

[[nodiscard]] std::string read_small(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text(256, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

[[nodiscard]] Error file_error_of(int code,
                                  std::string_view call,
                                  const std::filesystem::path& file) {
    const bool place = code == EACCES || code == EPERM || code == EROFS || code == ENOTDIR ||
                       code == ENOENT || code == ELOOP;
    return {place ? errors::kStateDirUnusable : errors::kLogIo,
            std::string(call) + " " + file.string() + ": " + std::generic_category().message(code)};
}

[[nodiscard]] bool write_and_sync(const std::filesystem::path& file, std::string_view text) {
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
           ::fsync(fd.get()) == 0;
}

[[nodiscard]] bool sync_directory(const std::filesystem::path& directory) {
    const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd && ::fsync(fd.get()) == 0;
}

}  // namespace

Error file_error(std::string_view call, const std::filesystem::path& file) {
    return file_error_of(errno, call, file);
}

Result<void> make_directory(const std::filesystem::path& directory) {
    std::error_code code;
    std::filesystem::create_directories(directory.parent_path(), code);
    if (code) {
        return Error(errors::kStateDirUnusable,
                     "create " + directory.parent_path().string() + ": " + code.message());
    }
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        return Error(
            errors::kStateDirUnusable,
            "create " + directory.string() + ": " + std::generic_category().message(errno));
    }
    return success();
}

Result<UniqueFd> lock_file(const std::filesystem::path& file) {
    UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) {
        return file_error("open", file);
    }
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return file_error("lock", file);
        }
        return Error(errors::kStateDirLocked,
                     file.parent_path().string() + " is in use by process " + read_small(file));
    }
    const std::string owner = std::to_string(::getpid());
    if (::ftruncate(fd.get(), 0) != 0 ||
        ::pwrite(fd.get(), owner.data(), owner.size(), 0) != static_cast<ssize_t>(owner.size())) {
        // The number is for people; a full disk must not keep the agent from starting.
        return fd;
    }
    return fd;
}

Result<bool> check_format_file(const std::filesystem::path& file) {
    std::error_code code;
    const bool exists = std::filesystem::exists(file, code);
    if (code) {
        return file_error_of(code.value(), "read", file);
    }
    if (!exists) {
        return false;
    }
    const std::string text = read_small(file);
    int version = 0;
    const std::string_view rest =
        text.starts_with(kFormatPrefix) ? std::string_view(text).substr(kFormatPrefix.size()) : "";
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), version);
    if (rest.empty() || parsed.ec != std::errc() || version < 1) {
        return Error(errors::kLogCorrupt, file.string() + " does not name a log format");
    }
    if (version > kLogFormat) {
        return Error(errors::kLogTooNew,
                     file.string() + " names log format " + std::to_string(version) +
                         ", this agent reads up to " + std::to_string(kLogFormat));
    }
    return true;
}

Result<void> write_format_file(const std::filesystem::path& file) {
    std::filesystem::path fresh = file;
    fresh += ".new";
    const std::string text = std::string(kFormatPrefix) + std::to_string(kLogFormat) + "\n";
    if (!write_and_sync(fresh, text)) {
        return file_error("write", fresh);
    }
    if (::rename(fresh.c_str(), file.c_str()) != 0 || !sync_directory(file.parent_path())) {
        return file_error("rename", fresh);
    }
    return success();
}

Result<std::uint64_t> free_disk_bytes(const std::filesystem::path& directory) {
    struct statvfs status {};
    if (::statvfs(directory.c_str(), &status) != 0) {
        return file_error("statvfs", directory);
    }
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

std::uint64_t host_hash(const std::filesystem::path& machine_id_file) {
    // FNV-1a, 64 bits: tells hosts apart without keeping the id itself, which machine-id(5) asks
    // not to spread.
    std::string id = read_small(machine_id_file);
    while (!id.empty() && (id.back() == '\n' || id.back() == ' ')) {
        id.pop_back();
    }
    if (id.empty()) {
        return 0;
    }
    std::uint64_t hash = 0xCBF29CE484222325ULL;
    for (const char letter : "tributary log host " + id) {
        hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3ULL;
    }
    return hash == 0 ? 1 : hash;
}

Ballast::Ballast(std::filesystem::path file, std::uint64_t bytes, Observer* observer)
    : file_(std::move(file)), bytes_(bytes), observer_(observer) {
    std::error_code code;
    held_ = std::filesystem::file_size(file_, code) >= bytes_ && !code;
}

void Ballast::adjust(std::uint64_t free_bytes, std::uint64_t low_bytes, std::uint64_t high_bytes) {
    if (bytes_ == 0) {
        return;
    }
    if (held_ && free_bytes < low_bytes) {
        held_ = ::unlink(file_.c_str()) != 0;
        observer_->log(LogLevel::warn,
                       "",
                       "the disk is nearly full: gave the log's ballast back",
                       {{"free_bytes", std::to_string(free_bytes)}});
        return;
    }
    if (!held_ && free_bytes >= high_bytes + bytes_) {
        make();
    }
}

void Ballast::make() {
    const UniqueFd fd(::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    held_ = fd && ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes_)) == 0;
    if (!held_) {
        ::unlink(file_.c_str());
        observer_->log(LogLevel::warn, "", "could not set space for the log's ballast aside");
    }
}

}  // namespace tributary
