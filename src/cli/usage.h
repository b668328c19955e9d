// What to say about a command line that cannot be understood.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace tributary::cli {

// For CLI::App::failure_message: the command that was meant as far as it is known, what is wrong
// with the rest, and which words there are.
[[nodiscard]] std::string explain_usage(const CLI::App* app, const CLI::Error& error);

}  // namespace tributary::cli
