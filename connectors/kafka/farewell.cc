#include "connectors/kafka/farewell.h"

#include "connectors/kafka/handles.h"

namespace tributary::kafka {

namespace {

// The outcome will be known to a further call.
bool pending(const ErrorHandle& error) {
    return error && rd_kafka_error_is_retriable(error.get()) != 0;
}

// Another call of the transaction is under way: it passed its round trip, and did not end.
bool another_goes_on(const ErrorHandle& error) {
    return error && rd_kafka_error_code(error.get()) == RD_KAFKA_RESP_ERR__CONFLICT;
}

}  // namespace

bool Farewell::step(std::chrono::milliseconds slice) {
    const int slice_ms = static_cast<int>(slice.count());
    const ErrorHandle aborted(rd_kafka_abort_transaction(producer_, slice_ms));
    if (!pending(aborted)) {
        return ++answers_ == 2;
    }
    const bool all_sent = rd_kafka_outq_len(producer_) == 0;
    const ErrorHandle committed(rd_kafka_commit_transaction(producer_, slice_ms));
    if (another_goes_on(committed)) {
        return true;  // the abort, or the producer's own beginning
    }
    // The third commit that goes on proves the second's round trip, and that the first's last
    // step, queued before it, is done: that commit only waits for its end.
    return all_sent && another_goes_on(aborted) && ++commits_ == 3;
}

}  // namespace tributary::kafka
