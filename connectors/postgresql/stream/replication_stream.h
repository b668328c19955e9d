// ReplicationStream: the COPY BOTH conversation with a walsender: XLogData and keepalives in,
// status updates out, never blocking. Why here: everything between libpq's buffer and the pure
// intake that needs no knowledge of pgoutput. Threads: the intake thread. Spec: PostgreSQL 15
// manual, 55.4 "Streaming Replication Protocol" (XLogData, Primary keepalive message, Standby
// status update); START_REPLICATION ... LOGICAL.
//   in   'w' start(8) end(8) server clock(8) data | 'k' end(8) server clock(8) reply requested(1)
//   out  'r' write(8) flush(8) apply(8) our clock(8) reply requested(1)
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/postgresql/lsn.h"
#include "connectors/postgresql/server/connection.h"
#include "connectors/postgresql/stream/confirm.h"

namespace tributary::postgresql {

struct StreamOptions {
    std::string slot;
    std::string publication;
    Lsn start;  // 0: where the slot is
    bool messages = true;
    std::uint32_t receive_buffer_bytes = 0;  // used on a near TCP connection only; 0: the system's
};

struct StreamMessage {
    bool keepalive = false;
    Lsn wal_start;  // XLogData
    Lsn wal_end;
    bool reply_requested = false;  // keepalive
    std::string_view data;         // XLogData; valid until the next call of next()
};

// The fields of one CopyData payload. kProtocolViolation when it is neither 'w' nor 'k' or too
// short.
[[nodiscard]] Result<StreamMessage> parse_stream_message(std::string_view payload);

// The bytes of a standby status update; `wall_time_us` since 1970.
// `ask`: the server shall answer with a keepalive at once.
[[nodiscard]] std::string standby_status(const Feedback& feedback,
                                         std::int64_t wall_time_us,
                                         bool ask = false);

class ReplicationStream {
  public:
    // START_REPLICATION on a replication session. Errors as kind_of(): kSlotMissing, kSlotInUse,
    // kSlotLost, kSourceSettings ...
    [[nodiscard]] static Result<ReplicationStream> start(Session session,
                                                         const StreamOptions& options);

    // The next message that is complete in the buffer; nullopt: call fill(). kSourceUnreachable
    // when the server ended the stream, or what it said on ending it; kPublicationMissing when it
    // goes on but leaves changes out.
    [[nodiscard]] Result<std::optional<StreamMessage>> next();
    // Takes up to 16 KiB from the socket into the buffer, without waiting. false: there is no more
    // now.
    [[nodiscard]] Result<bool> fill();

    // Queues a status update and sends what the socket takes.
    [[nodiscard]] Result<void> send_status(const Feedback& feedback,
                                           std::int64_t wall_time_us,
                                           bool ask = false);
    // Sends what is still queued.
    [[nodiscard]] Result<void> flush();
    [[nodiscard]] bool flush_pending() const noexcept { return flush_pending_; }

    [[nodiscard]] int socket() const noexcept { return session_.socket(); }
    // Whether reading late is better than reading at once (reference: hot path, 3): near TCP only.
    [[nodiscard]] bool lazy() const noexcept { return lazy_; }

    // CopyDone and Terminate, best effort, without waiting.
    void say_goodbye();

  private:
    struct FreeBuffer {
        void operator()(char* buffer) const noexcept { PQfreemem(buffer); }
    };
    explicit ReplicationStream(Session session) : session_(std::move(session)) {}
    [[nodiscard]] Error ended();

    Session session_;
    std::unique_ptr<char, FreeBuffer> buffer_;
    bool lazy_ = false;
    bool flush_pending_ = false;
    int tls_probes_ = 0;
};

}  // namespace tributary::postgresql
