// Whether a server can go on from a position, and whose positions those are: server_checks.h. Pure.
#include <algorithm>

#include "base/crc32c.h"
#include "base/planted.h"
#include "connectors/mysql/numbers.h"
#include "connectors/mysql/server/server_checks.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

Result<void> verify_mysql_gtids(const ServerFacts& facts, const MysqlGtidSet& ours) {
    TRIBUTARY_TRY(executed, MysqlGtidSet::parse(facts.value("gtid_executed")));
    if (!executed.contains(ours)) {
        const bool behind = ours.contains(executed);
        return Error(behind ? errors::kSourceRewound : errors::kSourceDiverged,
                     "the server lacks transactions that were taken in: " +
                         ours.minus(executed).to_string());
    }
    TRIBUTARY_TRY(purged, MysqlGtidSet::parse(facts.value("gtid_purged")));
    if (!ours.contains(purged)) {
        return Error(errors::kSourceGap,
                     "the server has purged transactions that were not taken in: " +
                         purged.minus(ours).to_string());
    }
    return success();
}

// The end of that file; null: it is not there.
const Place* end_of(const ServerFacts& facts, const std::string& file) {
    const auto found = std::find_if(
        facts.files.begin(), facts.files.end(), [&](const Place& end) { return end.file == file; });
    return found == facts.files.end() ? nullptr : &*found;
}

Result<void> verify_place(const ServerFacts& facts, const ResumePoint& resume) {
    if (resume.last && resume.last->server != server_mark_of(facts)) {
        return Error(errors::kSourceDiverged,
                     "the stored position is a file and offset of another server than " +
                         server_name_of(facts));
    }
    const Place* const end = end_of(facts, resume.next.file);
    if (end != nullptr) {
        const bool looked_at = !planted::is(planted::Bug::file_end_not_looked_at);
        return resume.next.offset <= end->offset || !looked_at
                   ? Result<void>(success())
                   : Error(errors::kSourceRewound,
                           "the file ends at " + to_string(*end) +
                               " now, before what was taken in: " + to_string(resume.next));
    }
    const bool ahead = !facts.files.empty() && compare(Place{.file = resume.next.file},
                                                       Place{.file = facts.files.back().file}) > 0;
    if (ahead) {
        return Error(errors::kSourceRewound,
                     "the server has no " + resume.next.file + " yet; its newest is " +
                         facts.files.back().file);
    }
    return Error(errors::kSourceGap,
                 "the server has no " + resume.next.file + " any more; its oldest is " +
                     (facts.files.empty() ? std::string("none") : facts.files.front().file));
}

}  // namespace

Result<void> verify_position(const ServerFacts& facts, const ResumePoint& resume) {
    if (resume.server != facts.kind) {
        return Error(errors::kSourceDiverged,
                     "the stored position is one of " + server_name(resume.server) +
                         ", the server is " + server_name(facts.kind) + " " + facts.version);
    }
    if (resume.by_gtid && !facts.gtids()) {
        return Error(errors::kSourceDiverged,
                     "the stored position is a set of GTIDs, and gtid_mode is " +
                         std::string(facts.value("gtid_mode")));
    }
    if (!resume.by_gtid) {
        return verify_place(facts, resume);
    }
    if (facts.kind == ServerKind::mysql) {
        return verify_mysql_gtids(facts, resume.executed);
    }
    // What is purged or diverged, only the server can tell (error 1236); that it is behind, these
    // two.
    TRIBUTARY_TRY(theirs, MariadbGtidPosition::parse(facts.value("gtid_binlog_pos")));
    if (!theirs.contains(resume.gtid_position)) {
        return Error(errors::kSourceRewound,
                     "the server's binary log ends at " + theirs.to_string() +
                         ", before what was taken in: " + resume.gtid_position.to_string());
    }
    return success();
}

Result<void> verify_half(const ServerFacts& facts,
                         const ResumePoint& resume,
                         const Position& done) {
    const auto half = half_taken(resume, done);
    if (!half) {
        return success();
    }
    bool known = true;
    if (!resume.by_gtid) {
        const Place& start = half->transaction.start;
        const Place* const end = end_of(facts, start.file);
        known = end != nullptr && start.offset < end->offset;
    } else if (const auto gtid = parse_mysql_gtid(half->transaction.gtid)) {
        TRIBUTARY_TRY(executed, MysqlGtidSet::parse(facts.value("gtid_executed")));
        known = executed.contains(*gtid);
    } else if (const auto maria = parse_mariadb_gtid(half->transaction.gtid)) {
        TRIBUTARY_TRY(theirs, MariadbGtidPosition::parse(facts.value("gtid_binlog_pos")));
        known = theirs.contains(*maria);
    }
    return known ? Result<void>(success())
                 : Error(errors::kSourceRewound,
                         "the server lacks " + to_string(half->transaction) +
                             ", of which a part was taken in");
}

std::chrono::milliseconds sent_before_executed(const ServerFacts& facts) {
    constexpr std::chrono::milliseconds kCommit{1000};
    constexpr std::chrono::milliseconds kMax{30'000};
    for (const char* const name : {"rpl_semi_sync_source", "rpl_semi_sync_master"}) {
        if (facts.on(std::string(name) + "_enabled")) {
            const std::uint64_t timeout =
                leading_number(facts.value(std::string(name) + "_timeout"));
            return std::min(kMax,
                            kCommit + std::chrono::milliseconds(static_cast<int>(
                                          std::min<std::uint64_t>(timeout, 60'000))));
        }
    }
    return kCommit;
}

std::string server_name_of(const ServerFacts& facts) {
    const std::string_view uuid = facts.value("server_uuid");
    return std::string(uuid.empty() ? facts.value("server_id") : uuid);
}

Result<void> verify_same_server(std::string_view looked_at, std::string_view reached) {
    if (looked_at == reached) {
        return success();
    }
    return Error(errors::kSourceUnreachable,
                 "the address leads to another server than a moment ago: " + std::string(reached) +
                     ", not " + std::string(looked_at));
}

std::string server_name_sql(ServerKind kind) {
    return kind == ServerKind::mysql ? "SELECT @@GLOBAL.server_uuid" : "SELECT @@GLOBAL.server_id";
}

std::uint32_t server_mark_of(const ServerFacts& facts) {
    return crc32c(0, server_name_of(facts));
}

std::string identity_of(const ServerFacts& facts, const ResumePoint& resume) {
    std::string text = facts.kind == ServerKind::mysql ? "mysql" : "mariadb";
    if (resume.by_gtid) {
        return text + " gtid";
    }
    return text + " file " + server_name_of(facts);
}

}  // namespace tributary::mysql
