// check(): what `tributary check` asks of the server.
#include <utility>

#include "connectors/postgresql/intake/intake.h"
#include "connectors/postgresql/postgresql.h"
#include "connectors/postgresql/server/connection.h"
#include "connectors/postgresql/server/publication_checks.h"
#include "connectors/postgresql/server/server_checks.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

Finding failed(std::string subject, const Error& error) {
    return {Severity::error,
            std::move(subject),
            std::string(error.kind().name) + ": " + error.what(),
            std::string(error.kind().next)};
}

}  // namespace

SourceCheck check(const Options& options) {
    const Interrupter interrupter;
    const auto filter = TableFilter::make(intake_options(options).filter);
    if (!filter) {
        return {.findings = {failed("tables", filter.error())}};
    }
    auto sql = Session::open(options.connection, Purpose::sql, interrupter);
    if (!sql) {
        return {.findings = {failed("connection", sql.error())}};
    }
    SourceCheck out;
    std::vector<Finding>& findings = out.findings;
    findings.push_back({Severity::ok,
                        "connection",
                        sql.value().tls() ? "answers, with TLS" : "answers, without TLS",
                        ""});
    auto facts = read_facts(sql.value(), options);
    if (!facts) {
        findings.push_back(failed("settings", facts.error()));
        return out;
    }
    if (const auto read = read_columns(sql.value(), options, facts.value()); !read) {
        findings.push_back(failed("settings", read.error()));
        return out;
    }
    if (const auto read = read_refusals(sql.value(), options, facts.value()); !read) {
        findings.push_back(failed("publication " + options.publication, read.error()));
        return out;
    }
    auto judged = judge(facts.value(), options, filter.value());
    findings.insert(findings.end(), judged.begin(), judged.end());
    out.tables = selected_tables(facts.value(), filter.value(), true);
    auto replication = Session::open(options.connection, Purpose::replication, interrupter);
    if (!replication) {
        findings.push_back(failed("replication connection", replication.error()));
        return out;
    }
    const auto system = identify_system(replication.value());
    if (!system) {
        findings.push_back(failed("replication connection", system.error()));
        return out;
    }
    findings.push_back({Severity::ok,
                        "replication connection",
                        "system " + system.value().system_id + ", timeline " +
                            std::to_string(system.value().timeline) + ", written up to " +
                            to_string(system.value().flushed),
                        ""});
    return out;
}

}  // namespace tributary::postgresql
