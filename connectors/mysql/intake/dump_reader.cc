#include "connectors/mysql/intake/dump_reader.h"

#include "model/errors.h"

namespace tributary::mysql {

Result<bool> DumpReader::step(Intake& intake, std::int64_t now_us, EntrySink& sink) {
    if (intake.copying()) {
        TRIBUTARY_TRY_VOID(intake.copy_more(now_us, sink));
        return true;
    }
    const auto event = events_.next();
    if (!event) {
        ended_ = true;
        return event.error();
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
                         .next = cursor_.next().offset};
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
Result<void> may_go_on_unseen(const ResumePoint& from, const Error& said) {
    if (from.by_gtid || said.is(errors::kSourceGap)) {
        return success();
    }
    const bool named = !said.is(errors::kProtocolViolation);
    return named ? said
                 : Error(errors::kSourceDiverged,
                         "no transaction begins any more where the last one was taken in: " +
                             said.what());
}

}  // namespace tributary::mysql
