// The confirm automaton: which positions a standby status update may report. Pure and exhaustively
// tested, because a position reported too early is lost data (delivery-and-faults 2).
//   write          what was received
//   flush = apply  what the agent holds as its ack mode wants it: the highest position given by
//                  on_confirm() on this connection that was received on it too; 0 (the server
//                  ignores it) as long as the server has not come to what is confirmed already
// None of the three moves back on a connection. What was held for an earlier one says nothing: the
// log may have been set aside since. One thread. PostgreSQL 15 manual 55.4, "Standby status
// update".
#pragma once

#include "connectors/postgresql/lsn.h"

namespace tributary::postgresql {

struct Feedback {
    Lsn write;
    Lsn flush;
    Lsn apply;
    friend bool operator==(const Feedback&, const Feedback&) = default;
};

class Confirmer {
  public:
    // A new connection: nothing was received on it yet, and what is held has to be said again.
    void on_connect();
    // walStart of an XLogData, or walEnd of a keepalive.
    void on_received(Lsn position);
    // A position that is held. Lower ones are ignored.
    void on_confirm(Lsn position);

    [[nodiscard]] Feedback feedback() const;

  private:
    void settle();

    Lsn received_;
    Lsn confirmed_;
    Lsn reported_;  // flush
};

}  // namespace tributary::postgresql
