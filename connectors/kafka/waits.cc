// librdkafka waits until a time of the wall clock (cnd_timedwait takes nothing else), so that a
// clock set back makes its waits longer by as much, hours or years, and one set forward ends them
// at once; a commit whose waits end at once can end in librdkafka's own assertion
// (docs/decisions/0019-waits-of-librdkafka.md). Gateways without a battery for their clock see
// both. This definition comes before glibc's in every program that links this room
// (CMakeLists.txt): it takes what is left to wait when it is called, and measures that with the
// monotonic clock.
#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <ctime>

static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "glibc's cnd_t is a pthread_cond_t");
static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "glibc's mtx_t is a pthread_mutex_t");

namespace {

constexpr long kSecond = 1'000'000'000;  // ns

timespec now(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return time;
}

timespec on_the_monotonic_clock(const timespec& until) {
    const timespec wall = now(CLOCK_REALTIME);
    timespec result = now(CLOCK_MONOTONIC);
    result.tv_sec += until.tv_sec - wall.tv_sec;
    result.tv_nsec += until.tv_nsec - wall.tv_nsec;
    if (result.tv_nsec < 0) {
        result.tv_nsec += kSecond;
        --result.tv_sec;
    } else if (result.tv_nsec >= kSecond) {
        result.tv_nsec -= kSecond;
        ++result.tv_sec;
    }
    return result;
}

}  // namespace

// ISO C11 7.26.3.5
extern "C" __attribute__((visibility("default"))) int cnd_timedwait(cnd_t* condition,
                                                                    mtx_t* mutex,
                                                                    const timespec* until) {
    const timespec end = on_the_monotonic_clock(*until);
    switch (::pthread_cond_clockwait(reinterpret_cast<pthread_cond_t*>(condition),
                                     reinterpret_cast<pthread_mutex_t*>(mutex),
                                     CLOCK_MONOTONIC,
                                     &end)) {
        case 0:
            return thrd_success;
        case ETIMEDOUT:
            return thrd_timedout;
        default:
            return thrd_error;
    }
}
