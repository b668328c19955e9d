// Always-on assertions for what cannot happen. They stay in release builds: an agent that goes on
// with a broken invariant could confirm what it does not hold.
#pragma once

namespace tributary {

// Prints expression, file and line to stderr and aborts. Any thread.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace tributary

#define TRIBUTARY_ASSERT(expression) \
    (static_cast<bool>(expression)   \
         ? static_cast<void>(0)      \
         : ::tributary::assertion_failed(#expression, __FILE__, __LINE__))
