// `tributary run`: log, pipelines, admin listener; then waits for signals, feeds systemd and
// notices when nothing is left to do.
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <utility>

#include "admin/server.h"
#include "agent/agent.h"
#include "agent/composition.h"
#include "agent/state_dir.h"
#include "agent/system_clock.h"
#include "base/unique_fd.h"
#include "log/rocks_log.h"
#include "model/errors.h"
#include "runtime/runtime.h"
#include "telemetry/observer.h"

namespace tributary::agent {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick(1000);
constexpr milliseconds kStopBudget(10'000);
constexpr milliseconds kLifeSignLimit(90'000);

// Blocked in every thread that starts later; read by the main thread alone.
UniqueFd signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        sigaddset(&set, signal);
    }
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    return UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

// The signal that came within a tick, or 0.
int wait_signal(const UniqueFd& fd) {
    pollfd poll_fd{.fd = fd.get(), .events = POLLIN, .revents = 0};
    if (poll(&poll_fd, 1, static_cast<int>(kTick.count())) <= 0) {
        return 0;
    }
    signalfd_siginfo info{};
    return read(fd.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))
               ? static_cast<int>(info.ssi_signo)
               : 0;
}

int fail(Observer& observer, const Error& error) {
    observer.error({}, error);
    return error.kind().exit_code;
}

// A reload applies what is safe to apply and refuses the rest by name.
void reload(const config::Loaded& loaded,
            const RunOptions& options,
            telemetry::ProcessObserver& observer) {
    sd_notify(0, "RELOADING=1");
    const auto fresh = options.reload();
    if (!fresh) {
        observer.error({}, fresh.error());
    } else {
        observer.set_level(fresh.value().config.logging.level);
        const std::string refused = config::restart_needed(loaded, fresh.value());
        if (refused.empty()) {
            observer.log(LogLevel::info, {}, "configuration reloaded");
        } else {
            observer.log(LogLevel::warn,
                         {},
                         "reloaded what a running agent can change; the rest needs a restart",
                         {{"needs_restart", refused}});
        }
    }
    sd_notify(0, "READY=1");
}

// proc(5), io: what this process made the kernel write, on whatever disk.
std::uint64_t disk_written_bytes() {
    std::ifstream in("/proc/self/io");
    std::string name;
    std::uint64_t value = 0;
    while (in >> name >> value) {
        if (name == "write_bytes:") {
            return value;
        }
    }
    return 0;
}

int unmap_unwritable(dl_phdr_info* object, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    for (const ElfW(Phdr) & part : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
        if (part.p_type == PT_LOAD && (part.p_flags & PF_W) == 0) {
            const std::uintptr_t begin = object->dlpi_addr + part.p_vaddr;
            const std::uintptr_t from = begin / page * page;
            const std::uintptr_t to = (begin + part.p_memsz) / page * page;
            madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
        }
    }
    return 0;
}

// A third of the pages of program and libraries that starting reads (symbol tables, constructors,
// options) is never used again, yet counts as ours. What is used comes back from the page cache,
// where all of it stays; a debugger's breakpoints do not, if they were set before.
void give_back_start() {
    dl_iterate_phdr(unmap_unwritable, nullptr);
}

// Gives the memory of a load back to the system, once it is over.
class Trimmer {
  public:
    void tick(const runtime::Runtime& runtime) {
        const std::uint64_t appended = runtime.appended();
        if (appended == last_ && appended != trimmed_ && runtime.caught_up()) {
            malloc_trim(0);
            trimmed_ = appended;
        }
        last_ = appended;
    }

  private:
    std::uint64_t last_ = 0;
    std::uint64_t trimmed_ = 0;
};

int watch(const config::Loaded& loaded,
          const RunOptions& options,
          const UniqueFd& signal_fd,
          runtime::Runtime& runtime,
          telemetry::ProcessObserver& observer) {
    Trimmer trimmer;
    for (;;) {
        const int signal = wait_signal(signal_fd);
        if (signal == SIGTERM || signal == SIGINT) {
            observer.log(LogLevel::info, {}, "stopping");
            return 0;
        }
        if (signal == SIGHUP && options.reload) {
            reload(loaded, options, observer);
        }
        if (const auto error = runtime.finished(options.fail_fast)) {
            observer.log(
                LogLevel::error, {}, "no pipeline is left to run", {{"error", error->kind().name}});
            return error->kind().exit_code;
        }
        if (runtime.complete()) {
            observer.log(LogLevel::info, {}, "every pipeline is complete and delivered: ending");
            return 0;
        }
        runtime.sample(disk_written_bytes());
        trimmer.tick(runtime);
        const std::string status = "STATUS=" + runtime.summary();
        sd_notify(0, status.c_str());
        if (runtime.alive(kLifeSignLimit)) {
            sd_notify(0, "WATCHDOG=1");
        }
    }
}

}  // namespace

int run(const config::Loaded& loaded, const RunOptions& options) {
    // One arena: what one thread frees serves every other, or each pipeline's peak would stay with
    // the arena that it came from.
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 512 * 1024);
    const UniqueFd signal_fd = signals();
    const SystemClock clock;
    const auto observer = make_observer(loaded.config, clock);
    const auto lock = lock_state_dir(loaded.config.agent.state_dir);
    if (!lock) {
        return fail(*observer, lock.error());
    }
    auto log = RocksLog::open(log_options(loaded.config, &clock), observer.get());
    if (!log) {
        return fail(*observer, log.error());
    }
    std::vector<runtime::PipelineParts> pipelines;
    for (std::size_t index = 0; index < loaded.config.sources.size(); ++index) {
        auto parts = make_pipeline(loaded, index, clock, *observer);
        if (!parts) {
            return fail(*observer, parts.error());
        }
        pipelines.push_back(std::move(parts.value()));
    }
    runtime::Runtime runtime({.agent_id = loaded.config.agent.id,
                              .version = TRIBUTARY_VERSION,
                              .log_bytes_max = loaded.config.buffer.max_bytes,
                              .free_disk_floor = loaded.config.buffer.min_free_disk,
                              .write_budget_bytes = loaded.config.buffer.write_budget_per_day},
                             *log.value(),
                             std::move(pipelines),
                             clock,
                             *observer);
    const config::Admin& api = loaded.config.admin;
    auto server = admin::Server::listen(
        api.listen,
        {.certificate = api.tls_cert, .key = api.tls_key, .token = api.token.reveal()},
        runtime,
        [&] { return observer->render(); },
        *observer);
    if (!server) {
        return fail(*observer, server.error());
    }
    give_back_start();
    if (const auto started = runtime.start(); !started) {
        return fail(*observer, started.error());
    }
    runtime.add_service(
        "trib-admin", [&] { server.value()->run(); }, [&] { server.value()->stop(); });
    sd_notify(0, "READY=1");
    observer->log(LogLevel::info,
                  {},
                  "tributary runs",
                  {{"version", TRIBUTARY_VERSION}, {"agent", loaded.config.agent.id}});
    const int exit_code = watch(loaded, options, signal_fd, runtime, *observer);
    sd_notify(0, "STOPPING=1");
    runtime.stop(kStopBudget);
    return exit_code;
}

}  // namespace tributary::agent
