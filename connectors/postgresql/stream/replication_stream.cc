#include "connectors/postgresql/stream/replication_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "base/bytes.h"
#include "connectors/postgresql/stream/pgoutput.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

// START_REPLICATION answers once the slot is acquired; that may take a checkpoint's fsync.
constexpr std::chrono::seconds kStartLimit{30};

// A TLS record holds up to 16 KiB of which one read of libpq takes at least 8; what is left is not
// seen by poll(2).
constexpr int kTlsProbes = 2;

}  // namespace

Result<StreamMessage> parse_stream_message(std::string_view payload) {
    ByteReader reader(payload);
    const auto type = static_cast<char>(reader.fixed<std::uint8_t>());
    StreamMessage message;
    if (type == 'w') {
        message.wal_start = Lsn(reader.fixed<std::uint64_t>(Endian::big));
        message.wal_end = Lsn(reader.fixed<std::uint64_t>(Endian::big));
        [[maybe_unused]] const auto clock = reader.fixed<std::uint64_t>(Endian::big);
        message.data = reader.bytes(reader.remaining());
    } else if (type == 'k') {
        message.keepalive = true;
        message.wal_end = Lsn(reader.fixed<std::uint64_t>(Endian::big));
        [[maybe_unused]] const auto clock = reader.fixed<std::uint64_t>(Endian::big);
        message.reply_requested = reader.fixed<std::uint8_t>() != 0;
    } else {
        reader.fail();
    }
    if (!reader.ok()) {
        return Error(errors::kProtocolViolation,
                     "replication message of type " +
                         std::to_string(static_cast<unsigned char>(type)) + " and " +
                         std::to_string(payload.size()) + " bytes");
    }
    return message;
}

std::string standby_status(const Feedback& feedback, std::int64_t wall_time_us, bool ask) {
    std::string bytes(1, 'r');
    append_fixed(bytes, feedback.write.value(), Endian::big);
    append_fixed(bytes, feedback.flush.value(), Endian::big);
    append_fixed(bytes, feedback.apply.value(), Endian::big);
    append_fixed(bytes, static_cast<std::uint64_t>(wall_time_us - kPostgresqlEpochUs), Endian::big);
    append_fixed(bytes, std::uint8_t{ask}, Endian::big);
    return bytes;
}

Result<ReplicationStream> ReplicationStream::start(Session session, const StreamOptions& options) {
    ReplicationStream stream(std::move(session));
    stream.lazy_ = stream.session_.near_tcp();
    if (stream.lazy_ && options.receive_buffer_bytes > 0) {
        // The kernel doubles the value for its own bookkeeping.
        const int bytes = static_cast<int>(options.receive_buffer_bytes);
        [[maybe_unused]] const int ignored =
            ::setsockopt(stream.socket(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
    // publication_names is a list of identifiers inside a literal.
    std::string command = "START_REPLICATION SLOT " + quote_identifier(options.slot) + " LOGICAL " +
                          to_string(options.start) + " (proto_version '1', publication_names " +
                          quote_literal(quote_identifier(options.publication));
    if (options.messages && stream.session_.server_version() >= 140000) {
        command += ", messages 'true'";
    }
    command += ")";
    TRIBUTARY_TRY_VOID(stream.session_.start_copy(command, kStartLimit));
    return stream;
}

Result<std::optional<StreamMessage>> ReplicationStream::next() {
    char* raw = nullptr;
    const int length = PQgetCopyData(session_.get(), &raw, 1);
    buffer_.reset(raw);
    // A warning comes in its place among the messages, so this one is already behind the gap.
    if (const Error* left_out = session_.left_out()) {
        return *left_out;
    }
    if (length > 0) {
        TRIBUTARY_TRY(message, parse_stream_message({raw, static_cast<std::size_t>(length)}));
        return std::optional(message);
    }
    if (length == 0) {
        return std::optional<StreamMessage>();
    }
    return ended();
}

Error ReplicationStream::ended() {
    PGconn* connection = session_.get();
    // -1: the server left COPY; its reason, if any, is the next result. Reading it does not wait:
    // it was sent before the end of COPY could be seen.
    if (PQisBusy(connection) == 0) {
        const Rows answer(PQgetResult(connection));
        if (answer.failed()) {
            return server_error(answer.get(), "the server ended the stream");
        }
    }
    const std::string_view text = PQerrorMessage(connection);
    std::string what = "the server ended the stream";
    if (!text.empty()) {
        what += ": ";
        what += text.substr(0, text.find('\n'));
    }
    return {errors::kSourceUnreachable, std::move(what)};
}

Result<bool> ReplicationStream::fill() {
    pollfd readable{socket(), POLLIN, 0};
    const bool ready = ::poll(&readable, 1, 0) > 0;
    if (!ready && (!session_.tls() || tls_probes_ == kTlsProbes)) {
        tls_probes_ = 0;
        return false;
    }
    tls_probes_ = ready ? 0 : tls_probes_ + 1;
    // A failure here is reported by next(), after what arrived before it.
    if (PQconsumeInput(session_.get()) == 0 && PQstatus(session_.get()) == CONNECTION_BAD) {
        return ended();
    }
    return true;
}

Result<void> ReplicationStream::send_status(const Feedback& feedback,
                                            std::int64_t wall_time_us,
                                            bool ask) {
    const std::string bytes = standby_status(feedback, wall_time_us, ask);
    if (PQputCopyData(session_.get(), bytes.data(), static_cast<int>(bytes.size())) < 0) {
        return ended();
    }
    return flush();
}

Result<void> ReplicationStream::flush() {
    const int left = PQflush(session_.get());
    if (left < 0) {
        return ended();
    }
    flush_pending_ = left > 0;
    return success();
}

void ReplicationStream::say_goodbye() {
    [[maybe_unused]] const int done = PQputCopyEnd(session_.get(), nullptr);
    [[maybe_unused]] const int sent = PQflush(session_.get());
}

}  // namespace tributary::postgresql
