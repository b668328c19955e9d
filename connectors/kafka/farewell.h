// Farewell: brings a producer to where librdkafka 2.0.2 can be trusted to destroy it.
//
// To register a partition, its main thread hands AddPartitionsToTxn to a broker's thread and only
// then counts it (rdkafka_txnmgr.c, txn_req_cnt). A broker's thread that sees the client ending
// fails what it holds at once, and if it is the quicker of the two for the first partition of a
// transaction, an assertion on that count ends the process. Partitions are registered in an open
// transaction and in a commit that still sends records, in no other state. The transaction calls
// lead out of both, and each begins with a round trip through the main thread, after which no
// registration is half done.
// Threads: one at a time.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>

namespace tributary::kafka {

class Farewell {
  public:
    explicit Farewell(rd_kafka_t* producer) : producer_(producer) {}

    // Aborts what may be aborted, waiting about `slice`; true once the producer registers nothing
    // any more and may be destroyed. Call it again until then. A commit that is under way goes on
    // and may succeed: its outcome was unknown, and the next recover() reads it.
    [[nodiscard]] bool step(std::chrono::milliseconds slice);

  private:
    rd_kafka_t* producer_;
    int answers_ = 0;  // to an abort; the first may have been waiting since before
    int commits_ = 0;  // taken up with nothing left to send
};

}  // namespace tributary::kafka
