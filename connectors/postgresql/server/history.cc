// history.h has the rules.
#include "connectors/postgresql/server/history.h"

#include <algorithm>
#include <charconv>

#include "connectors/postgresql/position.h"
#include "core/intake/reconcile.h"
#include "model/errors.h"

namespace tributary::postgresql {

std::optional<Lsn> held_below(const StartPoint& start) {
    std::optional<Lsn> held = decode_resume(start.resume);
    if (const auto done = decode_done(start.done)) {
        // Its commit record begins there, or it is everything below the next byte.
        held = std::max(held.value_or(Lsn()), Lsn(done->lsn.value() + 1));
    }
    return held;
}

std::optional<Lsn> needed_from(const StartPoint& start) {
    if (const auto resume = decode_resume(start.resume)) {
        return resume;
    }
    const auto done = decode_done(start.done);
    return done ? std::optional(done->lsn) : std::nullopt;
}

Result<void> verify_system(const SystemFacts& system,
                           const KnownSystem& known,
                           std::optional<Lsn> held) {
    if (!known.system_id.empty() && known.system_id != system.system_id) {
        return Error(errors::kSourceDiverged,
                     "the server's system identifier is " + system.system_id + ", not " +
                         known.system_id + " as before");
    }
    if (held && system.flushed < *held) {
        return Error(errors::kSourceRewound,
                     "the server has written up to " + to_string(system.flushed) +
                         ", which is behind our position " + to_string(*held));
    }
    if (system.timeline < known.timeline) {
        return Error(errors::kSourceDiverged,
                     "the server is on timeline " + std::to_string(system.timeline) +
                         ", an older one than " + std::to_string(known.timeline) + " as before");
    }
    return success();
}

// Lines of "timeline <tab> end LSN <tab> reason".
std::optional<Lsn> timeline_end(std::string_view history, std::uint32_t timeline) {
    while (!history.empty()) {
        const auto end = std::min(history.find('\n'), history.size());
        std::string_view line = history.substr(0, end);
        history.remove_prefix(std::min(end + 1, history.size()));
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        std::uint32_t number = 0;
        const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), number);
        if (error != std::errc{} || number != timeline) {
            continue;
        }
        line.remove_prefix(static_cast<std::size_t>(rest - line.data()));
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        return parse_lsn(line.substr(0, line.find_first_of(" \t\r")));
    }
    return std::nullopt;
}

Result<void> verify_timeline(std::string_view history, std::uint32_t known, Lsn held) {
    const auto end = timeline_end(history, known);
    if (!end || *end < held) {
        return Error(errors::kSourceDiverged,
                     "after a failover the server's history left timeline " +
                         std::to_string(known) + " at " +
                         (end ? to_string(*end) : std::string("an unknown position")) +
                         ", before our position " + to_string(held));
    }
    return success();
}

Result<std::uint32_t> stored_timeline(const SideReader& side) {
    TRIBUTARY_TRY(stored, side.get(kTimelineKey));
    std::uint32_t timeline = 0;
    if (stored) {
        const char* end = stored->data() + stored->size();
        const auto [rest, error] = std::from_chars(stored->data(), end, timeline);
        if (error != std::errc{} || rest != end) {
            return Error(errors::kLogCorrupt, "the stored timeline is not a number");
        }
    }
    return timeline;
}

Verdict reconcile(const LogExtent& log, const Checkpoint& checkpoint, std::string_view identity) {
    const bool readable = (checkpoint.resume.empty() || decode_resume(checkpoint.resume)) &&
                          (checkpoint.done.empty() || decode_done(checkpoint.done));
    return core::reconcile(log, checkpoint, identity, readable, [&]() -> std::partial_ordering {
        return decode_done(checkpoint.done) <=> decode_done(log.done);
    });
}

}  // namespace tributary::postgresql
