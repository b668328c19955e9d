// Interceptors over librdkafka's requests (rdkafka.h, "on_request_sent", "on_response_received").
// Request numbers: Kafka protocol guide, "Api Keys".
#include "connectors/kafka/wire_watch.h"

#include <cstddef>

namespace tributary::kafka {

namespace {

constexpr std::int16_t kProduce = 0;
constexpr std::int16_t kInitProducerId = 22;
constexpr std::int16_t kAddPartitionsToTxn = 24;
constexpr std::int16_t kAddOffsetsToTxn = 25;
constexpr std::int16_t kEndTxn = 26;
constexpr std::int16_t kTxnOffsetCommit = 28;
constexpr const char* kName = "tributary";

bool of_the_transaction(std::int16_t api_key) {
    return api_key == kProduce || api_key == kInitProducerId || api_key == kAddPartitionsToTxn ||
           api_key == kAddOffsetsToTxn || api_key == kEndTxn || api_key == kTxnOffsetCommit;
}

}  // namespace

struct WireWatchHooks {
    static rd_kafka_resp_err_t on_sent(rd_kafka_t* /*client*/,
                                       int /*socket*/,
                                       const char* /*broker*/,
                                       std::int32_t /*broker_id*/,
                                       std::int16_t api_key,
                                       std::int16_t /*version*/,
                                       std::int32_t /*correlation*/,
                                       std::size_t /*size*/,
                                       void* opaque) {
        auto& watch = *static_cast<WireWatch*>(opaque);
        if (api_key == kEndTxn) {
            watch.end_txn_sent_.fetch_add(1);
        } else if (api_key == kProduce) {
            watch.produces_under_way_.fetch_add(1);
        }
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }

    // `error` is about the exchange (timed out, cut), not what the broker answered: an answered
    // request is no longer under way, whatever the answer.
    static rd_kafka_resp_err_t on_response(rd_kafka_t* /*client*/,
                                           int /*socket*/,
                                           const char* /*broker*/,
                                           std::int32_t /*broker_id*/,
                                           std::int16_t api_key,
                                           std::int16_t /*version*/,
                                           std::int32_t /*correlation*/,
                                           std::size_t /*size*/,
                                           std::int64_t /*round_trip_us*/,
                                           rd_kafka_resp_err_t error,
                                           void* opaque) {
        auto& watch = *static_cast<WireWatch*>(opaque);
        if (api_key == kProduce) {
            watch.produces_under_way_.fetch_sub(1);
        }
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            watch.answers_.fetch_add(1);
            return RD_KAFKA_RESP_ERR_NO_ERROR;
        }
        watch.trouble_.store(true);
        if (of_the_transaction(api_key)) {
            watch.errors_.fetch_add(1);
        }
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }

    static rd_kafka_resp_err_t on_new(rd_kafka_t* client,
                                      const rd_kafka_conf_t* /*conf*/,
                                      void* opaque,
                                      char* /*error*/,
                                      std::size_t /*error_size*/) {
        rd_kafka_interceptor_add_on_request_sent(client, kName, &on_sent, opaque);
        rd_kafka_interceptor_add_on_response_received(client, kName, &on_response, opaque);
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
};

void WireWatch::attach(rd_kafka_conf_t* conf) {
    rd_kafka_conf_interceptor_add_on_new(conf, kName, &WireWatchHooks::on_new, this);
}

void WireWatch::mark() noexcept {
    end_txn_mark_ = end_txn_sent_.load();
    error_mark_ = errors_.load();
}

WireCount WireWatch::since_mark() const noexcept {
    return {.end_txn_sent = end_txn_sent_.load() - end_txn_mark_,
            .errors = errors_.load() - error_mark_};
}

}  // namespace tributary::kafka
