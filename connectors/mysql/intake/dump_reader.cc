#include "connectors/mysql/intake/dump_reader.h"

#include "base/planted.h"
#include "model/errors.h"

namespace tributary::mysql {

Result<void> DumpReader::pump(Intake& intake,
                              const Clock& clock,
                              EntrySink& sink,
                              DumpConnection& connection) {
    std::size_t bytes = 0;
    for (;;) {
        const std::int64_t now_us = clock.wall_time_us();
        while (!sink.full()) {
            TRIBUTARY_TRY(taken, step(intake, now_us, sink));
            if (!taken) {
                break;
            }
            TRIBUTARY_TRY(goes_on, connection.goes_on(sink));
            if (!goes_on) {
                return success();
            }
        }
        if (sink.full() || bytes >= kPumpBytesMax) {
            return success();
        }
        TRIBUTARY_TRY(got, connection.read_more());
        if (got == 0) {
            return success();
        }
        bytes += got;
    }
}

Result<bool> DumpReader::step(Intake& intake, std::int64_t now_us, EntrySink& sink) {
    if (intake.copying()) {
        TRIBUTARY_TRY_VOID(intake.copy_more(now_us, sink));
        return true;
    }
    const auto event = events_.next();
    if (!event) {
        ended_ = true;
        // By place, a server with another file sends what lies there, be it the middle of an event.
        const bool nothing_begins =
            events_.failed_check() && !intake.position().by_gtid && intake.awaits_last();
        return nothing_begins ? Error(errors::kProtocolViolation, event.error().what())
                              : event.error();
    }
    if (!event.value()) {
        return false;
    }
    TRIBUTARY_TRY_VOID(take(*event.value(), intake, now_us, sink));
    return true;
}

Result<void> DumpReader::take(const WireEvent& event,
                              Intake& intake,
                              std::int64_t now_us,
                              EntrySink& sink) {
    const bool inner = event.kind == WireKind::inner || event.kind == WireKind::inner_oversized;
    if (!inner) {
        TRIBUTARY_TRY_VOID(cursor_.on_event(event.bytes));
    }
    const EventView view{.bytes = event.bytes,
                         .file = cursor_.file(),
                         .offset = cursor_.offset(),
                         .inner = event.inner,
                         .next = inner && planted::is(planted::Bug::payload_ends_where_it_begins)
                                     ? cursor_.offset()
                                     : cursor_.next().offset};
    switch (event.kind) {
        case WireKind::event:
        case WireKind::inner:
            return intake.on_event(view, now_us, sink);
        case WireKind::oversized:
        case WireKind::inner_oversized:
            return intake.on_oversized(view, event.total, now_us, sink);
        case WireKind::payload:
            return success();
    }
    return success();
}

// By place a file that is purged says nothing of what comes next; a wrong place does.
Result<ResumePoint> go_on_unseen(Intake& intake, const Error& said) {
    const ResumePoint& from = intake.position();
    // A server that has switched GTIDs on since sends no transaction without one; its place is not
    // in doubt, and what comes behind it may have GTIDs.
    const bool nameless = said.what().find("anonymous transaction") != std::string::npos;
    if (!from.by_gtid && !nameless && !said.is(errors::kSourceGap)) {
        const bool named = !said.is(errors::kProtocolViolation);
        return named ? said
                     : Error(errors::kSourceDiverged,
                             "no transaction begins any more where the last one was taken in: " +
                                 said.what());
    }
    intake.give_up_last();
    return from;
}

}  // namespace tributary::mysql
