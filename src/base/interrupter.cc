#include "base/interrupter.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/assert.h"

namespace tributary {

Interrupter::Interrupter() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    TRIBUTARY_ASSERT(event_);
}

void Interrupter::interrupt() const noexcept {
    [[maybe_unused]] const int ignored = ::eventfd_write(event_.get(), 1);
}

bool Interrupter::consume() const noexcept {
    eventfd_t count = 0;
    return ::eventfd_read(event_.get(), &count) == 0;
}

Wake wait_for(int socket,
              short events,
              const Interrupter& interrupter,
              std::chrono::milliseconds wait) {
    std::array<pollfd, 2> fds{pollfd{interrupter.fd(), POLLIN, 0}, pollfd{socket, events, 0}};
    const auto milliseconds =
        std::clamp<std::int64_t>(wait.count(), 0, std::int64_t{24} * 3600 * 1000);
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(milliseconds));
    if (fds[0].revents != 0) {
        return Wake::interrupted;
    }
    return ready > 0 ? Wake::ready : Wake::timeout;
}

}  // namespace tributary
