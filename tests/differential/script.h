// A hand-made history: a file of SQL, its statements parted by blank lines. Lines of comment alone
// are passed over, but for `-- quiesce`: both sides read what is before it. Threads: any.
#pragma once

#include <string>
#include <vector>

namespace tributary::differential {

// The rounds of the files DATABASE=FILE in `scripts` that are of `database`. Throws ServerFailure
// when one cannot be read.
[[nodiscard]] std::vector<std::vector<std::string>> read_script(
    const std::vector<std::string>& scripts, const std::string& database);

}  // namespace tributary::differential
