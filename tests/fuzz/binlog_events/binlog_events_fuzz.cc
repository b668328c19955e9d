// Any bytes as the body of any event. Input: a byte of event type, then the body. Held: parsers
// return, what they give lies in the body, and what is inflated is no more than was allowed.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "connectors/mysql/binlog/events.h"
#include "connectors/mysql/statements/statement.h"

namespace {

using namespace tributary;         // NOLINT(google-build-using-namespace): a fuzz target
using namespace tributary::mysql;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kInflatedMax = 10'000;

void parse_all(EventType type, std::string_view body) {
    static_cast<void>(parse_format_description(body));
    static_cast<void>(parse_rotate(body));
    static_cast<void>(parse_gtid(type, body));
    static_cast<void>(parse_mariadb_gtid_event(1, body));
    static_cast<void>(parse_xa_prepare(body));
    static_cast<void>(parse_heartbeat(type, body));
    static_cast<void>(parse_incident(body));
    static_cast<void>(MysqlGtidSet::parse_dump_bytes(body));
    const auto payload = parse_payload_head(body);
    TRIBUTARY_ASSERT(!payload || payload.value().payload_offset <= body.size());
    const auto query = parse_query(type, body);
    if (query) {
        static_cast<void>(classify(query.value().text));
    }
    static_cast<void>(classify(body));
    std::string out;
    if (inflate_into(body, kInflatedMax, out)) {
        TRIBUTARY_ASSERT(out.size() <= kInflatedMax);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    static_cast<void>(parse_header(bytes));
    if (bytes.empty()) {
        return 0;
    }
    const auto type = static_cast<EventType>(bytes.front());
    const std::string_view body = bytes.substr(1);
    parse_all(type, body);
    const auto rows = parse_rows(type, body);
    if (rows) {
        TRIBUTARY_ASSERT(rows.value().rows.size() <= body.size());
        TRIBUTARY_ASSERT(rows.value().present_after.size() <= body.size());
    }
    return 0;
}
