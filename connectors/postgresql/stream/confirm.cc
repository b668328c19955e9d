// The confirm automaton: confirm.h.
#include "connectors/postgresql/stream/confirm.h"

#include <algorithm>

#include "base/planted.h"

namespace tributary::postgresql {

void Confirmer::on_connect() {
    received_ = Lsn();
    confirmed_ = Lsn();
    reported_ = Lsn();
}

void Confirmer::on_received(Lsn position) {
    received_ = std::max(received_, position);
    if (planted::is(planted::Bug::keepalive_confirmed_early)) {
        confirmed_ = std::max(confirmed_, position);
    }
    settle();
}

void Confirmer::on_confirm(Lsn position) {
    confirmed_ = std::max(confirmed_, position);
    settle();
}

void Confirmer::settle() {
    if (confirmed_ <= received_) {
        reported_ = confirmed_;
    }
}

Feedback Confirmer::feedback() const {
    return {.write = received_, .flush = reported_, .apply = reported_};
}

}  // namespace tributary::postgresql
