// What all origins do alike; see the header.
#include "tests/sim/origin.h"

#include "encode/debezium.h"

namespace tributary::sim {

bool Origin::happen(const Happening& what) {
    if (what.fault == Fault::source_down) {
        set_up(false);
        parts_.scheduler.at(Us(what.for_us), [this] { set_up(true); });
    } else if (what.fault == Fault::source_crash) {
        crash();
    } else if (what.fault == Fault::source_cut) {
        cut();
    } else if (what.fault == Fault::source_weather) {
        weather_ = parts_.plan.source_weather;
    } else {
        return suffer(what);
    }
    return true;
}

void Origin::heal() {
    set_up(true);
    weather_ = {};
}

void Origin::write_on(SnapshotBoard& board, const Happening& what) {
    const std::size_t table = what.amount % kExcludedTable;
    if (what.fault == Fault::table_asked) {
        board.ask(table, what.for_us % 3 == 0 ? "id > 12" : "");
    } else if (what.for_us % 2 == 0) {
        board.ask_to_stop_all();
    } else {
        board.ask_to_stop(table);
    }
}

// A twin knows nothing of the other's snapshot.
SnapshotDuty Origin::duty(const SnapshotBoard& board, bool exact) const {
    SnapshotDuty duty;
    if (parts_.plan.snapshots) {
        const SnapshotMode mode = parts_.plan.snapshots->mode;
        duty.every_row = mode != SnapshotMode::no_data;
        duty.asked = board.taken;
        duty.stopped = board.stopped;
        if (exact && !twin_ && mode != SnapshotMode::always) {
            duty.times_max = duty.every_row ? 1 + board.missed : 0;
        }
    }
    return duty;
}

void Origin::hand_over(std::unique_ptr<Source> source, runtime::PipelineParts& parts) {
    parts.decoder = source->make_decoder();
    parts.encoder = encode::make_debezium_encoder({.pipeline = kPipeline, .topic_prefix = "t"},
                                                  std::string(parts.decoder->connector_name()),
                                                  parts.decoder->source_fields());
    parts.source = std::move(source);
}

}  // namespace tributary::sim
