// Any text as a DDL statement: read_ddl() returns, and what it says a statement without comments is
// about holds for the text that it gives of it: read again, that is one statement about the same
// table.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "connectors/mysql/statements/ddl.h"

namespace {

using namespace tributary::mysql;  // NOLINT(google-build-using-namespace): a fuzz target

constexpr std::string_view kSession = "shop";

void expect_same(const DdlTarget& target) {
    const auto again = read_ddl(target.text, kSession);
    TRIBUTARY_ASSERT(again.size() == 1);
    TRIBUTARY_ASSERT(again[0].kind == target.kind);
    TRIBUTARY_ASSERT(again[0].database == target.database && again[0].table == target.table);
    TRIBUTARY_ASSERT(again[0].old_database == target.old_database);
    TRIBUTARY_ASSERT(again[0].old_table == target.old_table);
    TRIBUTARY_ASSERT(again[0].text == target.text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto targets = read_ddl(text, kSession);
    TRIBUTARY_ASSERT(targets.size() <= size);
    // What a cut leaves of nonsense like `t ---- x` may have a comment that was none before.
    const bool comments =
        text.find("/*") != text.npos || text.find("--") != text.npos || text.find('#') != text.npos;
    for (const DdlTarget& target : targets) {
        if (!comments) {
            expect_same(target);
        }
    }
    return 0;
}
