// What to say about a command line that cannot be understood.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <string>

namespace tributary::cli {

// What an option with a number takes; says so of anything else. (CLI11 takes -3 for a large one.)
[[nodiscard]] CLI::Validator whole_number(
    std::uint64_t least = 0, std::uint64_t most = std::numeric_limits<std::uint64_t>::max());

// For CLI::App::failure_message: the command that was meant as far as it is known, what is wrong
// with the rest, and which words there are.
[[nodiscard]] std::string explain_usage(const CLI::App* app, const CLI::Error& error);

}  // namespace tributary::cli
