// Prints the events of one captured file: the expected text for golden_test, to be read before it
// is committed.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "events_text.h"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: golden_postgresql_print <file.wire>\n", stderr);
        return 2;
    }
    std::ifstream in(argv[1]);
    const std::string wire((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::fputs(tributary::postgresql::test::events_text(wire).c_str(), stdout);
    return wire.empty() ? 1 : 0;
}
