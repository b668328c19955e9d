// See script.h.
#include "tests/differential/script.h"

#include <fstream>

#include "tests/servers/failure.h"

namespace tributary::differential {
namespace {

void read_file(const std::string& file, std::vector<std::vector<std::string>>& rounds) {
    std::ifstream in(file);
    if (!in) {
        throw servers::ServerFailure("cannot read " + file);
    }
    rounds.emplace_back();
    std::string statement;
    const auto finish = [&] {
        if (!statement.empty()) {
            rounds.back().push_back(std::move(statement));
        }
        statement.clear();
    };
    for (std::string line; std::getline(in, line);) {
        if (line == "-- quiesce") {
            finish();
            rounds.emplace_back();
        } else if (line.empty()) {
            finish();
        } else if (!line.starts_with("--")) {
            statement += (statement.empty() ? "" : "\n") + line;
        }
    }
    finish();
}

}  // namespace

std::vector<std::vector<std::string>> read_script(const std::vector<std::string>& scripts,
                                                  const std::string& database) {
    std::vector<std::vector<std::string>> rounds;
    for (const std::string& script : scripts) {
        if (script.starts_with(database + "=")) {
            read_file(script.substr(database.size() + 1), rounds);
        }
    }
    return rounds;
}

}  // namespace tributary::differential
