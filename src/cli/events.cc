// The verbs that show, copy or give up events: tap, buffer export, buffer drop. With a running
// agent through its admin socket, otherwise on the stopped agent's log.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "admin/client.h"
#include "agent/agent.h"
#include "agent/system_clock.h"
#include "base/base64.h"
#include "cli/agent_socket.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "config/units.h"
#include "model/errors.h"
#include "model/source_errors.h"

namespace tributary::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kPageLines = 500;
constexpr int kNapMs = 200;
constexpr std::uint64_t kBehindMax = 20'000;  // entries that a tap may fall behind
constexpr std::uint64_t kSkipTo = 1'000;      // of the newest, where it goes on then
constexpr std::size_t kLineValueMax = 400;    // of a value in a line for people
constexpr std::int64_t kSecondUs = 1'000'000;

// Where the events of one source are read from.
class Events {
  public:
    virtual ~Events() = default;
    [[nodiscard]] virtual Result<EventsPage> page(const EventsQuery& query) = 0;
    [[nodiscard]] virtual Result<std::uint64_t> find_time(std::int64_t time_us) = 0;
};

Error not_understood(std::string_view what) {
    return {errors::kAdminUnavailable,
            "the agent's answer to " + std::string(what) + " is not as expected"};
}

class LiveEvents final : public Events {
  public:
    LiveEvents(const config::Loaded& loaded, std::string source)
        : loaded_(loaded), source_(std::move(source)) {}

    [[nodiscard]] Result<EventsPage> page(const EventsQuery& query) override {
        const std::string target =
            "/v1/events?pipeline=" + admin::escape(source_) +
            "&from=" + std::to_string(query.from) + "&to=" + std::to_string(query.to) +
            "&limit=" + std::to_string(query.limit) + (query.raw ? "&raw=true" : "") +
            (query.pattern.empty() ? "" : "&pattern=" + admin::escape(query.pattern));
        TRIBUTARY_TRY(answer, request(loaded_, "GET", target));
        // The last line says where to go on.
        const std::size_t end = answer.rfind('\n', answer.size() < 2 ? 0 : answer.size() - 2);
        const std::size_t begin = end == std::string::npos ? 0 : end + 1;
        const auto more = Json::parse(answer.substr(begin), nullptr, false);
        if (!more.is_object() || !more.contains("next")) {
            return not_understood("/v1/events");
        }
        EventsPage page;
        page.next = more.value("next", std::uint64_t{0});
        page.first = more.value("first", std::uint64_t{0});
        page.last = more.value("last", std::uint64_t{0});
        page.end = more.value("end", false);
        answer.resize(begin);
        page.lines = std::move(answer);
        page.count =
            static_cast<std::size_t>(std::count(page.lines.begin(), page.lines.end(), '\n'));
        return page;
    }

    [[nodiscard]] Result<std::uint64_t> find_time(std::int64_t time_us) override {
        TRIBUTARY_TRY(answer,
                      request(loaded_,
                              "GET",
                              "/v1/buffer/find?pipeline=" + admin::escape(source_) +
                                  "&time_us=" + std::to_string(time_us)));
        const auto found = Json::parse(answer, nullptr, false);
        if (!found.is_object() || !found.contains("sequence")) {
            return not_understood("/v1/buffer/find");
        }
        return found.value("sequence", std::uint64_t{0});
    }

  private:
    const config::Loaded& loaded_;
    const std::string source_;
};

class StoredEvents final : public Events {
  public:
    explicit StoredEvents(std::unique_ptr<agent::StoredEvents> events)
        : events_(std::move(events)) {}
    [[nodiscard]] Result<EventsPage> page(const EventsQuery& query) override {
        return events_->page(query);
    }
    [[nodiscard]] Result<std::uint64_t> find_time(std::int64_t time_us) override {
        return events_->find_time(time_us);
    }

  private:
    std::unique_ptr<agent::StoredEvents> events_;
};

// False: none runs. Errors: one does, or may, and cannot be asked.
Result<bool> agent_answers(const config::Loaded& loaded) {
    const auto answer = request(loaded, "GET", "/healthz");
    if (!answer && !answer.error().is(errors::kAdminUnavailable)) {
        return answer.error();
    }
    return answer.has_value();
}

Result<std::unique_ptr<Events>> open_events(const config::Loaded& loaded,
                                            const std::string& source) {
    TRIBUTARY_TRY(live, agent_answers(loaded));
    if (live) {
        return std::unique_ptr<Events>(std::make_unique<LiveEvents>(loaded, source));
    }
    TRIBUTARY_TRY(stored, agent::open_events(loaded, source));
    return std::unique_ptr<Events>(std::make_unique<StoredEvents>(std::move(stored)));
}

std::string utc(std::int64_t time_us) {
    const auto seconds = static_cast<std::time_t>(time_us / kSecondUs);
    std::tm parts{};
    char text[40];
    if (gmtime_r(&seconds, &parts) == nullptr ||
        std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
        return "?";
    }
    char fraction[16];
    (void)std::snprintf(
        fraction, sizeof(fraction), ".%03dZ", static_cast<int>(time_us % kSecondUs / 1000));
    return std::string(text) + fraction;
}

// "2026-11-26T04:17[:30][Z]", UTC, or "2h": so long ago. nullopt: neither.
std::optional<std::int64_t> parse_time(const std::string& text, std::int64_t now_us) {
    std::tm parts{};
    for (const char* form : {"%Y-%m-%dT%H:%M:%SZ",
                             "%Y-%m-%dT%H:%M:%S",
                             "%Y-%m-%dT%H:%MZ",
                             "%Y-%m-%dT%H:%M",
                             "%Y-%m-%d"}) {
        parts = {};
        const char* const end = strptime(text.c_str(), form, &parts);
        if (end != nullptr && *end == '\0') {
            return static_cast<std::int64_t>(timegm(&parts)) * kSecondUs;
        }
    }
    const auto ago = config::parse_duration_ms(text);
    return ago ? std::optional(now_us - *ago * 1000) : std::nullopt;
}

std::optional<std::uint64_t> parse_sequence(const std::string& text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [after, code] = std::from_chars(text.data(), end, number);
    return code == std::errc{} && after == end ? std::optional(number) : std::nullopt;
}

std::string shortened(std::string text) {
    if (text.size() > kLineValueMax) {
        text.resize(kLineValueMax);
        text += "..";
    }
    return text;
}

// Of one JSON line of a page.
// Bytes that are no JSON: as they are when that is a plain word, such as a sensor's key.
std::string bytes_for_people(const std::string& base64) {
    const auto bytes = from_base64(base64);
    const bool plain =
        bytes && !bytes->empty() &&
        std::all_of(bytes->begin(), bytes->end(), [](char c) { return c > ' ' && c < '\x7f'; });
    return plain ? *bytes : "base64:" + base64;
}

std::string for_people(std::string_view line) {
    const auto event = Json::parse(line, nullptr, false);
    if (!event.is_object() || !event.contains("topic")) {
        return std::string(line);
    }
    const auto text = [&](const char* name) {
        const auto base64 = event.find(std::string(name) + "_base64");
        if (base64 != event.end()) {
            return bytes_for_people(base64->get<std::string>());
        }
        return event.value(name, Json()).dump(-1, ' ', false, Json::error_handler_t::replace);
    };
    return utc(event.value("intake_time_us", std::int64_t{0})) + "  " +
           event.value("topic", std::string()) + "  #" +
           std::to_string(event.value("sequence", std::uint64_t{0})) + "  " +
           shortened(text("key")) + "  " + shortened(text("value"));
}

// Prints lines until `left` (none: for ever) is used up; false then.
class LinePrinter {
  public:
    LinePrinter(bool json, std::uint32_t limit) : json_(json), limit_(limit) {}

    bool print(std::string_view lines) {
        while (!lines.empty() && !done()) {
            const std::size_t end = std::min(lines.find('\n'), lines.size());
            print_line(lines.substr(0, end));
            lines.remove_prefix(std::min(end + 1, lines.size()));
        }
        (void)std::fflush(stdout);
        return !done();
    }
    [[nodiscard]] bool done() const { return limit_ != 0 && printed_ >= limit_; }

  private:
    void print_line(std::string_view line) {
        const std::string text = json_ ? std::string(line) : for_people(line);
        (void)std::printf("%s\n", text.c_str());
        ++printed_;
    }

    bool json_;
    std::uint32_t limit_;
    std::uint32_t printed_ = 0;
};

struct Tapped {
    std::string source;
    std::unique_ptr<Events> events;
    std::uint64_t from = 0;
};

// The next page of one source; what it cannot keep up with is left out and said.
Result<bool> tap_once(Tapped& at, const std::string& pattern, LinePrinter& printer) {
    TRIBUTARY_TRY(
        page,
        at.events->page(
            {.from = at.from, .to = 0, .limit = kPageLines, .raw = false, .pattern = pattern}));
    (void)printer.print(page.lines);
    at.from = page.next;
    if (page.last >= kBehindMax && page.last - kBehindMax > at.from) {
        (void)std::fprintf(stderr,
                           "-- %s: %llu events are not shown, they pass faster than this reads\n",
                           at.source.c_str(),
                           static_cast<unsigned long long>(page.last - kSkipTo - at.from));
        at.from = page.last - kSkipTo;
        return true;
    }
    return !page.end;
}

Result<void> tap_log(const config::Loaded& loaded, const TapArguments& arguments, bool json) {
    if (const auto answer = request(loaded, "GET", "/healthz"); !answer) {
        return answer.error();
    }
    std::vector<Tapped> taps;
    for (const auto& source : loaded.config.sources) {
        if (arguments.source.empty() || arguments.source == source.name) {
            taps.push_back({source.name, std::make_unique<LiveEvents>(loaded, source.name), 0});
        }
    }
    if (taps.empty()) {
        std::vector<std::string> known;
        for (const auto& source : loaded.config.sources) {
            known.push_back(source.name);
        }
        return unknown_source(arguments.source, known).at("--source");
    }
    LinePrinter printer(json, arguments.limit);
    (void)std::fprintf(stderr, "-- events on their way through the log; Ctrl-C ends\n");
    for (Tapped& at : taps) {
        // A source without a stream yet begins with its first event.
        const auto newest =
            at.events->page({.from = 0, .to = 0, .limit = 0, .raw = false, .pattern = {}});
        at.from = newest ? newest.value().last + 1 : 0;
    }
    while (!printer.done()) {
        bool more = false;
        for (Tapped& at : taps) {
            const auto shown = tap_once(at, arguments.pattern, printer);
            if (!shown && (shown.error().is(errors::kAdminUnavailable) ||
                           shown.error().is(errors::kArgumentInvalid))) {
                return shown.error();
            }
            more = more || (shown && shown.value());
        }
        if (!more && !printer.done()) {
            (void)::poll(nullptr, 0, kNapMs);
        }
    }
    return success();
}

void append_bytes(Json& out,
                  const std::string& name,
                  const std::optional<std::string_view>& bytes) {
    if (!bytes) {
        out[name] = nullptr;
        return;
    }
    auto parsed = Json::parse(*bytes, nullptr, false);
    if (parsed.is_discarded()) {
        out[name + "_base64"] = to_base64(*bytes);
    } else {
        out[name] = std::move(parsed);
    }
}

Result<void> tap_kafka(const config::Loaded& loaded, const TapArguments& arguments, bool json) {
    LinePrinter printer(json, arguments.limit);
    agent::TapCalls calls;
    calls.topics = [](std::size_t count) {
        const std::string what =
            count == 0 ? "no topic of that name yet: waiting for one"
                       : "committed records from now on, topics: " + std::to_string(count);
        (void)std::fprintf(stderr, "-- %s; Ctrl-C ends\n", what.c_str());
    };
    calls.stop = [&] { return printer.done(); };
    calls.record = [&](std::string_view topic,
                       std::int64_t offset,
                       std::int64_t time_ms,
                       const std::optional<std::string_view>& key,
                       const std::optional<std::string_view>& value) {
        Json line{{"topic", topic}, {"sequence", offset}, {"intake_time_us", time_ms * 1000}};
        append_bytes(line, "key", key);
        append_bytes(line, "value", value);
        if (json) {
            line["offset"] = offset;
            line["time_ms"] = time_ms;
            line.erase("sequence");
            line.erase("intake_time_us");
        }
        (void)printer.print(line.dump(-1, ' ', false, Json::error_handler_t::replace));
    };
    return agent::tap_kafka(loaded, arguments.pattern, calls);
}

// Closes what it opened; "-" is stdout, and stays.
class OutputFile {
  public:
    explicit OutputFile(const std::string& file)
        : file_(file == "-" ? stdout : std::fopen(file.c_str(), "wxe")) {}
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;
    ~OutputFile() {
        if (file_ != nullptr && file_ != stdout) {
            (void)std::fclose(file_);
        }
    }
    [[nodiscard]] bool opened() const { return file_ != nullptr; }
    [[nodiscard]] bool write(const std::string& text) {
        return std::fwrite(text.data(), 1, text.size(), file_) == text.size();
    }
    [[nodiscard]] bool flush() { return std::fflush(file_) == 0; }

  private:
    std::FILE* file_;
};

// A sequence, or the first event of a time.
Result<std::uint64_t> resolve(Events& events, const std::string& text) {
    if (const auto sequence = parse_sequence(text)) {
        return *sequence;
    }
    const auto time = parse_time(text, agent::SystemClock().wall_time_us());
    if (!time) {
        return Error(errors::kArgumentInvalid,
                     "--before: \"" + text +
                         "\" is no sequence (1234), no time (2026-11-26 or 2026-11-26T04:17, UTC) "
                         "and no age "
                         "(2h, 30min)");
    }
    return events.find_time(*time);
}

// What would be lost, and whether the person at the terminal wants that.
bool confirmed(const DropArguments& arguments, std::uint64_t from, std::uint64_t before) {
    if (arguments.yes) {
        return true;
    }
    (void)std::fprintf(
        stderr,
        "source %s: events %llu to %llu would be given up for good; what of them is not\n"
        "in Kafka yet will never be. `tributary buffer export` keeps a copy first.\n",
        arguments.source.c_str(),
        static_cast<unsigned long long>(from),
        static_cast<unsigned long long>(before - 1));
    if (isatty(STDIN_FILENO) == 0) {
        (void)std::fprintf(stderr, "nothing was dropped: this needs a terminal, or --yes\n");
        return false;
    }
    (void)std::fprintf(stderr, "type the name of the source to go on: ");
    char answer[256];
    if (std::fgets(answer, sizeof(answer), stdin) == nullptr) {
        return false;
    }
    answer[std::strcspn(answer, "\n")] = '\0';
    return arguments.source == answer;
}

Result<DroppedEvents> drop_live(const config::Loaded& loaded,
                                const std::string& source,
                                std::uint64_t before) {
    TRIBUTARY_TRY(answer,
                  request(loaded,
                          "POST",
                          "/v1/buffer/drop?pipeline=" + admin::escape(source) +
                              "&before=" + std::to_string(before)));
    const auto dropped = Json::parse(answer, nullptr, false);
    if (!dropped.is_object() || !dropped.contains("before")) {
        return not_understood("/v1/buffer/drop");
    }
    return DroppedEvents{dropped.value("from", std::uint64_t{0}),
                         dropped.value("before", std::uint64_t{0})};
}

}  // namespace

int tap(const Common& common, const TapArguments& arguments) {
    const auto loaded = load(common, arguments.at_kafka ? Secrets::needed : Secrets::spared);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const auto tapped = arguments.at_kafka ? tap_kafka(loaded.value(), arguments, common.json)
                                           : tap_log(loaded.value(), arguments, common.json);
    return tapped ? 0 : print_error(tapped.error());
}

int buffer_export(const Common& common, const ExportArguments& arguments) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    auto events = open_events(loaded.value(), arguments.source);
    if (!events) {
        return print_error(events.error());
    }
    EventsQuery query{.from = arguments.from,
                      .to = arguments.to,
                      .limit = 0,
                      .raw = arguments.raw,
                      .pattern = {}};
    auto page = events.value()->page(query);
    if (!page) {
        return print_error(page.error());
    }
    query.to = query.to == 0 ? page.value().last : std::min(query.to, page.value().last);
    query.limit = kPageLines;
    OutputFile out(arguments.file);
    if (!out.opened()) {
        return print_error(
            {errors::kArgumentInvalid,
             arguments.file + " cannot be made: " + std::generic_category().message(errno)});
    }
    std::uint64_t lines = 0;
    for (bool end = query.to < std::max(query.from, page.value().first); !end;) {
        page = events.value()->page(query);
        if (!page) {
            return print_error(page.error());
        }
        if (!out.write(page.value().lines)) {
            return print_error({errors::kArgumentInvalid, arguments.file + " cannot be written"});
        }
        lines += page.value().count;
        end = page.value().end || page.value().next <= query.from;
        query.from = page.value().next;
    }
    if (!out.flush()) {
        return print_error({errors::kArgumentInvalid, arguments.file + " cannot be written"});
    }
    (void)std::fprintf(stderr, "%llu lines\n", static_cast<unsigned long long>(lines));
    return 0;
}

int buffer_drop(const Common& common, const DropArguments& arguments) {
    const auto loaded = load(common);
    if (!loaded) {
        return print_error(loaded.error());
    }
    const auto live = agent_answers(loaded.value());
    if (!live) {
        return print_error(live.error());
    }
    std::uint64_t first = 0;
    std::uint64_t before = 0;
    {
        auto events = open_events(loaded.value(), arguments.source);
        if (!events) {
            return print_error(events.error());
        }
        const auto page =
            events.value()->page({.from = 0, .to = 0, .limit = 0, .raw = true, .pattern = {}});
        if (!page) {
            return print_error(page.error());
        }
        const auto resolved = resolve(*events.value(), arguments.before);
        if (!resolved) {
            return print_error(resolved.error());
        }
        first = page.value().first;
        before = resolved.value();
    }
    if (before <= first) {
        (void)std::printf("nothing to drop: the log of %s begins at %llu\n",
                          arguments.source.c_str(),
                          static_cast<unsigned long long>(first));
        return 0;
    }
    if (!confirmed(arguments, first, before)) {
        return errors::kExitConfig;
    }
    const auto dropped = live.value() ? drop_live(loaded.value(), arguments.source, before)
                                      : agent::drop(loaded.value(), arguments.source, before);
    if (!dropped) {
        return print_error(dropped.error());
    }
    (void)std::printf(
        "%s: events %llu to %llu are given up; what of them was on its way to Kafka still "
        "arrives\n",
        arguments.source.c_str(),
        static_cast<unsigned long long>(dropped.value().from),
        static_cast<unsigned long long>(dropped.value().before - 1));
    return 0;
}

}  // namespace tributary::cli
