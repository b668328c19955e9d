// What the programs here have in common: modes, each with arguments of its own, and errors in
// words. One thread.
#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace tributary::bench {

using Arguments = std::vector<std::string>;  // the mode is the first

// The exit code of main(): 0, or 1 after a line that says what went wrong.
inline int run_program(const char* name,
                       int argc,
                       char** argv,
                       const std::map<std::string, std::function<void(const Arguments&)>>& modes) {
    try {
        const Arguments arguments(argv + 1, argv + argc);
        const auto mode = modes.find(arguments.at(0));
        if (mode == modes.end()) {
            throw std::runtime_error("no mode " + arguments[0]);
        }
        mode->second(arguments);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", name, error.what());
        return 1;
    }
}

}  // namespace tributary::bench
