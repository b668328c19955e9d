// What may differ: the volatile fields, and the rows of docs/debezium-differences.md. A mask names
// its row by the row's first cell; a row that is not there is an error, so that no mask outlives
// its document.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/differential/compare.h"

namespace tributary::differential {

class Masks {
  public:
    // Throws ServerFailure when the document lacks the row of a mask.
    explicit Masks(const std::filesystem::path& document);

    // The row that explains a difference between the sides of `pair`; null: none does.
    [[nodiscard]] const std::string* row_of(const Difference& difference,
                                            const std::string& pair) const;

  private:
    struct Mask {
        std::string row;
        bool (*applies)(const Difference& difference, const std::string& pair);
    };
    std::vector<Mask> masks_;
};

}  // namespace tributary::differential
