#include "agent/state_dir.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "model/errors.h"

namespace tributary::agent {
namespace {

std::string holder(int fd) {
    std::array<char, 32> text{};
    const ssize_t count = ::pread(fd, text.data(), text.size() - 1, 0);
    return count > 0 ? std::string(text.data(), static_cast<std::size_t>(count)) : "unknown";
}

Error unusable(const std::filesystem::path& path, const char* step) {
    return {
        errors::kStateDirUnusable,
        std::string(step) + " " + path.string() + ": " + std::generic_category().message(errno)};
}

Result<void> act_as_owner_of(const std::filesystem::path& directory) {
    struct stat found {};
    if (::geteuid() != 0 || ::stat(directory.c_str(), &found) != 0 || found.st_uid == 0) {
        return success();
    }
    if (::setgroups(0, nullptr) != 0 ||
        ::setresgid(found.st_gid, found.st_gid, found.st_gid) != 0 ||
        ::setresuid(found.st_uid, found.st_uid, found.st_uid) != 0) {
        return unusable(directory, "cannot act as the owner of");
    }
    return success();
}

}  // namespace

Result<UniqueFd> lock_state_dir(const std::filesystem::path& directory) {
    TRIBUTARY_TRY_VOID(act_as_owner_of(directory));
    std::error_code error;
    const bool made = std::filesystem::create_directories(directory, error);
    if (error) {
        return Error(errors::kStateDirUnusable,
                     "cannot make " + directory.string() + ": " + error.message());
    }
    if (made) {
        ::chmod(directory.c_str(), S_IRWXU);
    }
    const auto path = directory / "agent.lock";
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!fd) {
        return unusable(path, "cannot open");
    }
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return unusable(path, "cannot lock");
        }
        return Error(errors::kStateDirLocked,
                     directory.string() + " is in use by the process " + holder(fd.get()));
    }
    const std::string pid = std::to_string(::getpid());
    if (::ftruncate(fd.get(), 0) != 0 ||
        ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        return unusable(path, "cannot write");
    }
    return fd;
}

}  // namespace tributary::agent
