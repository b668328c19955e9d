// Any events through intake. Input: a byte of flags (1 MariaDB, 2 by GTID, 4 columns excluded),
// then events one behind another as in a binlog file, lengths in their headers, CRC32 not looked
// at. Held: every entry is read back, `resume` never goes back, no identity comes twice, the side
// keyspace holds no row of an XA transaction that is over, and a restart after any entry of the
// first few gives the same entries.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/intake/intake.h"
#include "support.h"

namespace {

using namespace tributary;         // NOLINT(google-build-using-namespace): a fuzz target
using namespace tributary::mysql;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kEventsMax = 2000;

std::vector<test::FileEvent> events_of(std::string_view bytes) {
    std::vector<test::FileEvent> out;
    std::uint64_t offset = 4;
    while (bytes.size() >= kEventHeaderBytes + 4 && out.size() < kEventsMax) {
        const std::size_t told = parse_header(bytes).value().length;
        const std::size_t length =
            std::clamp<std::size_t>(told, kEventHeaderBytes + 4, bytes.size());
        out.push_back({std::string(bytes.substr(0, length - 4)), offset, 0, offset + length});
        offset += length;
        bytes.remove_prefix(length);
    }
    return out;
}

void read_back(const test::RecordingSink& sink) {
    std::set<std::string> identities;
    for (const auto& entry : sink.entries) {
        TRIBUTARY_ASSERT(parse_context(entry.context));
        if (entry.kind == EntryKind::position) {
            continue;
        }
        TRIBUTARY_ASSERT(identities.insert(entry.done.bytes).second);
        if (entry.kind == EntryKind::change) {
            const auto head = parse_event_head(entry.payload);
            TRIBUTARY_ASSERT(head);
            const auto& schema = *sink.schemas[entry.schema.value() - 1];
            TRIBUTARY_ASSERT(split_images(head.value(), schema.columns.size()));
        } else {
            TRIBUTARY_ASSERT(parse_transaction_end(entry.payload));
        }
    }
    for (const auto& crash : sink.crashes()) {
        TRIBUTARY_ASSERT(
            !(compare(StartPoint{crash.start.resume, {}}, StartPoint{sink.now.resume, {}}) > 0));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    IntakeOptions options{
        .row_bytes_max = 4096, .xa_bytes_max = 1U << 16U, .position_interval_us = 3000};
    options.server = (data[0] & 1U) != 0 ? ServerKind::mariadb : ServerKind::mysql;
    const bool by_gtid = (data[0] & 2U) != 0;
    if ((data[0] & 4U) != 0) {
        options.filter.exclude_columns = {".*\\.n.*"};
    }
    const auto events = events_of({reinterpret_cast<const char*>(data) + 1, size - 1});
    test::RecordingSink sink;
    sink.now.resume = encode_resume(test::beginning(options.server, by_gtid));
    static_cast<void>(test::take_in(options, events, sink));
    read_back(sink);
    // By place a re-send is exact whatever the events are.
    const auto crashes = sink.crashes();
    for (std::size_t index = 0; !by_gtid && index < std::min<std::size_t>(crashes.size(), 4);
         ++index) {
        test::RecordingSink again = sink.restarted(crashes[index]);
        const auto done =
            test::take_in(options, test::sent_after(events, crashes[index].start), again);
        const auto told = sink.told();
        const auto retold = again.told();
        const std::size_t common = std::min(told.size(), retold.size());
        TRIBUTARY_ASSERT(done.has_error() ||
                         std::equal(told.begin(),
                                    told.begin() + static_cast<std::ptrdiff_t>(common),
                                    retold.begin()));
    }
    return 0;
}
