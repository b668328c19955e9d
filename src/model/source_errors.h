// What an operator hears who names a source that is not there, or has nothing. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/errors.h"

namespace tributary {

[[nodiscard]] inline Error unknown_source(std::string_view name,
                                          const std::vector<std::string>& known) {
    std::string names;
    for (const std::string& each : known) {
        names += (names.empty() ? "" : ", ") + each;
    }
    return {errors::kArgumentInvalid,
            "there is no source named " + std::string(name) + " (there are: " + names + ")"};
}

[[nodiscard]] inline Error no_events_of(std::string_view source) {
    return {errors::kArgumentInvalid,
            "the log has no events of a source named " + std::string(source)};
}

}  // namespace tributary
