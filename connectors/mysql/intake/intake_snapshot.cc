// Rows of a snapshot between two transactions: core/snapshot/chunk_port.h has the contract.
#include "connectors/mysql/intake/intake_machine.h"
#include "connectors/mysql/place_bytes.h"
#include "connectors/mysql/snapshot/snapshot_table.h"

namespace tributary::mysql {

bool SnapshotRows::between_transactions() const {
    return intake_.state_ == IntakeMachine::State::idle;
}

bool SnapshotRows::past_start() const {
    return !intake_.transaction_.expected() && !intake_.awaits_last();
}

bool SnapshotRows::has_passed(const Position& place) const {
    return !intake_.received_.file.empty() && compare(intake_.received_, place_of(place)) >= 0;
}

void SnapshotRows::in_snapshot(bool running) {
    intake_.resume_.in_snapshot = running;
}

void SnapshotRows::append_position(std::int64_t now_us, EntrySink& sink) {
    intake_.append_position(now_us, sink);
    intake_.publish_resume(sink);
    intake_.moved_ = false;
}

void SnapshotRows::begin_rows(std::int64_t read_time_us, std::int64_t now_us, EntrySink& sink) {
    intake_.transaction_.begin_rows(intake_.received_, read_time_us, now_us, sink);
}

void SnapshotRows::append_row(SchemaId schema,
                              std::uint32_t ordinal,
                              format::SnapshotMarker marker,
                              std::string_view row,
                              EntrySink& sink) {
    std::string& payload = intake_.payload_;
    payload.clear();
    append_event_head(payload,
                      {.operation = 'R',
                       .order = static_cast<std::uint64_t>(marker),
                       .offset = intake_.received_.offset});
    payload.append(image_of_held(row));
    intake_.transaction_.append_snapshot_row(schema, ordinal, payload, sink);
}

void SnapshotRows::end_rows(std::int64_t now_us, EntrySink& sink) {
    intake_.publish_resume(sink);
    intake_.moved_ = false;
    intake_.position_time_us_ = now_us;
}

}  // namespace tributary::mysql
