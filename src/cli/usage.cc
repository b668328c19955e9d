// See usage.h.
#include "cli/usage.h"

#include <string_view>
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

}  // namespace

std::string explain_usage(const CLI::App* app, const CLI::Error& error) {
    const std::vector<std::string> rest = app->remaining(true);
    while (!app->get_subcommands().empty()) {
        app = app->get_subcommands().front();
    }
    const bool lacks_word =
        app->get_require_subcommand_min() > 0 && error.get_name() == "RequiredError";
    const std::string name = full_name(app);
    return name +
           (lacks_word ? " " + explain_subcommand(app, rest.empty() ? "" : rest.front())
                       : ": " + std::string(error.what())) +
           "\n`" + name + " --help` says more.\n";
}

}  // namespace tributary::cli
