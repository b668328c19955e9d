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

void Origin::hand_over(std::unique_ptr<Source> source, runtime::PipelineParts& parts) {
    parts.decoder = source->make_decoder();
    parts.encoder = encode::make_debezium_encoder({.pipeline = kPipeline, .topic_prefix = "t"},
                                                  std::string(parts.decoder->connector_name()),
                                                  parts.decoder->source_fields());
    parts.source = std::move(source);
}

}  // namespace tributary::sim
