// sim: runs simulated worlds (docs/simulation.md).
//   sim --from A --count N [--seconds S]     worlds A .. A+N-1; failing seeds are printed
//   ... --every K  worlds A, A+K, ..: the last digit of a seed chooses the source (plan.h)
//   sim --seed N [--trace]                   one world
//   sim --seed N --shrink                    the smallest plan of that seed that still fails
//   --skip 1,4     without these happenings of the plan; --transactions N: so many at most
//   --plant NAME   with a planted bug (in a build that has them)
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "tests/sim/plant.h"
#include "tests/sim/world.h"

namespace tributary::sim {
namespace {

struct Arguments {
    std::uint64_t from = 1;
    std::uint64_t count = 1;
    std::uint64_t every = 1;
    double seconds = 1e9;
    bool trace = false;
    bool shrink = false;
    std::set<std::size_t> skip;
    std::size_t transactions = ~std::size_t{0};
};

volatile std::uint64_t running_seed = 0;

// An assertion of the agent failed: its line is printed already.
void on_abort(int /*signal*/) {
    char text[64];
    const int length = std::snprintf(
        text, sizeof(text), "seed %llu: aborted\n", static_cast<unsigned long long>(running_seed));
    static_cast<void>(!::write(STDERR_FILENO, text, static_cast<std::size_t>(length)));
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::set<std::size_t> numbers(std::string_view text) {
    std::set<std::size_t> out;
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        out.insert(number(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

Outcome run(const Arguments& arguments, std::uint64_t seed) {
    running_seed = seed;
    const Plan plan = make_plan(seed, arguments.skip, arguments.transactions);
    if (arguments.trace) {
        return run_world(plan, [](const std::string& line) { std::printf("%s\n", line.c_str()); });
    }
    return run_world(plan);
}

// In a process of its own: an assertion is a failure too.
bool fails(const Arguments& arguments, std::uint64_t seed) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (std::freopen("/dev/null", "w", stderr) == nullptr) {
            std::_Exit(2);
        }
        std::_Exit(run(arguments, seed).violation.empty() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status != 0;
}

void shrink(Arguments arguments, std::uint64_t seed) {
    arguments.trace = false;
    const std::size_t count = make_plan(seed).happenings.size();
    for (std::size_t at = 0; at < count; ++at) {
        Arguments smaller = arguments;
        smaller.skip.insert(at);
        if (fails(smaller, seed)) {
            arguments = smaller;
        }
    }
    for (std::size_t most = 1; most < make_plan(seed).transactions; ++most) {
        Arguments smaller = arguments;
        smaller.transactions = most;
        if (fails(smaller, seed)) {
            arguments = smaller;
            break;
        }
    }
    std::string skip;
    for (const std::size_t at : arguments.skip) {
        skip += (skip.empty() ? "" : ",") + std::to_string(at);
    }
    const Plan plan = make_plan(seed, arguments.skip, arguments.transactions);
    std::printf("sim --seed %llu%s%s --transactions %zu --trace    # %zu faults are left:",
                static_cast<unsigned long long>(seed),
                skip.empty() ? "" : " --skip ",
                skip.c_str(),
                plan.transactions,
                plan.happenings.size());
    for (const Happening& what : plan.happenings) {
        std::printf(" %s;", to_text(what.fault));
    }
    std::printf("\n");
}

int run_many(const Arguments& arguments) {
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t failures = 0;
    std::uint64_t worlds = 0;
    std::uint64_t records = 0;
    std::uint64_t lives = 0;
    std::uint64_t steps = 0;
    double virtual_seconds = 0;
    double spent = 0;
    std::map<std::string, std::uint64_t> stops;
    for (; worlds < arguments.count && spent < arguments.seconds; ++worlds) {
        const std::uint64_t seed = arguments.from + worlds * arguments.every;
        const Outcome outcome = run(arguments, seed);
        records += outcome.records;
        lives += outcome.lives;
        steps += outcome.steps;
        virtual_seconds += static_cast<double>(outcome.virtual_us) / 1e6;
        ++stops[outcome.stopped.empty() ? "none" : outcome.stopped];
        if (!outcome.violation.empty()) {
            ++failures;
            std::printf("seed %llu: %s\n",
                        static_cast<unsigned long long>(seed),
                        outcome.violation.c_str());
            std::fflush(stdout);
        }
        spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    std::printf(
        "%llu worlds from seed %llu in %.1f s: %llu failed; %.0f virtual seconds, "
        "%llu lives of the agent, %llu steps, %llu records\nstops:",
        static_cast<unsigned long long>(worlds),
        static_cast<unsigned long long>(arguments.from),
        spent,
        static_cast<unsigned long long>(failures),
        virtual_seconds,
        static_cast<unsigned long long>(lives),
        static_cast<unsigned long long>(steps),
        static_cast<unsigned long long>(records));
    for (const auto& [name, count] : stops) {
        std::printf(" %s %llu;", name.c_str(), static_cast<unsigned long long>(count));
    }
    std::printf("\n");
    return failures == 0 ? 0 : 1;
}

int main_of(int count, char** values) {
    Arguments arguments;
    for (int at = 1; at < count; ++at) {
        const std::string_view name = values[at];
        const std::string_view value = at + 1 < count ? values[at + 1] : "";
        if (name == "--trace") {
            arguments.trace = true;
            continue;
        }
        if (name == "--shrink") {
            arguments.shrink = true;
            continue;
        }
        ++at;
        if (name == "--seed" || name == "--from") {
            arguments.from = number(value);
        } else if (name == "--count") {
            arguments.count = number(value);
        } else if (name == "--every") {
            arguments.every = number(value);
        } else if (name == "--seconds") {
            arguments.seconds = static_cast<double>(number(value));
        } else if (name == "--skip") {
            arguments.skip = numbers(value);
        } else if (name == "--transactions") {
            arguments.transactions = number(value);
        } else if (name != "--plant" || !plant(value)) {
            std::fprintf(stderr, "sim: unknown argument %s\n", values[at - 1]);
            return 2;
        }
    }
    std::signal(SIGABRT, &on_abort);
    if (arguments.shrink) {
        shrink(arguments, arguments.from);
        return 0;
    }
    return run_many(arguments);
}

}  // namespace
}  // namespace tributary::sim

int main(int count, char** values) {
    return tributary::sim::main_of(count, values);
}
