// Session: one libpq connection that never blocks past a deadline and can be interrupted, and the
// translation of everything that goes wrong on it into the error table.
// Why here: the replication stream, the catalogue and the checks all need the same pinned settings,
// time limits and words for errors. Threads: one thread per Session; Interrupter::interrupt() from
// any. Spec: PostgreSQL 15 manual, libpq; Error Codes (SQLSTATE).
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/interrupter.h"
#include "base/result.h"
#include "connectors/postgresql/options.h"
#include "connectors/postgresql/server/quote.h"

namespace tributary::postgresql {

// The rows of one statement, as text. Move-only; views live as long as it.
class Rows {
  public:
    explicit Rows(PGresult* result) : result_(result) {}
    [[nodiscard]] const PGresult* get() const noexcept { return result_.get(); }
    [[nodiscard]] bool failed() const {
        return result_ != nullptr && PQresultStatus(result_.get()) == PGRES_FATAL_ERROR;
    }
    [[nodiscard]] int count() const { return PQntuples(result_.get()); }
    [[nodiscard]] int columns() const { return PQnfields(result_.get()); }
    // SQL NULL reads as empty; see null().
    [[nodiscard]] std::string_view at(int row, int column) const;
    [[nodiscard]] bool null(int row, int column) const {
        return PQgetisnull(result_.get(), row, column) != 0;
    }
    [[nodiscard]] bool boolean(int row, int column) const { return at(row, column) == "t"; }
    // 0 when NULL or no number.
    [[nodiscard]] std::int64_t integer(int row, int column) const;

  private:
    struct Clear {
        void operator()(PGresult* result) const noexcept { PQclear(result); }
    };
    std::unique_ptr<PGresult, Clear> result_;
};

enum class Purpose { sql, replication };

class Session {
  public:
    // Connects with the pinned settings (DESIGN 5). Errors: kSourceUnreachable (also when
    // interrupted or out of connect_timeout_s), kSourceAuth, kSourceTls, kSourceRights, kSlotLimit,
    // kConfigInvalid.
    [[nodiscard]] static Result<Session> open(const Connection& options,
                                              Purpose purpose,
                                              const Interrupter& interrupter);

    // One statement, `limit` at most; a replication session takes no parameters. After
    // kSourceUnreachable the session is of no more use.
    [[nodiscard]] Result<Rows> query(const std::string& sql,
                                     std::chrono::milliseconds limit,
                                     const std::vector<std::string>& parameters = {});
    // Sends a statement that switches to COPY BOTH (START_REPLICATION).
    [[nodiscard]] Result<void> start_copy(const std::string& sql, std::chrono::milliseconds limit);
    // Sends a statement without waiting for what it gives.
    [[nodiscard]] Result<void> send(const std::string& sql, std::chrono::milliseconds limit);
    // Of the COPY .. TO STDOUT that was sent: each line with its newline, as it comes. When
    // `on_line` returns false the rest is cancelled and nothing more is given; a transaction that
    // it was part of has failed then. `limit` is for the whole.
    [[nodiscard]] Result<void> copy_out(std::chrono::milliseconds limit,
                                        const std::function<bool(std::string_view line)>& on_line);

    [[nodiscard]] PGconn* get() const noexcept { return connection_.get(); }
    [[nodiscard]] int socket() const noexcept { return PQsocket(connection_.get()); }
    // 150004 for 15.4.
    [[nodiscard]] int server_version() const noexcept { return PQserverVersion(connection_.get()); }
    [[nodiscard]] bool tls() const noexcept { return PQsslInUse(connection_.get()) != 0; }
    // The server's first warning that it leaves changes out of a stream (kPublicationMissing);
    // null: none came before what was read last.
    [[nodiscard]] const Error* left_out() const noexcept {
        return left_out_->has_value() ? &**left_out_ : nullptr;
    }
    // Loopback, or a peer whose measured round trip is below a millisecond; never a unix socket.
    [[nodiscard]] bool near_tcp() const;

  private:
    struct Finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };
    Session(PGconn* connection, const Interrupter& interrupter)
        : connection_(connection), interrupter_(&interrupter) {}

    [[nodiscard]] Result<void> connect(const Connection& options, std::chrono::seconds limit);
    [[nodiscard]] Result<PGresult*> result(std::chrono::steady_clock::time_point deadline);
    [[nodiscard]] Result<void> flush(std::chrono::steady_clock::time_point deadline);
    [[nodiscard]] Result<void> wait(short events, std::chrono::steady_clock::time_point deadline);
    struct Free {
        void operator()(char* text) const noexcept { PQfreemem(text); }
    };
    struct Line {
        std::unique_ptr<char, Free> bytes;  // null: there is none
        std::size_t size = 0;
    };
    [[nodiscard]] Result<Line> copy_line(std::chrono::steady_clock::time_point deadline);
    [[nodiscard]] Result<void> finish(std::chrono::steady_clock::time_point deadline,
                                      bool cancelled);
    void cancel();
    [[nodiscard]] Error lost(std::string_view doing) const;

    // Outlives the connection, whose notice receiver writes to it; its address is that of no
    // Session, since these move.
    std::unique_ptr<std::optional<Error>> left_out_ = std::make_unique<std::optional<Error>>();
    std::unique_ptr<PGconn, Finish> connection_;
    const Interrupter* interrupter_;
};

// What a server error means: the row of the error table by SQLSTATE and, where one SQLSTATE has
// several meanings, by the server's words. Pure.
[[nodiscard]] const ErrorKind& kind_of(std::string_view sqlstate, std::string_view message);

// What a connection that failed before or during authentication means. `text` is libpq's message in
// verbose form ("FATAL:  28P01: password ..."). Pure.
[[nodiscard]] Error connect_error(std::string_view text, const Connection& options);

// The Error in `result` (an error result), with SQLSTATE; details that may quote a row are left
// out.
[[nodiscard]] Error server_error(const PGresult* result, std::string_view doing);

}  // namespace tributary::postgresql
