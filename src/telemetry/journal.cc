#include "telemetry/journal.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/assert.h"

namespace tributary::telemetry {
namespace {

// syslog(3).
std::string_view priority_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "7";
        case LogLevel::info:
            return "6";
        case LogLevel::warn:
            return "4";
        case LogLevel::error:
            return "3";
    }
    TRIBUTARY_ASSERT(false);
}

// A value with a line end has its length before it, as 64 bits little-endian.
void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    if (value.find('\n') == std::string_view::npos) {
        out += '=';
    } else {
        out += '\n';
        for (unsigned shift = 0; shift < 64; shift += 8) {
            out += static_cast<char>((value.size() >> shift) & 0xFFU);
        }
    }
    out += value;
    out += '\n';
}

// The journal takes capital letters, digits and _.
std::string field_name(std::string_view name) {
    std::string out = "TRIBUTARY_";
    for (const char c : name) {
        const bool small = c >= 'a' && c <= 'z';
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        out += small ? static_cast<char>(c - 'a' + 'A') : plain ? c : '_';
    }
    return out;
}

}  // namespace

std::string to_journal(const LogLine& line) {
    std::string out;
    append_field(out, "MESSAGE", to_message(line));
    append_field(out, "PRIORITY", priority_of(line.level));
    append_field(out, "SYSLOG_IDENTIFIER", "tributary");
    if (!line.pipeline.empty()) {
        append_field(out, field_name("pipeline"), line.pipeline);
    }
    for (const LogField& field : line.fields) {
        append_field(out, field_name(field.name), field.value);
    }
    return out;
}

bool stderr_is_journal() {
    const char* const stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe)
    struct stat found {};
    return stream != nullptr && ::fstat(STDERR_FILENO, &found) == 0 &&
           std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino) == stream;
}

Journal::Journal(const std::string& socket_path) {
    sockaddr_un address{};
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    address.sun_family = AF_UNIX;
    if (!fd || socket_path.size() >= sizeof(address.sun_path)) {
        return;
    }
    std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
        fd_ = std::move(fd);
    }
}

bool Journal::send(const LogLine& line) const {
    const std::string entry = to_journal(line);
    return fd_ &&
           (::send(fd_.get(), entry.data(), entry.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
            errno == EAGAIN);
}

}  // namespace tributary::telemetry
