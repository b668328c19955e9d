// postgresql_bench: the agent's own reader of a slot, with what is read thrown away: the most that
// an agent could take in. Not a test.
//   postgresql_bench SLOT PUBLICATION END     reads from where SLOT is to the LSN END as the agent
//                                             does by TCP (small receive buffer, naps), confirms
//                                             nothing; prints "messages bytes seconds CPU-seconds"
//   The server: 127.0.0.1, PGPORT, PGUSER, PGPASSWORD, database bench.
// Threads: one.
#include <poll.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/interrupter.h"
#include "connectors/postgresql/lsn.h"
#include "connectors/postgresql/options.h"
#include "connectors/postgresql/server/connection.h"
#include "connectors/postgresql/stream/pace.h"
#include "connectors/postgresql/stream/replication_stream.h"
#include "tests/bench/cost.h"

namespace tributary {
namespace {

template <typename Value>
Value value_of(Result<Value> result) {
    if (!result) {
        throw std::runtime_error(std::string(result.error().what()));
    }
    return std::move(result).value();
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? "" : value;
}

// The pace of PostgresqlSource::poll().
void discard(const std::string& slot, const std::string& publication, postgresql::Lsn end) {
    constexpr int kWaitMs = 1000;
    postgresql::Connection server;
    server.host = "127.0.0.1";
    server.port = static_cast<std::uint16_t>(std::stoi(environment("PGPORT")));
    server.dbname = "bench";
    server.sslmode = "disable";
    server.user = environment("PGUSER");
    server.password = config::Secret(environment("PGPASSWORD"));
    const postgresql::Options shipped;
    Interrupter never;
    auto stream = value_of(postgresql::ReplicationStream::start(
        value_of(postgresql::Session::open(server, postgresql::Purpose::replication, never)),
        {.slot = slot,
         .publication = publication,
         .start = {},
         .receive_buffer_bytes = shipped.receive_buffer_bytes}));
    const bench::Cost cost;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    postgresql::Pace pace;
    for (bool done = false; !done;) {
        std::size_t taken = 0;
        do {
            while (const auto message = value_of(stream.next())) {
                done = done || message->wal_end >= end;
                messages += message->keepalive ? 0 : 1;
                taken += message->data.size();
            }
        } while (value_of(stream.fill()));
        bytes += taken;
        const auto now = std::chrono::steady_clock::now();
        pace.on_read(now, taken);
        if (stream.lazy() && pace.busy(now)) {
            std::this_thread::sleep_for(std::chrono::milliseconds(shipped.nap_ms));
        } else if (!done) {
            pollfd readable{stream.socket(), POLLIN, 0};
            [[maybe_unused]] const int ready = ::poll(&readable, 1, kWaitMs);
        }
    }
    cost.print(messages, bytes);
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
    try {
        const auto end = argc == 4 ? tributary::postgresql::parse_lsn(argv[3]) : std::nullopt;
        if (!end) {
            throw std::runtime_error("SLOT PUBLICATION END");
        }
        tributary::discard(argv[1], argv[2], *end);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "postgresql_bench: %s\n", error.what());
        return 1;
    }
}
