// Any sequence of messages through intake and decoder. Input: records of a 16-bit big-endian length
// and that many bytes; the first byte 'k' makes a keepalive of the 8 bytes after it, everything
// else is a pgoutput message. Held: identities of entries only grow, `resume` never goes back, and
// every entry that intake accepted is read back by the decoder without kEntryCorrupt.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "connectors/postgresql/decoder.h"
#include "connectors/postgresql/intake/intake.h"
#include "model/errors.h"
#include "tests/unit/postgresql/support.h"

namespace {

using namespace tributary;              // NOLINT(google-build-using-namespace): a fuzz target
using namespace tributary::postgresql;  // NOLINT(google-build-using-namespace)

void feed(std::string_view bytes, test::RecordingSink& sink) {
    test::FakeCatalogue catalogue;
    const auto intake =
        Intake::make({.database = "db", .position_interval_us = 3}, StartPoint{}, catalogue);
    ByteReader reader(bytes);
    for (std::int64_t now_us = 1; !reader.at_end() && reader.ok(); ++now_us) {
        const auto record = reader.bytes(reader.fixed<std::uint16_t>(Endian::big));
        const auto wal = static_cast<std::uint64_t>(now_us);
        if (record.size() >= 9 && record.front() == 'k') {
            intake.value()->on_keepalive(
                Lsn(load<std::uint64_t>(record.data() + 1, Endian::big)), now_us, sink);
            continue;
        }
        if (intake.value()->on_xlog_data(Lsn(wal), Lsn(wal), now_us, record, sink).has_error()) {
            return;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::RecordingSink sink;
    feed({reinterpret_cast<const char*>(data), size}, sink);
    for (std::size_t index = 1; index < sink.resumes.size(); ++index) {
        TRIBUTARY_ASSERT(decode_resume(sink.resumes[index - 1]) <=
                         decode_resume(sink.resumes[index]));
    }
    const auto decoder = make_decoder("db");
    for (std::size_t index = 0; index < sink.schemas.size(); ++index) {
        decoder->add_schema(SchemaId(static_cast<std::uint32_t>(index + 1)), sink.schemas[index]);
    }
    Arena arena;
    for (std::size_t index = 0; index < sink.entries.size(); ++index) {
        TRIBUTARY_ASSERT(index == 0 || decode_done(sink.entries[index - 1].done) <
                                           decode_done(sink.entries[index].done));
        Change change;
        const auto decoded = decoder->decode(sink.entry(index), arena, change);
        TRIBUTARY_ASSERT(!decoded.has_error() || decoded.error().is(errors::kValueUndecodable));
    }
    return 0;
}
