#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace tributary {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
    static_cast<void>(
        std::fprintf(stderr, "tributary: assertion failed: %s at %s:%d\n", expression, file, line));
    std::abort();
}

}  // namespace tributary
