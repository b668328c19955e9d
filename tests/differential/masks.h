// What may differ: the volatile fields, and the rows of docs/debezium-differences.md. A mask names
// its row by the row's first cell; a row that is not there is an error, so that no mask outlives
// its document.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/differential/compare.h"

namespace tributary::differential {

enum class Scope { any, postgresql, binlog };  // of which pairs

struct Mask {
    std::string row;
    bool (*applies)(const Difference& difference, const std::string& pair);
    Scope scope = Scope::postgresql;
};

// What MySQL's and MariaDB's alone may differ in.
[[nodiscard]] std::vector<Mask> binlog_masks();

// The column that a path is about: "value.payload.after.a_time[0]" is a_time in a row,
// "value.schema.fields.before.fields.a_time.items.optional" is a_time in a schema.
struct Place {
    std::string column;
    bool in_schema = false;
};
[[nodiscard]] Place place_of(const Difference& difference);

// Whether it is in a row of a snapshot.
[[nodiscard]] bool in_snapshot(const Difference& difference);

class Masks {
  public:
    // Throws ServerFailure when the document lacks the row of a mask.
    explicit Masks(const std::filesystem::path& document);

    // The row that explains a difference between the sides of `pair`; null: none does.
    [[nodiscard]] const std::string* row_of(const Difference& difference,
                                            const std::string& pair) const;

  private:
    std::vector<Mask> masks_;
};

}  // namespace tributary::differential
