#include "admin/routes.h"

#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/base64.h"

namespace tributary::admin {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kLimitMax = 1000;
constexpr std::uint64_t kLimitDefault = 100;
constexpr std::size_t kWhereBytesMax = 2000;

Answer json(const Json& value) {
    Answer out;
    out.body = value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    return out;
}

Answer error(const Error& error) {
    Answer out = json({{"error", error.kind().name}, {"message", error.what()}});
    switch (error.kind().error_class) {
        case ErrorClass::transient:
            out.status = 503;
            break;
        case ErrorClass::definite:
            out.status = 409;
            break;
        case ErrorClass::corrupt:
        case ErrorClass::fatal:
            out.status = 500;
            break;
    }
    return out;
}

using Query = std::map<std::string, std::string, std::less<>>;

int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    const char lower = static_cast<char>(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// nullopt: an escape that is none, or one of a control character.
std::optional<std::string> unescape(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        char byte = text[at];
        if (byte == '%') {
            const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
            const int low = high >= 0 ? hex_digit(text[at + 2]) : -1;
            if (low < 0) {
                return std::nullopt;
            }
            byte = static_cast<char>(high * 16 + low);
            at += 2;
        }
        if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F) {
            return std::nullopt;
        }
        out.push_back(byte);
    }
    return out;
}

// nullopt for anything but name=value pairs of plain characters and, in values, escapes.
std::optional<Query> parse_query(std::string_view text) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.*?";
    Query query;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('&'), text.size());
        const std::string_view pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            return std::nullopt;
        }
        const std::string_view name = pair.substr(0, equals);
        const std::string_view value = pair.substr(equals + 1);
        const bool plain =
            name.find_first_not_of(kPlain) == std::string_view::npos &&
            value.find_first_not_of(std::string(kPlain) + "%") == std::string_view::npos;
        const auto unescaped = plain ? unescape(value) : std::nullopt;
        if (!unescaped || !query.emplace(name, *unescaped).second) {
            return std::nullopt;
        }
    }
    return query;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [after, code] = std::from_chars(text.data(), end, number);
    return code == std::errc{} && after == end ? std::optional(number) : std::nullopt;
}

// The number under `name`, `otherwise` when it is missing, nullopt when it is none or above `max`.
std::optional<std::uint64_t> number_of(const Query& query,
                                       std::string_view name,
                                       std::uint64_t otherwise,
                                       std::uint64_t max) {
    const auto found = query.find(name);
    if (found == query.end()) {
        return otherwise;
    }
    const auto number = parse_number(found->second);
    return number && *number <= max ? number : std::nullopt;
}

std::string text_of(const Query& query, std::string_view name) {
    const auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
}

Json trouble(const std::optional<Error>& error) {
    if (!error) {
        return nullptr;
    }
    return {{"error", error->kind().name},
            {"message", error->what()},
            {"safe", error->kind().safe},
            {"next", error->kind().next}};
}

Json half(const HalfStatus& status) {
    Json out = {{"state", to_string(status.state)}};
    if (status.error) {
        out.update(trouble(status.error));
    }
    return out;
}

Json number(const std::optional<std::int64_t>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json snapshot(const SnapshotReport& report) {
    Json tables = Json::array();
    for (const SnapshotTable& table : report.snapshot.tables) {
        Json one = {{"name", table.name}, {"rows", table.rows}};
        one["rows_estimate"] = table.rows_estimate ? Json(*table.rows_estimate) : Json(nullptr);
        one["ad_hoc"] = table.ad_hoc;
        if (!table.where.empty()) {
            one["where"] = table.where;
        }
        tables.push_back(std::move(one));
    }
    Json out = {{"state", to_string(report.snapshot.state)},
                {"tables_total", report.snapshot.tables_total},
                {"tables_left", report.snapshot.tables.size()},
                {"rows", report.snapshot.rows},
                {"rows_per_second", static_cast<std::uint64_t>(report.rows_per_second)},
                {"seconds", report.seconds}};
    out["seconds_left"] = report.seconds_left ? Json(*report.seconds_left) : Json(nullptr);
    out["tables"] = std::move(tables);
    return out;
}

Json pipeline(const PipelineStatus& status) {
    Json out = {
        {"name", status.name},
        {"intake", half(status.intake)},
        {"delivery", half(status.delivery)},
        {"appended", status.appended},
        {"durable", status.durable},
        {"delivered", status.delivered},
        {"source_identity", status.source_identity},
        {"durable_position", status.durable_position},
        {"delivered_position", status.delivered_position},
        {"confirming", status.confirming},
        {"delivery_mode", status.delivery_mode},
        {"sink_connected", status.sink_connected},
        {"source_held_bytes", number(status.source_held_bytes)},
        {"last_delivered_time_us", status.last_delivered_time_us},
        {"lag_seconds", number(status.lag_seconds)},
        {"disk_seconds_left", number(status.disk_seconds_left)},
        {"log_bytes", status.log_bytes},
        {"taken_in_bytes", status.taken_in_bytes},
    };
    if (status.snapshot) {
        out["snapshot"] = snapshot(*status.snapshot);
    }
    return out;
}

Answer status(Control& control) {
    const AgentStatus agent = control.status();
    Json pipelines = Json::array();
    for (const PipelineStatus& one : agent.pipelines) {
        pipelines.push_back(pipeline(one));
    }
    return json({{"agent_id", agent.agent_id},
                 {"version", agent.version},
                 {"log_id", agent.log_id},
                 {"log_error", trouble(agent.log_error)},
                 {"log_bytes", agent.log.bytes},
                 {"log_bytes_max", agent.log_bytes_max},
                 {"free_disk_bytes", agent.log.free_disk_bytes},
                 {"disk_written_bytes", agent.disk_written_bytes},
                 {"disk_written_today_bytes", agent.disk_written_today_bytes},
                 {"write_budget_bytes", agent.write_budget_bytes},
                 {"pipelines", std::move(pipelines)}});
}

Answer buffer(Control& control) {
    const auto streams = control.streams();
    if (!streams) {
        return error(streams.error());
    }
    Json list = Json::array();
    for (const StreamInfo& stream : streams.value()) {
        list.push_back({{"stream", stream.id.value()},
                        {"pipeline", stream.pipeline},
                        {"first", stream.extent.first.value()},
                        {"last", stream.extent.last.value()},
                        {"bytes", stream.bytes},
                        {"set_aside", stream.set_aside},
                        {"dropped_from", stream.dropped_from.value()},
                        {"dropped_before", stream.dropped_before.value()}});
    }
    return json({{"streams", std::move(list)}});
}

Answer peek(const Query& query, Control& control) {
    const std::string name = text_of(query, "pipeline");
    const auto from = number_of(query, "from", 0, std::numeric_limits<std::uint64_t>::max());
    const auto limit = number_of(query, "limit", kLimitDefault, kLimitMax);
    if (name.empty() || !from || !limit) {
        return refusal(400, "needs pipeline=NAME; from is a sequence, limit 1 to 1000");
    }
    auto lines = control.peek(
        name, *from, static_cast<std::size_t>(*limit), text_of(query, "values") == "true");
    if (!lines) {
        return error(lines.error());
    }
    return {.content_type = "application/x-ndjson", .body = std::move(lines.value())};
}

constexpr std::uint64_t kAnySequence = std::numeric_limits<std::uint64_t>::max();

// Lines, and one more that says where to go on.
Answer events(const Query& query, Control& control) {
    const std::string name = text_of(query, "pipeline");
    const auto from = number_of(query, "from", 0, kAnySequence);
    const auto to = number_of(query, "to", 0, kAnySequence);
    const auto limit = number_of(query, "limit", kLimitDefault, kLimitMax);
    if (name.empty() || !from || !to || !limit) {
        return refusal(400, "needs pipeline=NAME; from and to are sequences, limit 0 to 1000");
    }
    auto page = control.events(name,
                               {.from = *from,
                                .to = *to,
                                .limit = static_cast<std::size_t>(*limit),
                                .raw = text_of(query, "raw") == "true",
                                .pattern = text_of(query, "pattern")});
    if (!page) {
        return error(page.error());
    }
    const Json more = {{"next", page.value().next},
                       {"first", page.value().first},
                       {"last", page.value().last},
                       {"end", page.value().end}};
    return {.content_type = "application/x-ndjson",
            .body = std::move(page.value().lines) + more.dump() + "\n"};
}

Answer find_time(const Query& query, Control& control) {
    const std::string name = text_of(query, "pipeline");
    const auto time = number_of(query, "time_us", kAnySequence, 1ULL << 62U);
    if (name.empty() || !time || *time == kAnySequence) {
        return refusal(400, "needs pipeline=NAME and time_us=MICROSECONDS since 1970");
    }
    const auto found = control.find_time(name, static_cast<std::int64_t>(*time));
    return found ? json({{"sequence", found.value()}}) : error(found.error());
}

Answer drop(const Query& query, Control& control) {
    const std::string name = text_of(query, "pipeline");
    const auto before = number_of(query, "before", 0, kAnySequence);
    if (name.empty() || !before || *before == 0) {
        return refusal(400, "needs pipeline=NAME and before=SEQUENCE");
    }
    const auto dropped = control.drop(name, *before);
    return dropped ? json({{"from", dropped.value().from}, {"before", dropped.value().before}})
                   : error(dropped.error());
}

Json bytes_of(const std::optional<std::string>& bytes) {
    return bytes ? Json(to_base64(*bytes)) : Json(nullptr);
}

Answer dead_letters(const Query& query, Control& control) {
    const auto limit = number_of(query, "limit", kLimitDefault, kLimitMax);
    if (!limit) {
        return refusal(400, "limit is 1 to 1000");
    }
    const auto letters =
        control.dead_letters(text_of(query, "pipeline"), static_cast<std::size_t>(*limit));
    if (!letters) {
        return error(letters.error());
    }
    Json list = Json::array();
    for (const DeadLetter& letter : letters.value()) {
        list.push_back({{"id", letter.id},
                        {"pipeline", letter.pipeline},
                        {"sequence", letter.sequence.value()},
                        {"sub_index", letter.sub_index},
                        {"reason", letter.reason},
                        {"topic", letter.topic},
                        {"key_base64", bytes_of(letter.key)},
                        {"value_base64", bytes_of(letter.value)},
                        {"identity_base64", to_base64(letter.identity)},
                        {"wall_time_us", letter.wall_time_us},
                        {"replayed", letter.replayed}});
    }
    return json({{"dead_letters", std::move(list)}});
}

Answer replay(std::string_view id, Control& control) {
    const auto number = parse_number(id);
    if (!number) {
        return refusal(404, "no such dead letter");
    }
    const auto done = control.replay_dead_letter(*number);
    return done ? json({{"queued", *number}}) : error(done.error());
}

Answer verify(Control& control) {
    const auto entries = control.verify();
    return entries ? json({{"entries", entries.value()}}) : error(entries.error());
}

Answer start_snapshot(const Query& query, Control& control) {
    const std::string name = text_of(query, "pipeline");
    const SnapshotRequest request{text_of(query, "table"), text_of(query, "where")};
    if (name.empty() || request.table.empty() || request.where.size() > kWhereBytesMax) {
        return refusal(400, "needs pipeline=NAME and table=NAME; where is at most 2000 bytes");
    }
    const auto done = control.start_snapshot(name, request);
    return done ? json({{"started", request.table}}) : error(done.error());
}

Answer stop_snapshot(const Query& query, Control& control) {
    const std::string name = text_of(query, "pipeline");
    const std::string table = text_of(query, "table");
    if (name.empty()) {
        return refusal(400, "needs pipeline=NAME");
    }
    const auto done = control.stop_snapshot(name, table);
    return done ? json({{"stopped", table.empty() ? "every table" : table}}) : error(done.error());
}

Answer ready(Control& control) {
    const bool is_ready = control.ready();
    return {.status = is_ready ? 200U : 503U,
            .content_type = "text/plain",
            .body = is_ready ? "ready\n" : "not ready\n"};
}

// What the path names; the method and the place are checked against its row.
enum class Route {
    metrics,
    health,
    ready,
    status,
    buffer,
    peek,
    events,
    find_time,
    drop,
    dead_letters,
    replay,
    verify,
    start_snapshot,
    stop_snapshot,
};

struct Row {
    std::string_view path;
    Route route;
    std::string_view method;
    bool socket_only;
};

constexpr std::string_view kDeadLetter = "/v1/deadletter/";
constexpr std::string_view kReplay = "/replay";
constexpr Row kReplayRow{"", Route::replay, "POST", true};
constexpr std::array kRows{
    Row{"/metrics", Route::metrics, "GET", false},
    Row{"/healthz", Route::health, "GET", false},
    Row{"/readyz", Route::ready, "GET", false},
    Row{"/v1/status", Route::status, "GET", false},
    Row{"/v1/buffer", Route::buffer, "GET", false},
    Row{"/v1/buffer/peek", Route::peek, "GET", true},
    Row{"/v1/events", Route::events, "GET", true},
    Row{"/v1/buffer/find", Route::find_time, "GET", true},
    Row{"/v1/buffer/drop", Route::drop, "POST", true},
    Row{"/v1/deadletter", Route::dead_letters, "GET", true},
    Row{"/v1/verify", Route::verify, "POST", true},
    Row{"/v1/snapshot/start", Route::start_snapshot, "POST", true},
    Row{"/v1/snapshot/stop", Route::stop_snapshot, "POST", true},
};

const Row* find_row(std::string_view path) {
    for (const Row& row : kRows) {
        if (row.path == path) {
            return &row;
        }
    }
    const bool is_replay = path.starts_with(kDeadLetter) && path.ends_with(kReplay) &&
                           path.size() > kDeadLetter.size() + kReplay.size();
    return is_replay ? &kReplayRow : nullptr;
}

Answer dispatch(Route route,
                std::string_view path,
                const Query& query,
                Control& control,
                const MetricsText& metrics) {
    switch (route) {
        case Route::metrics:
            return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics()};
        case Route::health:
            return {.content_type = "text/plain", .body = "ok\n"};
        case Route::ready:
            return ready(control);
        case Route::status:
            return status(control);
        case Route::buffer:
            return buffer(control);
        case Route::peek:
            return peek(query, control);
        case Route::events:
            return events(query, control);
        case Route::find_time:
            return find_time(query, control);
        case Route::drop:
            return drop(query, control);
        case Route::dead_letters:
            return dead_letters(query, control);
        case Route::replay:
            path.remove_prefix(kDeadLetter.size());
            path.remove_suffix(kReplay.size());
            return replay(path, control);
        case Route::verify:
            return verify(control);
        case Route::start_snapshot:
            return start_snapshot(query, control);
        case Route::stop_snapshot:
            return stop_snapshot(query, control);
    }
    return refusal(404, "no such path");
}

}  // namespace

Answer refusal(unsigned status, std::string_view message) {
    Answer out = json({{"error", "request"}, {"message", message}});
    out.status = status;
    return out;
}

Answer answer(const Request& request, Control& control, const MetricsText& metrics) {
    const std::size_t question = std::min(request.target.find('?'), request.target.size());
    const std::string_view path = request.target.substr(0, question);
    const std::string_view rest =
        request.target.substr(std::min(question + 1, request.target.size()));
    const Row* row = find_row(path);
    if (row == nullptr) {
        return refusal(404, "no such path");
    }
    if (request.method != row->method) {
        Answer out = refusal(405, "only " + std::string(row->method) + " works here");
        out.allow = row->method;
        return out;
    }
    if (row->socket_only && !request.on_unix_socket) {
        return refusal(403, "this works on the unix socket only");
    }
    const auto query = parse_query(rest);
    if (!query) {
        return refusal(400, "the query is not name=value&..");
    }
    return dispatch(row->route, path, *query, control, metrics);
}

}  // namespace tributary::admin
