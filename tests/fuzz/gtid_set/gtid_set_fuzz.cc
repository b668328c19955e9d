// Any text as two sets and positions, and any bytes as positions. Input: text, a byte '|', text.
// Held: every form comes back as it was, union and difference agree with containment.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "connectors/mysql/binlog/gtid.h"
#include "connectors/mysql/position.h"

namespace {

using namespace tributary;         // NOLINT(google-build-using-namespace): a fuzz target
using namespace tributary::mysql;  // NOLINT(google-build-using-namespace)

void hold_one(const MysqlGtidSet& set) {
    TRIBUTARY_ASSERT(MysqlGtidSet::parse(set.to_string()).value() == set);
    TRIBUTARY_ASSERT(MysqlGtidSet::parse_dump_bytes(set.dump_bytes()).value() == set);
    std::string bytes;
    set.append_binary(bytes);
    ByteReader reader(bytes);
    TRIBUTARY_ASSERT(MysqlGtidSet::read_binary(reader) == set);
    TRIBUTARY_ASSERT(set.minus(set).empty() && set.contains(set));
}

void hold_two(const MysqlGtidSet& left, const MysqlGtidSet& right) {
    MysqlGtidSet both = left;
    both.add(right);
    TRIBUTARY_ASSERT(both.contains(left) && both.contains(right));
    MysqlGtidSet parts = both.minus(right);
    TRIBUTARY_ASSERT(left.contains(parts));
    parts.add(right);
    TRIBUTARY_ASSERT(parts == both);
    TRIBUTARY_ASSERT(left.contains(right) == right.minus(left).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto bar = bytes.find('|');
    const auto left = MysqlGtidSet::parse(bytes.substr(0, bar));
    const auto right = MysqlGtidSet::parse(bar == std::string_view::npos ? std::string_view()
                                                                         : bytes.substr(bar + 1));
    if (left) {
        hold_one(left.value());
        if (right) {
            hold_two(left.value(), right.value());
        }
    }
    const auto position = MariadbGtidPosition::parse(bytes);
    if (position) {
        TRIBUTARY_ASSERT(MariadbGtidPosition::parse(position.value().to_string()).value() ==
                         position.value());
    }
    static_cast<void>(MysqlGtidSet::parse_dump_bytes(bytes));
    const Position any{std::string(bytes)};
    static_cast<void>(describe(any));
    const auto resume = decode_resume(any);
    if (resume) {
        TRIBUTARY_ASSERT(compare({any, {}}, {encode_resume(*resume), {}}) ==
                         std::partial_ordering::equivalent);
    }
    return 0;
}
