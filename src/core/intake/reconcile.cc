#include "core/intake/reconcile.h"

namespace tributary::core {

Verdict reconcile(const LogExtent& log,
                  const Checkpoint& checkpoint,
                  std::string_view identity,
                  bool readable,
                  const std::function<std::partial_ordering()>& order) {
    const bool other = !identity.empty() && !checkpoint.source_identity.empty() &&
                       identity != checkpoint.source_identity;
    if (other || !readable) {
        return Verdict::diverged;
    }
    if (log.last.value() == 0) {
        return Verdict::resume;
    }
    const std::partial_ordering ordered = order();
    if (ordered == std::partial_ordering::unordered) {
        return Verdict::diverged;
    }
    if (ordered > 0) {
        return Verdict::rewound;
    }
    return log.first.value() > checkpoint.last.value() + 1 ? Verdict::gap : Verdict::resume;
}

}  // namespace tributary::core
