// Spawning: everything that allocates happens before fork(); the child makes only async-signal-safe
// calls and reports a failed step through a close-on-exec pipe. Threads: see process.h.
#include "tests/servers/process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>

#include "base/unique_fd.h"
#include "tests/servers/failure.h"

namespace tributary::servers {
namespace {

constexpr std::chrono::seconds kReapLimit{20};

std::string errno_text(int number) {
    return std::strerror(number);
}

std::optional<UnixUser> find_user(const char* name) {
    const passwd* entry = ::getpwnam(name);  // NOLINT(concurrency-mt-unsafe): before servers start
    if (entry == nullptr) {
        return std::nullopt;
    }
    return UnixUser{.name = name, .uid = entry->pw_uid, .gid = entry->pw_gid};
}

// argv and envp as execvpe wants them; owns nothing, `strings` must outlive it.
std::vector<char*> pointers_to(std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    pointers.reserve(strings.size() + 1);
    for (std::string& text : strings) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& additions) {
    std::vector<std::string> result;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        const std::string name = text.substr(0, text.find('='));
        bool replaced = false;
        for (const auto& addition : additions) {
            replaced = replaced || addition.first == name;
        }
        if (!replaced) {
            result.push_back(text);
        }
    }
    for (const auto& [name, value] : additions) {
        result.push_back(name + "=" + value);
    }
    return result;
}

struct ChildPlan {
    char* const* arguments;
    char* const* environment;
    const char* working_directory;  // nullptr: ours
    int output_fd;
    int input_fd;
    int error_fd;
    const UnixUser* user;  // nullptr: ours
    int death_signal;
    pid_t parent;
};

// Runs in the child: returns only when a step failed, with errno set.
void become(const ChildPlan& plan) {
    if (::setpgid(0, 0) != 0 || ::dup2(plan.input_fd, STDIN_FILENO) < 0 ||
        ::dup2(plan.output_fd, STDOUT_FILENO) < 0 || ::dup2(plan.output_fd, STDERR_FILENO) < 0) {
        return;
    }
    if (::syscall(SYS_close_range, 3U, std::numeric_limits<unsigned>::max(), CLOSE_RANGE_CLOEXEC) !=
        0) {
        return;
    }
    if (plan.user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(plan.user->gid) != 0 ||
                                 ::setuid(plan.user->uid) != 0)) {
        return;
    }
    // After the change of user, which clears it.
    if (::prctl(PR_SET_PDEATHSIG, plan.death_signal) != 0) {
        return;
    }
    if (::getppid() != plan.parent) {
        ::_exit(125);
    }
    if (plan.working_directory != nullptr && ::chdir(plan.working_directory) != 0) {
        return;
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execvpe(plan.arguments[0], plan.arguments, plan.environment);
}

UniqueFd open_or_throw(const char* path, int flags) {
    UniqueFd fd(::open(path, flags | O_CLOEXEC, 0644));
    if (!fd) {
        throw ServerFailure(std::string("cannot open ") + path + ": " + errno_text(errno));
    }
    return fd;
}

ExitStatus status_from(int raw) {
    if (WIFSIGNALED(raw)) {
        return ExitStatus{.code = 0, .signal = WTERMSIG(raw)};
    }
    return ExitStatus{.code = WEXITSTATUS(raw), .signal = 0};
}

}  // namespace

std::optional<UnixUser> service_user() {
    if (::geteuid() != 0) {
        return std::nullopt;
    }
    if (auto user = find_user("postgres")) {
        return user;
    }
    if (auto user = find_user("nobody")) {
        return user;
    }
    throw ServerFailure("running as root and there is neither a user postgres nor nobody");
}

void give_to_service_user(const std::filesystem::path& path) {
    const auto user = service_user();
    if (user && ::chown(path.c_str(), user->uid, user->gid) != 0) {
        throw ServerFailure("cannot give " + path.string() + " to " + user->name + ": " +
                            errno_text(errno));
    }
}

Process Process::spawn(const ProcessOptions& options) {
    std::vector<std::string> arguments = options.command;
    std::vector<std::string> environment = environment_with(options.environment);
    const std::vector<char*> argument_pointers = pointers_to(arguments);
    const std::vector<char*> environment_pointers = pointers_to(environment);
    const std::string output_path =
        options.output_file.empty() ? "/dev/null" : options.output_file.string();
    const std::string directory = options.working_directory.string();
    const UniqueFd output = open_or_throw(output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND);
    const UniqueFd input = open_or_throw("/dev/null", O_RDONLY);
    std::array<int, 2> error_pipe{};
    if (::pipe2(error_pipe.data(), O_CLOEXEC) != 0) {
        throw ServerFailure("pipe2: " + errno_text(errno));
    }
    const UniqueFd error_reader(error_pipe[0]);
    UniqueFd error_writer(error_pipe[1]);
    const ChildPlan plan{.arguments = argument_pointers.data(),
                         .environment = environment_pointers.data(),
                         .working_directory = directory.empty() ? nullptr : directory.c_str(),
                         .output_fd = output.get(),
                         .input_fd = input.get(),
                         .error_fd = error_writer.get(),
                         .user = options.user ? &*options.user : nullptr,
                         .death_signal = options.death_signal,
                         .parent = ::getpid()};
    const pid_t pid = ::fork();
    if (pid < 0) {
        throw ServerFailure("fork: " + errno_text(errno));
    }
    if (pid == 0) {
        become(plan);
        const int failed = errno;
        [[maybe_unused]] const ssize_t written = ::write(plan.error_fd, &failed, sizeof failed);
        ::_exit(126);
    }
    Process process(pid);
    error_writer.reset();
    int failed = 0;
    ssize_t got = 0;
    do {
        got = ::read(error_reader.get(), &failed, sizeof failed);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        throw ServerFailure("cannot run " + options.command.at(0) + ": " + errno_text(failed));
    }
    return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(std::exchange(other.status_, std::nullopt)) {}

Process& Process::operator=(Process&& other) noexcept {
    if (this != &other) {
        kill();
        pid_ = std::exchange(other.pid_, -1);
        status_ = std::exchange(other.status_, std::nullopt);
    }
    return *this;
}

Process::~Process() {
    kill();
}

bool Process::running() {
    return pid_ > 0 && !wait(std::chrono::milliseconds(0)).has_value();
}

std::optional<ExitStatus> Process::wait(std::chrono::milliseconds limit) {
    if (pid_ <= 0 || status_) {
        return status_;
    }
    const bool ended = poll_until(limit, [this] {
        int raw = 0;
        const pid_t got = ::waitpid(pid_, &raw, WNOHANG);
        if (got == pid_) {
            status_ = status_from(raw);
        }
        return got == pid_;
    });
    return ended ? status_ : std::nullopt;
}

void Process::signal(int number) {
    if (running()) {
        ::kill(pid_, number);
    }
}

void Process::kill() {
    if (running()) {
        ::kill(-pid_, SIGKILL);
        ::kill(pid_, SIGKILL);
        static_cast<void>(wait(kReapLimit));
    }
}

void run_to_end(const ProcessOptions& options, std::chrono::milliseconds limit) {
    Process process = Process::spawn(options);
    const auto status = process.wait(limit);
    if (status && status->clean()) {
        return;
    }
    std::string text = options.command.at(0);
    if (!status) {
        text += " still runs after " + std::to_string(limit.count()) + " ms";
    } else if (status->signal != 0) {
        text += " ended by signal " + std::to_string(status->signal);
    } else {
        text += " ended with code " + std::to_string(status->code);
    }
    throw ServerFailure(text + "; its last output:\n" + tail_of_file(options.output_file));
}

std::string tail_of_file(const std::filesystem::path& path, std::size_t bytes_max) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) {
        return {};
    }
    const std::streamoff size = file.tellg();
    const std::streamoff wanted = std::min(size, static_cast<std::streamoff>(bytes_max));
    file.seekg(size - wanted);
    std::string text(static_cast<std::size_t>(wanted), '\0');
    file.read(text.data(), wanted);
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

std::vector<pid_t> children_of(pid_t pid) {
    std::vector<pid_t> children;
    const std::string base = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid);
    std::ifstream file(base + "/children");
    pid_t child = 0;
    while (file >> child) {
        children.push_back(child);
    }
    return children;
}

bool process_exists(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    // pid (name) state ...: the name may contain anything, so look behind its last parenthesis.
    const std::size_t end_of_name = text.rfind(')');
    return end_of_name != std::string::npos && end_of_name + 2 < text.size() &&
           text[end_of_name + 2] != 'Z';
}

}  // namespace tributary::servers
