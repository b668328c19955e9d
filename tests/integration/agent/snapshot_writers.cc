#include "tests/integration/agent/snapshot_writers.h"

#include <utility>

#include "tests/servers/failure.h"

namespace tributary::agent_testing {

Writers::Writers(Connect connect, const Load& load, Change change)
    : connect_(std::move(connect)), load_(load), change_(change) {
    for (int index = 0; index < load_.threads; ++index) {
        threads_.emplace_back([this, index] { write(index); });
    }
}

std::uint64_t Writers::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
    return done_;
}

void Writers::write(int index) {
    Session session;
    std::minstd_rand random(static_cast<unsigned>(index) + 7);
    while (!stopping_) {
        try {
            if (!session) {
                session = connect_(index);
            }
            session(change_(random, index, load_.rows, std::to_string(done_++)));
        } catch (const servers::ServerFailure&) {
            // A deadlock, two that chose one key, or a server that was killed: a fresh connection
            // ends whatever was open.
            session = nullptr;
        }
        std::this_thread::sleep_for(load_.pause);
    }
}

}  // namespace tributary::agent_testing
