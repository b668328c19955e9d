#include "cli/commands.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>

#include "admin/client.h"
#include "agent/agent.h"
#include "agent/connectors.h"
#include "agent/system_clock.h"
#include "cli/agent_socket.h"
#include "cli/print.h"
#include "config/from_debezium.h"
#include "config/loaded.h"
#include "config/schema.h"
#include "model/errors.h"

namespace tributary::cli {
namespace {

constexpr std::uint32_t kAllLetters = 1'000'000;

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return in.is_open() && !in.bad() ? std::optional(std::move(text)) : std::nullopt;
}

int print_raw(const std::string& text) {
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
    if (!text.empty() && text.back() != '\n') {
        (void)std::fputc('\n', stdout);
    }
    return 0;
}

// Whether a verb may look into the log by itself.
bool agent_is_away(const Error& error) {
    return error.is(errors::kAdminUnavailable);
}

// Asks the running agent to do something; prints `done` for it, or why it did not.
int demand(const config::Loaded& loaded, const std::string& target, const std::string& done) {
    const auto answer = request(loaded, "POST", target);
    if (!answer) {
        return print_error(answer.error());
    }
    (void)std::printf("%s\n", done.c_str());
    return 0;
}

Result<std::vector<DeadLetter>> stored_letters(const config::Loaded& loaded,
                                               const std::string& pipeline,
                                               std::uint32_t limit) {
    TRIBUTARY_TRY(log, agent::open_log_read_only(loaded));
    return log->dead_letters(pipeline, limit);
}

}  // namespace

int run(const Common& common, bool fail_fast) {
    const auto loaded = load(common, Secrets::needed);
    if (!loaded) {
        return print_error(loaded.error());
    }
    return agent::run(loaded.value(), {.fail_fast = fail_fast, .reload = [common] {
                                           return load(common, Secrets::needed);
                                       }});
}

int check(const Common& common, bool offline) {
    const auto loaded = load(common, Secrets::needed);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const auto sections =
        offline ? agent::check_offline(loaded.value()) : agent::check(loaded.value());
    const int bad = common.json ? print_findings_json(sections) : print_findings(sections);
    return bad == 0 ? 0 : errors::kExitConfig;
}

int status(const Common& common) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const auto answer = request(loaded.value(), "GET", "/v1/status");
    if (!answer) {
        return print_error(answer.error());
    }
    if (common.json) {
        return print_raw(answer.value());
    }
    print_status(answer.value());
    return 0;
}

int top(const Common& common, std::uint32_t rounds) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const agent::SystemClock clock;
    auto before = request(loaded.value(), "GET", "/v1/status");
    SteadyTime asked = clock.now();
    for (std::uint32_t round = 0; before && (rounds == 0 || round < rounds); ++round) {
        (void)::poll(nullptr, 0, 1000);
        auto now = request(loaded.value(), "GET", "/v1/status");
        const SteadyTime answered = clock.now();
        if (now) {
            if (isatty(STDOUT_FILENO) == 1) {
                (void)std::fputs("\033[H\033[2J", stdout);  // home, clear
            }
            print_rates(before.value(),
                        now.value(),
                        std::chrono::duration<double>(answered - asked).count());
            (void)std::fflush(stdout);
        }
        before = std::move(now);
        asked = answered;
    }
    return before ? 0 : print_error(before.error());
}

int support_bundle(const Common& common, const std::string& file) {
    const auto loaded = load(common);
    std::FILE* const out = std::fopen(file.c_str(), "wxe");
    if (out == nullptr) {
        return print_error({errors::kArgumentInvalid,
                            file + " cannot be made: " + std::generic_category().message(errno)});
    }
    const auto section = [&](const char* title, const std::string& text) {
        (void)std::fprintf(out, "==== %s\n%s\n", title, text.c_str());
    };
    section("version", std::string("tributary ") + TRIBUTARY_VERSION);
    for (const char* path :
         {"/etc/os-release", "/proc/version", "/proc/meminfo", "/proc/loadavg"}) {
        section(path, read_file(path).value_or("cannot be read"));
    }
    if (!loaded) {
        section("configuration", loaded.error().message());
    } else {
        section("configuration, without secrets", loaded.value().print());
        for (const char* target : {"/v1/status", "/v1/buffer", "/metrics", "/readyz"}) {
            const auto answer = request(loaded.value(), "GET", target);
            section(target, answer ? answer.value() : answer.error().what());
        }
    }
    const bool written = std::fflush(out) == 0;
    (void)std::fclose(out);
    if (!written) {
        return print_error({errors::kArgumentInvalid, file + " cannot be written"});
    }
    (void)std::printf(
        "%s: look through it, then send it. The log: journalctl -u tributary --since -1d\n",
        file.c_str());
    return 0;
}

int buffer_list(const Common& common) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const auto answer = request(loaded.value(), "GET", "/v1/buffer");
    if (answer) {
        print_streams(answer.value());
        return 0;
    }
    if (!agent_is_away(answer.error())) {
        return print_error(answer.error());
    }
    const auto log = agent::open_log_read_only(loaded.value());
    if (!log) {
        return print_error(log.error());
    }
    const auto streams = log.value()->streams();
    if (!streams) {
        return print_error(streams.error());
    }
    print_streams(streams.value());
    return 0;
}

int buffer_peek(const Common& common, const PeekArguments& arguments) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const std::string target = "/v1/buffer/peek?pipeline=" + admin::escape(arguments.pipeline) +
                               "&from=" + std::to_string(arguments.from) +
                               "&limit=" + std::to_string(arguments.limit) +
                               (arguments.values ? "&values=true" : "");
    const auto answer = request(loaded.value(), "GET", target);
    if (answer) {
        return print_raw(answer.value());
    }
    if (!agent_is_away(answer.error())) {
        return print_error(answer.error());
    }
    const auto log = agent::open_log_read_only(loaded.value());
    if (!log) {
        return print_error(log.error());
    }
    const auto lines = agent::peek(
        *log.value(), arguments.pipeline, arguments.from, arguments.limit, arguments.values);
    return lines ? print_raw(lines.value()) : print_error(lines.error());
}

int buffer_verify(const Common& common) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const auto answer = request(loaded.value(), "POST", "/v1/verify");
    if (answer) {
        print_verified(answer.value());
        return 0;
    }
    if (!agent_is_away(answer.error())) {
        return print_error(answer.error());
    }
    const auto log = agent::open_log_read_only(loaded.value());
    if (!log) {
        return print_error(log.error());
    }
    const auto entries = agent::verify(*log.value());
    if (!entries) {
        return print_error(entries.error());
    }
    print_verified(entries.value());
    return 0;
}

int dead_letter_list(const Common& common, const std::string& pipeline, std::uint32_t limit) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const auto letters = stored_letters(loaded.value(), pipeline, limit);
    if (!letters) {
        return print_error(letters.error());
    }
    print_dead_letters(letters.value());
    return 0;
}

int dead_letter_show(const Common& common, std::uint64_t id) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const auto letters = stored_letters(loaded.value(), "", kAllLetters);
    if (!letters) {
        return print_error(letters.error());
    }
    for (const DeadLetter& letter : letters.value()) {
        if (letter.id == id) {
            print_dead_letter(letter);
            return 0;
        }
    }
    return print_error({errors::kArgumentInvalid,
                        "there is no dead letter " + std::to_string(id) +
                            "; `tributary deadletter ls` lists them"});
}

int dead_letter_replay(const Common& common, std::uint64_t id) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    return demand(loaded.value(),
                  "/v1/deadletter/" + std::to_string(id) + "/replay",
                  "dead letter " + std::to_string(id) +
                      " goes to its topic with the source's next Kafka transaction: at once, or as "
                      "soon as Kafka answers again. `tributary deadletter ls` says \"yes\" under "
                      "\"replayed\" when it is in Kafka; an agent that ends before that forgets "
                      "it, so ask again.");
}

int snapshot_start(const Common& common, const SnapshotArguments& arguments) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    for (const std::string& table : arguments.tables) {
        const std::string target =
            "/v1/snapshot/start?pipeline=" + admin::escape(arguments.source) +
            "&table=" + admin::escape(table) + (arguments.where.empty() ? "" : "&where=") +
            admin::escape(arguments.where);
        const int code =
            demand(loaded.value(), target, "snapshot of " + table + " started; it is on disk");
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

int snapshot_stop(const Common& common, const SnapshotArguments& arguments) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const std::string target = "/v1/snapshot/stop?pipeline=" + admin::escape(arguments.source);
    if (arguments.tables.empty()) {
        return demand(loaded.value(), target, "snapshot stopped; what was delivered stays");
    }
    for (const std::string& table : arguments.tables) {
        const int code = demand(loaded.value(),
                                target + "&table=" + admin::escape(table),
                                "snapshot of " + table + " stopped; what was delivered stays");
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

int snapshot_status(const Common& common, const SnapshotArguments& arguments) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const auto answer = request(loaded.value(), "GET", "/v1/status");
    if (!answer) {
        return print_error(answer.error());
    }
    return print_snapshots(answer.value(), arguments.source, common.json)
               ? 0
               : print_error({errors::kSnapshotRefused,
                              "there is no source \"" + arguments.source + "\" with snapshots"});
}

int reset(const Common& common, const std::string& source, const std::string& from) {
    const auto loaded = load(common, Secrets::needed);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const auto position = agent::reset(loaded.value(), source, from);
    if (!position) {
        return print_error(position.error());
    }
    (void)std::printf("%s goes on from %s; changes before it that were not delivered are skipped\n",
                      source.c_str(),
                      position.value().c_str());
    return 0;
}

int config_print(const Common& common) {
    const auto loaded = load(common);
    return loaded ? print_raw(loaded.value().print()) : print_error(loaded.error());
}

int config_schema(bool markdown) {
    const auto description = config::describe(agent::connectors());
    return print_raw(markdown ? config::markdown(description) : config::json_schema(description));
}

int config_from_debezium(const DebeziumArguments& arguments) {
    const auto connector = read_file(arguments.connector_file);
    const auto offset = arguments.offset_file.empty() ? std::optional(std::string())
                                                      : read_file(arguments.offset_file);
    for (const auto* file : {&connector, &offset}) {
        if (!*file) {
            return print_error(
                {errors::kArgumentInvalid,
                 (file == &connector ? arguments.connector_file : arguments.offset_file) +
                     ": the file cannot be read"});
        }
    }
    const auto converted =
        config::from_debezium({.connector = *connector,
                               .offset = *offset,
                               .bootstrap_servers = arguments.bootstrap_servers});
    if (!converted) {
        return print_error(converted.error());
    }
    print_raw(converted.value().yaml);
    print_conversion(converted.value());
    return 0;
}

int version() {
    (void)std::printf("tributary %s\n", TRIBUTARY_VERSION);
    return 0;
}

}  // namespace tributary::cli
