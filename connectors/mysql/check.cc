// check() and resolve_position(): what the commands ask of the server.
#include <utility>

#include "connectors/mysql/cascades.h"
#include "connectors/mysql/mysql.h"
#include "connectors/mysql/position.h"
#include "connectors/mysql/server/client.h"
#include "connectors/mysql/server/server_checks.h"
#include "connectors/mysql/server/sql.h"
#include "connectors/mysql/snapshot/snapshot_checks.h"
#include "model/errors.h"
#include "model/table_filter.h"

namespace tributary::mysql {
namespace {

Finding failed(std::string subject, const Error& error) {
    return {Severity::error,
            std::move(subject),
            std::string(error.kind().name) + ": " + error.what(),
            std::string(error.kind().next)};
}

// "binlog.000003:4711"; nullopt when it is not of that form.
std::optional<Place> parse_place(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
        return std::nullopt;
    }
    const std::string_view digits = text.substr(colon + 1);
    constexpr std::size_t kDigitsMax = 18;
    const bool number = digits.size() <= kDigitsMax &&
                        digits.find_first_not_of("0123456789") == std::string_view::npos;
    const std::string_view file = text.substr(0, colon);
    // A GTID set has colons too, and its file name would be a uuid without the dot.
    if (!number || file.find('.') == std::string_view::npos) {
        return std::nullopt;
    }
    return Place{std::string(file), std::stoull(std::string(digits))};
}

Result<ResumePoint> parse_position(std::string_view text, ServerKind kind) {
    ResumePoint point;
    point.server = kind;
    if (auto place = parse_place(text)) {
        point.next = std::move(*place);
        return point;
    }
    point.by_gtid = true;
    if (kind == ServerKind::mysql) {
        TRIBUTARY_TRY(set, MysqlGtidSet::parse(text));
        point.executed = std::move(set);
    } else {
        TRIBUTARY_TRY(position, MariadbGtidPosition::parse(text));
        point.gtid_position = std::move(position);
    }
    return point;
}

}  // namespace

SourceCheck check(const Options& options) {
    const auto filter = TableFilter::make(options.tables);
    if (!filter) {
        return {.findings = {failed("tables", filter.error())}};
    }
    auto session = SqlSession::open(options.connection);
    if (!session) {
        return {.findings = {failed("connection", session.error())}};
    }
    SourceCheck out;
    std::vector<Finding>& findings = out.findings;
    auto client = Client::open(options.connection);
    if (!client) {
        findings.push_back(failed("connection", client.error()));
        return out;
    }
    findings.push_back({Severity::ok,
                        "connection",
                        client.value().tls() ? "answers, with TLS" : "answers, without TLS",
                        ""});
    auto facts = read_facts(session.value());
    if (!facts) {
        findings.push_back(failed("settings", facts.error()));
        return out;
    }
    // What stands in its way, rights or a log that is off, is found below.
    static_cast<void>(read_volume(session.value(), facts.value()));
    auto judged = judge(facts.value(), options);
    findings.insert(findings.end(), judged.begin(), judged.end());
    auto selected = selected_tables(session.value(), filter.value());
    if (!selected) {
        findings.push_back(failed("tables", selected.error()));
        return out;
    }
    for (const SelectedTable& table : selected.value().tables) {
        out.tables.push_back(table.name.schema + "." + table.name.table);
    }
    if (!options.tables.key_columns.empty()) {
        const auto chosen = chooses_a_key(session.value(), selected.value(), filter.value());
        selected.value().key_chosen = !chosen || chosen.value();
    }
    const auto of_tables = judge_tables(selected.value(), facts.value(), options);
    findings.insert(findings.end(), of_tables.begin(), of_tables.end());
    const auto told_by_nobody =
        judge_cascades(cascading_tables(session.value(), selected.value()), facts.value());
    findings.insert(findings.end(), told_by_nobody.begin(), told_by_nobody.end());
    if (options.snapshot != SnapshotMode::no_data) {
        auto snapshot = judge_snapshot(selected.value(), facts.value(), options);
        findings.insert(findings.end(), snapshot.begin(), snapshot.end());
    }
    const auto position = current_position(session.value(), facts.value(), options.gtid);
    if (!position) {
        findings.push_back(failed("position", position.error()));
        return out;
    }
    findings.push_back(
        {Severity::ok, "position", mysql::describe(encode_resume(position.value())), ""});
    return out;
}

Result<Position> resolve_position(const Options& options, std::string_view from) {
    TRIBUTARY_TRY(session, SqlSession::open(options.connection));
    TRIBUTARY_TRY(facts, read_facts(session));
    TRIBUTARY_TRY_VOID(verify_settings(facts, options.gtid));
    if (from == "now") {
        TRIBUTARY_TRY(now, current_position(session, facts, options.gtid));
        return encode_resume(now);
    }
    auto point = parse_position(from, facts.kind);
    if (!point) {
        return Error(errors::kConfigInvalid,
                     "--from takes `now`, GTIDs or file:offset, not " + std::string(from) + ": " +
                         point.error().what());
    }
    TRIBUTARY_TRY_VOID(read_files(session, facts));
    TRIBUTARY_TRY_VOID(verify_position(facts, point.value()));
    return encode_resume(point.value());
}

}  // namespace tributary::mysql
