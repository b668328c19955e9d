// Runs captured pgoutput bytes through intake and decoder and prints the events, one per line.
#pragma once

#include <string>

namespace tributary::postgresql::test {

// `wire`: lines "<walStart> <hex>". The text ends with the error where one stops it.
[[nodiscard]] std::string events_text(const std::string& wire);

}  // namespace tributary::postgresql::test
