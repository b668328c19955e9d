// Equality of column types: an array's element is compared by what it is, not by where it is kept.
// Pure, any thread.
#include "model/schema.h"

namespace tributary {

bool operator==(const ColumnType& left, const ColumnType& right) {
    const bool same_element = left.element && right.element ? *left.element == *right.element
                                                            : left.element == right.element;
    return same_element && left.kind == right.kind && left.precision == right.precision &&
           left.scale == right.scale && left.labels == right.labels;
}

}  // namespace tributary
