// Files and places: where one ends, and what a server left unfinished in it (intake.h, position.h).
#include "connectors/mysql/intake/intake_machine.h"

namespace tributary::mysql {

// By place: whether everything of it was taken in, where a dump had to start earlier (dump.h).
bool IntakeMachine::before_place(const EventView& event) const {
    return !resume_.by_gtid && state_ == State::idle && event.file == resume_.next.file &&
           event.offset < resume_.next.offset;
}

// A server that forgot the transaction of which half was taken in has another in its place, or ends
// the file there. By GTID it is refused before (verify_half()).
Result<void> IntakeMachine::check_half(const Place& reached) const {
    const auto& half = transaction_.expected();
    if (resume_.by_gtid || !half || compare(reached, half->transaction.start) < 0) {
        return success();
    }
    return transaction_.replaced_by("what is at " + to_string(reached));
}

// A file that ends inside a transaction was cut by a crash of the server, which rolled it back.
Result<void> IntakeMachine::on_file_end(const Now& now) {
    const bool artificial = (now.header.flags & kArtificialFlag) != 0;
    if (now.header.type == EventType::format_description) {
        TRIBUTARY_TRY(format, parse_format_description(now.body));
        TRIBUTARY_TRY_VOID(check_half({.file = std::string(now.event.file)}));
        if (format.created_s == 0 || state_ == State::idle) {
            return success();
        }
    } else if (artificial) {
        return success();
    }
    if (state_ != State::idle) {
        const bool taken = transaction_.event_count() > 0 || transaction_.is_half_known();
        if (taken && xid_.empty()) {
            return Error(errors::kBinlogUndone,
                         "the log ends inside transaction " + to_string(transaction_.id()) +
                             ", of which rows were taken in");
        }
        xa_bytes_ -= xid_bytes_;
        xid_bytes_ = 0;
        xid_.clear();
        mysql_gtid_.reset();
        mariadb_gtid_.reset();
        state_ = State::idle;
    }
    if (now.header.type == EventType::rotate) {
        TRIBUTARY_TRY(rotate, parse_rotate(now.body));
        move_place({std::string(rotate.file), rotate.position}, now);
    }
    return success();
}

// Nothing but the place is new; with GTIDs that is not worth an entry.
void IntakeMachine::move_place(Place place, const Now& now) {
    // The last transaction came again, from a file before this place.
    if (!resume_.by_gtid && now.event.file != resume_.next.file &&
        compare(place, resume_.next) < 0) {
        return;
    }
    resume_.next = std::move(place);
    moved_ = moved_ || !resume_.by_gtid;
    on_tick(now.us, now.sink);
    publish_resume(now.sink);
}

}  // namespace tributary::mysql
