// See usage.h.
#include "cli/usage.h"

#include <charconv>
#include <string_view>
#include <system_error>
#include <vector>

#include "config/nearest.h"

namespace tributary::cli {
namespace {

std::string full_name(const CLI::App* app) {
    const CLI::App* const parent = app->get_parent();
    return (parent == nullptr ? "" : full_name(parent) + " ") + app->get_name();
}

std::string listed(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        out += (out.empty() ? "" : ", ") + word;
    }
    return out;
}

// `rest`: what was given in the place of a subcommand, or nothing.
std::string explain_subcommand(const CLI::App* app, const std::string& rest) {
    std::vector<std::string> names;
    for (const CLI::App* each : app->get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(each->get_name());
    }
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string_view near = config::nearest(rest, known);
    return (rest.empty() ? "needs one more word"
                         : "does not know \"" + rest + "\"" +
                               (near.empty() ? "" : "; \"" + std::string(near) + "\" is near")) +
           ". There are: " + listed(names);
}

// The words of the command line in the order of `app`'s help, "--from, --limit".
std::vector<std::string> options_of(const CLI::App* app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app->get_options()) {
        if (option->nonpositional()) {
            names.push_back(option->get_name());
        }
    }
    return names;
}

// Of what nothing was expected: an option with a slip in it, or a word too much.
std::string explain_extra(const CLI::App* app, const std::vector<std::string>& rest) {
    const std::vector<std::string> names = options_of(app);
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string& first = rest.front();
    if (!first.starts_with('-')) {
        return "takes no further word, and \"" + first + "\" is one";
    }
    const std::string_view near = config::nearest(first.substr(0, first.find('=')), known);
    return "does not know \"" + first + "\"" +
           (near.empty() ? "" : "; \"" + std::string(near) + "\" is near") +
           ". There are: " + listed(names);
}

}  // namespace

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
    return {[least, most](std::string& text) {
                std::uint64_t number = 0;
                const char* const end = text.data() + text.size();
                const auto [after, code] = std::from_chars(text.data(), end, number);
                if (code == std::errc{} && after == end && number >= least && number <= most) {
                    return std::string();
                }
                const bool bounded = most < std::numeric_limits<std::uint64_t>::max();
                return "takes a whole number from " + std::to_string(least) +
                       (bounded ? " to " + std::to_string(most) : std::string(" on")) + ", not \"" +
                       text + "\"";
            },
            ""};
}

std::string explain_usage(const CLI::App* app, const CLI::Error& error) {
    const std::vector<std::string> rest = app->remaining(true);
    while (!app->get_subcommands().empty()) {
        app = app->get_subcommands().front();
    }
    const std::string name = full_name(app);
    const bool lacks_word =
        app->get_require_subcommand_min() > 0 && error.get_name() == "RequiredError";
    std::string what = ": " + std::string(error.what());
    if (lacks_word) {
        what = " " + explain_subcommand(app, rest.empty() ? "" : rest.front());
    } else if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError) &&
               !rest.empty()) {
        what = " " + explain_extra(app, rest);
    }
    return name + what + "\n`" + name + " --help` says more.\n";
}

}  // namespace tributary::cli
