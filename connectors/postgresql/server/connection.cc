#include "connectors/postgresql/server/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/assert.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// A peer nearer than this is kept busy by a 32 KiB window (32 KiB per round trip = 32 MB/s at 1
// ms).
constexpr std::uint32_t kNearRoundTripMicroseconds = 1000;

// Values come out the same whatever the role, database or server is set to. A search_path of
// pg_catalog also keeps our own statements safe from objects planted in other schemas
// (CVE-2018-1058).
constexpr const char* kPinned =
    "-c DateStyle=ISO -c IntervalStyle=postgres -c TimeZone=UTC -c extra_float_digits=3 "
    "-c bytea_output=hex -c search_path=pg_catalog -c default_transaction_read_only=off "
    "-c standard_conforming_strings=on -c statement_timeout=0 -c lock_timeout=3000 "
    "-c idle_in_transaction_session_timeout=0 "
    // Both sessions are the user's that is configured, whose right to replicate the server asks
    // for.
    "-c role=none "
    // On a standby no statement can be serializable.
    "-c default_transaction_isolation=read\\ committed -c default_transaction_deferrable=off "
    // A policy that hides rows is an error, not a smaller table.
    "-c row_security=off "
    // The warnings that note_left_out() waits for are sent.
    "-c client_min_messages=warning";

// What only newer servers know; an older one refuses the connection for the name alone.
struct LaterSetting {
    int since;
    const char* statement;
};
constexpr std::array kPinnedLater{
    LaterSetting{140000, "SET idle_session_timeout = 0"},
    LaterSetting{170000, "SET transaction_timeout = 0"},
};

constexpr std::string_view kLockNotAvailable = "55P03";

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \n\t");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \n\t") - first + 1);
}

// The SQLSTATE of "FATAL:  28P01: password authentication failed"; empty when there is none.
std::string_view sqlstate_in(std::string_view text) {
    for (std::size_t at = text.find(":  "); at != std::string_view::npos;
         at = text.find(":  ", at + 1)) {
        const std::string_view code = text.substr(at + 3, 5);
        const bool plausible =
            code.size() == 5 && text.substr(at + 8, 2) == ": " &&
            std::all_of(code.begin(), code.end(), [](char letter) {
                return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z');
            });
        if (plausible) {
            return code;
        }
    }
    return {};
}

// The first line is what happened; LOCATION and the like are for the server's developers.
std::string without_location(std::string_view text) {
    std::string lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.substr(0, 9) == "LOCATION:") {
            continue;
        }
        lines += lines.empty() ? "" : "; ";
        lines += line;
    }
    return lines;
}

bool about_tls(std::string_view text) {
    constexpr std::array<std::string_view, 7> kWords{"SSL",
                                                     "certificate",
                                                     "private key",
                                                     "sslmode",
                                                     "sslrootcert",
                                                     "server's host name",
                                                     "host name must be specified"};
    if (contains(text, "SSL SYSCALL") || contains(text, "closed unexpectedly")) {
        return false;  // the network failed under TLS
    }
    return std::any_of(kWords.begin(), kWords.end(), [text](std::string_view word) {
        return contains(text, word);
    });
}

bool is_loopback(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        return (ntohl(v4.sin_addr.s_addr) >> 24U) == 127;
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
}

// Class 22 but a parameter's value: the server could not compute with what is in a row. Its text
// may quote the row.
bool is_about_data(std::string_view sqlstate) {
    return sqlstate.substr(0, 2) == "22" && sqlstate != "22023";
}

// PostgreSQL 15 manual, appendix A, class 22.
std::string_view data_exception(std::string_view sqlstate) {
    struct Named {
        std::string_view sqlstate;
        std::string_view name;
    };
    constexpr std::array kNamed{Named{"22003", "numeric value out of range"},
                                Named{"22007", "invalid datetime format"},
                                Named{"22008", "datetime field overflow"},
                                Named{"22012", "division by zero"},
                                Named{"22021", "character not in repertoire"},
                                Named{"22P02", "invalid text representation"},
                                Named{"22P05", "untranslatable character"}};
    const auto* const found =
        std::find_if(kNamed.begin(), kNamed.end(), [sqlstate](const Named& each) {
            return each.sqlstate == sqlstate;
        });
    return found == kNamed.end() ? "data exception" : found->name;
}

const ErrorKind& not_in_prerequisite_state(std::string_view message) {
    if (contains(message, "wal_level") || contains(message, "recovery")) {
        return errors::kSourceSettings;
    }
    if (contains(message, "can no longer") || contains(message, "invalidated")) {
        return errors::kSlotLost;
    }
    return errors::kSourceUnreachable;
}

// PostgreSQL 18 goes on without a publication that is not there and only warns (pgoutput.c,
// "skipped loading publication", 55000); older ones end the stream with an error. The text may come
// in any language.
void note_left_out(void* into, const PGresult* notice) {
    auto& left_out = *static_cast<std::optional<Error>*>(into);
    const char* sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    if (left_out || sqlstate == nullptr || std::string_view(sqlstate) != "55000") {
        return;
    }
    const char* message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    left_out.emplace(errors::kPublicationMissing,
                     std::string("the server leaves changes out of the stream: ") +
                         (message == nullptr ? "no reason given" : message));
}

}  // namespace

const ErrorKind& kind_of(std::string_view sqlstate, std::string_view message) {
    const std::string_view group = sqlstate.substr(0, 2);
    if (group == "28") {
        return errors::kSourceAuth;
    }
    if (sqlstate == "42501") {
        return errors::kSourceRights;
    }
    if (sqlstate == "3D000") {
        return errors::kConfigInvalid;
    }
    if (sqlstate == "55006") {
        return errors::kSlotInUse;
    }
    if (sqlstate == "25006") {
        return errors::kSourceSettings;  // a standby, or a server that is set to read only
    }
    if (sqlstate == "55000") {
        return not_in_prerequisite_state(message);
    }
    if (sqlstate == "58P01" && contains(message, "WAL segment")) {
        return errors::kSlotLost;
    }
    if (sqlstate == "42704") {
        return contains(message, "publication") ? errors::kPublicationMissing
                                                : errors::kSlotMissing;
    }
    if (sqlstate == "53400" && contains(message, "replication slots")) {
        return errors::kSlotLimit;
    }
    if (sqlstate == "53300" && contains(message, "max_wal_senders")) {
        return errors::kSlotLimit;
    }
    if (is_about_data(sqlstate)) {
        return errors::kValueUndecodable;
    }
    if (group == "0A" || group == "22" || group == "42" || group == "F0") {
        return errors::kSourceSettings;
    }
    return errors::kSourceUnreachable;
}

Error connect_error(std::string_view text, const Connection& options) {
    const std::string where = options.host + ":" + std::to_string(options.port) + " database \"" +
                              options.dbname + "\" user \"" + options.user + "\": ";
    const std::string what = where + without_location(text);
    const std::string_view sqlstate = sqlstate_in(text);
    if (!sqlstate.empty()) {
        return {kind_of(sqlstate, text), what};
    }
    if (contains(text, "no password supplied") || contains(text, "authentication method") ||
        contains(text, "SCRAM") || contains(text, "channel binding")) {
        return {errors::kSourceAuth, what};
    }
    if (about_tls(text)) {
        return {errors::kSourceTls, what};
    }
    if (contains(text, "invalid connection option") || contains(text, "invalid port") ||
        contains(text, "invalid value")) {
        return {errors::kConfigInvalid, what};
    }
    return {errors::kSourceUnreachable, what};
}

Error server_error(const PGresult* result, std::string_view doing) {
    const auto field = [result](int code) -> std::string_view {
        const char* text = PQresultErrorField(result, code);
        return text == nullptr ? std::string_view{} : std::string_view(text);
    };
    const std::string_view sqlstate = field(PG_DIAG_SQLSTATE);
    const std::string_view message = field(PG_DIAG_MESSAGE_PRIMARY);
    std::string what(doing);
    what += ": ";
    if (is_about_data(sqlstate)) {
        what += data_exception(sqlstate);
    } else {
        what += message.empty() ? trimmed(PQresultErrorMessage(result)) : message;
    }
    if (!sqlstate.empty()) {
        what += " (SQLSTATE ";
        what += sqlstate;
        what += ")";
    }
    if (sqlstate == kLockNotAvailable) {
        what += "; a transaction holds the lock: end it (pg_locks has its pid), or wait for it";
    }
    if (is_about_data(sqlstate)) {
        // Of a stream it has the row's place.
        const std::string_view context = field(PG_DIAG_CONTEXT);
        what += context.empty() ? "" : "; " + std::string(context.substr(0, context.find('\n')));
        what += "; the server's log has its text";
    }
    if (const std::string_view hint = field(PG_DIAG_MESSAGE_HINT); !hint.empty()) {
        what += "; the server's hint: ";
        what += hint;
    }
    return {kind_of(sqlstate, message), std::move(what)};
}

std::string_view Rows::at(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t Rows::integer(int row, int column) const {
    const std::string_view text = at(row, column);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

Result<Session> Session::open(const Connection& options,
                              Purpose purpose,
                              const Interrupter& interrupter) {
    const std::string port = std::to_string(options.port);
    std::vector<std::pair<const char*, const char*>> parameters{
        {"host", options.host.c_str()},
        {"port", port.c_str()},
        {"dbname", options.dbname.c_str()},
        {"user", options.user.c_str()},
        {"sslmode", options.sslmode.c_str()},
        {"application_name", "tributary"},
        {"client_encoding", "UTF8"},
        {"options", kPinned},
        {"gssencmode", "disable"},
        {"keepalives", "1"},
        {"keepalives_idle", "30"},
        {"keepalives_interval", "10"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "60000"},
    };
    const auto add = [&parameters](const char* name, const std::string& value) {
        if (!value.empty()) {
            parameters.emplace_back(name, value.c_str());
        }
    };
    add("password", options.password.reveal());
    add("sslrootcert", options.sslrootcert);
    add("sslcert", options.sslcert);
    add("sslkey", options.sslkey);
    if (purpose == Purpose::replication) {
        parameters.emplace_back("replication", "database");
    }
    std::vector<const char*> names;
    std::vector<const char*> values;
    for (const auto& [name, value] : parameters) {
        names.push_back(name);
        values.push_back(value);
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    // dbname is not expanded: it is a name, never a connection string of its own.
    Session session(PQconnectStartParams(names.data(), values.data(), 0), interrupter);
    TRIBUTARY_TRY_VOID(
        session.connect(options, std::chrono::seconds(std::max(options.connect_timeout_s, 1U))));
    return session;
}

Result<void> Session::connect(const Connection& options, std::chrono::seconds limit) {
    PGconn* connection = connection_.get();
    TRIBUTARY_ASSERT(connection != nullptr);
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);  // puts the SQLSTATE into the message
    PQsetNoticeReceiver(connection, note_left_out, left_out_.get());
    const auto deadline = std::chrono::steady_clock::now() + limit;
    PostgresPollingStatusType state =
        PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
        const auto events = static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT);
        const auto waited = wait(events, deadline);
        if (!waited) {
            return Error(waited.error().kind(),
                         options.host + ":" + std::to_string(options.port) +
                             ": no connection within " + std::to_string(limit.count()) + " s");
        }
        state = PQconnectPoll(connection);
    }
    if (state != PGRES_POLLING_OK) {
        return connect_error(PQerrorMessage(connection), options);
    }
    PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
    if (PQsetnonblocking(connection, 1) != 0) {
        return lost("connecting");
    }
    const char* const encoding = PQparameterStatus(connection, "server_encoding");
    if (encoding != nullptr && std::string_view(encoding) == "SQL_ASCII") {
        // Such a database may hold any bytes. Asked for UTF-8 the server would end the stream at
        // the first that are none; so it sends what it has, and the row is judged by itself.
        TRIBUTARY_TRY_VOID(query("SET client_encoding = SQL_ASCII", limit));
    }
    for (const LaterSetting& setting : kPinnedLater) {
        if (server_version() >= setting.since) {
            TRIBUTARY_TRY_VOID(query(setting.statement, limit));
        }
    }
    return success();
}

Error Session::lost(std::string_view doing) const {
    const std::string_view text = trimmed(PQerrorMessage(connection_.get()));
    return {errors::kSourceUnreachable, std::string(doing) + ": " + without_location(text)};
}

Result<void> Session::wait(short events, SteadyTime deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
        return Error(errors::kSourceUnreachable, "the server did not answer in time");
    }
    switch (wait_for(socket(), events, *interrupter_, left)) {
        case Wake::ready:
            return success();
        case Wake::timeout:
            return Error(errors::kSourceUnreachable, "the server did not answer in time");
        case Wake::interrupted:
            return Error(errors::kSourceUnreachable, "interrupted");
    }
    return success();
}

Result<void> Session::flush(SteadyTime deadline) {
    for (;;) {
        const int left = PQflush(connection_.get());
        if (left == 0) {
            return success();
        }
        if (left < 0) {
            return lost("sending");
        }
        TRIBUTARY_TRY_VOID(wait(POLLIN | POLLOUT, deadline));
        if (PQconsumeInput(connection_.get()) == 0) {
            return lost("sending");
        }
    }
}

Result<PGresult*> Session::result(SteadyTime deadline) {
    while (PQisBusy(connection_.get()) != 0) {
        TRIBUTARY_TRY_VOID(wait(POLLIN, deadline));
        if (PQconsumeInput(connection_.get()) == 0) {
            return lost("waiting for an answer");
        }
    }
    return PQgetResult(connection_.get());
}

Result<Rows> Session::query(const std::string& sql,
                            std::chrono::milliseconds limit,
                            const std::vector<std::string>& parameters) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const std::string& parameter : parameters) {
        values.push_back(parameter.c_str());
    }
    const int sent = parameters.empty() ? PQsendQuery(connection_.get(), sql.c_str())
                                        : PQsendQueryParams(connection_.get(),
                                                            sql.c_str(),
                                                            static_cast<int>(values.size()),
                                                            nullptr,
                                                            values.data(),
                                                            nullptr,
                                                            nullptr,
                                                            0);
    if (sent == 0) {
        return lost("sending a statement");
    }
    TRIBUTARY_TRY_VOID(flush(deadline));
    std::optional<Rows> rows;
    std::optional<Error> failed;
    for (;;) {
        TRIBUTARY_TRY(raw, result(deadline));
        if (raw == nullptr) {
            break;
        }
        Rows answer(raw);
        const ExecStatusType status = PQresultStatus(raw);
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
            rows.emplace(std::move(answer));
        } else if (!failed) {
            failed = server_error(raw, sql.substr(0, sql.find_first_of("\n(")));
        }
    }
    if (failed) {
        return *failed;
    }
    if (!rows) {
        return lost("waiting for an answer");
    }
    return std::move(*rows);
}

Result<void> Session::send(const std::string& sql, std::chrono::milliseconds limit) {
    if (PQsendQuery(connection_.get(), sql.c_str()) == 0) {
        return lost("sending a statement");
    }
    return flush(std::chrono::steady_clock::now() + limit);
}

Result<void> Session::start_copy(const std::string& sql, std::chrono::milliseconds limit) {
    TRIBUTARY_TRY_VOID(send(sql, limit));
    TRIBUTARY_TRY(raw, result(std::chrono::steady_clock::now() + limit));
    if (raw == nullptr) {
        return lost("START_REPLICATION");
    }
    const Rows answer(raw);
    if (PQresultStatus(raw) != PGRES_COPY_BOTH) {
        return server_error(raw, "START_REPLICATION");
    }
    return success();
}

// One line, waiting for it; none after the last.
Result<Session::Line> Session::copy_line(SteadyTime deadline) {
    for (;;) {
        char* raw = nullptr;
        const int length = PQgetCopyData(connection_.get(), &raw, 1);
        if (length > 0) {
            return Line{std::unique_ptr<char, Free>(raw), static_cast<std::size_t>(length)};
        }
        if (length < 0) {
            return Line{};
        }
        TRIBUTARY_TRY_VOID(wait(POLLIN, deadline));
        if (PQconsumeInput(connection_.get()) == 0) {
            return lost("reading rows");
        }
    }
}

// The results that end a statement; an error among them is what a cancelled one ends with.
Result<void> Session::finish(SteadyTime deadline, bool cancelled) {
    Result<void> ended = success();
    for (;;) {
        TRIBUTARY_TRY(raw, result(deadline));
        if (raw == nullptr) {
            return ended;
        }
        const Rows answer(raw);
        if (answer.failed() && !cancelled && ended) {
            ended = server_error(raw, "reading rows");
        }
    }
}

void Session::cancel() {
    std::array<char, 256> ignored{};
    PGcancel* const request = PQgetCancel(connection_.get());
    if (request != nullptr) {
        [[maybe_unused]] const int sent =
            PQcancel(request, ignored.data(), static_cast<int>(ignored.size()));
        PQfreeCancel(request);
    }
}

Result<void> Session::copy_out(std::chrono::milliseconds limit,
                               const std::function<bool(std::string_view line)>& on_line) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    TRIBUTARY_TRY(raw, result(deadline));
    if (raw == nullptr) {
        return lost("reading rows");
    }
    const Rows answer(raw);
    if (PQresultStatus(raw) != PGRES_COPY_OUT) {
        const Error failed = server_error(raw, "reading rows");
        TRIBUTARY_TRY_VOID(finish(deadline, true));
        return failed;
    }
    bool cancelled = false;
    for (;;) {
        TRIBUTARY_TRY(line, copy_line(deadline));
        if (line.bytes == nullptr) {
            break;
        }
        if (!cancelled && !on_line({line.bytes.get(), line.size})) {
            cancelled = true;
            cancel();
        }
    }
    return finish(deadline, cancelled);
}

bool Session::near_tcp() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(socket(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6)) {
        return false;
    }
    if (is_loopback(address)) {
        return true;
    }
    tcp_info info{};
    size = sizeof info;
    return ::getsockopt(socket(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_rtt > 0 &&
           info.tcpi_rtt < kNearRoundTripMicroseconds;
}

}  // namespace tributary::postgresql
