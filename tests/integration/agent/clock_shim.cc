// Preloaded into the agent: CLOCK_REALTIME is off by the number of seconds in $CLOCK_SHIM_FILE,
// read again at every call, so that a test makes the wall clock jump. Other clocks are left alone.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>

namespace {

long offset_seconds() {
    const char* const file = std::getenv("CLOCK_SHIM_FILE");
    const int fd = file == nullptr ? -1 : ::open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    std::array<char, 24> text{};
    const ssize_t count = ::read(fd, text.data(), text.size() - 1);
    ::close(fd);
    return count > 0 ? std::strtol(text.data(), nullptr, 10) : 0;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
    using Function = int (*)(clockid_t, timespec*);
    static const auto kReal = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "clock_gettime"));
    const int result = kReal(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME) {
        time->tv_sec += offset_seconds();
    }
    return result;
}

extern "C" int timespec_get(timespec* time, int base) noexcept {
    return base == TIME_UTC && ::clock_gettime(CLOCK_REALTIME, time) == 0 ? base : 0;
}

extern "C" int gettimeofday(timeval* time, void*) noexcept {
    timespec now{};
    const int result = ::clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return result;
}
