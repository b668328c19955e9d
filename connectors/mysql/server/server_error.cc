#include "connectors/mysql/server/server_error.h"

#include <algorithm>
#include <array>

#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr unsigned kFirstClientError = 2000;
constexpr unsigned kLastClientError = 2999;
constexpr unsigned kFatalReadingBinlog = 1236;
constexpr unsigned kTlsConnection = 2026;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

template <std::size_t count>
bool contains_any(std::string_view text, const std::array<std::string_view, count>& parts) {
    return std::any_of(
        parts.begin(), parts.end(), [text](std::string_view part) { return contains(text, part); });
}

// 1236 is every way in which a dump can end; only the words tell them apart.
const ErrorKind& dump_ended(std::string_view message) {
    constexpr std::array<std::string_view, 2> kClash{"same server_uuid/server_id",
                                                     "same server_uuid or server_id"};
    constexpr std::array<std::string_view, 4> kPurged{
        "purged", "Could not find first log file name", "too old", "missing transactions"};
    constexpr std::array<std::string_view, 3> kDiverged{
        "has diverged", "extra erroneous transactions", "not present on the replica"};
    constexpr std::array<std::string_view, 5> kAhead{"has more GTIDs",
                                                     "have more GTIDs",
                                                     "not in the master's binlog",
                                                     "position > file size",
                                                     "impossible position"};
    constexpr std::array<std::string_view, 3> kSettings{
        "Binary log is not open", "max_allowed_packet", "GTID_MODE"};
    if (contains_any(message, kClash)) {
        return errors::kServerIdInUse;
    }
    // MariaDB says "purged" also in a diverged history's text, but not the other way round.
    if (contains_any(message, kDiverged)) {
        return errors::kSourceDiverged;
    }
    if (contains_any(message, kAhead)) {
        return errors::kSourceRewound;
    }
    if (contains_any(message, kPurged)) {
        return errors::kSourceGap;
    }
    if (contains_any(message, kSettings)) {
        return errors::kSourceSettings;
    }
    return errors::kProtocolViolation;
}

// What mends it, where neither the server nor the kind of error says so.
std::string_view mends(unsigned number, std::string_view message) {
    if (number == 1226) {
        return "; the account has a limit of its own, which ALTER USER .. WITH raises: the agent "
               "takes up to five connections at once";
    }
    if (number == kFatalReadingBinlog && contains(message, "anonymous transaction")) {
        return "; SET GLOBAL gtid_mode = ON_PERMISSIVE, until what was written without GTIDs is "
               "taken in";
    }
    return {};
}

}  // namespace

const ErrorKind& kind_of(unsigned number, std::string_view message) {
    switch (number) {
        case kFatalReadingBinlog:
            return dump_ended(message);
        case 4052:  // MariaDB: a replica with this server_id is connected
            return errors::kServerIdInUse;
        case 1045:  // access denied for user
        case 1251:  // authentication protocol
        case 1524:  // plugin is not loaded
        case 1820:  // the password must be set first
        case 3118:  // the account is locked
        case 1698:  // access denied without password
        case 1862:  // password has expired
        case 2059:  // authentication plugin cannot be loaded by the client library
        case 2061:  // authentication plugin reported an error
            return errors::kSourceAuth;
        case 1044:  // access denied to database
        case 1142:  // command denied to user on table
        case 1143:
        case 1227:  // at least one of these privileges is needed
        case 1370:
            return errors::kSourceRights;
        case 1130:  // host is not allowed to connect
            return errors::kSourceAuth;
        case 1193:  // unknown system variable
        case 1381:  // not using binary logging
        case 1373:  // target log not found in binlog index
        case 3159:  // connections using insecure transport are prohibited
            return number == 1373   ? errors::kSourceGap
                   : number == 3159 ? errors::kSourceTls
                                    : errors::kSourceSettings;
        case kTlsConnection:
            return errors::kSourceTls;
        default:
            break;
    }
    if (number >= kFirstClientError && number <= kLastClientError) {
        return errors::kSourceUnreachable;
    }
    // Too many connections, shutdown, deadlines, deadlocks, killed: all pass. The rest is a
    // statement that this server does not take.
    constexpr std::array<unsigned, 10> kPassing{
        1040, 1041, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1203};
    constexpr std::array<unsigned, 8> kPassingToo{1205, 1213, 1226, 1317, 1927, 1969, 3024, 3168};
    if (std::find(kPassing.begin(), kPassing.end(), number) != kPassing.end() ||
        std::find(kPassingToo.begin(), kPassingToo.end(), number) != kPassingToo.end()) {
        return errors::kSourceUnreachable;
    }
    return errors::kProtocolViolation;
}

Error server_error(unsigned number, std::string_view message, std::string_view doing) {
    std::string what(doing);
    what += ": ";
    what += message.substr(0, message.find('\n'));
    what += " (error " + std::to_string(number) + ")";
    what += mends(number, message);
    return {kind_of(number, message), std::move(what)};
}

}  // namespace tributary::mysql
