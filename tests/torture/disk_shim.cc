// Preloaded into the agent: the n-th call that writes to a regular file, syncs or renames ends the
// process, or a sync fails with EIO or takes seconds (disk_calls.h). Everything else passes.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "tests/torture/disk_calls.h"

namespace {

using tributary::torture::DiskAction;
using tributary::torture::DiskOrder;

constexpr unsigned kSlowSeconds = 2;

DiskOrder* order() {
    static DiskOrder* const kOrder = [] {
        const char* const file = std::getenv("DISK_SHIM_FILE");
        const int fd = file == nullptr ? -1 : ::open(file, O_RDWR | O_CLOEXEC);
        if (fd < 0) {
            return static_cast<DiskOrder*>(nullptr);
        }
        void* const place =
            ::mmap(nullptr, sizeof(DiskOrder), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
        return place == MAP_FAILED ? nullptr : static_cast<DiskOrder*>(place);
    }();
    return kOrder;
}

// What is to happen at this call.
DiskAction due(bool is_sync) {
    DiskOrder* const now = order();
    if (now == nullptr || now->countdown.load() <= 0) {
        return DiskAction::none;
    }
    const auto action = static_cast<DiskAction>(now->action.load());
    const bool counts =
        is_sync || action == DiskAction::kill_before || action == DiskAction::kill_after;
    return counts && now->countdown.fetch_sub(1) == 1 ? action : DiskAction::none;
}

bool is_regular(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

template <typename Call>
auto around(DiskAction action, Call call) -> decltype(call()) {
    if (action == DiskAction::kill_before) {
        ::raise(SIGKILL);
    } else if (action == DiskAction::fail) {
        errno = EIO;
        return -1;
    } else if (action == DiskAction::delay) {
        ::sleep(kSlowSeconds);
    }
    const auto result = call();
    if (action == DiskAction::kill_after) {
        ::raise(SIGKILL);
    }
    return result;
}

template <typename Function>
Function real(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int fdatasync(int fd) {
    static const auto kReal = real<int (*)(int)>("fdatasync");
    return around(due(true), [fd] { return kReal(fd); });
}

extern "C" int fsync(int fd) {
    static const auto kReal = real<int (*)(int)>("fsync");
    return around(due(true), [fd] { return kReal(fd); });
}

extern "C" ssize_t write(int fd, const void* data, size_t size) {
    static const auto kReal = real<ssize_t (*)(int, const void*, size_t)>("write");
    const auto call = [=] { return kReal(fd, data, size); };
    const DiskOrder* const now = order();
    const bool counts = now != nullptr && now->countdown.load() > 0 && is_regular(fd);
    return counts ? around(due(false), call) : call();
}

extern "C" int rename(const char* from, const char* to) noexcept {
    static const auto kReal = real<int (*)(const char*, const char*)>("rename");
    return around(due(false), [=] { return kReal(from, to); });
}
