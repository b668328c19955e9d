// A child process that cannot outlive its test: own process group, dies with its parent
// (PR_SET_PDEATHSIG), output in a file, no shell. When we are root it can run as an unprivileged
// user (PostgreSQL refuses root). Processes are signalled by their id only, never by name. Threads:
// one thread per object. PR_SET_PDEATHSIG fires when the *thread* that spawned the child ends:
// spawn from a thread that lives as long as the child should.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tributary::servers {

struct UnixUser {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
};

// The user servers run as: `postgres`, else `nobody`, when we are root; nullopt when we are not.
[[nodiscard]] std::optional<UnixUser> service_user();

// Gives `path` itself (not what is below it) to the service user; does nothing when we are not
// root.
void give_to_service_user(const std::filesystem::path& path);

struct ProcessOptions {
    std::vector<std::string> command = {};  // [0] is looked up in PATH when it has no slash
    std::vector<std::pair<std::string, std::string>> environment = {};  // added to ours
    std::filesystem::path working_directory = {};                       // empty: ours
    std::filesystem::path output_file = {};  // stdout and stderr, appended
    std::optional<UnixUser> user = {};
    int death_signal = SIGKILL;  // sent by the kernel when the spawning thread ends
};

struct ExitStatus {
    int code = 0;    // valid when signal is 0
    int signal = 0;  // the signal that ended the process
    [[nodiscard]] bool clean() const noexcept { return code == 0 && signal == 0; }
};

class Process {
  public:
    // Throws ServerFailure when the program cannot be executed.
    [[nodiscard]] static Process spawn(const ProcessOptions& options);

    Process() = default;
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();  // SIGKILL to the process group, then reaps

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] bool running();
    // Reaps; nullopt when the process still runs after `limit`.
    [[nodiscard]] std::optional<ExitStatus> wait(std::chrono::milliseconds limit);
    // Sends to the process itself; nothing when it has ended.
    void signal(int number);
    void freeze() { signal(SIGSTOP); }
    void thaw() { signal(SIGCONT); }
    // SIGKILL to the whole process group, then reaps.
    void kill();

  private:
    explicit Process(pid_t pid) : pid_(pid) {}

    pid_t pid_ = -1;
    std::optional<ExitStatus> status_;
};

// Runs to its end; throws ServerFailure with the last output when it fails or exceeds `limit`.
void run_to_end(const ProcessOptions& options, std::chrono::milliseconds limit);

// The last bytes of a file, for messages; empty when it cannot be read.
[[nodiscard]] std::string tail_of_file(const std::filesystem::path& path,
                                       std::size_t bytes_max = 2000);

// The direct children of a process, and whether a process (not a zombie) exists; from /proc.
[[nodiscard]] std::vector<pid_t> children_of(pid_t pid);
[[nodiscard]] bool process_exists(pid_t pid);

// Polls `done` every 10 ms until it is true or `limit` has passed; says which.
template <typename Predicate>
[[nodiscard]] bool poll_until(std::chrono::milliseconds limit, Predicate done) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!done()) {
        if (std::chrono::steady_clock::now() >= deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

}  // namespace tributary::servers
