// history.h has the rules.
#include "connectors/postgresql/history.h"

#include "connectors/postgresql/position.h"

namespace tributary::postgresql {

Verdict reconcile(const LogExtent& log, const Checkpoint& checkpoint, std::string_view identity) {
    if (!identity.empty() && !checkpoint.source_identity.empty() &&
        identity != checkpoint.source_identity) {
        return Verdict::diverged;
    }
    const bool foreign = (!checkpoint.resume.empty() && !decode_resume(checkpoint.resume)) ||
                         (!checkpoint.done.empty() && !decode_done(checkpoint.done));
    if (foreign) {
        return Verdict::diverged;
    }
    if (log.last.value() == 0) {
        return Verdict::resume;
    }
    if (compare(checkpoint.done, log.done) > 0) {
        return Verdict::rewound;
    }
    if (log.first.value() > checkpoint.last.value() + 1) {
        return Verdict::gap;
    }
    return Verdict::resume;
}

}  // namespace tributary::postgresql
